"""Phrases of an answer: a fixed rule, from the same answers, with what each comes from or a flag that nothing does."""

from __future__ import annotations

import re

import numpy as np
import pytest

from probes import ContextProbe, Generator, Model
from probes.model import Identity
from surrogates import Explanation, explain
from surrogates.local.phrases import phrases

ANSWER = ["The ", "Harbour ", "Museum ", "opened ", "to ", "the ", "public ", "in ", "19", "69", "."]


DOCUMENT = (
    "The Harbour Museum stands on the quay. Trawlers unloaded there. The museum opened in 1969. The cafe is small. "
    "Entry is free on Sunday. School classes visit on weekdays. Ferries leave from the pier. It rains a lot."
)


class Scores(Model):
    """The name comes from one sentence, the year from another, the rest from none."""

    unit = "nats"
    outputs = tuple(ANSWER)

    def __init__(self):
        self.asked = 0

    def identity(self):
        return Identity("museum scores", True)

    def __call__(self, chats):
        self.asked += len(chats)
        texts = [" ".join(content for _, content in chat) for chat in chats]
        name, year = (np.array([words in text for text in texts], dtype=float) for words in ("Harbour", "1969"))
        scores = np.full((len(texts), len(ANSWER)), -0.5)
        scores[:, 1] += 4 * name - 4
        scores[:, 2] += 2 * name - 2
        scores[:, 8:10] += 2 * year[:, None] - 2
        return scores


class Writer(Generator):
    def __init__(self, scores):
        self.scores = scores

    def identity(self):
        return Identity("museum writer", True)

    def generate(self, prompt, max_new_tokens):
        return "".join(ANSWER)

    def scoring(self, answer, prompt):
        return self.scores


@pytest.fixture(scope="module")
def museum():
    scores = Scores()
    ex = explain(Writer(scores), ContextProbe(DOCUMENT, question="When did it open?"), budget=64, store=None)
    return ex, scores


def words(text):
    return [text[start:stop] for start, stop in phrases(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("On January 1, 1969, in the town of Oslo.", ["January 1", "1969", "town", "Oslo"]),
        ("About 1,250 kg at 09:30", ["About 1,250", "kg", "09:30"]),
        ("red brick hall; New York City", ["red brick hall", "New York City"]),
        ("first line\nsecond line", ["first line", "second line"]),
        ("to be or not to be", []),
        ("", []),
    ],
)
def test_the_rule_is_fixed(text, found):
    assert words(text) == found


def test_explained_phrases_name_their_sources(museum):
    ex, model = museum
    asked = model.asked
    parts = ex.by_phrase
    assert model.asked == asked and parts is ex.by_phrase  # no further call, computed once
    assert parts.target.outputs == ("Harbour Museum", "opened", "public", "1969")
    page, text = ex._repr_html_(), str(ex)
    part = page.split("Where each phrase")[1].split("<details>")[0]
    rows = dict(re.findall(r"<tr><td><b>(.*?)</b></td>(.*?)</tr>", part, re.S))
    assert rows.keys() == set(parts.target.outputs)
    assert "The museum opened in 1969." in rows["1969"] and "stands on the quay" not in rows["1969"]
    assert "The Harbour Museum stands on the quay." in rows["Harbour Museum"]
    assert all("no clear source" in rows[name] for name in ("opened", "public"))
    assert all("R²" in row for row in rows.values())
    assert re.search(r"“1969” +\+\S+ “The museum opened in 1969\.”", text) and re.search(
        r"“public” +no clear source", text
    )


def test_phrases_come_first_and_the_whole_answer_says_what_it_is(museum, tmp_path):
    page = museum[0].report(tmp_path / "page.html").read_text()
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles[:2] == ["The answer explained", "Where each phrase of the answer comes from"]
    assert titles[2] == "Select any phrase of the answer"
    assert titles[3].startswith("The whole answer") and "words that recur weigh most" in page


def test_a_span_and_a_saved_file(museum):
    ex, _ = museum
    assert ex.attribute("1969").by_phrase is None
    again = Explanation.from_json(ex.to_json())
    assert str(again) == str(ex)
