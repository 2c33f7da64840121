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
    record = {
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
        record["of the model"] = plain(ex.indices("shapley", order=2).head(3))
    for span in spans:
        part = ex.attribute(span)
        about = {"target": plain(part.target), "r2": plain(part.fidelity.r2), "warnings": list(part.warnings)}
        record[f"span {span}"] = {"attributions": plain(part.attributions), **about}
    return record


def _pairs(ex: Explanation) -> np.ndarray:
    """Interactions of two features of the surrogate; nothing is fitted again."""
    ends = {name: np.array([getattr(f, name) for f in ex.features]) for name in ("instance", "reference")}
    return surrogates.indices(ex.surrogate, "shapley", 2, **ends).values[:, :5]


def explanation_kept(ex: Explanation) -> dict[str, Any]:
    """What a file of format 1 holds under the same names."""
    names = ("attributions", "features", "target", "view", "answer", "comparison", "certificate", "checks", "warnings")
    answers, design = ex.answers, ex.answers.design
    held = {name: plain(getattr(answers, name)) for name in ("y", "outputs", "unit", "probe", "model", "cost", "noisy")}
    held |= {name: plain(getattr(design, name)) for name in ("Z", "fixed", "leave_one_out", "population", "block")}
    judged = ("outputs", "rows", "exact", "clear", "ordered", "misses", "ceiling", "observed", "predicted")
    fidelity = {name: plain(getattr(ex.fidelity, name)) for name in judged}
    fidelity |= {str(name): plain(column.tolist()) for name, column in ex.fidelity.table.items()}
    record = {name: plain(getattr(ex, name)) for name in (*names, "provenance")}
    checks = [plain(finding) | {"told": finding.sentence} for finding in ex.checks]  # as format 1 has it
    return record | {"answers": held, "fidelity": fidelity, "checks": checks}


def shapley(values: ShapleyValues) -> dict[str, Any]:
    return {"str": lines(values)}


def shapley_kept(values: ShapleyValues) -> dict[str, Any]:
    names = ("table", "values", "se", "base", "features", "outputs", "unit", "exact", "cost", "warnings", "view")
    return {name: plain(getattr(values, name)) for name in (*names, "answer", "provenance")}


def anchored(anchor: Anchor) -> dict[str, Any]:
    record = {"rule": plain(anchor.rule.conditions), "inside": plain(anchor.rule(fixed_rows(anchor.features)))}
    return record | {"str": lines(anchor, 4), "table": plain(anchor.table)}


def anchor_kept(anchor: Anchor) -> dict[str, Any]:
    names = ("words", "holds", "precision", "low", "coverage", "confidence", "proved", "rows", "unconditional", "exact")
    more = ("warnings", "cost", "asked", "features", "view", "answer", "provenance")
    return {name: plain(getattr(anchor, name)) for name in (*names, *more)}


def card(judged: Card) -> dict[str, Any]:
    table = judged.table
    said: dict[str, Any] = {
        "str": lines(judged, 6),
        "cost": plain(judged.cost),
        "verdicts": table["verdict"].tolist(),
    }
    said["same"] = plain(judged.compare(judged)[["difference", "apart"]])
    for entry in judged.entries:
        if entry.prediction is not None:
            predicted = [plain(judged.predict(entry.name, case)) for case in CASES[entry.name]]
            said[entry.name] = [entry.prediction.summary(), predicted]
    if "wordings" in [entry.name for entry in judged.entries]:
        case = Case("So not very good", "x", levels=(("negated", "yes"), ("degree", "very")))
        said["by a case"] = plain(judged.predict("wordings", case))
        said["by a prompt"] = plain(judged.predict("wordings", "So not very smart", m.wordings()))
    return said


def card_kept(result: Card) -> dict[str, Any]:
    names = ("name", "title", "metric", "unit", "control", "cost", "cases", "notes", "baselines", "extremes")
    entries = [{name: plain(getattr(e, name)) for name in (*names, "statements")} for e in result.entries]
    return {name: plain(getattr(result, name)) for name in ("model", "identity", "seconds", "versions")} | {
        "entries": entries
    }


def many(result: ExplanationSet) -> dict[str, Any]:
    record = {
        "entries": [[e.key, e.index, e.label, plain(e.row), e.earlier] for e in result.entries],
        "failures": [plain(failure) for failure in result.failures],
        "interrupted": result.interrupted,
        "str": lines(result, 2),
        "cost": plain(result.cost),
        "units": list(result.units),
        "summary": plain(result.summary().head(4)),
        "picks": plain(result.picks(2)),
        "r2": plain(result.fidelity["r2"]),
        "verdicts": result.fidelity["verdict"].tolist(),
        "effects": plain(result.frame.head(4)),
        "first": explanation(result[0]),
        "others": [[plain(ex.predict(fixed_rows(ex.features)[1:3])), ex.answers.design.digest] for ex in result[1:]],
    }
    if len(result) >= 20 and result.entries[0].row:
        over = result.surrogate("tree")
        record["over all"] = {
            "terms": plain(over.terms.head(4)),
            "predicted": plain(over.predict(m.table(6))),
        }
    return record


def store(path: Path) -> dict[str, Any]:
    """What a store holds; the file is not touched."""
    opened = Store(path, readonly=True)
    rows = [row for part in opened.rows() for row in part]
    numbers = [value for _, value, _ in rows if not isinstance(value, str)]
    record = {
        "answers": len(opened),
        "keys": hashlib.sha256(b"".join(key for key, _, _ in rows)).hexdigest(),
        "sum": float(sum(value.sum() for value in numbers)),
        "texts": sorted(value for _, value, _ in rows if isinstance(value, str)),
        "models": sorted([plain(model) or "", n, texts] for model, n, texts in opened.counts()),
    }
    opened.close()
    return record


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
    main = entry.load()

    def run(arguments):
        before, sys.argv = sys.argv, ["iomap", *arguments]
        try:
            main()
        except SystemExit as end:
            if end.code:
                raise
        finally:
            sys.argv = before

    return run
