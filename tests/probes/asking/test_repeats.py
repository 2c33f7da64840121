"""Questions asked twice: a name does not make a function repeat itself."""

import numpy as np

from probes import MaskProbe, Store, as_model
from surrogates import estimate, explain, explain_many


def scattered(seed, size):
    rng = np.random.default_rng(seed)
    return as_model(lambda Z: Z[:, 0] + size * rng.normal(size=len(Z)), name="scattered")


def test_a_named_function_that_is_noisy_is_not_called_exact():
    store = Store()
    ex = explain(scattered(0, 0.2), MaskProbe(5), store=store)
    assert ex.answers.noisy and not ex.fidelity.exact and ex.fidelity.r2_low[0] < ex.fidelity.r2_high[0]
    assert 0.5 < ex.fidelity.ceiling[0] < 1 and (ex.attributions["high"] > ex.attributions["low"]).all()
    known = explain(scattered(1, 0.2), MaskProbe(5), store=store)  # all answers from the store
    assert known.answers.noisy and known.answers.cost.reused == 32


def test_a_ceiling_below_zero_is_said_in_words():
    rng = np.random.default_rng(3)
    ex = explain(as_model(lambda Z: rng.normal(size=len(Z)), name="noise"), MaskProbe(5), store=None)
    words = str(ex.fidelity.__class__(**{**vars(ex.fidelity), "ceiling": (-0.84,)}))
    assert "no surrogate can predict them" in words and "0.84" not in words


def test_a_steady_one_pays_for_two_questions_once():
    store, probe = Store(), MaskProbe(5)
    model = as_model(lambda Z: Z[:, 0], name="steady")
    expected = estimate(model, probe, trial=0, store=store)
    ex = explain(model, probe, store=store)
    assert ex.answers.cost.rows == expected.questions == 32 and ex.fidelity.exact
    assert ex.answers.cost.checks == expected.checks >= 2
    again = explain(model, probe, store=store).answers.cost
    assert again.rows == again.checks == again.calls == 0


def test_one_of_many_is_enough():
    model = as_model(lambda Z: Z[:, 0], name="steady")
    result = explain_many(model, [MaskProbe(4), MaskProbe(5)], store=None, progress=False)
    alone = explain(as_model(lambda Z: Z[:, 0], name="steady"), MaskProbe(4), store=None)
    assert sum(ex.answers.cost.checks for ex in result) <= alone.answers.cost.checks + 2
