"""The splits of a tree are read back from its leaves."""

from __future__ import annotations

import numpy as np
import pytest

from surrogates import Box, Product, TreeSurrogate
from surrogates.families.branches import Leaf, branches, leaves_below

INF = np.inf


def ended(tree, row):
    """The leaf that a row comes to by the splits."""
    while not isinstance(tree, Leaf):
        tree = tree.below if row[tree.feature] <= tree.threshold else tree.above
    return tree.term


@pytest.mark.parametrize("binary", [True, False])
def test_every_row_comes_to_the_leaf_that_holds_for_it(binary):
    rng = np.random.default_rng(0)
    Z = rng.integers(0, 2, (400, 9)).astype(float) if binary else rng.normal(size=(400, 9))
    y = Z @ np.arange(1, 10) + 4 * Z[:, 0] * Z[:, 1]
    terms = TreeSurrogate(max_leaves=16).fit(Z, y).terms_
    tree = branches(terms)
    assert len(terms) > 8 and sorted(leaves_below(tree)) == list(range(len(terms)))
    assert all(terms[ended(tree, row)](row[None])[0] == 1 for row in Z)


def test_leaves_that_no_splits_lead_to_are_no_tree():
    spiral = [
        Box(((0, -INF, 1.0), (1, -INF, 2.0))),
        Box(((0, 1.0, INF), (1, -INF, 1.0))),
        Box(((0, 2.0, INF), (1, 1.0, INF))),
        Box(((0, -INF, 2.0), (1, 2.0, INF))),
        Box(((0, 1.0, 2.0), (1, 1.0, 2.0))),
    ]
    assert branches(spiral) is None
    assert branches([Product((0,))]) is None and branches([]) is None
