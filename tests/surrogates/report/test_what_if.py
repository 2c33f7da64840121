"""Switches in a real browser: the page predicts what the surrogate predicts, for every family, law and curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probes import LocalGaussian, MaskProbe, TabularProbe, TextProbe, as_model
from surrogates import InteractionSurrogate, Link, SparseLinear, explain

pytestmark = pytest.mark.xdist_group("what if")  # what the module makes once is made in one process


def curved(Z):
    line = 3 * Z[:, 0] - 2 * Z[:, 1] + Z[:, 2] * Z[:, 3] - 1
    return 1 / (1 + np.exp(-line)) + 0.05 * np.sin(9 * Z @ np.arange(Z.shape[1]))


def two(texts):
    return pd.DataFrame({"length": [1e-6 * len(t) for t in texts], "good": [2.0 * ("good" in t) for t in texts]})


def explanations():
    cube = MaskProbe(8)
    logistic, log = Link("logistic", -0.2, 1.2), Link("log", high=1.3)
    yield "linear", explain(curved, cube, "linear", budget=64, store=None)
    yield "logistic", explain(curved, cube, SparseLinear(link=logistic), budget=64, store=None)
    yield "log", explain(curved, cube, InteractionSurrogate(link=log), budget=64, store=None)
    yield "learned", explain(curved, cube, SparseLinear(link="learned"), budget=64, store=None)
    yield "interactions", explain(curved, cube, "interactions", budget=64, store=None)
    yield "tree", explain(curved, cube, "tree", budget=64, store=None)
    yield "rules", explain(curved, cube, "rules", budget=64, store=None)
    yield "additive", explain(curved, cube, "additive", budget=64, store=None)
    yield "two outputs", explain(two, TextProbe("not a good film, but moving"), target="all", budget=60, store=None)
    rows = pd.DataFrame(np.random.default_rng(0).standard_normal((90, 4)), columns=list("abcd"))
    yield "table", explain(lambda X: X["a"] * X["b"] + X["c"], TabularProbe(rows.iloc[0], rows), store=None)
    region = TabularProbe(rows.to_numpy()[0], rows.to_numpy(), law=LocalGaussian(1.0))
    smooth = as_model(lambda X: X[:, 0] + X[:, 1] ** 2)
    yield "real", explain(smooth, region, "tree", budget=120, store=None)


@pytest.fixture(scope="module")
def by_kind():
    return dict(explanations())


@pytest.fixture(scope="module")
def pages(by_kind, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {kind: ex.report(folder / f"{kind}.html") for kind, ex in by_kind.items()}


def boxes(view):
    return view.locator(".whatif input[type=checkbox]")


def switch(view, on):
    """Set all switches at once, as a reader would one by one."""
    boxes(view).evaluate_all(
        "(all, on) => { all.forEach((one, i) => { one.checked = on[i]; }); "
        "all[0].dispatchEvent(new Event('change', {bubbles: true})); }",
        [bool(yes) for yes in on],
    )


def said(view, column):
    """Return the numbers of a column; None where words stand."""
    script = f"rows => rows.map(row => row.children[{column}].querySelector('data')?.value ?? null)"
    values = view.locator(".said tr[data-j]").evaluate_all(script)
    return [None if value is None else float(value) for value in values]


KINDS = ["linear", "logistic", "log", "interactions", "tree", "rules", "additive", "table", "real", "two outputs"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_predicts_what_the_surrogate_predicts(kind, by_kind, pages, visit):
    ex, view = by_kind[kind], visit(pages[kind])
    on, off = (np.array([getattr(f, end) for f in ex.features]) for end in ("instance", "reference"))
    rng = np.random.default_rng(5)
    for state in (np.ones(len(on)), np.zeros(len(on)), *rng.integers(0, 2, (12, len(on)))):
        switch(view, state)
        due = ex.predict(np.where(state > 0, on, off)[None]).reshape(-1)
        np.testing.assert_allclose(said(view, 1), due, rtol=1e-5, atol=1e-6 * np.abs(ex.y).max())


@pytest.mark.parametrize("kind", ["linear", "two outputs", "real", "table"])
def test_the_models_answer_stands_where_that_was_asked_and_nowhere_else(kind, by_kind, pages, visit):
    ex, view = by_kind[kind], visit(pages[kind])
    Z, on = ex.answers.design.Z, np.array([f.instance for f in ex.features])
    known = {tuple(row): y for row, y in zip(Z, ex.y, strict=True)}
    off = np.array([f.reference for f in ex.features])
    rng = np.random.default_rng(3)
    asked = [(Z[i] == on).astype(int) for i in range(len(Z)) if np.isin(Z[i] - off, [0, *(on - off)]).all()][:9]
    for state in (*asked, *rng.integers(0, 2, (9, len(on)))):
        switch(view, state)
        due = known.get(tuple(np.where(state > 0, on, off)))
        if due is None:
            assert said(view, 2) == [None] * ex.y.shape[1]
            assert view.locator(".said tr[data-j] td:nth-child(3)").first.inner_text() == "not asked"
        else:
            np.testing.assert_allclose(said(view, 2), due, rtol=1e-5, atol=1e-7 * np.abs(ex.y).max())


def test_the_typical_error_is_that_on_unseen_questions(by_kind, pages, visit):
    ex, view = by_kind["linear"], visit(pages["linear"])
    error = np.sqrt(np.mean((ex.fidelity.observed - ex.fidelity.predicted) ** 2))
    shown = view.locator(".said small").first.inner_text()
    assert np.isclose(float(shown.removeprefix("± ")), error, rtol=0.01)
    assert f"on {ex.fidelity.rows} questions that it had not seen" in view.locator(".whatif .result").inner_text()


def test_switches_work_by_mouse_by_keys_and_at_once(pages, visit):
    view = visit(pages["two outputs"])
    whole = said(view, 1)
    view.locator(".switches .on", has_text="good").click()
    assert said(view, 1) != whole and "1 of 6 switched off" in view.locator(".count").inner_text()
    boxes(view).nth(2).focus()
    view.keyboard.press("Space")
    assert said(view, 1) == whole
    view.get_by_role("button", name="none").click()
    assert boxes(view).evaluate_all("all => all.some(one => one.checked)") is False
    view.get_by_role("button", name="as in this input").click()
    assert said(view, 1) == whole


def test_switches_work_by_tapping(pages, visit):
    view = visit(pages["two outputs"], viewport={"width": 390, "height": 800}, has_touch=True)
    whole = said(view, 1)
    view.locator(".switches .on", has_text="good").tap()
    assert said(view, 1) != whole


def test_a_tables_switch_says_what_a_value_is_replaced_by(by_kind, pages, visit):
    view = visit(pages["table"])
    label = view.locator(".switches label").first
    assert "→" not in label.inner_text()
    label.click()
    assert f"→ {by_kind['table'].view['rows'][0]['background']}" in label.inner_text()


def test_a_verdict_against_use_stands_beside_its_number(tmp_path, visit):
    noise = explain(lambda Z: np.sin(1e6 * (Z @ np.arange(1, 9) ** 2.3)), MaskProbe(8), budget=40, store=None)
    assert noise.fidelity.refused() == (True,)
    view = visit(noise.report(tmp_path / "page.html"))
    assert noise.fidelity.verdict in view.locator(".said").inner_text()


@pytest.mark.parametrize("kind", ["two outputs", "table", "real"])
def test_its_page_can_be_read_by_everyone(kind, pages, looked_at):
    looked_at(pages[kind], f"explanation-{kind}")
