"""Digests of inputs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.digests import digest_rows


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text(max_size=8), max_size=12))
def test_texts_have_one_digest_each(texts):
    digests = digest_rows(texts)
    assert len(set(digests)) == len(set(texts))
    assert [digests[texts.index(t)] for t in texts] == digests


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.text(max_size=4), st.text(max_size=4), st.integers(-9, 9), st.one_of(st.none(), st.text(max_size=3))
        ),
        min_size=1,
        max_size=8,
    )
)
def test_rows_of_a_table_have_one_digest_each(rows):
    frame = pd.DataFrame(rows, columns=list("abcd")).astype({"a": object, "b": object, "d": object})
    assert len(set(digest_rows(frame))) == len(set(rows))


def test_nothing_has_no_digests():
    empty = (pd.DataFrame({"a": np.empty(0), "b": np.empty(0)}), pd.DataFrame(), np.empty((0, 2)), [])
    assert [digest_rows(inputs) for inputs in empty] == [[]] * 4


def test_digests_tell_types_columns_and_kinds_apart():
    variants = [
        digest_rows(pd.DataFrame({"a": [1]})),
        digest_rows(pd.DataFrame({"a": [1.0]})),
        digest_rows(pd.DataFrame({"b": [1]})),
        digest_rows(pd.DataFrame({"a": ["1"]})),
        digest_rows(pd.DataFrame({"a": pd.array([1], dtype="Int64")})),
        digest_rows(pd.DataFrame({"a": pd.Series([None], dtype=object)})),
        digest_rows(pd.DataFrame({"a": ["None"]})),
        digest_rows(np.array([[1.0]])),
        digest_rows(np.array([[1]])),
        digest_rows(["1"]),
        digest_rows(['["1"]']),
        digest_rows([["1"]]),
        digest_rows([[("user", "1")]]),
        digest_rows([[("system", "1")]]),
    ]
    assert len({digests[0] for digests in variants}) == len(variants)


def test_digests_of_long_objects_are_complete():
    long, other = list(range(5000)), [*range(2500), -1, *range(2501, 5000)]
    frame = pd.DataFrame({"a": pd.Series([np.array(long), np.array(other)], dtype=object)})
    assert len(set(digest_rows(frame))) == 2


def test_arrays_in_a_list_have_the_digests_that_they_have_as_one_array():
    batch = np.random.default_rng(0).standard_normal((3, 2, 5))
    assert digest_rows(list(batch)) == digest_rows(batch)


def test_series_and_frames_are_told_apart_by_values_types_and_labels():
    days = pd.date_range("2024-03-01", periods=4)
    one = pd.Series([1.0, 2.0, 3.0, 4.0], days, name="load")
    others = [one * 2, one.astype("float32"), one.rename("wind"), one.shift(freq="1D"), one.reset_index(drop=True)]
    assert len(set(digest_rows([one, *others, one.to_frame(), one.to_frame("wind")]))) == 8
    assert digest_rows([one, one.copy()])[0] == digest_rows([one.copy()])[0]


@pytest.mark.xdist_group("torch")
@pytest.mark.parametrize("held", ["cells of a frame", "dicts", "lists"])
def test_large_tensors_that_differ_in_one_number_have_different_digests(held):
    torch = pytest.importorskip("torch")
    first = torch.zeros(3, 60, 60)
    second = first.clone()
    second[1, 30, 30] = 1
    batch = {
        "cells of a frame": lambda: pd.DataFrame({"image": pd.Series([first, second], dtype=object)}),
        "dicts": lambda: [{"image": first}, {"image": second}],
        "lists": lambda: [[first, "x"], [second, "x"]],
    }[held]()
    a, b = digest_rows(batch)
    assert a != b
