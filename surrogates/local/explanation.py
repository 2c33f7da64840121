"""The Explanation: the result of a run, as data. Views (report, plots, CLI) draw it; it draws nothing itself."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from probes.asking.answers import Answers
from probes.errors import InputError
from probes.outputs.target import FUNCTION_UNIT, Target
from probes.probe import Feature
from probes.rounding import rounded
from probes.views import View
from surrogates.families import saved
from surrogates.judging.analysis import analyse
from surrogates.judging.background import BackgroundSpread
from surrogates.judging.fidelity import Fidelity
from surrogates.judging.fidelity_curve import fidelity_curve
from surrogates.judging.notes import cautions, inherited
from surrogates.judging.problem import Problem
from surrogates.local.finding import Finding
from surrogates.local.phrases import phrases
from surrogates.local.spans import Spans, target_of
from surrogates.local.stopping import Certificate
from surrogates.local.token_effects import TokenEffects, token_effects
from surrogates.local.zoom import Zoom
from surrogates.results import answers_data
from surrogates.results.plain import MAY_LACK, Columns, Damaged
from surrogates.results.provenance import Provenance, no_provenance
from surrogates.results.result import SavedResult
from surrogates.results.shap_values import shap_explanation
from surrogates.shapley.index_table import Estimated, for_these, index_table, model_values
from surrogates.shapley.indices import indices
from surrogates.surrogate import Surrogate
from surrogates.terms import describe

__all__ = ["NOT_RAW", "PER_OUTPUT", "Explanation"]

#: said of an explanation that was read without its raw answers
NOT_RAW = (
    "Raw answers not kept: this explanation was saved in format 1, with what the target function made of the model's "
    "outputs in their place."
)

#: share of the range of answers above which it is said that Shapley values leave something over
_SHARED = 0.05
#: phrases of an answer that are explained
_PHRASES = 12
#: modules that say how a surrogate and answers are saved
READ_BY = (saved, answers_data)
#: fields of a fidelity that hold a number for every output
PER_OUTPUT = (
    *("r2", "r2_low", "r2_high", "rank", "rank_low", "rank_high", "constant", "leave_one_out", "permuted"),
    *("clear", "ordered", "misses"),
)


@dataclass(frozen=True)
class Explanation(SavedResult):
    """A surrogate of a model around one instance, what it says, and how far it can be trusted.

    Attributes
    ----------
    surrogate : Surrogate
        The readable model, fitted.
    fidelity : Fidelity
        Held-out agreement with the model, baselines, verdict.
    attributions : DataFrame
        ``output, feature, value, attribution, low, high``: the average effect of each feature in the unit of the
        target, with 95% intervals; strongest first.
    features : tuple of Feature
    target : Target
        The number explained.
    answers : Answers
        Every answer it rests on, raw.
    y : ndarray ``(n, k)``
        The explained number for every question asked; row 0 is the instance, row 1 the reference.
    view : dict
        What the instance looks like.
    answer : str or None
        For language models: the continuation that is explained.
    comparison : DataFrame
        The families that were compared, best first: ``family, terms, r2, r2_low, r2_high, score``.
    certificate : Certificate or None
        Proof of its fidelity, with ``until=Certified(...)``.
    checks : tuple of Finding
        What :func:`~surrogates.local.checks.check` found.
    warnings : tuple of str
    provenance : dict
        Versions, seed, family and its settings, model identity, cost.
    background : BackgroundSpread or None
        For a table row: the covariance of effects due to the background rows used, which intervals cover; None where
        all rows were used, and for a file of format 1 or 2, whose intervals are for the rows used.
    zoom : Zoom or None
        How a document was taken apart, of :func:`~surrogates.explain_document`.
    """

    kind: ClassVar[str] = "explanation"
    named: ClassVar[str] = "an explanation"

    surrogate: Surrogate
    fidelity: Fidelity
    attributions: Annotated[pd.DataFrame, Columns("output feature value", "attribution low high")]
    features: tuple[Feature, ...]
    target: Target
    answers: Answers
    y: np.ndarray
    view: View
    answer: str | None = None
    comparison: Annotated[pd.DataFrame, Columns("family", "terms r2 r2_low r2_high score")] = field(
        default_factory=pd.DataFrame
    )
    certificate: Certificate | None = None
    checks: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=no_provenance)
    background: BackgroundSpread | None = None
    zoom: Zoom | None = field(default=None, metadata=MAY_LACK)

    @property
    def raw_answers_kept(self) -> bool:
        """Whether `answers` are the model's outputs.

        False for a target function in a file of format 1, which has what the function made of them in their place.
        """
        return self.target.function is not None or not self.answers.unit == self.target.unit == FUNCTION_UNIT

    @property
    def terms(self) -> pd.DataFrame:
        """The surrogate itself, one row a term: ``term`` in words and its weight for each output, heaviest first."""
        coef = np.atleast_2d(self.surrogate.coef_)
        frame = pd.DataFrame(dict(zip(self.target.outputs, coef, strict=True)))
        frame.insert(0, "term", [describe(term, self.features) for term in self.surrogate.terms_])
        return frame.iloc[np.argsort(-np.abs(coef).sum(axis=0), kind="stable")].reset_index(drop=True)

    def predict(self, Z: ArrayLike) -> np.ndarray:
        """Predict the surrogate's answer to rows ``(n, d)``: ``(n,)``, or ``(n, k)`` for k outputs.

        Raises
        ------
        InputError
            For what is no such rows.
        """
        try:
            return self.surrogate.predict(Z)
        except (TypeError, ValueError) as error:
            rule = f"be rows of {len(self.features)} finite numbers, one for each feature: an array (n, d)"
            raise InputError("Z", rule, Z) from error

    def attribute(self, span: Spans) -> Explanation:
        """Explain a part of a language model's answer. No new call: every token's log-probability is known already.

        Parameters
        ----------
        span : str or (int, int), or a list of these
            A piece of the answer's text (its first occurrence), or a character range of it; of several, each is an
            output.

        Returns
        -------
        Explanation
            Of the mean log-probability (nats) of the tokens that overlap the span, judged anew, with its own warnings.

        Raises
        ------
        InputError
            If there is no answer, or the span is not in it.
        """
        if self.answer is None:
            raise InputError(
                "attribute", "be used on explanations of a language model's answer", "another kind of model"
            )
        target = target_of(span, self.answers.outputs)
        y = target(self.answers.y)
        seed = self.provenance["random_state"]
        problem = Problem.of(self.answers, y, target.outputs, self.features, seed)
        analysis = analyse(self.surrogate, problem)
        return replace(
            self,
            surrogate=analysis.surrogate,
            fidelity=analysis.fidelity,
            attributions=analysis.attributions,
            background=analysis.background,
            comparison=self.comparison.iloc[:0],
            certificate=None,
            checks=(),
            warnings=(
                *inherited(self.warnings, self.y, self.fidelity, self.answers),
                *analysis.notes,
                *cautions(y, analysis.fidelity, replicates=self.answers.replicates),
            ),
            target=target,
            y=y,
        )

    @cached_property
    def by_phrase(self) -> Explanation | None:
        """The phrases of a language model's answer, each as an output; from the same answers, no new call.

        Of more than a dozen those whose likelihood moves most over the questions, in the order of the answer. None if
        this explains no entire answer, if only its total is known, or it is no more than one phrase.
        """
        tokens = self.answers.outputs
        every = set(self.target.columns) == set(range(len(tokens))) and not self.target.sizes
        if self.answer is None or not every or len(tokens) < 2 or not self.raw_answers_kept:
            return None
        found = phrases("".join(tokens))
        if len(found) > _PHRASES:
            moved = target_of(found, tokens)(self.answers.y).std(axis=0)
            found = [found[j] for j in sorted(np.argsort(-moved, kind="stable")[:_PHRASES])]
        return self.attribute(found) if len(found) > 1 else None

    def fidelity_curve(self, sizes: Sequence[int] | None = None) -> pd.DataFrame:
        """Compute how held-out R² grows with the number of answers, for ``plot("fidelity", curve=...)``. No new call.

        Fits the family to growing numbers of the answers, five times each; takes as long as that does.

        Parameters
        ----------
        sizes : sequence of int, optional
            Numbers of answers to fit to, at most four fifths of those that judge; by default five.

        Returns
        -------
        DataFrame
            ``output, answers, terms, r2, r2_low, r2_high``; all sizes are judged on the same answers, none of which was
            fitted to. A curve that is still rising at its end says that more questions would help.

        Raises
        ------
        InputError
            For other sizes, or too few answers.
        """
        seed = self.provenance["random_state"]
        problem = Problem.of(self.answers, self.y, self.target.outputs, self.features, seed)
        return fidelity_curve(self.surrogate, problem, sizes)

    @cached_property
    def by_token(self) -> TokenEffects | None:
        """The effects on any tokens of a language model's answer, without a new fit; from the same answers.

        None without an answer, where only its total is known, or where features are more than present or absent.
        """
        binary = all(feature.kind == "binary" for feature in self.features)
        if self.answer is None or len(self.answers.outputs) < 2 or not self.raw_answers_kept or not binary:
            return None
        return token_effects(self.answers, self.features, self.provenance["random_state"])

    def shapley(self) -> np.ndarray:
        """Compute Shapley values of the surrogate for the instance against the reference, ``(k, d)``.

        Exact, but for a surrogate through a curve with more than 13 features at work, see :func:`~surrogates.indices`.
        """
        instance, reference = (np.array([getattr(f, n) for f in self.features]) for n in ("instance", "reference"))
        return indices(self.surrogate, instance=instance, reference=reference).values

    def indices(
        self, kind: str = "shapley", order: int = 1, of: str | None = None, unit: str = "answers"
    ) -> pd.DataFrame:
        """Compute Shapley, Banzhaf, leave-one-out or interaction indices of the instance against the reference.

        Parameters
        ----------
        kind : str, default "shapley"
            A name in :data:`~surrogates.shapley.quadrature.INDICES`.
        order : int, default 1
            The most features in a set, at most 3, of k-SII 2: from 2 on, interactions are listed too.
        of : {"model", "surrogate", "proxy"}, optional
            Whose indices. By default the model's own, from its answers, where all that the index needs were asked; else
            the surrogate's. "proxy" fits a :class:`~surrogates.CubeProxy` to all answers (present/absent features).
        unit : {"answers", "link"}, default "answers"
            "link": of the surrogate's sum before it passes through a curve, in closed form. Interactions depend on the
            scale: what adds up on the line of the curve interacts in the answers.

        Returns
        -------
        DataFrame
            ``output, features, index, se, low, high, exact, source``, strongest first; see
            :func:`~surrogates.shapley.index_table.index_table` for what ``se`` covers, and what it does not.

        Raises
        ------
        InputError
        """
        return index_table(self._estimated, kind, order, of, unit)

    @property
    def _estimated(self) -> Estimated:
        """What indices are computed from."""
        seed, sampled = self.provenance["random_state"], for_these(self.view) if self.background is not None else ""
        return Estimated(self.surrogate, self.answers, self.y, self.features, self.target.outputs, seed, sampled)

    def to_shap(self) -> Any:
        """Make a ``shap.Explanation`` of the model's Shapley values, for shap's plots.

        Where absent values come from a sample of the background rows, they are those with the rows used.

        Values have shape ``(d,)``, or ``(d, k)`` for k outputs. They add up to the model's answer for the instance
        minus ``base_values``, its answer for the reference. They are exact where every question was asked; else a
        :class:`~surrogates.CubeProxy` estimates them, and what its values leave over of that difference is shared
        evenly by the features, with a ``UserWarning`` if it is above 5% of the range of the answers.

        Raises
        ------
        InputError
            Under a real-valued law, where :func:`~surrogates.shapley_values` has values of the model.
        MissingExtra
            Without the ``shap`` extra.
        """
        return shap_explanation(self.model_values(), self.y[1], self.features, self.target.outputs)

    def model_values(self) -> np.ndarray:
        """Compute Shapley values of the model ``(k, d)``, as :meth:`to_shap` gives them.

        Raises
        ------
        InputError
            As :meth:`to_shap` does.
        """
        values, shared = model_values(self._estimated)
        for output, part, answers in zip(self.target.outputs, shared, self.y.T, strict=True):
            if abs(part) > _SHARED * np.ptp(answers):
                warnings.warn(
                    f"The estimated Shapley values of {output} leave over {rounded(part)} of the difference "
                    f"{rounded(answers[0] - answers[1])} between instance and reference; it is shared evenly by the "
                    "features. A higher budget, or shapley_values(), gives better ones.",
                    stacklevel=3,
                )
        return values

    def check_consistent(self) -> None:
        """Check that fields agree with each other, after reading.

        Raises
        ------
        Damaged
        """
        outputs = self.target.outputs
        n, d, k = len(self.answers.y), len(self.features), len(outputs)
        coef = np.atleast_2d(self.surrogate.coef_)
        sizes = {
            "y": (self.y.shape, (n, k)),
            "answers.Z": (self.answers.design.Z.shape, (n, d)),
            "surrogate.n_features": (self.surrogate.n_features_in_, d),
            "surrogate.coef": (len(coef), k),
            "fidelity.predicted": (self.fidelity.predicted.shape, (len(self.fidelity.observed), k)),
            "fidelity.observed": (self.fidelity.observed.shape, self.fidelity.predicted.shape),
            "attributions": (set(self.attributions["output"]) if len(self.attributions) else set(), set(outputs)),
            "fidelity.outputs": (self.fidelity.outputs, self.target.outputs),
        }
        if self.background is not None:
            shape = self.background.factor.shape
            sizes["background.factor"] = (len(shape), shape[0], shape[-1]), (3, k, d)
            sizes["background.quantiles"] = len(self.background.quantiles), d
        binary = [f.kind == "binary" for f in self.features]
        Z = self.answers.design.Z
        if Z.shape == (n, d) and not (np.isin(Z[:, binary], (0.0, 1.0)).all() and np.isfinite(Z).all()):
            raise Damaged("answers.Z", "hold 0 or 1 for features that are present or absent", "other numbers")
        if by_terms := self.fidelity.by_terms:
            sizes["fidelity.by_terms"] = len(by_terms), k
            for j, one in enumerate(by_terms):
                numbers = {len(values) for values in (one.terms, one.r2, one.r2_low, one.r2_high)}
                sizes[f"fidelity.by_terms[{j}]"] = numbers, {len(one.terms)}
        sizes |= {f"fidelity.{name}": (len(getattr(self.fidelity, name)), k) for name in PER_OUTPUT}
        for where, (size, due) in sizes.items():
            if size != due:
                raise Damaged(where, f"agree with the rest ({due})", size)
        if self.provenance["random_state"] < 0:
            raise Damaged("provenance.random_state", "be a seed, 0 or above", self.provenance["random_state"])
