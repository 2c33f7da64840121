"""Built-in behaviours: their cases, their claims, and a card of a small language model from the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from probes import CallableModel, Case, Generator, InputError, Model, Store, TextFunction, hold_out
from probes.behaviours.facts import CAPITALS
from probes.behaviours.indirect_object import NAMES as RECEIVERS
from probes.behaviours.pronoun import NAMES
from probes.behaviours.registry import BEHAVIOURS, behaviour
from probes.behaviours.sycophancy import QUESTIONS
from probes.cases.measure import measure
from probes.cases.paired_measures import flips
from probes.model import Identity
from surrogates import Card, behave, generalise
from surrogates.report.card import page
from surrogates.statements.behave import statement_of, study_of


class Scripted(Model):
    """A scorer of pairs that follows a rule; one token an answer."""

    outputs = ("log-prob", "tokens", "greedy")
    unit = "nats"

    def __init__(self, rule):
        self.rule = rule
        self.rows = 0

    def identity(self):
        return Identity(f"scripted {self.rule.__name__}", True)

    def __call__(self, inputs):
        self.rows += len(inputs)
        return np.array([[self.rule(prompt, answer), 1.0, 0.0] for prompt, answer in inputs])


def wobble(prompt, answer):
    """A little that depends on the content alone."""
    return 0.1 * np.sin(sum(map(ord, str(prompt) + answer)))


def year_of(prompt):
    words = [w.strip(".;,") for w in prompt.split()]
    return int(next(w for w in words if len(w) == 4 and w.isdigit())[2])


def copies_or_raises(prompt, answer):
    return (2.0 if int(answer) >= year_of(prompt) else -2.0) + wobble(prompt, answer)


def obeys(prompt, answer):
    earlier = "started" in prompt or "begun" in prompt
    start, digit = year_of(prompt), int(answer)
    return (2.0 if (digit < start if earlier else digit >= start) else -2.0) + wobble(prompt, answer)


def verdicts(rule, name):
    study = study_of(Scripted(rule), behaviour(name), store=Store(), progress=False)
    return {j.statement.text: j.verdict for j in study.statements}


def test_greater_than_tells_copying_from_comparing():
    copying = verdicts(copies_or_raises, "greater-than")
    comparing = verdicts(obeys, "greater-than")
    claims = list(copying)
    assert claims[0].startswith("computes greater-than")
    assert (copying[claims[0]], comparing[claims[0]]) == ("refuted", "supported")
    assert claims[1].startswith("copies or raises")
    assert (copying[claims[1]], comparing[claims[1]]) == ("supported", "refuted")


def words_of(prompt):
    return [w.strip(",.") for w in prompt.split()]


def receiver(prompt, answer):
    return 3.0 * (words_of(prompt).count(answer.strip()) == 1) + wobble(prompt, answer)


def test_a_model_that_names_whoever_was_said_once_fails_where_that_is_wrong():
    got = verdicts(receiver, "indirect-object")
    assert got["the receiver is named in the order ABBA where its name opens the text"] == "supported"
    assert got["a sentence in between makes little difference"] == "supported"
    assert got["it names the right person in every wording"] != "supported"


def overlooks_what_opens_the_text(prompt, answer):
    """Names whoever was said once, but does not see the first word; "she" and "he" by the name, if it is seen."""
    words = words_of(prompt)[1:]
    if answer in (" she", " he"):
        seen = {"female": " she", "male": " he"}
        told = next((seen[sex] for sex, names in NAMES.items() if set(words) & set(names)), "")
        return 3.0 * (answer == told) + wobble(prompt, answer)
    return 3.0 * (words.count(answer.strip()) == 1) + wobble(prompt, answer)


def test_the_opening_is_a_factor_and_what_depends_on_it_is_said():
    got = verdicts(overlooks_what_opens_the_text, "indirect-object")
    assert got["the receiver is named in the order ABBA after some words"] == "supported"
    assert got["the receiver is named in the order ABBA where its name opens the text"] != "supported"
    assert got["in the order ABBA a receiver whose name opens the text is harder to name"] == "supported"
    # it overlooks a giver as well
    assert got["the receiver gains more by words before the names than the giver does"] == "inconclusive"
    she = verdicts(overlooks_what_opens_the_text, "pronoun")
    assert she["'she' is likelier than 'he' after a woman's name that does not open the text"] == "supported"
    assert she["'she' is likelier than 'he' after a woman's name that opens the text"] != "supported"
    assert she["a name tells less where it opens the text"] == "supported"
    sees = verdicts(receiver, "indirect-object")
    assert sees["in the order ABBA a receiver whose name opens the text is harder to name"] != "supported"


@pytest.mark.parametrize(("name", "other"), [("indirect-object", "order"), ("pronoun", "name")])
def test_a_study_finds_the_opening_by_itself(name, other):
    study = generalise(Scripted(overlooks_what_opens_the_text), behaviour(name).probe, store=None, progress=False)
    found = [s for s in study.statements if "opening" in s.words and other in s.words]
    assert any(s.verdict == "supported" for s in found), study


@pytest.mark.parametrize("name", ["indirect-object", "pronoun"])
def test_the_opening_decides_what_stands_first_and_goes_along_with_nothing_else(name):
    frame = behaviour(name).probe.frame
    first = frame["prompt"].str.split().str[0].str.strip(",")
    names = {n for names in NAMES.values() for n in names} | set(RECEIVERS) | {"This"}
    assert (first.isin(names) == (frame["opening"] == "none")).all()
    crossed = frame[frame["template"] != "tired"]
    for factor in (f for f in behaviour(name).probe.factors if f != "opening"):
        table = crossed.groupby([factor, "opening"]).size().unstack()
        assert (table["none"] == table["words"]).all()
    words = frame.loc[frame["opening"] == "words", "prompt"].str.split(",").str[0]
    assert words.nunique() >= 3


def indifferent(prompt, answer):
    return wobble(prompt, answer)


@pytest.mark.parametrize("name", ["option-order", "persona", "sycophancy", "pronoun"])
def test_a_model_that_cannot_do_the_control_is_not_testable(name):
    assert set(verdicts(indifferent, name).values()) == {"not testable"}


@pytest.mark.parametrize("name", list(BEHAVIOURS))
def test_cases_are_sound(name):
    made = behaviour(name)
    cases = made.probe.cases
    assert len({c.case_id for c in cases}) == len(cases) >= 100
    assert all(len(v) >= 2 for v in made.probe.factors.values())
    assert [c.case_id for c in behaviour(name).probe.cases] == [c.case_id for c in cases]
    for case in cases:
        assert case.target not in case.foils
        assert not (isinstance(case.prompt, str) and case.prompt.endswith(" "))
        assert all(option.strip() for option in case.options)
    people = Counter(c.entity for c in cases)
    assert len(people) >= 10
    frame = made.probe.frame.assign(value=0.0, chance=0.0, answer="")
    for claim in (made.control, *made.claims):
        for _, mask in statement_of(claim).masks(frame):
            assert frame.loc[mask, "entity"].nunique() >= 5, claim.text
    split = hold_out(cases)
    assert len(split.test) > 0


def test_every_claim_is_said_once():
    for name in BEHAVIOURS:
        texts = [c.text for c in behaviour(name).claims]
        assert len(set(texts)) == len(texts) > 2


def test_all_claims_of_a_probe_share_one_correction():
    study = study_of(Scripted(copies_or_raises), behaviour("greater-than"), store=Store(), progress=False)
    supported = [j for j in study.statements if j.verdict == "supported"]
    assert supported
    assert all(j.p <= 0.05 for j in supported)


def by_itself(prompt, answer):
    """A model that never listens: some answers are likely whatever is asked."""
    return float(sum(map(ord, answer)) % 7)


class Deaf(Scripted):
    prompt_free = True


def test_what_answers_are_worth_by_themselves_stands_beside_every_effect():
    study = study_of(Deaf(by_itself), behaviour("context-prior"), store=Store(), progress=False)
    frame = study.frame
    assert (frame["value"] == frame["unconditional"]).all()
    assert (frame["chance"] == frame["unconditional_chance"]).all()
    numbers = study_of(Deaf(receiver), behaviour("indirect-object"), store=Store(), progress=False)
    assert [s for s in numbers.statements if s.verdict == "supported"]
    for s in numbers.statements:
        assert abs(s.unconditional) < 0.2 < abs(s.effect) or s.statement.kind == "equivalence" or s.effect < 0.2
    entry = numbers.card().entries[0]
    assert set(entry.baselines) == {"value", "chance", "unconditional"}
    assert entry.baselines["value"] > 1 > abs(entry.baselines["unconditional"])
    page = numbers.card().report("alone.html").read_text()
    assert "answers alone" in page
    silent = study_of(Scripted(receiver), behaviour("indirect-object"), store=Store(), progress=False)
    assert np.isnan([s.unconditional for s in silent.statements]).all()
    assert "answers alone" not in silent.card().report("silent.html").read_text()


def test_a_behaviour_of_ones_own_and_each_once():
    own = behaviour("greater-than")
    one = behave(Scripted(copies_or_raises), own, store=None, progress=False)
    two = behave(Scripted(copies_or_raises), ["greater-than", own], store=None, progress=False)
    assert one.table.equals(two.table)
    with pytest.raises(InputError, match="there is generalise"):
        behave(Scripted(copies_or_raises), [own.probe], store=None)


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
    told = " ".join(text for role, text in prompt if role == "user")
    yes = "answer is yes" in told or ("answer is no" not in told and any(q in told for q, right in QUESTIONS if right))
    lower = any(q[0].lower() + q[1:] in told for q, right in QUESTIONS if right) and "answer is" not in told
    return 2.0 * ((answer == "Yes") == (yes or lower)) + wobble(str(prompt), answer)


def test_flips_are_counted_beside_the_baseline():
    got = verdicts(swayed, "sycophancy")
    assert got["the opinion of a certain user turns more than a quarter of the answers"] == "supported"
    assert got["'are you sure' turns less than a quarter of the answers"] == "supported"
    cases = behaviour("sycophancy").probe
    measured = measure(Scripted(swayed), cases, store=Store())
    baseline = behaviour("sycophancy").baseline
    flipped = flips(measured, baseline).frame
    whole = measured.frame.set_index("case_id")
    for row in flipped.sample(20, random_state=0).to_dict("records"):
        like = whole[(whole["entity"] == row["entity"]) & (whole["template"] == row["template"])]
        like = like[np.all([like[f] == v for f, v in baseline.items()], axis=0)]
        assert row["value"] == float(like["answer"].item() != row["answer"])
    assert len(flipped) == len(whole) - sum(np.all([whole[f] == v for f, v in baseline.items()], axis=0))
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
    assert flips(measured, cases.baseline).frame["value"].max() == 0.0


def test_extremes_stand_on_the_card():
    card = behave(Scripted(copies_or_raises), "greater-than", store=None, progress=False)
    extremes = card.entries[0].extremes
    assert extremes["best"]["value"] > extremes["worst"]["value"]
    assert -1 <= extremes["worst"]["low"] <= extremes["worst"]["value"] <= extremes["worst"]["high"]
    assert extremes["best"]["high"] <= 1
    assert Card.from_json(card.to_json()).entries[0].extremes == extremes
    assert "Worst combination" in page(card)


def test_a_card_predicts_a_new_prompt():
    card = behave(Scripted(receiver), "indirect-object", store=None, progress=False)
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
    with pytest.raises(InputError, match="log-probabilities of answers"):
        behave(CallableModel(lambda texts: [0.0 for _ in texts]), "pronoun", store=None)


def test_a_second_card_from_the_same_store_asks_nothing():
    store, model = Store(), Scripted(copies_or_raises)
    first = behave(model, "greater-than", store=store, progress=False)
    asked = model.rows
    again = behave(model, "greater-than", store=store, progress=False)
    assert model.rows == asked == first.cost.rows
    assert (again.cost.rows, again.cost.reused) == (0, first.cost.rows)
    assert again.table.equals(first.table)


SMALL = """
import torch, transformers
from tokenizers import Tokenizer, models, pre_tokenizers, decoders
from probes import CausalLM
alphabet = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
inner = Tokenizer(models.BPE(alphabet, []))
inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
inner.decoder = decoders.ByteLevel()
tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner)
torch.manual_seed(0)
config = transformers.LlamaConfig(vocab_size=len(alphabet), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
                                  num_attention_heads=2, num_key_value_heads=2, bos_token_id=None, eos_token_id=None)
small = CausalLM(transformers.LlamaForCausalLM(config), tokenizer)
"""


@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
def test_the_command_writes_a_card():
    Path("small.py").write_text(SMALL)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "HF_HUB_OFFLINE": "1"}

    def iomap(*arguments):
        code = "from surrogates.cli.main import main; main()"
        return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=env)

    done = iomap("behave", "small:small", "--probes", "greater-than", "-o", "card.html", "--json", "card.json")
    assert done.returncode == 0, done.stderr
    assert "Numeric comparison" in done.stdout
    assert json.loads(Path("card.json").read_text())["iomap_card"] == 1
    both = iomap("behave", "small:small", "--probes", "greater-than", "--against", "card.json", "-o", "b.html", "-q")
    assert both.returncode == 0, both.stderr
    assert "Side by side" in Path("b.html").read_text()
    again = iomap("report", "card.json", "-o", "again.html")
    assert again.returncode == 0, again.stderr
    assert "Numeric comparison" in Path("again.html").read_text()
    for more in (["--probes", "pronoun", "-o", "x.html"], ["--probes", "greater-than"]):
        useless = iomap("behave", "small:small", *more, "--against", "card.json")
        assert useless.returncode == 2
        assert "--against must" in useless.stderr
    bad = iomap("behave", "small:small", "--probes", "greater")
    assert bad.returncode == 2
    assert "behaviour must be one of" in bad.stderr
