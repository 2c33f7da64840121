"""``iomap compare A B --probe FILE``: two small language models on this machine, over the cases of a template probe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from probes import CausalLM, TemplateProbe, measure, open_store
from probes.models.huggingface.classifier import TextClassifier
from surrogates import CaseDifference
from tests.helpers.command import iomap
from tests.helpers.when_used import when_used

when_used("torch")
when_used("transformers")
from tests.helpers.tiny_causal_lm import llama, word_tokenizer  # noqa: E402
from tests.helpers.tiny_text_networks import bert, tokenizer  # noqa: E402

PROBE = {
    "families": {"is": "the capital of {who} is", "of": "{word} {who} is"},
    "factors": {"word": {"one": {"word": "the"}, "other": {"word": "when"}}},
    "entities": {w: {"who": w} for w in ("museum", "entry", "france", "question", "context", "paris", "a", "b", "c")},
    "target": " free",
    "foils": [" rained"],
}


@pytest.fixture
def folders():
    """Two language models in folders of the working folder, and a probe in a file."""
    words = word_tokenizer()
    for seed, name in enumerate(("one", "two")):
        llama(len(words), seed).save_pretrained(name)
        words.save_pretrained(name)
    Path("p.json").write_text(json.dumps(PROBE), encoding="utf-8")
    return "./one", "./two"


def test_two_folders_are_compared_over_the_cases_of_a_file(folders):
    common = ("--probe", "p.json", "--store", "none")
    done = iomap("compare", *folders, *common, "-o", "d.html", "--json", "d.json")
    assert done.returncode == 0, done.stderr
    made = CaseDifference.from_json("d.json")
    assert made.names == folders and str(made) in done.stdout and "wrote d.html" in done.stdout
    cases, store = TemplateProbe(**PROBE).cases, open_store(None)
    sides = [measure(CausalLM.from_pretrained(f), cases, store=store, progress=False).frame for f in folders]
    mean = float((sides[1]["value"] - sides[0]["value"]).groupby(sides[0]["entity"]).mean().mean())
    assert made.arms.loc[0, "change"] == pytest.approx(mean, abs=1e-4)
    again = iomap("report", "d.json", "-o", "e.html")
    assert again.returncode == 0 and Path("d.html").read_text() == Path("e.html").read_text()
    same = iomap("compare", "cases", "p.json", "-m", folders[0], "--to", folders[1], "--store", "none")
    assert same.stdout.splitlines()[:8] == done.stdout.splitlines()[:8]
    turned = iomap("compare", "--probe=p.json", "--store", "none", *folders, "-q")
    assert turned.returncode == 0 and not turned.stdout


def test_folders_of_classifiers_are_compared_by_the_names_of_their_classes():
    for seed in (0, 1):
        bert(seed=seed, num_labels=2).save_pretrained(f"c{seed}")
        tokenizer().save_pretrained(f"c{seed}")
    probe = {**PROBE, "target": "LABEL_0", "foils": ["LABEL_1"], "first_words": False}
    Path("c.json").write_text(json.dumps(probe), encoding="utf-8")
    done = iomap("compare", "./c0", "./c1", "--probe", "c.json", "--store", "none", "--json", "d.json")
    assert done.returncode == 0, done.stderr
    cases = TemplateProbe(**probe).cases
    sides = [measure(TextClassifier.from_pretrained(f"c{s}"), cases, store=None).frame for s in (0, 1)]
    mean = float((sides[1]["value"] - sides[0]["value"]).groupby(sides[0]["entity"]).mean().mean())
    assert CaseDifference.from_json("d.json").arms.loc[0, "change"] == pytest.approx(mean, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["./one", "./two", "--probe", "nothing.yaml"], "--probe must be a YAML file, or one of reversal"),
        (["./one", "./three", "--probe", "p.json"], "B must be a folder or file that exists"),
        (["no:model", "./two", "--probe", "p.json"], "A must name something that can be imported"),
        (["./one", "./two", "--probe", "p.json", "-o", "no/d.html"], "output must lie in a folder that exists"),
        (["./one", "./two", "--probe", "p.json", "--controls", "-1"], "controls must"),
        (["./one", "--probe", "p.json"], "Missing argument 'B'"),
        (["./one", "./two"], "No such command './one'"),
        (["./one", "./two", "--probe", "bad.json"], "must"),
    ],
)
def test_wrong_input_is_one_line(arguments, words, folders):
    Path("bad.json").write_text('{"families": {"a": "{who}"}, "colour": 3}', encoding="utf-8")
    done = iomap("compare", *arguments, "--store", "none")
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
