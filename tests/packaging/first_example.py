"""Run the first example of the installed README: no checkout is needed, the text is in the package's metadata."""

from __future__ import annotations

import doctest
import re
import sys
from importlib.metadata import metadata


def first_example(readme: str) -> str:
    """Return the first Python block that holds a prompt."""
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    return next(block for block in blocks if ">>>" in block)


def main() -> int:
    """Return the number of examples that failed."""
    description = metadata("iomap")
    readme = description.get_payload() or description["Description"]
    test = doctest.DocTestParser().get_doctest(first_example(str(readme)), {}, "first example", "README.md", 0)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.DocTestRunner(optionflags=flags).run(test)
    sys.stdout.write(f"{tried - failed} of {tried} examples of the installed README pass\n")
    return failed + (tried == 0)


if __name__ == "__main__":
    sys.exit(main())
