"""Run the notebooks of docs/notebooks, and save what their cells show.

    python docs/run_notebooks.py            # runs all, writes their outputs
    python docs/run_notebooks.py tabular    # those whose name contains this

Cells are run in order in this process, each notebook in an empty folder with a store of its own; what a cell prints,
the figures that it draws and the value of its last line are its outputs, as in Jupyter. So neither a kernel nor a
notebook server is needed, and the files open in both. A test runs them the same way, and compares what they show with
what was saved.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import os
import sys
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

FOLDER = Path(__file__).resolve().parent / "notebooks"
if str(FOLDER.parents[1]) not in sys.path:
    sys.path.insert(0, str(FOLDER.parents[1]))


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def shown(value: Any, number: int) -> dict[str, Any]:
    """The output of a cell that ends with an expression."""
    data = {"text/plain": lines(repr(value))}
    if hasattr(value, "_repr_html_"):
        data = {"text/html": lines(value._repr_html_()), "text/plain": lines(str(value))}
    return {"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": data}


def figures() -> list[dict[str, Any]]:
    """The figures that a cell drew, in few colours, and closed."""
    if "matplotlib.pyplot" not in sys.modules:
        return []
    import matplotlib.pyplot as plt
    from PIL import Image

    outputs = []
    for number in plt.get_fignums():
        figure, file, small = plt.figure(number), io.BytesIO(), io.BytesIO()
        figure.savefig(file, format="png", dpi=80)
        Image.open(file).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(small, "png", optimize=True)
        data = {"image/png": base64.b64encode(small.getvalue()).decode(), "text/plain": [str(figure)]}
        outputs.append({"output_type": "display_data", "metadata": {}, "data": data})
        plt.close(figure)
    return outputs


def run_cell(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """Run one cell, and return its outputs."""
    body = ast.parse(source).body
    last = ast.Expression(body.pop().value) if body and isinstance(body[-1], ast.Expr) else None
    with redirect_stdout(io.StringIO()) as printed, redirect_stderr(io.StringIO()):
        exec(compile(ast.Module(body, []), f"cell {number}", "exec"), names)
        value = None if last is None else eval(compile(last, f"cell {number}", "eval"), names)
    text = printed.getvalue()
    outputs: list[dict[str, Any]] = []
    if text:
        outputs.append({"output_type": "stream", "name": "stdout", "text": lines(text)})
    outputs += figures()
    return outputs if value is None else [*outputs, shown(value, number)]


def run(path: Path) -> dict[str, Any]:
    """Run a notebook, and return it with the outputs of this run."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    names: dict[str, Any] = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        store = {"IOMAP_STORE": str(Path(folder, "answers.sqlite")), "MPLBACKEND": "agg"}
        with patch.dict(os.environ, store):
            code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
            for number, cell in enumerate(code, 1):
                cell["outputs"] = run_cell("".join(cell["source"]), names, number)
                cell["execution_count"] = number
    return notebook


def main(names: list[str]) -> None:
    for path in sorted(FOLDER.glob("*.ipynb")):
        if not names or any(name in path.stem for name in names):
            path.write_text(json.dumps(run(path), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
