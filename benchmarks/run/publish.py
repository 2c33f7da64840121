"""Numbers in the documentation come from the results, never from a keyboard.

``python -m benchmarks publish`` rewrites whatever stands between ``<!-- benchmark:NAME -->`` and
``<!-- /benchmark:NAME -->`` in ``docs/comparison.md`` and the pages of ``docs/benchmarks``, and draws
``docs/fidelity.png`` and ``docs/growth.png``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.cost.hooks import TABLE as HOOKS
from benchmarks.cost.own_time import TABLE
from benchmarks.cost.pages import TABLE as PAGE_SIZES
from benchmarks.quality.background import TABLE as BACKGROUND
from benchmarks.quality.chats import TABLE as CHATS
from benchmarks.quality.components import CIRCUITS
from benchmarks.quality.components import TABLE as COMPONENTS
from benchmarks.quality.conditional import TABLE as CONDITIONAL
from benchmarks.quality.copies import TABLE as COPIES
from benchmarks.quality.data_values import TABLE as VALUES
from benchmarks.quality.difference import TABLE as CHANGES
from benchmarks.quality.frontier import GAINS as FRONTIER
from benchmarks.quality.frontier import grids
from benchmarks.quality.images import PLANTED_TABLE
from benchmarks.quality.images import TABLE as IMAGES
from benchmarks.quality.interactions import BESIDE as PAIRWISE
from benchmarks.quality.interactions import HELD as PAIRS_HELD
from benchmarks.quality.interactions import INDICES
from benchmarks.quality.link import TABLE as LINK
from benchmarks.quality.long_documents import BOOKS, PASSAGES, SMALL, UNITS
from benchmarks.quality.pairs import TABLE as PAIRS
from benchmarks.quality.rows import FOUND as ROW_CAUSES
from benchmarks.quality.rows import TABLE as ROWS
from benchmarks.quality.series import BESIDE as SERIES
from benchmarks.quality.series import FOUND
from benchmarks.quality.shapley import BESIDE, HELD
from benchmarks.quality.skewed import TABLE as SKEWED
from benchmarks.quality.steering import ARMS, DRAWN
from benchmarks.quality.units import BESIDE as TEXT_RIVALS
from benchmarks.quality.units import PLANTED as PLANTED_UNITS
from benchmarks.quality.units import REPLACED
from benchmarks.quality.where import CHANCE, PLANTED
from benchmarks.rivals.contenders import OURS, PROXYSPEX
from benchmarks.rivals.counterfactuals import TABLE as COUNTERFACTUALS
from benchmarks.run.fidelity_figure import draw
from benchmarks.run.growth_figure import draw_growth
from benchmarks.run.record import read

__all__ = ["fill", "grid", "publish"]

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(r"(<!-- benchmark:([a-z0-9_-]+) -->\n).*?(<!-- /benchmark:\2 -->)", re.DOTALL)


def publish(folder: Path) -> list[Path]:
    """Fill the pages and draw the figures from ``folder/*.json``; what has no results is left as it is."""
    written = []
    for page in (DOCS / "comparison.md", *sorted((DOCS / "benchmarks").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        filled = fill(text, folder)
        if filled != text:
            page.write_text(filled, encoding="utf-8")
            written.append(page)
    if groups := read("fidelity", folder).get("groups"):
        written.append(draw(groups, DOCS / "fidelity.png"))
    if rows := read("growth", folder).get("rows"):
        written.append(draw_growth(rows, DOCS / "growth.png"))
    return written


def fill(text: str, folder: Path) -> str:
    """A page with its blocks made anew.

    Raises
    ------
    KeyError
        For a block that no maker knows.
    """

    def block(match: re.Match[str]) -> str:
        name = match.group(2)
        source, make = MAKERS[name] if name in MAKERS else _fidelity_maker(name)
        result = read(source, folder)
        readable = result and (source != "fidelity" or "groups" in result)
        made = make(result) if readable else ""
        return f"{match.group(1)}{made}\n{match.group(3)}" if made else match.group(0)

    return _BLOCK.sub(block, text)


def grid(rows: Sequence[Mapping[str, Any]], value: str, lowest: bool = False) -> str:
    """A Markdown table with one line a contender and one column a budget; the best of each column in bold."""
    frame = pd.DataFrame(rows)
    wide = frame.pivot(index="contender", columns="budget", values=value).reindex(frame["contender"].unique())
    best = wide.min() if lowest else wide.max()
    text = ["| " + " | ".join(["calls", *map(str, wide.columns)]) + " |"]
    text.append("|---" * (len(wide.columns) + 1) + "|")
    for name, line in wide.iterrows():
        cells = [_cell(v, bool(_number(v) == _number(best[c]))) for c, v in line.items()]
        shown = f"**{name}**" if name in OURS else str(name)
        text.append("| " + " | ".join([shown, *cells]) + " |")
    return "\n".join(text)


def _cell(value: float, best: bool) -> str:
    text = _number(value)
    return f"**{text}**" if best and text not in ("–", "< −1") else text


def _number(value: Any) -> str:
    if value is None or pd.isna(value):
        return "–"
    if value < -1:
        return "< −1"
    return re.sub(r"^(-?)0\.", r"\1.", f"{value:.2f}").replace("-", "−")


def plain(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """A Markdown table of some columns: key → heading."""
    text = ["| " + " | ".join(columns.values()) + " |", "|---" * len(columns) + "|"]
    text += ["| " + " | ".join(_any(row[key]) for key in columns) + " |" for row in rows]
    return "\n".join(text)


def _any(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number(value) if isinstance(value, float) or value is None else str(value)


def _fidelity_maker(name: str) -> tuple[str, Callable[[dict[str, Any]], str]]:
    """``fidelity-GROUP``: a table for each kind of a group, its settings, and the differences to the best rival."""
    source, _, group = name.partition("-")
    if source != "fidelity":
        raise KeyError(f"no block named {name}; there are {', '.join(MAKERS)} and fidelity-GROUP")

    def make(result: dict[str, Any]) -> str:
        if group not in result["groups"]:
            return ""
        part = result["groups"][group]
        settings = part["settings"]
        text = [f"{len(settings['tasks'])} tasks, {len(settings['seeds'])} seeds." + " Quick run." * part["quick"], ""]
        for k in dict.fromkeys(row["kind"] for row in part["r2"]):
            text += [f"`{k}`", "", grid([row for row in part["r2"] if row["kind"] == k], "mean"), ""]
            shown = [row for row in part["differences"] if row["kind"] == k and row["contender"] in GAINS]
            if shown:
                text += [plain(shown, DIFFERENCE), ""]
        return "\n".join(text).rstrip()

    return source, make


#: one a package, and the strongest
SHOWN_RIVALS = (
    PROXYSPEX,
    "pairwise Lasso-CV",
    "RegressionFBII (shapiq)",
    "Lasso-CV",
    "Lasso .01 (context-cite)",
    "weighted ridge (lime)",
    "Lime (captum)",
    "KernelExplainer (shap)",
)
GAINS = ("iomap proxy", "iomap interactions")
DIFFERENCE = {
    "budget": "calls",
    "contender": "contender",
    "mean": "minus the best rival",
    "low": "from",
    "high": "to",
    "best rival": "best rival",
    "wins": "instances won",
}
TARGET = {"kind": "kind", "target": "target", "value": "value", "reached": "reached"}
SHARE = {
    "kind": "kind",
    "contender": "contender",
    "ProxySPEX calls": "ProxySPEX's calls",
    "its R²": "its R²",
    "calls": "calls to the same R²",
    "share": "share",
    "low": "from",
    "high": "to",
    "bound": "a bound only",
}
COVERAGE = {"family": "family", "trials": "trials", "r2_covered": "R² covered", "low": "from", "high": "to",
            "effects_covered": "effects covered", "bias": "reported less true R²", "r2_width": "width (R²)",
            "permuted": "shuffled answers: R²", "permuted_95": "95th percentile", "permuted_above": "above .05",
            "reached": "both within .90–.99"}  # fmt: skip


GROWTH = {
    "axis": "varied",
    "contender": "contender",
    "from": "from",
    "to": "to",
    "first": "s per 1,000 questions, first",
    "last": "s per 1,000 questions, last",
    "exponent": "exponent",
    "memory": "memory, MiB",
    "memory_exponent": "exponent (memory)",
}
PROJECTION = {
    "questions": "questions",
    "tokens_per_question": "tokens a question",
    "flop": "FLOP",
    "gpu_hours": "GPU-hours",
    "gpu_hours_per_thousand": "GPU-hours for 1,000 explanations",
}


def _growth(result: dict[str, Any]) -> str:
    return plain(
        [
            {
                **row,
                **{key: f"{row[key]:.2g}" for key in ("first", "last")},
                "exponent": _exponent(row["exponent"], row["error"]),
                "memory": f"{row['memory_mib']:.0f}" if row["memory_mib"] >= 1 else "< 1",
                "memory_exponent": _exponent(row["memory_exponent"], row["memory_error"]),
            }
            for row in result["growth"]
        ],
        GROWTH,
    )


def _exponent(value: float | None, error: float | None) -> str:
    return "–" if value is None or error is None else f"{_number(value)} ± {_number(error)}"


def _projection(result: dict[str, Any]) -> str:
    keys = ("flop", "gpu_hours", "gpu_hours_per_thousand")
    return plain([{**row, **{key: f"{row[key]:.3g}" for key in keys}} for row in result["projection"]], PROJECTION)


FRUGALITY = {
    "family": "family",
    "reached": "reached",
    "calls": "calls, mean",
    "mean": "seconds, context-cite over iomap",
    "low": "from",
    "high": "to",
    "fewer": "by fewer questions",
    "faster": "by faster scoring",
    "due_to_fewer": "share of the first",
    "processor_ratio": "processor seconds",
    "explain_ratio": "with judging",
    "met": "3 or more",
}


def _frugality(result: dict[str, Any]) -> str:
    """Fidelity by budget, then the ratio of seconds."""
    settings = result["settings"]
    head = f"{len(settings['prompts'])} prompts, {settings['seeds']} seeds, {settings['torch_threads']} threads."
    summary = [{**row, "calls": str(round(row["calls"]))} for row in result["summary"]]
    return "\n\n".join([head + " Quick run." * result["quick"], grid(result["r2"], "mean"), plain(summary, FRUGALITY)])


def _shares(result: dict[str, Any]) -> str:
    rows = [row for group in result["groups"].values() for row in group["calls"]]
    return plain([{**row, "calls": str(round(row["calls"]))} for row in rows], SHARE) if rows else ""


def _overall(result: dict[str, Any]) -> str:
    """Full tables of real models: the mean over their kinds, of the contenders that ``docs/comparison.md`` shows."""
    if "games" not in result["groups"]:
        return ""
    rows = pd.DataFrame(result["groups"]["games"]["r2"])
    rows = rows[rows["contender"].isin([*OURS, *SHOWN_RIVALS])]
    return grid(
        rows.groupby(["contender", "budget"], sort=False)["mean"].mean().reset_index().to_dict("records"), "mean"
    )


def _shapley(result: dict[str, Any]) -> str:
    """Errors of everyone in percent, then beside the best rival, and how often intervals held the truth."""
    grids = _by_kind([{**r, "mean": 100 * r["mean"]} for r in result.get("errors", [])], "mean", lowest=True)
    rows = [{**r, "own": 100 * r["own"], "best": 100 * r["best"]} for r in result.get("beside", [])]
    beside, held = plain(rows, BESIDE), plain(result.get("coverage", []), HELD)
    return "\n\n".join([grids, beside, held])


def _interactions(result: dict[str, Any]) -> str:
    """Errors of pairwise indices by index; then beside the best rival, and how often intervals held the truth."""
    grids = [
        f"`{index}`\n\n" + _by_kind([r for r in result.get("errors", []) if r["index"] == index], "mean", lowest=True)
        for index in INDICES
    ]
    return "\n\n".join(
        [*grids, plain(result.get("beside", []), PAIRWISE), plain(result.get("coverage", []), PAIRS_HELD)]
    )


def _coverage(result: dict[str, Any]) -> str:
    """By family, then by family and kind of model."""
    names = ("kind", "family", "trials", "r2_covered", "low", "high", "effects_covered")
    by_kind = plain(result["by_kind"], {name: COVERAGE.get(name, name) for name in names})
    return f"{plain(result['by_family'], COVERAGE)}\n\n{by_kind}"


def _statements(result: dict[str, Any]) -> str:
    columns = {"kind": "studies", "studies": "number", "found": "rule found", "found_and_supported": "and supported",
               "studies_with_false_supported": "with a false one supported", "coverage": "intervals held"}  # fmt: skip
    rows = [{"kind": "all", **result["all"][0]}]
    rows += [{"kind": "confounded" if r["confounded"] else "balanced", **r} for r in result["by_confounding"]]
    return plain(rows, columns)


def _interval(row: Mapping[str, Any]) -> str:
    return f"[{row['low']:.2f}, {row['high']:.2f}]".replace("-", "−")


def _formulaic(result: dict[str, Any]) -> str:
    """The memo's figures beside what was found; empty cells where the memo gives none."""
    text = ["| task | figure | memo | found | 95% interval | entities | inside |", "|---|---|---|---|---|---|---|"]
    for row in result["rows"]:
        inside = "" if row["inside"] is None else _any(row["inside"])
        figure = f"{row['found']:.2f}".replace("-", "−")
        cells = [row["task"], row["figure"], row["memo"] or "", figure, _interval(row), row["entities"], inside]
        # what stands in <|…|> would end a cell
        text.append("| " + " | ".join(str(c).replace("|>", "\\|>").replace("<|", "<\\|") for c in cells) + " |")
    return "\n".join(text)


def _reversal(result: dict[str, Any]) -> str:
    numbers = (
        "forward_exact",
        "reverse_exact",
        "both_exact",
        "treated_exact",
        "untreated_exact",
        "tree_r2",
        "linear_r2",
    )
    heads = ("seed", "forward", "reverse", "taught both ways", "reverse taught later", "not taught later",
             "tree R²", "linear R²", "leaf of most change", "its change (nats)")  # fmt: skip
    columns = ("seed", *numbers, "leaf", "leaf_change")
    return plain(result["trials"], dict(zip(columns, heads, strict=True)))


def _reversal_files(result: dict[str, Any]) -> str:
    """Exact match before and after, and every statement with its verdict."""
    columns = {"taught": "taught", "direction": "asked", "exact_before": "written before", "exact": "written after"}
    rows = [{**row, "m": f"{row['margin']:+.2f}".replace("-", "−")} for row in result["trained"]["figures"]]
    text = [plain(rows, {**columns, "m": "margin after (nats)"}), "", "| verdict | statement |", "|---|---|"]
    said = [*result["trained"]["statements"], *result["celebrities"]["statements"]]
    return "\n".join([*text, *(f"| {s['verdict']} | {s['words']} |" for s in said)])


def _card(result: dict[str, Any]) -> str:
    cost = {"store": "store", "seconds": "seconds", "calls": "calls", "rows": "answers asked", "tokens": "tokens",
            "reused": "answers known"}  # fmt: skip
    runs = [{**row, "seconds": f"{row['seconds']:.1f}"} for row in result["runs"]]
    kept = {"behaviour": "behaviour", "cases": "cases", "r2": "R²", "r2_statements": "by statements alone",
            "coverage": "90% intervals held", "coverage_least": "in the worst level"}  # fmt: skip
    verdict_names = ["supported", "refuted", "inconclusive", "not testable"]
    by_name: dict[str, dict[str, Any]] = {}
    for s in result["statements"]:
        row = by_name.setdefault(s["behaviour"], {"behaviour": s["behaviour"], **dict.fromkeys(verdict_names, 0)})
        row[s["verdict"]] += 1
    verdicts = plain(list(by_name.values()), {"behaviour": "behaviour", **{v: v for v in verdict_names}})
    return "\n\n".join([plain(runs, cost), verdicts, plain(result["predictions"], kept)])


def _recovery(result: dict[str, Any]) -> str:
    return _by_kind(result["recovery"], "recall_at_k")


def _by_kind(rows: list[dict[str, Any]], value: str, lowest: bool = False) -> str:
    kinds = dict.fromkeys(row["kind"] for row in rows)
    return "\n\n".join(f"`{k}`\n\n{grid([row for row in rows if row['kind'] == k], value, lowest)}" for k in kinds)


SPEED = {
    "contender": "contender",
    "seconds": "seconds",
    "over": "times iomap's",
    "target": "target",
    "apart": "nats apart",
}


def _speed(result: dict[str, Any]) -> str:
    """Seconds of everyone for the same questions, and iomap's beside the floor."""
    lines = [*result["times"], result["bfloat16"], *result.get("captum", [])]
    rows = [
        {
            "contender": line["contender"],
            "seconds": f"{line['seconds']:,.0f}",
            "over": line["over_iomap"],
            "target": line.get("target"),
            "apart": "–" if line.get("largest_difference_nats") is None else f"{line['largest_difference_nats']:.0e}",
        }
        for line in lines
        if "failed" not in line
    ]
    floors = [
        f"{name}: {part['seconds']:.0f} s, {part['over_floor']:.2f} times the floor of {part['floor_seconds']:.0f} s"
        for name, part in result.get("floor", {}).items()
    ]
    return "\n".join([plain(rows, SPEED), "", "; ".join(floors) + "."]) if floors else plain(rows, SPEED)


#: block → its results' name, and what makes its text of them
MAKERS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "targets": ("fidelity", lambda result: plain(result["targets"], TARGET) if result["targets"] else ""),
    "overall": ("fidelity", _overall),
    "shares": ("fidelity", _shares),
    "shapley": ("shapley", _shapley),
    "interactions": ("interactions", _interactions),
    "speed": ("speed", _speed),
    "frugality": ("frugality", _frugality),
    "own-time": ("own-time", lambda result: plain(result["ratios"], TABLE)),
    "pages": ("pages", lambda result: plain(result["rows"], PAGE_SIZES)),
    "coverage": ("coverage", _coverage),
    "conditional": ("conditional", lambda result: plain(result["rows"], CONDITIONAL)),
    "counterfactuals": ("counterfactuals", lambda result: plain(result["rows"], COUNTERFACTUALS)),
    "background": ("background", lambda result: plain(result["coverage"], BACKGROUND)),
    "link": ("link", lambda result: plain(result["gains"], LINK)),
    "frontier": ("frontier", lambda result: grids(result, grid)),
    "frontier-gains": ("frontier", lambda result: plain(result["gains"], FRONTIER)),
    "rows": ("rows", lambda result: plain(result["rows"], ROWS)),
    "rows-planted": ("rows", lambda result: plain(result["found"], ROW_CAUSES)),
    "series": ("series", lambda result: plain(result["beside"], SERIES)),
    "series-planted": ("series", lambda result: plain(result["found"], FOUND)),
    "images": ("images", lambda result: plain(result["rows"], IMAGES)),
    "images-planted": ("images", lambda result: plain(result["planted"], PLANTED_TABLE)),
    "skewed": ("skewed", lambda result: plain(result["table"], SKEWED)),
    "statements": ("statements", _statements),
    "difference": ("difference", lambda result: plain(result["pairs"], CHANGES)),
    "chats": ("chats", lambda result: plain(result["rows"], CHATS)),
    "copies": ("copies", lambda result: plain(result["rows"], COPIES)),
    "pairs": ("pairs", lambda result: plain(result["rows"], PAIRS)),
    "units-planted": ("units", lambda result: plain(result["planted"], PLANTED_UNITS)),
    "units-replaced": ("units", lambda result: plain(result["replaced"], REPLACED)),
    "units-beside": ("units", lambda result: plain(result["beside"], TEXT_RIVALS)),
    "hooks": ("hooks", lambda result: plain(result["rows"], HOOKS)),
    "data-values": ("data-values", lambda result: plain(result["rows"], VALUES)),
    "components": ("components", lambda result: plain(result["rows"], COMPONENTS)),
    "components-circuits": ("components", lambda result: plain(result["circuits"], CIRCUITS)),
    "where": ("where", lambda result: plain(result["planted"], PLANTED)),
    "where-chance": ("where", lambda result: plain(result["nulls"], CHANCE)),
    "long-passages": ("long-documents", lambda result: plain(result["passages"], PASSAGES)),
    "long-pages": ("long-documents", lambda result: plain(result["pages"], BOOKS)),
    "long-units": ("long-documents", lambda result: plain(result["units"], UNITS)),
    "long-small": ("long-documents", lambda result: plain(result["small"], SMALL)),
    "steering": ("steering", lambda result: plain(result["arms"], ARMS)),
    "steering-seeds": ("steering", lambda result: plain(result["seeds"], DRAWN)),
    "recovery": ("recovery", _recovery),
    "formulaic": ("formulaic", _formulaic),
    "reversal": ("reversal", _reversal),
    "reversal-files": ("reversal-files", _reversal_files),
    "card": ("card", _card),
    "growth": ("growth", _growth),
    "projection": ("growth", _projection),
}
