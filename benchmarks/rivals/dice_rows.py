"""Counterfactuals of dice-ml and of iomap, by an interpreter that has dice-ml: ``dice_rows.py TASKS OUT``.

TASKS is JSON: table, model, rows and the classes wanted, and those of a row before. OUT gets one line for each row and
search: the values found, seconds and the rows that the model was asked. All searches run in one process on one thread,
in an order drawn for each row, so that their times can be compared. What is made once for a table and a model is not
timed: dice-ml's objects, and a row that is explained before, which loads what is imported late and has iomap meet the
model.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

#: a row's number and the class wanted → the values found, and the rows asked
Search = Callable[[int, int], "tuple[list[float] | None, int]"]
METHODS = ("random", "genetic")


def main() -> None:
    """Find one counterfactual for every row of every task, with everybody's own defaults."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    tasks = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with Path(sys.argv[2]).open("w", encoding="utf-8") as out, threadpool_limits(1):
        for task in tasks:
            searches = _searches(task)
            for search in searches.values():
                search(*task["before"])
            for row, wanted in zip(task["rows"], task["wanted"], strict=True):
                for i in np.random.default_rng([row, 3]).permutation(len(searches)):
                    name = list(searches)[i]
                    start = time.perf_counter()
                    values, asked = searches[name](row, wanted)
                    line = {"values": values, "seconds": time.perf_counter() - start, "asked": asked}
                    about = {"data": task["data"], "model": task["model"], "method": name, "row": row}
                    out.write(json.dumps({**line, **about}) + "\n")
                    out.flush()


def _searches(task: dict[str, Any]) -> dict[str, Search]:
    """iomap's search and dice-ml's, on one table and model."""
    import dice_ml  # type: ignore[import-not-found, unused-ignore]

    from benchmarks.tasks.decisions import Counted, decision_task
    from probes import Store

    X, y, model = decision_task(task["data"], task["model"])
    counted = Counted(model)
    data = dice_ml.Data(dataframe=X.assign(outcome=y), continuous_features=list(X.columns), outcome_name="outcome")
    rivals = {m: dice_ml.Dice(data, dice_ml.Model(model=counted, backend="sklearn"), method=m) for m in METHODS}
    theirs = {m: partial(_theirs, rival, counted, X) for m, rival in rivals.items()}
    return {"iomap": partial(_ours, model, X, Store()), **theirs}


def _ours(model: Any, X: Any, store: Any, row: int, wanted: int) -> tuple[list[float] | None, int]:
    from surrogates import counterfactuals

    found = counterfactuals(
        model, X.iloc[row], background=X, desired=wanted, random_state=row, store=store, progress=False
    )
    return [float(v) for v in found.rows.iloc[0]] if len(found) else None, found.asked


def _theirs(rival: Any, counted: Any, X: Any, row: int, wanted: int) -> tuple[list[float] | None, int]:
    counted.rows = 0
    try:
        found = (
            rival.generate_counterfactuals(X.iloc[[row]], total_CFs=1, desired_class=wanted, verbose=False)
            .cf_examples_list[0]
            .final_cfs_df
        )
        values = [float(v) for v in found[list(X.columns)].iloc[0]] if found is not None and len(found) else None
    except Exception as error:  # noqa: BLE001 - it raises where it finds none
        print(f"dice-ml: {type(error).__name__}: {error}", file=sys.stderr)
        values = None
    return values, counted.rows


if __name__ == "__main__":
    main()
