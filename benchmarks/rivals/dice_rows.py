"""dice-ml's counterfactuals, by an interpreter that has dice-ml: ``dice_rows.py TASKS OUT``.

TASKS is JSON: table, model, method, rows and the classes wanted. OUT gets one line a row: the values found, seconds and
the rows that the model was asked.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any


def main() -> None:
    """Find one counterfactual for every row of every task, with dice-ml's own defaults."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    import dice_ml  # type: ignore[import-not-found, unused-ignore]

    from benchmarks.tasks.decisions import Counted, decision_task

    tasks = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with Path(sys.argv[2]).open("w", encoding="utf-8") as out:
        for task in tasks:
            X, y, model = decision_task(task["data"], task["model"])
            counted = Counted(model)
            data = dice_ml.Data(
                dataframe=X.assign(outcome=y), continuous_features=list(X.columns), outcome_name="outcome"
            )
            rival = dice_ml.Dice(data, dice_ml.Model(model=counted, backend="sklearn"), method=task["method"])
            for row, wanted in zip(task["rows"], task["wanted"], strict=True):
                out.write(json.dumps({**_one(rival, counted, X, row, wanted), **_about(task), "row": row}) + "\n")
                out.flush()


def _about(task: dict[str, Any]) -> dict[str, Any]:
    return {name: task[name] for name in ("data", "model", "method")}


def _one(rival: Any, counted: Any, X: Any, row: int, wanted: int) -> dict[str, Any]:
    counted.rows, start = 0, time.perf_counter()
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
    return {"values": values, "seconds": time.perf_counter() - start, "asked": counted.rows}


if __name__ == "__main__":
    main()
