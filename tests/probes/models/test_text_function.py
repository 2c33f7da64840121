"""Functions that write: their texts become numbers, or answers to cases."""

from __future__ import annotations

import numpy as np
import pytest

from probes import (
    ChatProbe,
    Contains,
    ContextProbe,
    FirstToken,
    InputError,
    ModelError,
    Store,
    TemplateProbe,
    TextFunction,
    TextProbe,
    measure,
)
from surrogates import Explanation, behave, explain, explain_many
from surrogates.report.sentence import said_line

CITIES = {"France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Peru": "Lima", "Cuba": "Havana", "Kenya": "Nairobi"}


def knows(prompt):
    """Writes the capital of the country that a prompt names."""
    return next((f"{city}, of course." for country, city in CITIES.items() if country in prompt), "I do not know.")


def test_what_it_writes_is_explained():
    writer = TextFunction(knows, "knows", scores=Contains("Paris"))
    ex = explain(writer.reading(Contains("Paris")), TextProbe("The capital of France is now"), store=None)
    assert ex.attributions.iloc[0]["feature"] == "France"
    generated = explain(writer, TextProbe("The capital of France is now"), store=None)
    assert generated.answer == "Paris, of course." and generated.attributions.iloc[0]["feature"] == "France"


def test_cases_are_answered_and_asked_once():
    asked = []

    def noting(prompt):
        asked.append(prompt)
        return knows(prompt)

    people = [{"country": country, "city": city} for country, city in CITIES.items()]
    probe = TemplateProbe("The capital of {country} is", entities=people, target=" {city}", foils=2)
    store = Store()
    for _ in range(2):
        measured = measure(TextFunction(noting, "noting"), probe, "exact_match", store=store)
        assert measured.frame["value"].tolist() == [1.0] * 6  # exact: hits and misses
        np.testing.assert_allclose(measured.frame["chance"], 1 / 3)
    assert len(asked) == 6


def test_a_card_of_a_function_that_writes():
    card = behave(TextFunction(knows), "facts,pronoun", store=None, progress=False)
    assert card.entry("facts").metric == "exact_match"
    assert card.entry("pronoun").control["verdict"] != "supported"


def test_what_is_no_text_and_what_sends_no_log_probabilities_is_told():
    with pytest.raises(ModelError, match="must return a text; got 3"):
        TextFunction(lambda prompt: 3).generate("x", 5)
    with pytest.raises(ModelError, match="raised KeyError"):
        TextFunction({}.__getitem__).generate("x", 5)
    with pytest.raises(InputError, match="sends no log-probabilities"):
        TextFunction(knows).reading(FirstToken(("Yes", "No")))
    for wrong in ({"function": "f"}, {"function": knows, "name": " "}):
        with pytest.raises(InputError, match="must be"):
            TextFunction(**wrong)


def test_what_is_written_to_the_whole_input_is_shown_also_from_the_store(tmp_path):
    def answer(prompt):
        return "It opened in 1969." if "1969" in prompt else "Nobody knows."

    lm = TextFunction(answer, name="opening", scores=Contains())
    for _ in range(2):
        ex = explain(lm, "Built in 1950, opened in 1969.", answer="1969", store=tmp_path / "kept.sqlite")
        assert "Written: “It opened in 1969.”" in str(ex) and said_line(ex).startswith("The model wrote “It opened")
    assert ex.answers.cost.reused and Explanation.from_json(ex.to_json()).provenance["wrote"] == "It opened in 1969."
    texts = ["Built in 1950, opened in 1969.", "Built in 1950, opened later."]
    wrote = [one.provenance["wrote"] for one in explain_many(lm, texts, answer="1969", store=None)]
    assert wrote == ["It opened in 1969.", "Nobody knows."]
    long = TextFunction(lambda prompt: prompt + "\ud83d" + " and on" * 5000, scores=Contains())
    ex = explain(long, "It opened in 1969.", answer="1969", store=None)
    assert len(str(ex)) < 4000 and "1969.? and on" in str(ex) and ex.to_json(tmp_path / "long.json")
    own = explain(lm, "Built in 1950, opened in 1969.", store=None)
    assert own.answer == own.provenance["wrote"] and "Written" not in str(own)


def test_what_scores_texts_is_no_target_of_their_numbers():
    asked = []
    model = TextFunction(lambda prompt: asked.append(prompt) or "It opened in 1969.")
    with pytest.raises(InputError, match=r"target.*scores="):
        explain(model, TextProbe("The museum opened in 1969."), target=Contains("1969"), store=None)
    assert not asked


def test_a_text_that_is_looked_for_in_a_chat_is_refused_not_missed():
    context = ContextProbe("It rained. The museum opened in 1969.", "When did it open?")
    chat = ChatProbe([{"role": "system", "content": "Be brief. Be kind."}, {"role": "user", "content": "Go"}])
    for probe, where in ((context, r"prompt\[-1\]\[1\]"), (chat, r"prompt\[-1\]\['content'\]")):
        for model in (
            TextFunction(lambda prompt: "yes" if "1969" in prompt else "no"),
            lambda prompts: [1.0 * ("1969" in prompt) for prompt in prompts],
        ):
            with pytest.raises(ModelError, match=f"in which no text is found.*{where}"):
                explain(model, probe, store=None)
    read = TextFunction(lambda prompt: "yes" if "1969" in prompt[-1][1] else "no")
    assert explain(read, context, store=None).fidelity.exact
    turns = TextProbe([("user", "Go"), ("user", "It rained all day.")])
    assert explain(lambda prompts: [1.0 * (("user", "Go") in prompt) for prompt in prompts], turns, store=None)
