"""``python -m benchmarks NAME [--out FOLDER] [--quick] [--jobs N]``"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import coverage, fidelity, overhead, reversal, reversal_files, shapley, speed, statements
from benchmarks.record import Skipped, environment, write

BENCHMARKS = {
    "speed": speed,
    "overhead": overhead,
    "coverage": coverage,
    "fidelity": fidelity,
    "shapley": shapley,
    "statements": statements,
    "reversal": reversal,
    "reversal-files": reversal_files,
}

#: only run when named
SLOW = ("reversal-files",)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="What iomap costs; whether intervals hold."
    )
    parser.add_argument("name", choices=[*BENCHMARKS, "all"])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder for NAME.json")
    parser.add_argument("--quick", action="store_true", help="a small run that shows the benchmark works, no more")
    parser.add_argument("--jobs", type=int, default=1, help="processes for coverage, fidelity and shapley (default 1)")
    options = parser.parse_args()
    for name in [n for n in BENCHMARKS if n not in SLOW] if options.name == "all" else [options.name]:
        before = environment()
        try:
            result = BENCHMARKS[name].run(options.quick, options.jobs)
        except Skipped as reason:
            print(f"{name}: skipped, {reason}")
            continue
        BENCHMARKS[name].report(result)
        print(f"→ {write(name, {'quick': options.quick, **before, **result}, options.out)}")


if __name__ == "__main__":
    main()
