"""LIME and SHAP on a text as they come: their own questions, their own budget, and what their results predict.

Either is turned into a game on rows of 0 and 1, asked in its own way of taking words away, so that others can be asked
the same questions and all be judged on the same fresh ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["LIME_CALLS", "SHAP_CALLS", "TextGame", "lime_text", "shap_text"]

#: what each asks if nothing is said
LIME_CALLS, SHAP_CALLS = 5000, 500

Ask = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class TextGame:
    """A text with n parts that may be absent.

    Attributes
    ----------
    n : int
    texts : callable
        From rows ``(m, n)`` of 0 and 1 to m texts.
    explained : callable
        From a seed to a function that predicts the answers ``(m,)`` to rows.
    """

    n: int
    texts: Callable[[np.ndarray], list[str]]
    explained: Callable[[int], Callable[[np.ndarray], np.ndarray]]


def lime_text(text: str, ask: Ask) -> TextGame:
    """LimeTextExplainer with all words as features, one a word however often it occurs."""
    from lime.lime_text import IndexedString, LimeTextExplainer

    indexed = IndexedString(text, bow=True)
    n = indexed.num_words()

    def texts(Z: np.ndarray) -> list[str]:
        return [indexed.inverse_removing(np.flatnonzero(row < 0.5)) for row in Z]

    def explained(seed: int) -> Callable[[np.ndarray], np.ndarray]:
        explainer = LimeTextExplainer(random_state=seed)

        def both(several: Sequence[str]) -> np.ndarray:
            y = ask(several)
            return np.column_stack([1 - y, y])

        made = explainer.explain_instance(text, both, num_features=n, num_samples=LIME_CALLS)
        weights = np.zeros(n)
        for i, weight in made.local_exp[1]:
            weights[i] = weight
        return lambda Z: made.intercept[1] + Z @ weights

    return TextGame(n, texts, explained)


def shap_text(text: str, ask: Ask) -> TextGame:
    """shap.Explainer with its Text masker on words: the partition explainer."""
    import shap

    masker = shap.maskers.Text(r"\W+")
    n = int(np.ravel(masker.shape(text))[-1])

    def texts(Z: np.ndarray) -> list[str]:
        return [str(np.ravel(masker(row > 0.5, text))[0]) for row in Z]

    def explained(seed: int) -> Callable[[np.ndarray], np.ndarray]:
        explainer = shap.Explainer(lambda several: ask([str(one) for one in several]), masker, seed=seed)
        found = explainer([text], max_evals=SHAP_CALLS, silent=True)
        values, base = np.asarray(found.values[0], dtype=float), float(np.ravel(found.base_values)[0])
        return lambda Z: base + Z @ values

    return TextGame(n, texts, explained)
