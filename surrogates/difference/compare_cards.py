"""compare_cards(): what differs between two behaviour cards, by a test of every difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd

from probes.errors import InputError
from surrogates.difference.card_difference import ASKED, CardDifference
from surrogates.difference.two_models import check_names
from surrogates.results.provenance import cost_data
from surrogates.statements.card import Card
from surrogates.statements.card_pairs import card_pairs
from surrogates.statements.entry import Entry, Example, StatementData

__all__ = ["compare_cards"]


def compare_cards(card: Card, other: Card, *, names: tuple[str, str] | None = None) -> CardDifference:
    """Test whether the effects on two behaviour cards differ; no model is asked.

    The cards are of two models, or of one at two dates; either may be read from a file. Effects are the same if they
    are of the same behaviour, about the same sets of cases, in the same metric and unit, whatever size or sign a
    statement claims of them. Entities that both cards have are paired: an interval is that of their differences. p is
    adjusted for all effects that are tested (Holm), so that of two equal models, in 95 of 100 pairs of cards none is
    said to differ.

    Parameters
    ----------
    card, other : Card
    names : (str, str), optional
        What the two are called; default: their models, or "first" and "second" where these have one name.

    Returns
    -------
    CardDifference

    Raises
    ------
    InputError
        If either is no card, or the names are no two different texts.

    Examples
    --------
    >>> from probes import TemplateProbe
    >>> from surrogates import Statement, compare_cards, generalise
    >>> cities = {f"city {i}": {"name": f"City{i}"} for i in range(8)}
    >>> probe = TemplateProbe({"plain": "{name} is {size}."}, {"size": ["big", "small"]}, cities, target="yes")
    >>> claim = Statement.contrast({"size": "big"}, {"size": "small"})
    >>> def card(step):
    ...     def model(texts):
    ...         return [step * ("big" in text) + (len(text) * 7919 + ord(text[4])) % 13 / 50 for text in texts]
    ...     return generalise(model, probe, metric="output", statements=claim, find=False, store=None).card()
    >>> difference = compare_cards(card(1.0), card(3.0), names=("first", "second"))
    >>> difference.differing[["claim", "unit"]].values.tolist()
    [['output is higher when size is big than when size is small', 'output']]
    """
    for parameter, value in (("card", card), ("other", other)):
        if not isinstance(value, Card):
            raise InputError(parameter, "be a Card", value)
    if names is None:
        told = card.model.strip() and other.model.strip() and card.model.strip() != other.model.strip()
        names = (card.model, other.model) if told else ("first", "second")
    check_names(names)
    identities = (card.identity, other.identity)
    costs = (cost_data(card.cost), cost_data(other.cost))
    table = card_pairs(card.entries, other.entries)
    difference = CardDifference(table, (names[0], names[1]), identities, _asked(card, other), costs)
    return replace(difference, notes=tuple(_notes(card, other, difference)))


def _asked(card: Card, other: Card) -> pd.DataFrame:
    """Return the questions that stand on both cards, by their prompts."""
    mine, theirs = _asked_on(card), _asked_on(other)
    rows = []
    for key in (key for key, (_, _, x) in mine.items() if key in theirs and "where" in x):
        (e, s, x), (_, _, y) = mine[key], theirs[key]
        said = (x["answer"].strip(), y["answer"].strip(), s["metric"], s["unit"], x["value"], y["value"])
        rows.append((e.title, x["where"], key[2], x["target"].strip(), *said))
    return pd.DataFrame(rows, columns=[*ASKED.split(), "value", "other_value"])


def _asked_on(card: Card) -> dict[tuple[str, str, str], tuple[Entry, StatementData, Example]]:
    """Return the questions that a card holds, by behaviour, metric and prompt."""
    shown = [(e, s, x) for e in card.entries for s in e.statements for x in (*s.get("asked", ()), *s["examples"])]
    return {(e.name, s["metric"], _text(x["prompt"])): (e, s, x) for e, s, x in reversed(shown)}


def _text(prompt: str | Sequence[tuple[str, str]]) -> str:
    return prompt if isinstance(prompt, str) else " | ".join(f"{role}: {content}" for role, content in prompt)


def _notes(card: Card, other: Card, difference: CardDifference) -> Iterator[str]:
    """Say what a reader of the differences should know."""
    if card.identity and card.identity == other.identity:
        yield (
            "Both cards are of the same model by its fingerprint: what differs comes from other cases, or from answers "
            "that vary."
        )
    loose = difference.table["reason"].str.contains("a card keeps no entities", regex=False)
    if loose.any():
        yield (
            f"{int(loose.sum())} effects are compared without pairing, since a card was written before entities were "
            "kept: their intervals are wider than those of paired answers mostly are."
        )
    if card.versions.get("iomap") != other.versions.get("iomap"):
        versions = " and ".join(one.versions.get("iomap", "an unknown version") for one in (card, other))
        yield f"The cards were written by different versions: {versions}."
    theirs = {e.name: e for e in other.entries}
    for e in card.entries:
        if e.name in theirs and theirs[e.name].cases != e.cases:
            yield f"{e.title}: {e.cases} cases on the first card, {theirs[e.name].cases} on the second."
        for one, which in ((e, "first"), (theirs.get(e.name), "second")):
            if one is not None and one.control and one.control["verdict"] != "supported":
                yield f"{one.title}: the positive control is {one.control['verdict']} on the {which} card."
