"""Take the README's picture, docs/report.png, of a report that is made anew.

    python docs/draw_report.py                # asks the language model of the demo, then takes the picture
    python docs/draw_report.py why.html       # takes a picture of this report in docs/report.png

Needs what `make demo` installs, and Chromium (on the path as ``chromium`` or ``chromium-browser``). Without Chromium
the report is kept as report.html, for any browser to open.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
if str(DOCS.parent) not in sys.path:
    sys.path.insert(0, str(DOCS.parent))
#: width and height of the picture
SIZE = 900, 1000
PICTURE = DOCS / "report.png"


def report(folder: Path) -> Path:
    """Make the report of the demo's language model."""
    from demo.demo import language_model

    return language_model().report(folder / "report.html")


def photograph(page: Path, picture: Path = PICTURE) -> bool:
    """Take a picture of the top of a page; False without Chromium."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        return False
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={SIZE[0]},{SIZE[1]}"]
    command = [browser, *flags, f"--screenshot={picture}", page.resolve().as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    small(picture)
    return True


def small(picture: Path) -> None:
    """Save a picture in few colours."""
    from PIL import Image

    with Image.open(picture) as image:
        image.convert("RGB").quantize(96, dither=Image.Dither.NONE).save(picture, optimize=True)


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(arguments[0]) if arguments else report(Path(folder))
        if photograph(page):
            return 0
        kept = Path(shutil.copy(page, "report.html")) if not arguments else page
        sys.stdout.write(f"no Chromium: open {kept} in a browser and take a picture of {SIZE[0]} × {SIZE[1]}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
