"""Data for scripts, and numbers as scripts write them: the same as those that Python writes."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from probes import MaskProbe
from probes.rounding import between, rounded, signed
from surrogates import explain
from surrogates.report.scripts import bits, data_block, packed, script


def test_data_cannot_end_their_block_or_begin_a_comment():
    hostile = {"</script>": ["<!--", "<script>", "\u2028\u2029\u202e", "&lt;", 'a"b']}
    block = str(data_block(hostile))
    inside = re.fullmatch(r'<script type="application/json">(.*)</script>', block, re.S).group(1)
    assert not re.search(r"[<>&]|[^\x20-\x7e]", inside) and json.loads(inside) == hostile


def test_what_is_not_finite_is_no_data():
    with pytest.raises(ValueError, match="JSON"):
        data_block({"a": float("nan")})


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    ex = explain(lambda Z: Z[:, 0], MaskProbe(3), store=None)
    return ex.report(tmp_path_factory.mktemp("pages") / "page.html")


def run(view, body, *given):
    """Run code with the functions that scripts of pages have."""
    functions = script("numbers.js").removeprefix("(() => {").removesuffix("})();")
    return view.evaluate(f"given => {{ {functions} {body} }}", list(given))


def test_numbers_are_written_as_python_writes_them(plain, visit):
    rng = np.random.default_rng(0)
    values = [float(v) for v in 10.0 ** rng.uniform(-7, 12, 3000) * rng.choice([-1, 1], 3000)]
    values += [float(v) for v in rng.uniform(-3, 3, 2000).round(3)] + [i / 8 for i in range(-40, 40)]
    values += [0.0, -0.0, 1.0, 0.99951, 0.9999, 0.99999, 0.995, 999.5, 9995.0, 1234.5, 2.5, 0.0625, 0.00005, 0.00004]
    shown = run(visit(plain), "return given[0].map((v) => [rounded(v), signed(v), between(v, 2 * v)]);", values)
    assert shown == [[rounded(v), signed(v), between(v, 2 * v)] for v in values]


def test_a_window_that_was_used_is_as_new(plain, visit):
    state = "[typeof mine, innerWidth, matchMedia('print').matches, document.querySelectorAll('main :hover').length]"
    first = visit(plain)
    fresh = first.evaluate(state)
    first.evaluate("window.mine = 1")
    first.set_viewport_size({"width": 300, "height": 300})
    first.locator("main").hover()
    first.emulate_media(media="print")
    assert first.evaluate(state) not in (fresh, None)
    visit.close()
    again = visit(plain)
    assert again is first and again.evaluate(state) == fresh == ["undefined", 1280, False, 0]


def test_tables_and_rows_are_unpacked_as_they_were_packed(plain, visit):
    rng = np.random.default_rng(1)
    table, rows = rng.standard_normal((5, 7)) * 10.0 ** np.arange(5)[:, None], rng.integers(0, 2, (6, 11))
    view = visit(plain)
    back = np.array(run(view, "return unpacked(given[0], 7).map((row) => [...row]);", packed(table)))
    np.testing.assert_allclose(back, table, atol=0, rtol=0.01)
    assert (np.abs(back - table).max(axis=1) <= np.abs(table).max(axis=1) / 60_000).all()
    assert run(view, "return unpackedBits(given[0], 11);", bits(rows > 0)) == rows.tolist()
    assert run(view, "return unpackedBits('', 3);") == []
