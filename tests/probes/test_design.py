"""Designs: which rows are asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from probes import Design, Feature, InputError, MaskProbe, Store, as_model, ask, cube, sample
from probes.design import by_size, factorial, fold_over, paired, uniform

# exact: a design holds the features' levels as they are


def binary(d):
    return MaskProbe(d).features


def rng(seed=0):
    return np.random.default_rng(seed)


def distinct(rows):
    return len({row.tobytes() for row in rows})


def test_cube():
    table = cube(4)
    assert table.shape == (16, 4)
    assert distinct(table) == 16
    np.testing.assert_array_equal(table @ [1, 2, 4, 8], np.arange(16))


@pytest.mark.parametrize(("d", "rows"), [(2, 4), (3, 8), (3, 500), (8, 256), (8, 300)])
def test_exact_when_the_budget_covers_the_cube(d, rows):
    design = sample(binary(d), rows, rng())
    assert design.exact
    assert distinct(design.sampled) == 2**d == len(design.sampled)
    assert distinct(design.Z) <= rows
    np.testing.assert_array_equal(design.Z[0], np.ones(d))
    np.testing.assert_array_equal(design.Z[1], np.zeros(d))


def test_exact_design_costs_no_more_than_the_cube():
    design = sample(binary(5), 32, rng())
    answers = ask(as_model(lambda Z: Z.sum(axis=1)), MaskProbe(5), design, Store())
    assert answers.cost.rows == 32


def test_not_exact_below_the_cube():
    assert not sample(binary(5), 31, rng()).exact
    assert not sample([Feature("a", "real"), Feature("b")], 10_000, rng()).exact


def test_the_order_of_an_exact_design_depends_on_the_seed():
    first, second = (sample(binary(5), 32, rng(seed)).sampled for seed in (0, 1))
    assert not np.array_equal(first, second)


@settings(max_examples=60, deadline=None)
@given(d=st.integers(4, 40), rows=st.integers(12, 300), seed=st.integers(0, 2**32 - 1))
def test_promises_of_a_sample(d, rows, seed):
    if d <= 20 and 2**d <= rows:
        return
    design = sample(binary(d), rows, rng(seed))
    assert len(design) == rows
    assert distinct(design.sampled) == len(design.sampled) == rows - design.fixed
    assert len(design.sampled) >= 10
    assert set(np.unique(design.Z)) <= {0.0, 1.0}
    np.testing.assert_array_equal(design.Z[0], np.ones(d))
    np.testing.assert_array_equal(design.Z[1], np.zeros(d))
    assert design.population == 2.0**d
    if design.leave_one_out:
        assert design.fixed == 2 + d
        np.testing.assert_array_equal(design.Z[2 : 2 + d], 1 - np.eye(d))
    elif d >= 32 and rows >= 150:
        end = np.arange(d) >= d - 2
        assert design.fixed == 4 and design.end == 2
        np.testing.assert_array_equal(design.Z[2:4], [~end, end])
    else:
        assert design.fixed == 2 and design.end == 0
    assert design.leave_one_out == (10 * d <= rows and rows - 2 - d >= 10)
    np.testing.assert_array_equal(design.Z, sample(binary(d), rows, rng(seed)).Z)


def test_leave_one_out_rows_only_where_affordable():
    assert sample(binary(16), 160, rng()).leave_one_out
    assert not sample(binary(17), 160, rng()).leave_one_out


def test_leave_one_out_of_real_features_uses_the_reference():
    features = [Feature("a", "real", loc=5.0, scale=2.0), Feature("b"), Feature("c", "real", loc=-1.0, scale=0.5)]
    design = sample(features, 100, rng())
    assert design.leave_one_out
    np.testing.assert_array_equal(design.Z[:5], [[5, 1, -1], [3, 0, -1.5], [3, 1, -1], [5, 0, -1], [5, 1, -1.5]])


def test_same_seed_same_design_other_seed_other_design():
    one, same, other = (sample(binary(12), 100, rng(seed)) for seed in (7, 7, 8))
    assert one.digest == same.digest != other.digest


def test_sampling_leaves_the_global_state_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    sample(binary(12), 100, rng())
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("d", [9, 14, 30])
def test_marginals_are_balanced(d):
    sampled = sample(binary(d), 420, rng(3)).sampled
    bound = 4.5 * 0.5 / np.sqrt(len(sampled))
    assert np.abs(sampled.mean(axis=0) - 0.5).max() < bound
    centred = 2 * sampled - 1
    correlations = centred.T @ centred / len(sampled) - np.eye(d)
    assert np.abs(correlations).max() < 2 * bound


def test_every_row_of_the_cube_is_equally_likely():
    features = binary(4)
    counts = np.zeros(16)
    for seed in range(600):
        rows = sample(features, 12, rng(seed)).sampled
        counts[(rows @ [1, 2, 4, 8]).astype(int)] += 1
    expected = counts.sum() / 16
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_many_rows_of_a_cube_too_large_to_list():
    design = sample(binary(18), 5000, rng())
    assert distinct(design.sampled) == 5000 - design.fixed


def test_real_features_follow_their_law():
    features = [Feature("a", "real", loc=3.0, scale=0.5), Feature("b"), Feature("c", "real", loc=-2.0, scale=4.0)]
    sampled = sample(features, 4000, rng()).sampled
    np.testing.assert_allclose(sampled.mean(axis=0), [3, 0.5, -2], atol=0.3)
    np.testing.assert_allclose(sampled.std(axis=0), [0.5, 0.5, 4], rtol=0.05)
    assert set(np.unique(sampled[:, 1])) == {0.0, 1.0}


def test_fold_over_block_separates_main_effects_from_each_other_and_from_pairs():
    for n in (2, 5, 8, 14, 33):
        block = 2 * fold_over(n, rng(n)) - 1
        assert distinct(block) == len(block) and n <= len(block) // 2 < 2 * n
        np.testing.assert_array_equal(block.T @ block, len(block) * np.eye(n))
        pairs = np.stack([block[:, i] * block[:, j] for i in range(n) for j in range(i)], axis=1)
        assert not (block.T @ pairs).any()
        assert {row.tobytes() for row in block} == {row.tobytes() for row in -block}


def test_every_row_of_a_fold_over_block_is_uniform():
    first = np.array([fold_over(3, rng(seed))[0] for seed in range(800)]) @ [1, 2, 4]
    counts = np.bincount(first.astype(int), minlength=8)
    assert np.abs(counts - 100).max() < 45


def test_a_sample_that_begins_with_a_block():
    design = sample(binary(14), 64, rng(), "fold-over")
    assert (design.block, design.fixed, len(design)) == (32, 2, 64)
    assert distinct(design.sampled) == 62
    assert not (2 * design.sampled[:32] - 1).sum(axis=0).any()
    assert design.head(40).block == 32 and len(design.head(1)) == 34
    with pytest.raises(InputError, match="a block of 32 questions and 10 more"):
        sample(binary(14), 43, rng(), "fold-over")


def test_sobol_rows_follow_the_law_evenly():
    features = [Feature("a", "real", loc=3.0, scale=0.5), Feature("b", "real", loc=-2.0, scale=4.0)]
    sampled = sample(features, 260, rng(), "sobol").sampled
    np.testing.assert_allclose(sampled.mean(axis=0), [3, -2], atol=0.1)
    np.testing.assert_allclose(sampled.std(axis=0), [0.5, 4], rtol=0.03)
    # each of sixteen equally likely intervals holds its share
    bins = np.floor(16 * stats.norm.cdf(sampled, [3, -2], [0.5, 4])).astype(int)
    assert (np.bincount(bins[:, 0]) == 16).all() and (np.bincount(bins[:, 1]) == 16).all()


@pytest.mark.parametrize(
    ("features", "method", "rule"),
    [
        (binary(5), "sobol", "for real features"),
        ([Feature("a", "real"), Feature("b")], "fold-over", "for 0/1 features"),
        (binary(5), "latin", "one of uniform, fold-over, sobol"),
    ],
)
def test_a_way_to_draw_that_does_not_suit_is_refused(features, method, rule):
    with pytest.raises(InputError, match=rule) as caught:
        sample(features, 30, rng(), method)
    assert caught.value.parameter == "design"


def test_uniform_rows_but_some():
    known = cube(5)[:20]
    rest = uniform(5, 12, rng(), but=known)
    assert distinct(np.vstack([known, rest])) == 32
    with pytest.raises(InputError, match="at most the 12 rows"):
        uniform(5, 13, rng(), but=known)


def test_factorial_designs():
    full = factorial([2, 3, 2], None, rng())
    assert len({tuple(row) for row in full}) == len(full) == 12
    part = factorial([2, 3, 4], 17, rng())
    for column, count in zip(part.T, [2, 3, 4], strict=True):
        sizes = np.bincount(column, minlength=count)
        assert sizes.max() - sizes.min() <= 1


def test_the_head_of_a_design_is_a_design():
    design = sample(binary(5), 32, rng())
    assert design.exact and not design.head(20).exact
    np.testing.assert_array_equal(design.head(20).Z, design.Z[:20])
    assert design.head(99) is design


@pytest.mark.parametrize("rows", [1, 4, 11])
@pytest.mark.parametrize("features", [binary(5), [Feature("a", "real"), Feature("b", "real")]])
def test_too_small_a_budget_is_refused(features, rows):
    with pytest.raises(InputError) as caught:
        sample(features, rows, rng())
    assert caught.value.parameter == "budget"
    assert "at least 12 questions" in str(caught.value)
    assert f"{rows} questions" in str(caught.value)


@pytest.mark.parametrize("rows", range(12, 24))
@pytest.mark.parametrize("d", [2, 3, 4, 5])
def test_an_accepted_budget_leaves_ten_sampled_rows(d, rows):
    design = sample([Feature(f"r{j}", "real") for j in range(d)], rows, rng())
    assert len(design) == rows
    assert len(design.sampled) >= 10


def test_a_design_cannot_be_changed_by_accident():
    design = sample(binary(4), 12, rng())
    with pytest.raises(ValueError, match="read-only"):
        design.Z[0, 0] = 5
    with pytest.raises(AttributeError):
        design.fixed = 3


def test_a_design_does_not_take_hold_of_the_callers_array():
    Z = np.ones((4, 2))
    design = Design(Z, fixed=2)
    Z[0, 0] = 0.0
    assert design.Z[0, 0] == 1.0


def test_design_digest():
    Z = np.ones((4, 2))
    digests = {
        Design(Z, 2).digest,
        Design(Z, 1).digest,
        Design(Z.reshape(2, 4), 2).digest,
        Design(Z * 0, 2).digest,
        Design(Z, 2, leave_one_out=True).digest,
        Design(Z, 2, population=4.0).digest,
    }
    assert len(digests) == 6
    assert Design(Z.astype(int), 2).digest == Design(np.asfortranarray(Z), 2).digest == Design(Z, 2).digest


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: uniform(5, -1, rng),
        lambda rng: uniform(5, "3", rng),
        lambda rng: cube(30),
        lambda rng: cube("3"),
        lambda rng: by_size(1, 40, rng),
        lambda rng: by_size(5, 1, rng),
        lambda rng: paired("5", 40, rng),
        lambda rng: paired(5, 4.5, rng),
    ],
)
def test_sizes_that_are_none_are_refused(make):
    with pytest.raises(InputError, match=" must be "):
        make(np.random.default_rng(0))


@pytest.mark.parametrize("n", [14, 40, 200])
def test_rows_by_size_are_distinct_and_of_all_sizes_alike(n):
    Z = by_size(n, 2 + 3 * (n - 1), rng())
    assert distinct(Z) == len(Z) == 2 + 3 * (n - 1)
    assert (np.bincount(Z.sum(axis=1).astype(int))[1:-1] == 3).sum() >= n - 4


def test_sizes_without_rows_left_leave_their_share_to_the_others():
    sizes = np.bincount(by_size(6, 50, rng()).sum(axis=1).astype(int))
    assert sizes[0] == sizes[-1] == 1 and sizes[1] == sizes[-2] == 6 and sizes.sum() == 50


def test_rows_by_size_are_the_whole_cube_where_it_is_small():
    assert distinct(by_size(5, 1000, rng())) == 32
