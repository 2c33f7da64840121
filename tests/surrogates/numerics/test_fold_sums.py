import numpy as np
import pytest

from surrogates.numerics.fold_sums import Sums, held_out

rng = np.random.default_rng(0)
n, p, k = 60, 4, 3
X, t, weight = rng.normal(2, 1, (2, n, p)), rng.normal(size=(2, k, n)), rng.integers(1, 4, (2, n)).astype(float)


def folds(count):
    return np.array_split(rng.permutation(n), count)


def both(tests):
    return [np.stack([test, test]) for test in tests]


def test_all_rows_less_those_of_a_fold_are_the_rows_that_it_knows():
    tests = folds(5)
    known = Sums.of_each(X, t, weight, both(tests)).known()
    gram, cross, square = known.around(*known.means)
    for f, test in enumerate([*tests, np.array([], dtype=int)]):
        train = np.setdiff1d(np.arange(n), test)
        for s in range(2):
            v = weight[s, train]
            E = X[s, train] - np.average(X[s, train], axis=0, weights=v)
            U = t[s][:, train] - np.average(t[s][:, train], axis=1, weights=v)[:, None]
            np.testing.assert_allclose(gram[f, s], E.T @ (v[:, None] * E), atol=1e-10)
            np.testing.assert_allclose(cross[f, s], U @ (v[:, None] * E), atol=1e-10)
            np.testing.assert_allclose(square[f, s], U**2 @ v, atol=1e-10)


@pytest.mark.parametrize("count", [2, 5, 12])
@pytest.mark.parametrize("dependent", [False, True])
def test_turned_rows_have_the_squared_errors_of_all_held_out_rows(count, dependent):
    columns = X.copy()
    if dependent:
        columns[..., 1] = columns[..., 0]
    tests, w = folds(count), rng.normal(size=p)
    held = Sums.of_each(columns, t, weight, both(tests))
    center, level = (means[:-1] for means in held.known().means)
    extra, wanted, apart = held_out(columns, t, weight, both(tests), held, center, level)
    turned = extra.reshape(count + 1, 2, p, -1)[:-1]
    errors = ((wanted - (w @ turned)[:, :, None]) ** 2).sum(axis=(0, 3)) + apart
    for s in range(2):
        missed = np.zeros(k)
        for f, test in enumerate(tests):
            left = t[s][:, test] - level[f, s][:, None] - (columns[s, test] - center[f, s]) @ w
            missed += left**2 @ weight[s, test]
        np.testing.assert_allclose(errors[s], missed)
