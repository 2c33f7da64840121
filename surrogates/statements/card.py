"""The behaviour card: the statements tested on one model, as data with JSON and a page; two cards side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.ask import Cost
from probes.behaviours.registry import BEHAVIOURS
from probes.behaviours.registry import behaviour as built_in
from probes.cases.case import RESERVED, Case
from probes.cases.metrics import Metric
from probes.cases.template import TemplateProbe
from probes.errors import InputError
from surrogates.results.files import loaded, written
from surrogates.results.provenance import library_version
from surrogates.statements.case_fit import fit_case_predictor
from surrogates.statements.case_predictor import CasePredictor
from surrogates.statements.entity_effects import FEWEST_ENTITIES
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.statements.study import Study

__all__ = ["Card", "Entry"]

SCHEMA = 1
_KEPT = (
    "words", "verdict", "reason", "metric", "unit", "effect", "low", "high", "standardised", "entities", "cases",
    "coverage", "precision", "precision_low", "precision_high", "p", "p_against", "discovery", "unconditional",
    "parts", "worst",
    "examples", "digest",
)  # fmt: skip

#: a statement that a card does not have
_ABSENT: Mapping[str, Any] = {"claim": "", "verdict": "", "effect": np.nan, "low": np.nan, "high": np.nan}
_VERDICTS = ("supported", "refuted", "inconclusive", "not testable")


@dataclass(frozen=True)
class Entry:
    """One behaviour on a card.

    Attributes
    ----------
    name, title, metric, unit : str
    control : dict
        The positive control: ``words`` and ``verdict``.
    statements : tuple of dict
        One each: ``claim``, ``words``, ``verdict``, ``reason``, ``effect``, ``low``, ``high``, … as in ``Judged``.
    cost : dict
    cases : int
    prediction : CasePredictor or None
    notes : tuple of str
    baselines : dict
        Means over all cases: ``value`` of the metric; ``chance``, the targets exchanged with the other listed answers;
        ``unconditional``, the answers scored without their prompts, where the model can do that.
    extremes : dict
        ``best`` and ``worst`` combination of levels: ``levels``, ``value``, and a 95% interval over entities, ``low``
        to ``high``, that holds for all combinations together.
    """

    name: str
    title: str
    metric: str
    unit: str
    control: Mapping[str, Any]
    statements: tuple[Mapping[str, Any], ...]
    cost: Mapping[str, float]
    cases: int
    prediction: CasePredictor | None = None
    notes: tuple[str, ...] = ()
    baselines: Mapping[str, float] = field(default_factory=dict)
    extremes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study, title: str = "", name: str = "") -> Entry:
        """A study as data."""
        shown = [
            {
                "claim": s.statement.claim(s.metric, s.unit),
                "subject": s.statement.subject,
                "kind": s.statement.kind,
                "margin": s.statement.min_effect,
                **{k: _plain(getattr(s, k)) for k in _KEPT},
            }
            for s in study.statements
        ]
        control = study.control
        told = {} if control is None else {"words": control.words, "verdict": control.verdict}
        bare = study.frame.drop(columns="part", errors="ignore")
        chance = float(bare["chance"].mean())
        return cls(
            name or study.name,
            title or study.name or "Study",
            study.metric.name,
            study.metric.unit,
            told,
            tuple(shown),
            asdict(study.cost),
            len(study.frame),
            fit_case_predictor(study.frame, study.statements, chance, control=study.control, others=study.others),
            study.notes,
            {n: float(bare[n].mean()) for n in ("value", "chance", "unconditional") if n in bare.columns},
            _extremes(bare, study.metric),
        )


@dataclass(frozen=True)
class Card:
    """What was found out about one model.

    Attributes
    ----------
    model : str
        As the user calls it.
    identity : str
        Fingerprint of weights and settings.
    entries : tuple of Entry
    seconds : float
        Wall-clock time.
    versions : dict
    """

    model: str
    identity: str
    entries: tuple[Entry, ...]
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=lambda: {"iomap": library_version()})

    @property
    def cost(self) -> Cost:
        """What all answers cost together."""
        return sum((_cost(e.cost) for e in self.entries), Cost())

    @property
    def table(self) -> pd.DataFrame:
        """One row a statement: ``behaviour, claim, verdict, effect, low, high, unit, entities, precision, reason``."""
        names = ["claim", "verdict", "effect", "low", "high", "unit", "entities", "precision", "reason"]
        rows = [{"behaviour": e.name, **{n: s[n] for n in names}} for e in self.entries for s in e.statements]
        return pd.DataFrame(rows, columns=["behaviour", *names])

    def entry(self, name: str) -> Entry:
        """The entry of a behaviour."""
        for e in self.entries:
            if e.name == name:
                return e
        raise InputError("behaviour", f"be on this card ({', '.join(e.name for e in self.entries)})", name)

    def predict(
        self, behaviour: str, case: str | Case | Mapping[str, str], probe: TemplateProbe | None = None
    ) -> dict[str, Any]:
        """What the model will do with a new prompt of a known family.

        Supported statements say what they can; the levels of the factors fill in what they leave open.

        Parameters
        ----------
        behaviour : str
        case : str, Case, or dict of factor to level
            A prompt has the levels of the probe's prompts that are most like it; those in which they differ are open.
        probe : TemplateProbe, optional
            The one that the card is about, to read a prompt by; needed where it is not a built-in behaviour's.

        Returns
        -------
        dict
            ``value`` (in ``unit``), its 90% interval ``low`` to ``high``, ``right`` (the chance to be above chance
            level), ``r2`` (how much better than a constant such predictions were on unseen entities), ``coverage``
            (how many of their cases such intervals held), ``levels`` that it was predicted by.

        Raises
        ------
        InputError
            For an unknown behaviour or level, or a prompt that is like none.
        """
        entry = self.entry(behaviour)
        if entry.prediction is None:
            raise InputError("behaviour", "have answers that vary", behaviour)
        if not isinstance(case, (str, Case, Mapping)):
            raise InputError("case", "be a prompt, a Case of the probe, or a dict of factor to level", case)
        if isinstance(case, Mapping) or (isinstance(case, Case) and case.levels):
            levels = dict(case.levels) if isinstance(case, Case) else dict(case)
        else:
            if probe is None and behaviour not in BEHAVIOURS:
                raise InputError("probe", "be given to read a prompt by", probe)
            known = built_in(behaviour).probe if probe is None else probe
            levels = known.levels_of(case.prompt if isinstance(case, Case) else case)
        measured = {k: entry.prediction.scores[k] for k in ("r2", "coverage")}
        return {**entry.prediction.predict(levels), "unit": entry.unit, **measured, "levels": levels}

    def compare(self, other: Card) -> pd.DataFrame:
        """Both cards side by side: verdicts, effects and whether they differ.

        Statements are the same if they are about the same effect, in the same metric, whatever size or sign they claim:
        each verdict is about the card's own claim. One that only one card has stands there with nothing beside it. The
        intervals of two models on the same cases: ``difference`` is `other` minus this, ``apart`` says whether the 95%
        intervals do not overlap.
        """
        if not isinstance(other, Card):
            raise InputError("other", "be a Card", other)
        both = [s for card in (self, other) for e in card.entries for s in e.statements]
        by = "subject" if all("subject" in s for s in both) else "claim"  # older cards did not write it down
        mine, theirs = _numbered(self, by), _numbered(other, by)
        rows = []
        for key in dict.fromkeys([*mine, *theirs]):
            a, b = mine.get(key, _ABSENT), theirs.get(key, _ABSENT)
            apart = bool(a["high"] < b["low"] or b["high"] < a["low"]) if _known(a) and _known(b) else False
            rows.append(
                {"behaviour": key[0], "claim": a["claim"] or b["claim"]}
                | {"verdict": a["verdict"], "effect": a["effect"], "other_verdict": b["verdict"]}
                | {"other_effect": b["effect"], "difference": b["effect"] - a["effect"], "apart": apart}
            )
        names = ["behaviour", "claim", "verdict", "effect", "other_verdict", "other_effect", "difference", "apart"]
        return pd.DataFrame(rows, columns=names)

    def to_json(self, path: str | Path | None = None) -> str:
        """The card as JSON text, written to `path` if given."""
        data = {"iomap_card": SCHEMA, **asdict(self)}
        text = json.dumps(_json(data), ensure_ascii=False, indent=1, allow_nan=False)
        if path is not None:
            written(path, text + "\n")
        return text

    @classmethod
    def from_json(cls, source: str | Path) -> Card:
        """A card from a path or JSON text; it still predicts.

        Raises
        ------
        InputError
            For anything that is no card.
        """
        data = loaded(source, "a card")
        if data.pop("iomap_card", None) != SCHEMA:
            raise InputError("source", f"be a behaviour card of schema {SCHEMA}", sorted(data)[:5])
        try:
            entries = tuple(_entry(e) for e in data.pop("entries"))
            return cls(entries=entries, **data)
        except (KeyError, TypeError) as error:
            raise InputError("source", f"be complete ({error})", sorted(data)[:5]) from error

    def report(self, path: str | Path, other: Card | None = None) -> Path:
        """Write one self-contained HTML page; with `other`, a page of both cards side by side."""
        from surrogates.report.card import page

        return written(path, page(self, other))

    def __str__(self) -> str:
        lines = [f"Behaviour card of {self.model}"]
        for e in self.entries:
            lines += ["", f"{e.title} ({e.metric}, {e.unit}; {e.cases} cases)"]
            if e.control:
                lines.append(f"  control {e.control['verdict']}: {e.control['words']}")
            lines += [f"  {s['verdict']:>12}  {s['words']}" + (f" ({s['reason']})" if s["reason"] else "")
                      for s in e.statements]  # fmt: skip
            if e.prediction is not None:
                lines.append("  " + e.prediction.summary())
            lines += [f"  Note: {note}" for note in e.notes]
        return "\n".join(lines)


def _cost(data: Mapping[str, Any]) -> Cost:
    return Cost(**data)


def _extremes(frame: pd.DataFrame, metric: Metric) -> dict[str, dict[str, Any]]:
    """The combinations of levels with the highest and the lowest mean, with intervals for all of them (Bonferroni)."""
    factors = [c for c in frame.columns if c not in RESERVED]
    cells = []
    for levels, part in frame.groupby(factors, sort=True) if factors else ():
        e = Statement.level(reference=0.0).estimate(part)
        if e is not None and e.entities >= FEWEST_ENTITIES:
            cells.append((e, dict(zip(factors, map(str, levels), strict=True))))
    if len(cells) < 2:
        return {}
    ranked = sorted(cells, key=lambda cell: cell[0].value)
    out = {}
    for name, (e, levels) in (("best", ranked[-1]), ("worst", ranked[0])):
        low, high = (
            float(v) for v in np.clip(e.interval(1 - 0.05 / len(cells)), *(metric.bounds or (-np.inf, np.inf)))
        )
        out[name] = {"levels": levels, "value": e.value, "low": low, "high": high}
    return out


def _numbered(card: Card, by: str) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    """Statements by what they are about, the first, second, … of those about one thing."""
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    seen = Counter[tuple[Any, ...]]()
    for e in card.entries:
        for s in e.statements:
            key = (e.name, s[by], s["metric"], s["unit"])
            found[*key, seen[key]] = s
            seen[key] += 1
    return found


def _known(s: Mapping[str, Any]) -> bool:
    return bool(np.isfinite(s["low"]) and np.isfinite(s["high"]))


def _entry(data: dict[str, Any]) -> Entry:
    made = data.pop("prediction")
    if made is not None:
        sets = [
            tuple(Scope(tuple((f, tuple(v)) for f, v in s["conditions"])) for s in column) for column in made["columns"]
        ]
        levels = {f: tuple(v) for f, v in made["levels"].items()}
        numbers = {k: tuple(made.get(k, ())) for k in ("weights", "residuals", "spreads")}
        scores = {k: _number(v) for k, v in made["scores"].items()}
        made = CasePredictor(columns=tuple(sets), levels=levels, scores=scores, **numbers,
                        intercept=made["intercept"], reference=made["reference"], claimed=made.get("claimed", 0),
                        spread=made.get("spread", 0.0))  # fmt: skip
    statements = tuple({k: _number(v) if v is None else v for k, v in s.items()} for s in data.pop("statements"))
    for s in statements:
        if lacking := {"claim", "kind", "margin", *_KEPT} - set(s):
            raise KeyError(", ".join(sorted(lacking)))
        if s["verdict"] not in _VERDICTS:
            raise InputError("source", f"hold verdicts among {', '.join(_VERDICTS)}", s["verdict"])
    return Entry(statements=statements, notes=tuple(data.pop("notes")), prediction=made, **data)


def _number(value: Any) -> Any:
    return float("nan") if value is None else value


def _plain(value: Any) -> Any:
    """Plain JSON data; chats become lists."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(v) for v in value]
    return value.item() if hasattr(value, "item") else value


def _json(value: Any) -> Any:
    """The same with not-a-number as null."""
    if isinstance(value, Mapping):
        return {str(k): _json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
