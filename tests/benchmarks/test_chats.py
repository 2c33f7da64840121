"""Conversations of the benchmarks: what decides is what they say decides."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.tasks.conversations import CAUSES, codes, planted


@pytest.mark.parametrize("seed", range(len(CAUSES)))
def test_the_planted_part_has_the_largest_effect(seed: int) -> None:
    probe, scorer, cause = planted(seed)
    d = len(probe.features)
    Z = np.random.default_rng(seed).integers(0, 2, (1500, d)).astype(float)
    effects = np.linalg.lstsq(np.column_stack([Z, np.ones(len(Z))]), scorer(probe.render(Z)), rcond=None)[0][:d]
    assert d == 18 and probe.features[int(np.abs(effects).argmax())].name == cause
    assert effects.max() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("seed", range(6))
def test_one_part_alone_says_the_code(seed: int) -> None:
    probe, cause = codes(seed)
    assert probe.answer is not None
    code = probe.answer.split()[-1].strip(".")
    assert [feature.name for feature in probe.features if code in feature.name] == [cause]
