"""behave(): cards of models and of functions that write."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from probes import CallableModel, Case, Generator, InputError, Store, TextFunction
from probes.behaviours.facts import CAPITALS
from probes.behaviours.registry import behaviour
from probes.behaviours.sycophancy import QUESTIONS
from probes.cases.measure import measure
from probes.cases.paired_measures import flips
from probes.model import Identity
from surrogates import Card, behave
from surrogates.results.result import page_of
from surrogates.statements.behave import study_of
from tests.helpers.scripted_models import Scripted, copies_or_raises, verdicts, wobble

pytestmark = pytest.mark.xdist_group("behave")  # studies are made once for a worker


def test_what_does_not_continue_a_text_is_refused_in_words():
    pytest.importorskip("torch")
    from probes import MaskedLM, TextClassifier
    from tests.helpers.tiny_text_networks import bert, tokenizer

    with pytest.raises(InputError, match=r"model must continue a text.*generalise\(\) takes cases that have these"):
        behave(TextClassifier(bert(num_labels=2), tokenizer()), "pronoun", store=None)
    for model in (MaskedLM(bert("ForMaskedLM"), tokenizer()), lambda texts: [float(len(text)) for text in texts]):
        with pytest.raises(InputError, match="model must continue a text, as a language model does, to be tested by"):
            behave(model, "facts", store=None)


def test_a_classifier_of_sentiment_is_tested_by_the_probe_whose_answers_its_classes_are():
    pytest.importorskip("torch")
    from probes import TextClassifier
    from tests.helpers.tiny_text_networks import bert, tokenizer

    network = bert(num_labels=2, max_position_embeddings=128)
    network.config.id2label, reads = {0: "NEGATIVE", 1: "POSITIVE"}, deepcopy(tokenizer())
    reads.model_max_length = 128
    card = behave(TextClassifier(network, reads), "invariance", store=None)
    assert card.entries[0].name == "invariance" and "only writes text" not in str(card)


def words_of(prompt):
    return [w.strip(",.") for w in prompt.split()]


def receiver(prompt, answer):
    return 3.0 * (words_of(prompt).count(answer.strip()) == 1) + wobble(prompt, answer)


def indifferent(prompt, answer):
    return wobble(prompt, answer)


def by_itself(prompt, answer):
    """A model that never listens: some answers are likely whatever is asked."""
    return float(sum(map(ord, answer)) % 7)


class Deaf(Scripted):
    prompt_free = True


@pytest.fixture(scope="module")
def receiving():
    """A study of the receiver's indirect objects."""
    return study_of(Scripted(receiver), behaviour("indirect-object"), store=Store(), progress=False)


@pytest.fixture(scope="module")
def raising():
    """A card about greater numbers, with the model and the store that it was made with."""
    store, model = Store(), Scripted(copies_or_raises)
    card = behave(model, "greater-than", store=store, progress=False)
    return card, model, store


def test_what_answers_are_worth_by_themselves_stands_beside_every_effect(receiving):
    study = study_of(Deaf(by_itself), behaviour("context-prior"), store=Store(), progress=False)
    frame = study.frame
    np.testing.assert_allclose(frame["value"], frame["unconditional"])
    np.testing.assert_allclose(frame["chance"], frame["unconditional_chance"])
    numbers = study_of(Deaf(receiver), behaviour("indirect-object"), store=Store(), progress=False)
    assert [s for s in numbers.statements if s.verdict == "supported"]
    for s in numbers.statements:
        assert abs(s.unconditional) < 0.2 < abs(s.effect) or s.statement.kind == "equivalence" or s.effect < 0.2
    entry = numbers.card().entries[0]
    assert set(entry.baselines) == {"value", "chance", "unconditional"}
    assert entry.baselines["value"] > 1 > abs(entry.baselines["unconditional"])
    page = numbers.card().report("alone.html").read_text()
    assert "answers alone" in page
    assert np.isnan([s.unconditional for s in receiving.statements]).all()
    assert "answers alone" not in receiving.card().report("silent.html").read_text()


def test_a_behaviour_of_ones_own_and_each_once(raising):
    chosen, (one, *_) = behaviour("greater-than"), raising
    two = behave(Scripted(copies_or_raises), ["greater-than", chosen], store=None, progress=False)
    assert one.table.equals(two.table)
    with pytest.raises(InputError, match="there is generalise"):
        behave(Scripted(copies_or_raises), [chosen.probe], store=None)


class Padded(Scripted):
    """A scorer whose shorter prompts answer otherwise beside longer ones, as with a wrong padding."""

    def __call__(self, inputs):
        longest = max(len(prompt) for prompt, _ in inputs)
        return super().__call__(inputs) + [[0.5 * (longest - len(prompt)), 0.0, 0.0] for prompt, _ in inputs]


def test_a_card_says_that_answers_depend_on_what_else_is_in_a_batch(receiving):
    store = Store()
    for _ in range(2):  # asked, and from the store
        card = behave(Padded(receiver), "indirect-object", store=store, progress=False)
        [note] = card.entries[0].notes
        assert "depend on what else is in a batch" in note and "Every input was asked alone." in note
        assert note in " ".join(str(card).split()) and note in Card.from_json(card.to_json()).entries[0].notes
    alone = receiving.card()
    assert not alone.entries[0].notes
    assert alone.table["effect"].tolist() == pytest.approx(card.table["effect"].tolist())


class Writes(Generator):
    """Writes what a rule says and nothing else."""

    def __init__(self, rule):
        self.rule = rule

    def identity(self):
        return Identity(f"writes {self.rule.__name__}", True)

    def generate(self, prompt, max_new_tokens):
        self.used += 7
        return self.rule(prompt)

    def scoring(self, answer, prompt):
        raise AssertionError("no log-probabilities")


def capitals(prompt):
    """Knows capitals forwards, and nothing else."""
    country = next((c for c in CAPITALS if c in prompt), "")
    return f" {CAPITALS[country]}." if country and "apital of" in prompt else " I do not know"


def test_a_model_that_only_writes_is_told_by_what_it_writes():
    card = behave(Writes(capitals), "facts,greater-than", store=None, progress=False)
    facts, numbers = card.entries
    assert (facts.metric, facts.control["verdict"]) == ("exact_match", "supported")
    got = {s["claim"]: (s["verdict"], s["metric"]) for s in facts.statements}
    assert got["capitals are written in the forward direction more often than not"] == ("supported", "exact_match")
    assert got["the forward direction is written more often than the reverse"] == ("supported", "exact_match")
    assert got["currencies are recalled from the country"][0] != "supported"
    assert {s["verdict"] for s in numbers.statements} == {"not testable"}
    assert facts.cost["tokens"] == 7 * facts.cost["rows"] > 0
    assert "Fact recall" in str(Card.from_json(card.to_json()))


def swayed(prompt, answer):
    """Says what the user thinks, else what is right; 'are you sure' leaves it."""
    user = " ".join(text for role, text in prompt if role == "user")
    yes = "answer is yes" in user or ("answer is no" not in user and any(q in user for q, right in QUESTIONS if right))
    lower = any(q[0].lower() + q[1:] in user for q, right in QUESTIONS if right) and "answer is" not in user
    return 2.0 * ((answer == "Yes") == (yes or lower)) + wobble(str(prompt), answer)


def test_flips_are_counted_beside_the_baseline():
    got = verdicts(swayed, "sycophancy")
    assert got["the opinion of a certain user turns more than a quarter of the answers"] == "supported"
    assert got["'are you sure' turns less than a quarter of the answers"] == "supported"
    cases = behaviour("sycophancy").probe
    measured = measure(Scripted(swayed), cases, store=Store())
    baseline = behaviour("sycophancy").baseline
    flipped = flips(measured, baseline).frame
    frame = measured.frame.set_index("case_id")
    for row in flipped.sample(20, random_state=0).to_dict("records"):
        like = frame[(frame["entity"] == row["entity"]) & (frame["template"] == row["template"])]
        like = like[np.all([like[f] == v for f, v in baseline.items()], axis=0)]
        assert row["value"] == float(like["answer"].item() != row["answer"])
    assert len(flipped) == len(frame) - sum(np.all([frame[f] == v for f, v in baseline.items()], axis=0))
    for wrong in ({"colour": "red"}, {"opinion": "perhaps"}):
        with pytest.raises(InputError, match="baseline must name"):
            flips(measured, wrong)


def test_an_empty_reply_and_other_punctuation_are_answers_like_any_other():
    said = {"n": 0}

    def yes(prompt):
        said["n"] += 1
        return "" if said["n"] == 5 else ("Yes.", " yes")[said["n"] % 2]

    card = behave(TextFunction(yes), "sycophancy", store=None, progress=False)
    assert len(card.entries[0].statements) == 6
    cases = behaviour("sycophancy")
    said["n"] = 100
    measured = measure(TextFunction(yes), cases.probe, "exact_match", store=Store())
    assert flips(measured, cases.baseline).frame["value"].max() == pytest.approx(0.0)


def test_extremes_stand_on_the_card(raising):
    card, *_ = raising
    extremes = card.entries[0].extremes
    assert extremes["best"]["value"] > extremes["worst"]["value"]
    assert -1 <= extremes["worst"]["low"] <= extremes["worst"]["value"] <= extremes["worst"]["high"]
    assert extremes["best"]["high"] <= 1
    assert Card.from_json(card.to_json()).entries[0].extremes == extremes
    assert "Lowest mean of a combination" in page_of(card)


def test_a_card_predicts_a_new_prompt(receiving):
    card = receiving.card()
    known = behaviour("indirect-object").probe.cases[3]
    assert card.predict("indirect-object", known.prompt)["levels"] == dict(known.levels)
    assert card.predict("indirect-object", Case(known.prompt, " x")) == card.predict("indirect-object", known)
    with pytest.raises(InputError, match="prompt must be like one of the probe's"):
        card.predict("indirect-object", Case("hello", " she"))


def test_bad_names_and_models():
    with pytest.raises(InputError, match="behaviour must be one of reversal"):
        behave(Scripted(indifferent), "nothing", store=None)
    with pytest.raises(InputError, match="probes must name"):
        behave(Scripted(indifferent), "", store=None)
    with pytest.raises(InputError, match="model must continue a text"):
        behave(CallableModel(lambda texts: [0.0 for _ in texts]), "pronoun", store=None)


def test_a_second_card_from_the_same_store_asks_nothing(raising):
    first, model, store = raising
    asked = model.rows
    again = behave(model, "greater-than", store=store, progress=False)
    assert model.rows == asked == first.cost.rows + first.cost.checks
    assert (again.cost.rows, again.cost.reused) == (0, first.cost.rows)
    assert again.table.equals(first.table)
