"""The Explanation: the result of a run, as data. Views (report, plots, CLI) draw it; it draws nothing itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from probes.asking.ask import Answers, Cost
from probes.design import Design
from probes.errors import InputError
from probes.outputs.target import Target
from probes.probe import Feature
from surrogates.families.registry import KINDS, settings_from_json, settings_to_json
from surrogates.judging.analysis import analyse
from surrogates.judging.fidelity import Fidelity
from surrogates.judging.notes import cautions, inherited
from surrogates.judging.problem import Problem
from surrogates.local.finding import Finding
from surrogates.local.shapley_values import shap_explanation
from surrogates.local.stopping import Certificate
from surrogates.results.files import dumped, loaded, written
from surrogates.results.provenance import library_version
from surrogates.shapley.index_table import index_table
from surrogates.shapley.indices import indices
from surrogates.surrogate import FixedTerms, Surrogate
from surrogates.terms import describe, term_from_json, term_to_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SCHEMA", "Explanation", "library_version"]

SCHEMA = 1


@dataclass(frozen=True)
class Explanation:
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
    """

    surrogate: Surrogate
    fidelity: Fidelity
    attributions: pd.DataFrame
    features: tuple[Feature, ...]
    target: Target
    answers: Answers
    y: np.ndarray
    view: dict[str, Any]
    answer: str | None = None
    comparison: pd.DataFrame = field(default_factory=pd.DataFrame)
    certificate: Certificate | None = None
    checks: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def terms(self) -> pd.DataFrame:
        """The surrogate itself, one row a term: ``term`` in words and its weight for each output, heaviest first."""
        coef = np.atleast_2d(self.surrogate.coef_)
        frame = pd.DataFrame(dict(zip(self.target.outputs, coef, strict=True)))
        frame.insert(0, "term", [describe(term, self.features) for term in self.surrogate.terms_])
        return frame.iloc[np.argsort(-np.abs(coef).sum(axis=0), kind="stable")].reset_index(drop=True)

    def predict(self, Z: Any) -> np.ndarray:
        """The surrogate's answer to rows ``(n, d)``: ``(n,)``, or ``(n, k)`` for k outputs."""
        return self.surrogate.predict(Z)

    def attribute(self, span: str | tuple[int, int]) -> Explanation:
        """Explain a part of a language model's answer. No new call: every token's log-probability is known already.

        Parameters
        ----------
        span : str or (int, int)
            A piece of the answer's text (its first occurrence), or a character range of it.

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
        text = "".join(self.answers.outputs)
        if isinstance(span, str):
            start = text.find(span) if span else -1
            if start < 0:
                raise InputError("span", f"be part of the answer {text!r}", span)
            start, stop = start, start + len(span)
        else:
            start, stop = span
            if not 0 <= start < stop <= len(text):
                raise InputError("span", f"be a character range within the answer's {len(text)} characters", span)
        ends = np.cumsum([len(piece) for piece in self.answers.outputs])
        starts = np.concatenate([[0], ends[:-1]])
        columns = tuple(int(i) for i in np.flatnonzero((starts < stop) & (ends > start)))
        if not columns:
            raise InputError("span", "overlap a token of the answer", span)
        target = Target("mean", columns, (text[start:stop],), "nats")
        y = target(self.answers.y)
        seed = self.provenance["random_state"]
        analysis = analyse(self.surrogate, Problem(self.answers.design, y, target.outputs, self.features, seed))
        return replace(
            self,
            surrogate=analysis.surrogate,
            fidelity=analysis.fidelity,
            attributions=analysis.attributions,
            comparison=self.comparison.iloc[:0],
            certificate=None,
            checks=(),
            warnings=(*inherited(self.warnings, self.y, self.fidelity, self.answers), *cautions(y, analysis.fidelity)),
            target=target,
            y=y,
        )

    def shapley(self) -> np.ndarray:
        """Shapley values of the surrogate for the instance against the reference, exact, ``(k, d)``."""
        instance, reference = (np.array([getattr(f, n) for f in self.features]) for n in ("instance", "reference"))
        return indices(self.surrogate, instance=instance, reference=reference).values

    def indices(self, kind: str = "shapley", order: int = 1, of: str | None = None) -> pd.DataFrame:
        """Shapley, Banzhaf, leave-one-out or interaction indices of the instance against the reference.

        Parameters
        ----------
        kind : {"shapley", "banzhaf", "leave-one-out", "faith-shapley", "faith-banzhaf"}
        order : int, default 1
            The most features in a set, at most 3: from 2 on, interactions are listed too.
        of : {"model", "surrogate", "proxy"}, optional
            Whose indices. By default the model's own, from its answers, where all that the index needs were asked; else
            the surrogate's. "proxy" fits a :class:`~surrogates.CubeProxy` to all answers (present/absent features).

        Returns
        -------
        DataFrame
            ``output, features, index, se, low, high, exact, source``, strongest first; see
            :func:`~surrogates.shapley.index_table.index_table` for what ``se`` covers, and what it does not.

        Raises
        ------
        InputError
        """
        return index_table(self, kind, order, of)

    def to_shap(self) -> Any:
        """A ``shap.Explanation`` of the surrogate's Shapley values, for shap's plots.

        Values have shape ``(d,)``, or ``(d, k)`` for k outputs, and add up to the surrogate's prediction for the
        instance minus ``base_values``, its prediction for the reference.

        Raises
        ------
        MissingExtra
            Without the ``shap`` extra.
        """
        base = np.atleast_1d(self.surrogate.predict(np.array([[f.reference for f in self.features]]))[0])
        return shap_explanation(self.shapley(), base, self.features, self.target.outputs)

    def plot(self, ax: Axes | None = None, *, output: str | None = None, max_features: int = 15) -> Axes:
        """Attributions with intervals as a bar chart; returns the Axes."""
        from surrogates.report.figures import attribution_plot

        return attribution_plot(self, ax, output=output, max_features=max_features)

    def report(self, path: str | Path) -> Path:
        """Write one self-contained HTML page; it opens anywhere and loads nothing."""
        from surrogates.report.page import page

        return written(path, page(self))

    def _repr_html_(self) -> str:
        from surrogates.report.page import fragment

        return fragment(self)

    def __str__(self) -> str:
        from surrogates.report.text import summary

        return summary(self)

    def to_json(self, path: str | Path | None = None) -> str:
        """The whole explanation as JSON, written to `path` if given. Includes the instance and the model's answers."""
        data = {
            "iomap": library_version(),
            "schema": SCHEMA,
            "surrogate": _surrogate_to_json(self.surrogate),
            "fidelity": {f.name: _plain(getattr(self.fidelity, f.name)) for f in fields(self.fidelity)},
            "attributions": {name: _plain(column.to_numpy()) for name, column in self.attributions.items()},
            "features": [asdict(f) for f in self.features],
            "target": _target_to_json(self.target),
            "answers": _answers_to_json(self._answers_kept()),
            "view": self.view,
            "answer": self.answer,
            "comparison": {name: _plain(column.to_numpy()) for name, column in self.comparison.items()},
            "certificate": self.certificate and self.certificate.to_json(),
            "checks": [{**asdict(f), "numbers": {k: _plain(v) for k, v in f.numbers.items()}} for f in self.checks],
            "warnings": list(self.warnings),
            "provenance": self.provenance,
        }
        return dumped(data, path)

    def _answers_kept(self) -> Answers:
        """The answers as files of schema 1 keep them: of a function, its numbers in place of raw outputs."""
        if self.target.function is None:
            return self.answers
        return replace(self.answers, y=self.y, outputs=self.target.outputs, unit=self.target.unit)

    @classmethod
    def from_json(cls, source: str | Path) -> Explanation:
        """Read what :meth:`to_json` wrote: a path, or the JSON text itself. The result predicts, plots, reports.

        Raises
        ------
        InputError
            If it is not an explanation, or was written by a newer version.
        """
        data = loaded(source, "an explanation")
        if "kind" in data:
            raise InputError("source", "be an explanation by to_json", data["kind"])
        schema = data.get("schema")
        if schema != SCHEMA:
            raise InputError("source", f"have schema {SCHEMA}, the one this version reads", schema)
        try:
            target, answers = _target_from_json(data["target"]), _answers_from_json(data["answers"])
            return cls(
                surrogate=_surrogate_from_json(data["surrogate"]),
                fidelity=Fidelity(**{k: _read(v, k) for k, v in data["fidelity"].items()}),
                attributions=pd.DataFrame(data["attributions"]),
                features=tuple(Feature(**f) for f in data["features"]),
                target=target,
                answers=answers,
                y=target(answers.y),
                view=data["view"],
                answer=data["answer"],
                comparison=pd.DataFrame(data["comparison"]),
                certificate=Certificate.from_json(data["certificate"]) if data.get("certificate") else None,
                checks=tuple(_finding_from_json(f) for f in data.get("checks", ())),
                warnings=tuple(data["warnings"]),
                provenance=data["provenance"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("source", f"be a whole explanation by to_json ({error})", sorted(data)[:5]) from error


def _plain(value: Any) -> Any:
    """Arrays and tuples as lists, NaN and infinities as null."""
    if isinstance(value, (np.ndarray, tuple, list)):
        return [_plain(v) for v in (value.tolist() if isinstance(value, np.ndarray) else value)]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _read(value: Any, name: str) -> Any:
    if name in ("observed", "predicted"):
        return np.array(value, dtype=float)
    if isinstance(value, list):
        return tuple(np.nan if v is None else v for v in value)
    return value


def _surrogate_to_json(surrogate: Surrogate) -> dict[str, Any]:
    family = next((name for name, kind in KINDS.items() if type(surrogate) is kind), None)
    return {
        "family": family,
        "settings": settings_to_json(surrogate) if family else {},
        "terms": [term_to_json(term) for term in surrogate.terms_],
        "coef": _plain(surrogate.coef_),
        "intercept": _plain(surrogate.intercept_),
        "n_features": int(surrogate.n_features_in_),
    }


def _surrogate_from_json(data: dict[str, Any]) -> Surrogate:
    surrogate = KINDS[data["family"]](**settings_from_json(data["settings"])) if data["family"] else FixedTerms()
    surrogate.terms_ = [term_from_json(term) for term in data["terms"]]
    surrogate.coef_ = np.array(data["coef"], dtype=float)
    single = not isinstance(data["intercept"], list)
    surrogate.intercept_ = float(data["intercept"]) if single else np.array(data["intercept"], dtype=float)
    surrogate.n_features_in_ = int(data["n_features"])
    return surrogate


def _finding_from_json(data: dict[str, Any]) -> Finding:
    return Finding(**{**data, "numbers": {k: np.nan if v is None else v for k, v in data["numbers"].items()}})


def _target_to_json(target: Target) -> dict[str, Any]:
    if target.function is not None:  # files keep its numbers
        target = Target("identity", tuple(range(len(target.outputs))), target.outputs, target.unit)
    return {name: getattr(target, name) for name in ("kind", "columns", "outputs", "unit")}


def _target_from_json(data: dict[str, Any]) -> Target:
    return Target(data["kind"], tuple(data["columns"]), tuple(data["outputs"]), data["unit"])


def _answers_to_json(answers: Answers) -> dict[str, Any]:
    design = answers.design
    return {
        "Z": _plain(design.Z),
        "fixed": design.fixed,
        "leave_one_out": design.leave_one_out,
        "population": _plain(float(design.population)),
        "block": design.block,
        "y": _plain(answers.y),
        "outputs": list(answers.outputs),
        "unit": answers.unit,
        "probe": answers.probe,
        "model": answers.model,
        "cost": asdict(answers.cost),
        "noisy": answers.noisy,
    }


def _answers_from_json(data: dict[str, Any]) -> Answers:
    population = np.inf if data["population"] is None else data["population"]
    Z = np.array(data["Z"], dtype=float)
    design = Design(Z, data["fixed"], data["leave_one_out"], population, data.get("block", 0))
    return Answers(
        design,
        np.array(data["y"], dtype=float),
        tuple(data["outputs"]),
        data["unit"],
        data["probe"],
        data["model"],
        Cost(**data["cost"]),
        data.get("noisy", False),
    )
