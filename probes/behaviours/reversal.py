"""The reversal of facts: from A to B and from B to A, for facts in the prompt and facts in the weights.

After Berglund et al. (2023). In the prompt: invented people and what they did, told in one order, asked in both. In the
weights: countries and capitals, which a small model may know in either direction.
"""

from __future__ import annotations

import hashlib

from probes.behaviours.base import Behaviour, Claim
from probes.behaviours.facts import CAPITALS
from probes.cases.case import Case, tidy
from probes.cases.template import TemplateProbe

NAME, PLACE = "reversal", 10

FIRST = [
    "Quentin",
    "Mabel",
    "Orson",
    "Della",
    "Barnaby",
    "Ines",
    "Rufus",
    "Petra",
    "Silas",
    "Wanda",
    "Hugo",
    "Tessa",
    "Edmund",
    "Greta",
    "Felix",
    "Nadia",
]
LAST = [
    "Holloway",
    "Pike",
    "Lindqvist",
    "Marsh",
    "Okafor",
    "Varga",
    "Thorne",
    "Castell",
    "Brandt",
    "Ashdown",
    "Ferreira",
    "Novak",
    "Keane",
    "Duval",
    "Osei",
    "Lund",
]
DEEDS = [
    "bridge across the frozen strait",
    "opera about lost umbrellas",
    "museum of broken clocks",
    "map of the singing caves",
    "school for retired sailors",
    "garden on the floating island",
    "dictionary of whale songs",
    "tunnel under the salt lake",
    "festival of paper kites",
    "orchard on the northern cliffs",
    "telescope in the desert abbey",
    "railway to the silent valley",
    "library of unsent letters",
    "theatre inside the glacier",
    "bakery at the edge of town",
    "lighthouse made of green glass",
]
ROLES = [
    "architect",
    "composer",
    "founder",
    "explorer",
    "principal",
    "designer",
    "author",
    "engineer",
    "director",
    "planter",
    "builder",
    "surveyor",
    "keeper",
    "producer",
    "baker",
    "inventor",
]

STATED = {
    "name first": "{name} is known as the {role} of the {deed}.",
    "description first": "The {role} of the {deed} is known as {name}.",
}
ASKED = {
    "name → description": {"plain": "{facts} {name} is", "recall": "{facts} People remember that {name} is"},
    "description → name": {
        "plain": "{facts} The {role} of the {deed} is",
        "recall": "{facts} People remember that the {role} of the {deed} is",
    },
}
WEIGHTS = {
    "name → description": {"plain": "{city} is the capital of", "recall": "As is well known, {city} is the capital of"},
    "description → name": {
        "plain": "The capital of {country} is",
        "recall": "As is well known, the capital of {country} is",
    },
}


def _foils(case: Case, pool: list[str]) -> Case:
    order = sorted(pool, key=lambda t: hashlib.sha256(f"{case.prompt}{t}".encode()).digest())
    full = Case(case.prompt, case.target, tuple(t for t in order if t != case.target), case.levels, case.entity,
                case.template)  # fmt: skip
    kept = tidy(full, strict=False)
    return Case(kept.prompt, kept.target, kept.foils[:10], kept.levels, kept.entity, kept.template)


def behaviour() -> Behaviour:
    """Ask for 16 facts in the prompt, 20 capitals in the weights; value: log-prob of the answer over 10 others."""
    cases = []
    people = [
        {"name": f"{f} {s}", "role": role, "deed": deed}
        for f, s, role, deed in zip(FIRST, LAST, ROLES, DEEDS, strict=True)
    ]
    names = [f" {p['name']}" for p in people]
    descriptions = [f" the {p['role']} of the {p['deed']}" for p in people]
    for i, person in enumerate(people):
        other = people[(i + 1) % len(people)]
        for order, sentence in STATED.items():
            facts = f"{sentence.format(**other)} {sentence.format(**person)}"
            for asked, wordings in ASKED.items():
                for kind, wording in wordings.items():
                    prompt = wording.format(facts=facts, **person)
                    same = (order == "name first") == (asked == "name → description")
                    levels = (
                        ("source", "in the prompt"),
                        ("asked", asked),
                        ("direction", "as told" if same else "reversed"),
                        ("template", kind),
                    )
                    answers = descriptions if asked == "name → description" else names
                    cases.append(_foils(Case(prompt, answers[i], (), levels, person["name"], kind), answers))
    for country, city in list(CAPITALS.items())[:20]:
        for asked, wordings in WEIGHTS.items():
            for kind, wording in wordings.items():
                levels = (("source", "in the weights"), ("asked", asked), ("direction", "unknown"), ("template", kind))
                prompt = wording.format(city=city, country=country)
                name = asked == "name → description"
                answer = f" {country if name else city}"
                pool = [f" {c}" for c in (CAPITALS if name else CAPITALS.values())]
                cases.append(_foils(Case(prompt, answer, (), levels, country, kind), pool))
    straight, turned = ({"source": "in the prompt", "direction": d} for d in ("as told", "reversed"))
    return Behaviour(
        NAME,
        "Reversal of facts",
        TemplateProbe.from_cases(cases),
        "margin",
        Claim("facts told in the prompt are found again in the order told", straight),
        (
            Claim("facts told in the prompt are found in the reversed order", turned),
            Claim("reversed order is about as good as the order told", turned, straight, kind="equivalence",
                  of_control=0.2),
            Claim("capitals are known from country to city",
                  {"source": "in the weights", "asked": "description → name"}),
            Claim("capitals are known from city to country",
                  {"source": "in the weights", "asked": "name → description"}),
            Claim("capitals are written more often from country to city than back",
                  {"source": "in the weights", "asked": "description → name"},
                  {"source": "in the weights", "asked": "name → description"}, metric="exact_match"),
            Claim("the answer to a reversed question beats most other answers", turned, metric="auc", min_effect=0.25),
        ),
    )  # fmt: skip
