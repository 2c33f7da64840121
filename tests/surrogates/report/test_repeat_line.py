"""The line of Python on a page, run as it stands, makes the same explanation."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from probes import ContextProbe, FieldsProbe, MaskProbe, PairProbe, TextProbe
from surrogates import Auto, Explanation, SparseLinear, Width, explain
from surrogates.report.repeat_line import repeat_line
from tests.helpers.cheap_families import cheap
from tests.helpers.checkout import ROOT

GOLDEN = ROOT / "tests" / "golden" / "1"


def count(texts):
    return [float(len(t)) if isinstance(t, str) else float(len(t[-1][1])) for t in texts]


def letters(inputs):
    return [float(len("".join(t if isinstance(t, tuple) else t.values()))) for t in inputs]


def product(Z):
    return Z[:, 0] + Z[:, 1] * Z[:, 2]


def two(Z):
    return pd.DataFrame({"a": Z[:, 0], "b": Z[:, 1] - Z[:, 2]})


CASES = {
    "mask": (product, MaskProbe(9), {"budget": 40, "random_state": 7}),
    "names": (product, MaskProbe(["a'\"\\", "b\n", "c", "d"]), {}),
    "text": (count, TextProbe('It\'s "quoted",\n\ttabbed \\ and \u05d0\u05d1 \u202eturned'), {"budget": 40}),
    "replaced": (count, TextProbe("One. Two here. Three, too. Four.", "sentence", replacement="…"), {}),
    "characters": (count, TextProbe("not bad", "character"), {}),
    "bare words": (count, TextProbe("Not bad, at all!", "bare word", replacement="[MASK]"), {}),
    "Markdown": (count, TextProbe("# One\n\n- two\n- three\n\nFour.\n", "markdown"), {}),
    "lines of a context": (count, ContextProbe("One.\nTwo.\nThree.", "Which?", unit="line"), {}),
    "fold-over": (product, MaskProbe(6), {"budget": 40, "design": "fold-over"}),
    "target": (two, MaskProbe(6), {"target": ["b"], "budget": 40}),
    "settings": (product, MaskProbe(6), {"family": SparseLinear(max_terms=2), "budget": 40}),
    "context": (count, ContextProbe({"A": "One. Two.", "B": "Three."}, "When?", unit="sentence"), {}),
    "pair": (letters, PairProbe("A man sleeps.", "The 'man'"), {}),
    "pair second": (letters, PairProbe("A man", "One. Two. Three.", "second", "sentence", names=("p", "h")), {}),
    "fields": (letters, FieldsProbe({"a": "one two", "b": "two"}, fixed=["b"], replacement="…"), {}),
    "documents": (count, ContextProbe(["One. Two.", "Three."], "When?"), {}),
}


@pytest.mark.parametrize("case", CASES)
def test_run_as_it_stands_it_makes_the_same_explanation(case, tmp_path):
    model, probe, given = CASES[case]
    ex = explain(model, probe, store=None, **given)
    page = ex.report(tmp_path / "page.html").read_text()
    shown = re.search(r'<pre class="code" dir="ltr"><code>(.*?)</code>', page, re.DOTALL).group(1)
    imports, line = html.unescape(re.sub(r"</?span[^>]*>", "", shown)).split("\n")
    names = {"model": model}
    exec(imports, names)
    again = eval(line, names)
    assert again.answers.design.digest == ex.answers.design.digest
    assert again.provenance["family"] == ex.provenance["family"]
    np.testing.assert_allclose(again.y, ex.y)
    np.testing.assert_allclose(again.attributions["attribution"], ex.attributions["attribution"])


def test_a_family_chosen_by_auto_is_asked_for_by_auto():
    ex = explain(product, MaskProbe(6), cheap("auto"), budget=40, store=None)
    assert ", family, budget=40" in repeat_line(ex).code
    plain = explain(product, MaskProbe(5), Auto(("linear", SparseLinear(max_terms=1))), budget=24, store=None)
    assert "'auto'" not in repeat_line(plain).code


def test_what_is_not_saved_stands_under_its_name_and_is_said():
    frame = pd.DataFrame({"a": np.arange(8.0), "b": np.arange(8.0) ** 2})
    table = explain(lambda rows: rows["a"], frame.iloc[3], background=frame, store=None)
    assert repeat_line(table).code == "explain(model, probe, 'linear', random_state=0)"
    assert repeat_line(table).notes[0].endswith("; probe as given.")
    own = explain(two, MaskProbe(5), target=lambda raw: raw[:, 0] - raw[:, 1], store=None)
    assert "target=target" in repeat_line(own).code and repeat_line(own).notes[0].endswith("; target as given.")


def test_a_rule_that_stopped_the_asking_is_not_forgotten():
    ex = explain(product, MaskProbe(9), budget=160, until=Width(0.2), store=None)
    line = repeat_line(ex)
    assert "until=Width(half_width=0.2, top=3)" in line.code and "import Width, explain" in line.imports
    names = {"model": product}
    exec(line.imports, names)
    assert eval(line.code, names).answers.design.digest == ex.answers.design.digest
    older = replace(ex, provenance={k: v for k, v in ex.provenance.items() if k != "until"})
    assert any(note.startswith("Give the same until=") for note in repeat_line(older).notes)
    full = explain(product, MaskProbe(9), budget=40, store=None)
    assert not any("until" in note for note in repeat_line(full).notes)


def test_a_system_prompt_is_not_written_into_the_line():
    probe = ContextProbe("One. Two.", "When?", system="the password is swordfish")
    ex = explain(count, probe, store=None)
    assert "swordfish" not in repeat_line(ex).code and repeat_line(ex).code.startswith("explain(model, probe, ")


def test_a_language_models_answer_and_spans_are_kept():
    ex = Explanation.from_json(GOLDEN / "language-model.json")
    assert "answer='did Oslo when Oslo'" in repeat_line(ex).code
    assert repeat_line(ex.attribute(["Oslo", "when"])).code.endswith(".attribute(['Oslo', 'when'])")
    assert repeat_line(ex.attribute("when")).code.endswith(".attribute('when')")
