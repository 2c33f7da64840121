"""What a golden file says to its reader, as plain data: strings, integers and digests exactly, numbers nearly."""

from __future__ import annotations

import hashlib
import math
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import golden_models as m
import numpy as np
import pandas as pd

import surrogates
from probes import Case, Store
from surrogates import Anchor, Card, Explanation, ExplanationSet, ShapleyValues

#: spans of answers that are attributed, by file
SPANS = {"language-model.json": ["Oslo", (0, 3)], "endpoint.json": [(0, 7)]}
#: combinations of levels that cards predict, by entry
CASES = {
    "wordings": [{"negated": "yes", "degree": "plain"}, {"negated": "no"}, {"template": "all", "negated": "no"}],
    "capitals": [{"ask": "city"}],
    "greater-than": [{}],
    "facts": [{}],
}


def plain(value: Any) -> Any:
    """Anything the library returns as JSON has it; what is no number as text."""
    if isinstance(value, pd.DataFrame):
        return {str(name): plain(column.tolist()) for name, column in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if hasattr(value, "items"):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else str(value)
    return value


def lines(value: object, most: int = 3) -> list[str]:
    return str(value).splitlines()[:most]


def fixed_rows(features: Any) -> np.ndarray:
    """Rows to predict: the instance, the reference, and some between and beyond."""
    instance, reference = (np.array([getattr(f, name) for f in features]) for name in ("instance", "reference"))
    here = (np.arange(len(features)) + np.arange(6)[:, None]) % 3 == 0
    rows = np.vstack([instance, reference, np.where(here, instance, reference)])
    real = np.array([f.kind == "real" for f in features])
    return np.vstack([rows, instance + np.where(real, 0.75, 0.0) * (instance - reference)])


def before_models_lines(ex: Explanation) -> list[str]:
    """The first four lines as version 0.1.0 wrote them: it had no line with the model's two answers."""
    return [line for line in lines(ex, 20) if not line.startswith(("Model: ", "       "))][:4]


def family_of(surrogate: Any) -> str:
    """The family with its settings; a family that is not public is what remains of one in a file."""
    name = type(surrogate).__name__
    return repr(surrogate) if name in surrogates.__all__ else "fixed terms"


def explanation(ex: Explanation, spans: Any = ()) -> dict[str, Any]:
    answers, design, judged = ex.answers, ex.answers.design, ex.fidelity
    found = {
        "family": family_of(ex.surrogate),
        "str": before_models_lines(ex),
        "predicted": plain(ex.predict(fixed_rows(ex.features))),
        "terms": plain(ex.terms.head(3)),
        "verdicts": list(judged.verdicts),
        "y": [plain(ex.y[:2]), plain(ex.y.sum()), list(ex.y.shape)],
        "design": [design.digest, len(design), len(design.judged), design.exact, len(answers.complete().y)],
        "certificate": ex.certificate and str(ex.certificate),
        "checks": [str(finding) for finding in ex.checks],
        "shapley": plain(ex.shapley()),
        "pairs": plain(_pairs(ex)),
    }
    if design.exact and all(f.kind == "binary" for f in ex.features):
        found["of the model"] = plain(ex.indices("shapley", order=2).head(3))
    for span in spans:
        part = ex.attribute(span)
        told = {"target": plain(part.target), "r2": plain(part.fidelity.r2), "warnings": list(part.warnings)}
        found[f"span {span}"] = {"attributions": plain(part.attributions), **told}
    return found


def _pairs(ex: Explanation) -> np.ndarray:
    """Interactions of two features of the surrogate; nothing is fitted again."""
    ends = {name: np.array([getattr(f, name) for f in ex.features]) for name in ("instance", "reference")}
    return surrogates.indices(ex.surrogate, "shapley", 2, **ends).values[:, :5]


def explanation_kept(ex: Explanation) -> dict[str, Any]:
    """What a file of format 1 holds under the same names."""
    names = ("attributions", "features", "target", "view", "answer", "comparison", "certificate", "checks", "warnings")
    answers, design = ex.answers, ex.answers.design
    told = {name: plain(getattr(answers, name)) for name in ("y", "outputs", "unit", "probe", "model", "cost", "noisy")}
    told |= {name: plain(getattr(design, name)) for name in ("Z", "fixed", "leave_one_out", "population", "block")}
    judged = ("outputs", "rows", "exact", "clear", "ordered", "misses", "ceiling", "observed", "predicted")
    fidelity = {name: plain(getattr(ex.fidelity, name)) for name in judged}
    fidelity |= {str(name): plain(column.tolist()) for name, column in ex.fidelity.table.items()}
    found = {name: plain(getattr(ex, name)) for name in (*names, "provenance")}
    return found | {"answers": told, "fidelity": fidelity}


def shapley(found: ShapleyValues) -> dict[str, Any]:
    return {"str": lines(found)}


def shapley_kept(found: ShapleyValues) -> dict[str, Any]:
    names = ("table", "values", "se", "base", "features", "outputs", "unit", "exact", "cost", "warnings", "view")
    return {name: plain(getattr(found, name)) for name in (*names, "answer", "provenance")}


def anchored(found: Anchor) -> dict[str, Any]:
    told = {"rule": plain(found.rule.conditions), "inside": plain(found.rule(fixed_rows(found.features)))}
    return told | {"str": lines(found, 4), "table": plain(found.table)}


def anchor_kept(found: Anchor) -> dict[str, Any]:
    names = ("words", "holds", "precision", "low", "coverage", "confidence", "proved", "rows", "unconditional", "exact")
    more = ("warnings", "cost", "asked", "features", "view", "answer", "provenance")
    return {name: plain(getattr(found, name)) for name in (*names, *more)}


def card(found: Card) -> dict[str, Any]:
    table = found.table
    told: dict[str, Any] = {"str": lines(found, 6), "cost": plain(found.cost), "verdicts": table["verdict"].tolist()}
    told["same"] = plain(found.compare(found)[["difference", "apart"]])
    for entry in found.entries:
        if entry.prediction is not None:
            predicted = [plain(found.predict(entry.name, case)) for case in CASES[entry.name]]
            told[entry.name] = [entry.prediction.summary(), predicted]
    if "wordings" in [entry.name for entry in found.entries]:
        case = Case("So not very good", "x", levels=(("negated", "yes"), ("degree", "very")))
        told["by a case"] = plain(found.predict("wordings", case))
        told["by a prompt"] = plain(found.predict("wordings", "So not very smart", m.wordings()))
    return told


def card_kept(found: Card) -> dict[str, Any]:
    names = ("name", "title", "metric", "unit", "control", "cost", "cases", "notes", "baselines", "extremes")
    entries = [{name: plain(getattr(e, name)) for name in (*names, "statements")} for e in found.entries]
    return {name: plain(getattr(found, name)) for name in ("model", "identity", "seconds", "versions")} | {
        "entries": entries
    }


def many(found: ExplanationSet) -> dict[str, Any]:
    told = {
        "entries": [[e.key, e.index, e.label, plain(e.row), e.earlier] for e in found.entries],
        "failures": [plain(failure) for failure in found.failures],
        "interrupted": found.interrupted,
        "str": lines(found, 2),
        "cost": plain(found.cost),
        "units": list(found.units),
        "summary": plain(found.summary().head(4)),
        "picks": plain(found.picks(2)),
        "r2": plain(found.fidelity["r2"]),
        "verdicts": found.fidelity["verdict"].tolist(),
        "effects": plain(found.frame.head(4)),
        "first": explanation(found[0]),
        "others": [[plain(ex.predict(fixed_rows(ex.features)[1:3])), ex.answers.design.digest] for ex in found[1:]],
    }
    if len(found) >= 20 and found.entries[0].row:
        over = found.surrogate("tree")
        told["over all"] = {
            "terms": plain(over.terms.head(4)),
            "predicted": plain(over.predict(m.table(6))),
        }
    return told


def store(path: Path) -> dict[str, Any]:
    """What a store holds; the file is not touched."""
    opened = Store(path, readonly=True)
    rows = [row for part in opened.rows() for row in part]
    numbers = [value for _, value, _ in rows if not isinstance(value, str)]
    found = {
        "answers": len(opened),
        "keys": hashlib.sha256(b"".join(key for key, _, _ in rows)).hexdigest(),
        "sum": float(sum(value.sum() for value in numbers)),
        "texts": sorted(value for _, value, _ in rows if isinstance(value, str)),
        "models": sorted([plain(model) or "", n, texts] for model, n, texts in opened.counts()),
    }
    opened.close()
    return found


#: how a file's name begins → what it holds, what is read from it, and what it holds under the same names
KINDS: dict[str, tuple[Any, Callable[..., dict[str, Any]], Callable[..., dict[str, Any]]]] = {
    "shapley": (ShapleyValues, shapley, shapley_kept),
    "anchor": (Anchor, anchored, anchor_kept),
    "card": (Card, card, card_kept),
}


def kind_of(path: Path) -> tuple[Any, Callable[..., dict[str, Any]], Callable[..., dict[str, Any]]]:
    """The class that reads a JSON file, and what is looked at."""
    for begin, kind in KINDS.items():
        if path.name.startswith(begin):
            return kind
    return Explanation, lambda ex: explanation(ex, SPANS.get(path.name, ())), explanation_kept


def imported(path: Path) -> dict[str, Any]:
    """What the command takes from an export."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "copy.sqlite"
        command()(["store", "import", str(path), str(copy), "--quiet"])
        return store(copy)


def read(path: Path) -> dict[str, Any]:
    """What a golden file says; the file itself stays as it is, with nothing beside it."""
    if path.suffix == ".parquet":
        return imported(path)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copy(path, scratch))
        if path.suffix == ".sqlite":
            return store(copy)
        if path.suffix == ".jsonl":
            return many(ExplanationSet.from_jsonl(copy))
        kind, facts, _ = kind_of(path)
        return facts(kind.from_json(copy))


def command():
    """The ``iomap`` command; it raises SystemExit only where something goes wrong."""
    (entry,) = entry_points(group="console_scripts", name="iomap")
    found = entry.load()

    def run(arguments):
        before, sys.argv = sys.argv, ["iomap", *arguments]
        try:
            found()
        except SystemExit as end:
            if end.code:
                raise
        finally:
            sys.argv = before

    return run
