"""The benchmark of components: areas by hand from a network asked for every mask, and rivals that are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality import components
from benchmarks.rivals.component_rivals import Linear, alone, attribution_patching, coar_masks, least_squares
from benchmarks.run.circuit_areas import PROPORTIONS, areas, circuits, faithfulness, order
from benchmarks.tasks.component_cases import Parts
from probes import Case, ComponentProbe, ablate, cube
from probes.interventions.ablation import components_of, place_of
from probes.interventions.network_modules import module_named
from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")
from tests.helpers.tiny_causal_lm import lm_of  # noqa: E402

CASES = [
    Case("the museum opened in", " 1969", (" paris", " entry is free")),
    Case("capital of france is", " paris", (" 1969",)),
    Case("it rained when the museum opened it", " rained", (" is free",)),
    Case("when did it", " rained", (" paris",)),
]


def parts_of_all() -> Parts:
    lm = lm_of()
    reference = [case.prompt for case in CASES]
    probe, judge = (ComponentProbe(part, components_of(lm), reference=reference) for part in (CASES[:2], CASES[2:]))
    return Parts(lm, probe, judge, kept=False)


def test_areas_are_those_worked_out_by_hand_from_every_mask_of_a_network() -> None:
    parts = parts_of_all()
    assert parts.d == 10
    y = {tuple(z): v for z, v in zip(cube(10).astype(int).tolist(), parts.judged(cube(10)), strict=True)}
    scores = np.array([3.0, -9.0, 0.5, 8.0, -0.1, 2.0, 0.2, -4.0, 1.0, -6.0])
    signed, strong = [3, 0, 5, 8, 2, 6, 4, 7, 9, 1], [1, 3, 9, 7, 0, 5, 8, 2, 6, 4]
    nothing, whole = y[(0,) * 10], y[(1,) * 10]

    def f(ranked: list[int], kept: int) -> float:
        return (y[tuple(int(j in ranked[:kept]) for j in range(10))] - nothing) / (whole - nothing)

    kept = [0, 0, 0, 0, 0, 0, 1, 2, 5, 10]
    high, near = [f(signed, k) for k in kept], [abs(1 - f(strong, k)) for k in kept]
    shares = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    by_hand = [
        sum((shares[i + 1] - shares[i]) * (values[i] + values[i + 1]) / 2 for i in range(9)) for values in (high, near)
    ]
    assert np.ptp(high) > 0.5
    assert areas(parts.judged, scores) == pytest.approx(by_hand)
    assert areas(parts.judged, np.abs(scores), np.abs(scores))[1] == pytest.approx(by_hand[1])
    # the unit and the zero of a metric do not matter
    assert areas(lambda Z: 5 - 3 * parts.judged(Z), scores) == pytest.approx(by_hand)
    np.testing.assert_allclose(faithfulness(parts.judged, scores), high, rtol=1e-9, atol=1e-9)


def test_a_perfect_circuit_has_no_distance_and_the_ratio_of_the_network() -> None:
    scores = np.linspace(1, 0, 2000)
    perfect = areas(lambda Z: 2 + 7 * Z[:, 0], scores)  # one component does it all, and every circuit has it
    assert perfect == pytest.approx((1 - PROPORTIONS[0], 0.0))
    reversed_ = areas(lambda Z: 2 + 7 * Z[:, -1], scores)
    assert reversed_ == pytest.approx((0.25, 0.999 - 0.25))  # only the network as it is has it


def test_circuits_are_nested_and_have_the_published_sizes() -> None:
    rows = circuits(np.random.default_rng(0).normal(size=20))
    # exact: counts of ones
    assert rows.sum(axis=1).tolist() == [0, 0, 0, 0, 0, 1, 2, 4, 10, 20]
    assert (np.diff(rows, axis=0) >= 0).all()
    assert len(PROPORTIONS) == 10


def test_leaving_out_one_after_another_orders_a_sum_by_its_weights_and_sees_what_stands_in() -> None:
    weights = np.array([0.5, -2.0, 3.0, 1.0])
    # exact: places
    assert np.argsort(-order(lambda Z: -Z @ weights, 4)).tolist() == [2, 3, 0, 1]
    # the first two stand in for each other: one of them is kept before the third
    kept = np.argsort(-order(lambda Z: -(2 * np.maximum(Z[:, 0], Z[:, 1]) + Z[:, 2]), 3))
    assert kept[0] in (0, 1) and kept[1] == 2


def test_coar_ablates_its_share_and_least_squares_finds_a_sum() -> None:
    Z = coar_masks(30, 4000, 0.1, 3)
    assert 1 - Z.mean() == pytest.approx(0.1, abs=0.005)
    np.testing.assert_array_equal(coar_masks(30, 50, 0.1, 3), Z[:50])  # exact: one seed, one design
    truth = Linear(2.0, np.arange(30.0))
    fitted = least_squares(Z[:200], truth.predict(Z[:200]))
    np.testing.assert_allclose(fitted.weights, truth.weights, atol=1e-8)
    assert fitted.base == pytest.approx(2.0)
    np.testing.assert_allclose(alone(truth.predict, 30).weights, truth.weights, atol=1e-9)


def test_attribution_patching_is_the_slope_of_every_ablation_at_the_network_as_it_is() -> None:
    lm, names = lm_of(), ["0.1", "1.2", "mlp.0", "mlp.1"]
    probe = ComponentProbe(CASES, names)
    found = attribution_patching(lm, probe)
    assert found.predict(np.ones((1, 4)))[0] == pytest.approx(probe.asked_of(lm)(np.ones((1, 4)))[0, 0], abs=1e-4)
    values = ablate(lm, names, "mean", reference=[case.prompt for case in CASES]).intervention.values  # type: ignore
    step = 0.02
    for j, name in enumerate(names):
        place = place_of(lm.module, name)

        def metric(share: float, place=place, j=j) -> float:
            def moved(tensor):
                part, changed = slice(place.start, place.stop), tensor.clone()
                changed[..., part] += share * (torch.tensor(values[j], dtype=tensor.dtype) - tensor[..., part])
                return changed

            part = module_named(lm.module, place.module)
            handle = (
                part.register_forward_pre_hook(lambda _, given: (moved(given[0]), *given[1:]))
                if place.before
                else part.register_forward_hook(lambda _, __, out: moved(out))
            )
            try:
                told = []
                for case in CASES:
                    scores = [lm.log_probs(lm.encode(case.prompt), lm.answer_ids(case.prompt, o)) for o in case.options]
                    total = [each.sum() for each in scores]
                    told.append(total[0] - max(total[1:]))
                return float(np.mean(told))
            finally:
                handle.remove()

        slope = (metric(step) - metric(-step)) / (2 * step)
        assert found.weights[j] == pytest.approx(-slope, abs=2e-3)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in lm.module.modules())


def test_everyone_is_judged_on_masks_that_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = parts_of_all()
    monkeypatch.setitem(components.TASKS, "tiny", lambda seed: parts)
    rows = components.trial("tiny", 0, (64,))
    judged = [row for row in rows if "law" in row]
    assert [row["law"] for row in judged] == list(components.LAWS)
    assert all(row[name] <= 1 for row in judged for name in (*components.OURS, *components.RIVALS))
    assert [row["by"] for row in rows if "by" in row] == list(components.NAMES)
    masks = components.held_out(parts, 0.5, 0)
    asked = {row.tobytes() for row in cube(10)[:-1] > 0.5}
    with np.errstate(invalid="ignore", divide="ignore"):  # one mask is left: there is no spread
        assert not np.isfinite(components.r2(lambda Z: Z[:, 0], parts, masks, asked))
    known = dict(zip((row.tobytes() for row in cube(10)[::2] > 0.5), parts.answer(cube(10)[::2]), strict=True))

    def cheat(Z: np.ndarray) -> np.ndarray:
        return np.array([known.get(row.tobytes(), 99.0) for row in Z > 0.5])

    assert components.r2(cheat, parts, masks, set(known)) < 0
    assert components.r2(parts.answer, parts, masks, set(known)) == pytest.approx(1.0)
