"""``python -m benchmarks NAME [--quick] [--jobs N] [--out FOLDER]``; ``--help`` lists what narrows a run down."""

from __future__ import annotations

import argparse
from inspect import signature
from pathlib import Path

from benchmarks.cost import card, endpoint, frugality, growth, hooks, many, overhead, own_time, pages, speed, store
from benchmarks.quality import (
    background,
    chats,
    components,
    conditional,
    copies,
    coverage,
    data_values,
    difference,
    fidelity,
    formulaic,
    frontier,
    images,
    interactions,
    link,
    long_documents,
    pairs,
    recovery,
    reversal,
    reversal_files,
    rows,
    series,
    shapley,
    skewed,
    statements,
    steering,
    units,
    where,
)
from benchmarks.rivals import counterfactuals
from benchmarks.run import publish
from benchmarks.run.record import Skipped, environment, read, write

BENCHMARKS = {
    "fidelity": fidelity,
    "recovery": recovery,
    "coverage": coverage,
    "background": background,
    "conditional": conditional,
    "counterfactuals": counterfactuals,
    "link": link,
    "frontier": frontier,
    "difference": difference,
    "steering": steering,
    "chats": chats,
    "copies": copies,
    "where": where,
    "long-documents": long_documents,
    "data-values": data_values,
    "components": components,
    "pairs": pairs,
    "rows": rows,
    "skewed": skewed,
    "series": series,
    "images": images,
    "units": units,
    "shapley": shapley,
    "interactions": interactions,
    "speed": speed,
    "frugality": frugality,
    "overhead": overhead,
    "hooks": hooks,
    "own-time": own_time,
    "pages": pages,
    "growth": growth,
    "many": many,
    "endpoint": endpoint,
    "statements": statements,
    "store": store,
    "reversal": reversal,
    "reversal-files": reversal_files,
    "formulaic": formulaic,
    "card": card,
}

#: where --only takes some parts anew
MERGED = {"fidelity": fidelity, "coverage": coverage}

#: only run when named
SLOW = ("reversal-files", "formulaic", "card")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="What iomap costs, how well it does beside others, whether it is true."
    )
    parser.add_argument("name", choices=[*BENCHMARKS, "all", "publish"])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder for NAME.json")
    parser.add_argument("--quick", action="store_true", help="a small run that shows the benchmark works, no more")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    parser.add_argument(
        "--only", type=lambda text: text.split(","), help="groups of tasks, for fidelity; families, for coverage"
    )
    parser.add_argument("--seeds", type=int, help="seeds, in place of the benchmark's own number")
    parser.add_argument("--instances", type=int, help="instances of each kind, likewise")
    parser.add_argument("--budgets", type=_numbers, help="model calls such as 64,128, likewise")
    options = parser.parse_args()
    if options.name == "publish":
        for path in publish.publish(options.out):
            print(f"→ {path}")
        return
    extra = {name: getattr(options, name) for name in ("only", "seeds", "instances", "budgets")}
    extra["trials"] = options.out / "trials"
    folder = options.out / "quick" if options.quick else options.out  # a quick run's numbers replace no real ones
    for name in [n for n in BENCHMARKS if n not in SLOW] if options.name == "all" else [options.name]:
        run = BENCHMARKS[name].run
        before = environment()
        try:
            known = signature(run).parameters
            result = run(options.quick, options.jobs, **{k: v for k, v in extra.items() if k in known})
        except Skipped as reason:
            print(f"{name}: skipped, {reason}")
            continue
        BENCHMARKS[name].report(result)
        if options.only and name in MERGED:  # what was measured before of other groups stays
            result = MERGED[name].merged(result, read(name, folder))
        print(f"→ {write(name, {'quick': options.quick, **before, **result}, folder)}")


if __name__ == "__main__":
    main()
