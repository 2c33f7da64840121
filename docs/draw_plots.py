"""Draw the pictures of docs/plots.md with the code that stands above each.

    python docs/draw_plots.py

The examples of the page are run in order; where it shows a picture, the Axes that the code before it named ``ax`` are
saved there. So page and pictures agree.
"""

from __future__ import annotations

import doctest
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
if str(DOCS.parent) not in sys.path:
    sys.path.insert(0, str(DOCS.parent))
PICTURE = re.compile(r"!\[.*?\]\((plots/[\w-]+\.png)\)")
DPI, COLOURS = 90, 128


def save(ax: Any, path: Path) -> None:
    """Save the figure of Axes in few colours, and close it."""
    import matplotlib.pyplot as plt
    from PIL import Image

    ax.figure.savefig(path, dpi=DPI)
    plt.close(ax.figure)
    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    os.environ["MPLBACKEND"] = "agg"
    page, names = (DOCS / "plots.md").read_text(encoding="utf-8"), dict[str, Any]()
    parser = doctest.DocTestParser()
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    parts = [*PICTURE.split(page), ""]  # text, picture, text, picture, …
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IOMAP_STORE"] = str(Path(folder, "answers.sqlite"))
        for text, picture in zip(parts[::2], parts[1::2], strict=True):
            test = parser.get_doctest(text, names, "plots.md", None, 0)
            runner.run(test, clear_globs=False)
            names = test.globs  # a test has its own copy
            if picture:
                save(names["ax"], DOCS / picture)


if __name__ == "__main__":
    main()
