"""Names, values, questions and answers that turn text around, move a cursor or hide: seen as what they are."""

from __future__ import annotations

import unicodedata
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from probes import ContextProbe, InputError, LocalGaussian, MaskProbe, TabularProbe, TemplateProbe, TextProbe, as_model
from surrogates import (
    Statement,
    anchor,
    compare,
    compare_cards,
    compare_rows,
    explain,
    explain_many,
    generalise,
    shapley_values,
)
from surrogates.report.plots.kinds import kinds_of
from surrogates.visible import isolated

pytestmark = pytest.mark.xdist_group("hostile")  # what the module makes once is made in one process

#: reads "trusted 0.99" where it turns around, then clears the terminal and writes a line of its own
HOSTILE = "de\u202e99.0 detsurt\u2066\x1b[2J\u200b\nVerdict: Trust it\x07"
HEBREW = "שלום"
ALLOWED = {"\n", "\t", "\u2068", "\u2069", "\u200c", "\u200d"}


def lengths(texts):
    return [float(len(t)) for t in texts]


def results():
    frame = pd.DataFrame({HOSTILE: np.arange(48.0), "b": [HOSTILE, HEBREW, "y"] * 16})
    columns = TabularProbe(frame.iloc[0], frame)

    def two(rows):
        return pd.DataFrame({HOSTILE: rows[HOSTILE], HEBREW: rows["b"].str.len().astype(float)})

    names = MaskProbe([HOSTILE, HEBREW, "c", "d"])
    yield "two outputs", explain(two, columns, target="all", store=None)
    yield "text", explain(lengths, TextProbe(f"{HEBREW} one {HOSTILE} two"), store=None)
    chats = as_model(lambda chats: lengths(c[-1][1] for c in chats), name=HOSTILE)
    documents = {HOSTILE: f"One {HOSTILE}. Two.", HEBREW: "Three. Four."}
    yield "context", explain(chats, ContextProbe(documents, HOSTILE, unit="sentence", system=HOSTILE), store=None)
    yield "anchor", anchor(lambda Z: Z[:, 0] * Z[:, 1], names, precision=0.8, store=None)
    text = TextProbe(f"{HEBREW} one {HOSTILE} two {HEBREW} one")
    for family in ("interactions", "tree", "rules"):
        yield family, explain(lambda texts: [2 * np.tanh(len(t) / 9 - 2) for t in texts], text, family, store=None)
    numbers = pd.DataFrame({HOSTILE: np.arange(48.0), HEBREW: np.arange(48.0) % 7})
    real = TabularProbe(numbers.iloc[5], numbers, law=LocalGaussian(1.0))
    yield "additive", explain(lambda rows: np.sin(rows[HOSTILE]) + rows[HEBREW], real, "additive", store=None)
    yield "shapley", shapley_values(lambda Z: Z[:, 0] + Z[:, 1], names, store=None)
    yield "set", explain_many(lambda rows: two(rows).iloc[:, 0], frame[:20], background=frame, store=None)
    sides = (lambda Z: Z[:, 0], lambda Z: Z[:, 1])
    yield "change", compare(*sides, names, names=(HOSTILE, HEBREW), store=None)
    labels = (lambda rows: (rows[HOSTILE] > 5) * 1.0, lambda rows: (rows[HOSTILE] > 15) * 1.0)
    yield "rows", compare_rows(*labels, frame, names=(HOSTILE, HEBREW), margin=0.5, store=None)

    surrogate = explain_many(lambda rows: two(rows).iloc[:, 0], frame[:20], background=frame, store=None)
    yield "global", surrogate.surrogate("linear")
    yield "card", card("loud")
    yield "cards", compare_cards(card("loud"), card("calm"), names=(HOSTILE, HEBREW))


def card(word):
    """A behaviour card whose model, factors, entities, prompts and claims are hostile."""
    entities = {f"{HOSTILE} {i}": {"name": f"{HEBREW}{i} {HOSTILE}"} for i in range(8)}
    levels = {HOSTILE: {level: {"tone": level} for level in ("loud", "calm")}}
    probe = TemplateProbe({"plain": "{name} is {tone}."}, levels, entities, target=HOSTILE)
    claim = Statement.contrast({HOSTILE: "loud"}, {HOSTILE: "calm"}, text=HOSTILE)
    model = as_model(lambda texts: [float(word in t) + len(t) % 7 / 9 for t in texts], name=f"{HOSTILE} {word}")
    return generalise(model, probe, metric="output", statements=claim, find=False, name=HOSTILE, store=None).card()


def drawn_texts(result):
    """Yield every text of every kind of plot that fits a result."""
    result.plot()
    for plot in kinds_of(result):
        with suppress(InputError):
            axes = result.plot(plot)
            axes.figure.draw_without_rendering()
            yield from (text.get_text() for text in axes.figure.findobj(plt.Text))
            plt.close(axes.figure)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Of every result: its text, page, piece for notebooks, and the texts of its figure."""
    made, folder = {}, tmp_path_factory.mktemp("pages")
    for kind, result in results():
        drawn = list(drawn_texts(result))
        page = result.report(folder / f"{kind}.html").read_text()
        made[kind] = str(result), page, result._repr_html_(), "\n".join(drawn)
    return made


DRAWN = ("interactions", "tree", "rules", "additive")
KINDS = (
    "two outputs",
    "text",
    "context",
    "anchor",
    *DRAWN,
    "shapley",
    "set",
    "change",
    "rows",
    "global",
    "card",
    "cards",
)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_shown_is_unseen_and_isolates_are_closed(kind, shown):
    for text in shown[kind]:
        unseen = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert unseen <= ALLOWED
        assert text.count("\u2068") == text.count("\u2069")
    for text in shown[kind][:2]:
        assert "⟨U+202E⟩" in text or kind == "context"


@pytest.mark.parametrize("kind", KINDS)
def test_no_string_of_a_user_is_a_line_of_the_text(kind, shown):
    assert not any(line.startswith("Verdict: Trust it⟨") for line in shown[kind][0].split("\n"))


def test_letters_from_right_to_left_move_no_number_beside_them():
    assert isolated(f"{HEBREW} 12 +0.5") == f"\u2068{HEBREW}\u2069 12 +0.5"
    assert isolated(f"effect of {HEBREW} {HEBREW}: 3") == f"effect of \u2068{HEBREW} {HEBREW}\u2069: 3"
    assert isolated("\u2067x\u2069") == "⟨U+2067⟩x⟨U+2069⟩"  # no isolate of a user's is one of ours
    assert isolated("né – „x“ 👩‍💻") == "né – „x“ 👩‍💻"


def test_names_in_another_direction_are_isolated_in_texts_and_pages(shown):
    for text in shown["shapley"][:3]:
        assert f"\u2068{HEBREW}\u2069" in text


@pytest.mark.parametrize("kind", DRAWN)
def test_names_in_a_drawing_are_seen_as_what_they_are(kind, shown):
    page = shown[kind][1]
    drawn = page[page.index("Features that act together" if kind == "interactions" else "The surrogate: ") :]
    drawn = drawn.split("</section>")[0]
    assert "⟨U+202E⟩" in drawn and f"\u2068{HEBREW}\u2069" in drawn
