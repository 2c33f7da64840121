"""Check built distributions: contents, then the README's first example in an empty environment and an empty folder.

python tests/packaging/check_wheel.py dist
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from contents import sdist_faults, sdist_files, wheel_faults, wheel_files  # noqa: E402


def run_installed(wheel: Path) -> None:
    """Install a wheel alone into a new environment and run the first example from an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        venv.create(place / "env", with_pip=True)
        python = str(place / "env" / "bin" / "python")
        constraints = ROOT / "constraints" / "tested.txt"
        bounds = ["--constraint", str(constraints)] if constraints.exists() else []
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *bounds, str(wheel)]
        subprocess.run(install, check=True)
        (place / "empty").mkdir()
        script = (HERE / "first_example.py").read_text(encoding="utf-8")
        store = {"IOMAP_STORE": str(place / "answers.sqlite"), "MPLBACKEND": "agg", "HOME": folder}
        # -I: neither this folder nor PYTHONPATH can stand in for what was installed
        subprocess.run([python, "-I", "-c", script], cwd=place / "empty", env=store, check=True)
        command = subprocess.run(
            [str(place / "env" / "bin" / "iomap"), "--help"],
            cwd=place / "empty",
            env=store,
            check=True,
            capture_output=True,
            text=True,
        )
        if "explain" not in command.stdout:
            raise SystemExit("the installed command iomap lists no command explain")


def main(folder: str) -> None:
    (wheel,) = Path(folder).resolve().glob("*.whl")
    (sdist,) = Path(folder).resolve().glob("*.tar.gz")
    faults = wheel_faults(wheel_files(wheel), ROOT) + sdist_faults(sdist_files(sdist), ROOT)
    if faults:
        raise SystemExit("\n".join(faults))
    run_installed(wheel)


if __name__ == "__main__":
    main(sys.argv[1])
