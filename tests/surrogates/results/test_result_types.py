"""Every type of result has a page, a fragment, text, a figure and a file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import surrogates.results.result as seam
from probes import CallableModel, MaskProbe, Model, Store
from probes.behaviours.registry import behaviour
from probes.model import Identity
from surrogates import (
    Card,
    ExplanationSet,
    Study,
    anchor,
    compare,
    compare_cards,
    compare_cases,
    compare_rows,
    counterfactuals,
    explain,
    explain_many,
    pairwise_interactions,
    partial_dependence,
    shapley_values,
)
from surrogates.many.columns import Column
from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.results.result import Result, SavedResult
from surrogates.statements.behave import study_of
from tests.helpers.plot_examples import vector_share

# what the module makes once is made in one process
pytestmark = pytest.mark.xdist_group("results")


class Scorer(Model):
    """Likes late years."""

    outputs = ("log-prob", "tokens", "greedy")
    unit = "nats"

    def __init__(self, name="scorer", years=1):
        self.name, self.years = name, years

    def identity(self):
        return Identity(self.name, True)

    def __call__(self, inputs):
        return np.array(
            [[self.years * float(answer) / 9 + len(str(prompt)) % 3 / 10, 1.0, 0.0] for prompt, answer in inputs]
        )


def bases(kind=Result):
    """Types of results, those aside that only others are made of."""
    for sub in kind.__subclasses__():
        if sub.__module__.startswith("surrogates."):
            yield from [] if sub is SavedResult else [sub]
            yield from bases(sub)


@pytest.fixture(scope="module")
def made():
    model = CallableModel(lambda Z: Z[:, 0] + Z[:, 1] * Z[:, 2], "model")
    study = study_of(Scorer(), behaviour("greater-than"), store=Store(), progress=False)
    rows = pd.DataFrame({"age": np.arange(24.0), "city": ["Rome", "Bonn", "Oslo"] * 8, "member": [True, False] * 12})
    rows.loc[5, "age"] = np.nan
    paid = CallableModel(lambda rows: rows["age"].fillna(50.0) + 9.0 * (rows["city"] == "Rome"), "paid")
    of_rows = explain_many(paid, rows, background=rows, budget=80, store=None, progress=False)
    greater = behaviour("greater-than")
    cases = compare_cases(Scorer(), Scorer("late", 2), greater.probe, metric=greater.metric, store=None, progress=False)
    grown = pd.concat([rows.assign(age=rows["age"] + 100 * i) for i in range(4)], ignore_index=True)
    other = CallableModel(lambda rows: paid(rows)[:, 0] + 40.0 * (rows["city"] == "Bonn"), "raised")
    results = [
        explain(model, MaskProbe(4), store=None),
        anchor(model, MaskProbe(4), store=None),
        shapley_values(model, MaskProbe(4), store=None),
        pairwise_interactions(model, MaskProbe(4), store=None),
        compare(model, CallableModel(lambda Z: Z[:, 0] + Z[:, 2], "other"), MaskProbe(4), store=None),
        explain_many(model, [MaskProbe(3), MaskProbe(4)], store=None, progress=False),
        of_rows.surrogate("linear"),
        study,
        cases,
        compare_rows(paid, other, grown, store=None, progress=False),
        study.card(),
        compare_cards(study.card(), study.card()),
        vector_share(),
        counterfactuals(paid, rows.iloc[3], background=rows, desired=(60.0, None), n=2, store=None, progress=False),
        partial_dependence(paid, "city", background=rows, row=rows.iloc[3], store=None, progress=False),
    ]
    return {type(result): result for result in results}


def test_there_is_an_example_of_every_type(made):
    assert set(bases()) == set(made)


@pytest.mark.parametrize("kind", sorted(bases(), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_it_has_every_view(made, kind, tmp_path, harmless):
    result = made[kind]
    page = result.report(tmp_path / "page.html").read_text("utf-8")
    for html in (page, result._repr_html_()):
        harmless(html)
        assert "could not be drawn" not in html
    assert str(result) == repr(result) and not str(result).startswith("<")
    assert result.plot().has_data()


@pytest.mark.parametrize("kind", sorted(bases(), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_its_page_can_be_read_by_everyone(made, kind, tmp_path, looked_at):
    looked_at(made[kind].report(tmp_path / "page.html"), kind.__name__)


@pytest.mark.parametrize("kind", sorted(bases(), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_it_is_saved_and_read_again(made, kind, tmp_path):
    result = made[kind]
    if isinstance(result, ExplanationSet):
        again = ExplanationSet.from_jsonl(result.to_jsonl(tmp_path / "set.jsonl"))
    else:
        reader = Card if isinstance(result, Study) else kind
        text = result.to_json(tmp_path / "result.json")
        again = reader.from_json(tmp_path / "result.json")
        assert again.to_json() == text == (tmp_path / "result.json").read_text("utf-8")
    if not isinstance(result, Study):
        assert str(again).split("inputs asked")[0] == str(result).split("inputs asked")[0]


def test_a_saved_global_surrogate_predicts_new_rows(made):
    surrogate = made[GlobalSurrogate]
    new = pd.DataFrame({"age": [3.5, np.nan], "city": ["Rome", "Paris"], "member": [False, True]})
    again = GlobalSurrogate.from_json(surrogate.to_json())
    np.testing.assert_allclose(again.predict(new), surrogate.predict(new), rtol=1e-12)
    assert np.ptp(again.predict(new)) > 9


def test_a_global_surrogate_with_levels_that_json_lacks_is_not_saved(made):
    columns = (Column("day", "level", pd.Timestamp("2024-01-01")), *made[GlobalSurrogate].columns[1:])
    with pytest.raises(ValueError, match="columns must have levels of text"):
        replace(made[GlobalSurrogate], columns=columns).to_json()


def test_a_global_surrogate_whose_parts_disagree_is_refused(made):
    with pytest.raises(ValueError, match="middles must agree with the rest"):
        GlobalSurrogate.from_json(replace(made[GlobalSurrogate], middles={}).to_json())


def test_kinds_in_files_are_distinct():
    kinds = [kind.kind for kind in bases() if issubclass(kind, SavedResult)]
    assert len(set(kinds)) == len(kinds) and all(kinds)


def test_a_type_without_views_says_so():
    class Bare(Result):
        pass

    with pytest.raises(TypeError, match="text_of has nothing registered for"):
        seam.text_of(object())
    with pytest.raises(TypeError, match="Bare"):
        str(Bare())
    with pytest.raises(TypeError, match="there is no page for Bare"):
        seam.page_of(Bare())


def test_a_card_draws_the_behaviour_asked_for(made):
    card = made[Card]
    labels = [label.get_text() for label in card.plot(behaviour=card.entries[0].name).get_yticklabels()]
    drawn = [s for s in card.entries[0].statements if np.isfinite(s["effect"]) and s["unit"] == card.entries[0].unit]
    assert len(labels) == len(drawn)
    with pytest.raises(ValueError, match="behaviour must be on this card"):
        card.plot(behaviour="nothing")
