"""Deferred: inputs are rendered when they are needed, a few at a time, and are the same as at once."""

from __future__ import annotations

import numpy as np
import pytest

from probes import CallableModel, ImageProbe, Store, ask, sample
from probes.deferred import Deferred, ready
from probes.digests import digest_rows

SQUARES = Deferred(lambda index: index**2, np.arange(7), at_once=3)


def test_a_part_of_it_is_deferred_and_one_of_it_is_there():
    part = SQUARES[np.array([6, 0])]
    assert isinstance(part, Deferred)
    assert (ready(part) == [36, 0]).all() and len(SQUARES[1:3]) == 2 and SQUARES[2] == 4  # exact: integers


def test_batches_are_no_larger_than_it_says():
    assert [batch.tolist() for batch in SQUARES.batches()] == [[0, 1, 4], [9, 16, 25], [36]]


@pytest.mark.parametrize("kind", ["array", pytest.param("tensor", marks=pytest.mark.xdist_group("torch")), "list"])
def test_joined_batches_keep_their_order(kind):
    def make(index):
        if kind == "tensor":
            return pytest.importorskip("torch").as_tensor(index * 10)
        return index * 10 if kind == "array" else (index * 10).tolist()

    joined = Deferred.joined([Deferred(make, np.array([1, 2]), 4), Deferred(make, np.array([5]), 2)])
    assert joined.at_once == 2
    assert [int(x) for x in joined[np.array([2, 0, 2, 1])].now()] == [50, 10, 50, 20]


def test_a_model_is_never_given_more_than_fits():
    image = np.zeros((200, 200), np.uint8)
    image[:, 100:] = 9
    probe, seen = ImageProbe(image, "grid", n_segments=8, fill=3), []

    def model(images):
        seen.append(len(images))
        return images[:, ::100, ::25].mean(axis=(1, 2))

    ask(CallableModel(model), probe, sample(probe.features, 40, np.random.default_rng(0)), Store())
    assert max(seen) == 3  # of 40,000 pixels each, of which 131,072 are rendered together


def test_digests_of_deferred_inputs_are_those_of_the_inputs():
    probe = ImageProbe(np.arange(48, dtype=np.uint8).reshape(6, 8), "grid", n_segments=4)
    images = probe.render(np.array([[1, 0, 1, 1], [0, 0, 1, 1], [1, 0, 1, 1]]))
    assert digest_rows(images) == digest_rows(images.now()) and len(set(digest_rows(images))) == 2
