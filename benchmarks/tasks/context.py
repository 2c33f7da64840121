"""SmolLM2 reading twenty sentences: mean token log-probability (nats) of a fixed answer, absent sentences removed.

Every question costs a forward pass over the whole prompt, so that rivals who need questions of their own take part only
where the group lets them, and fewer rows judge.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from benchmarks.material import language_model, language_model_file
from benchmarks.tasks.task import Answer, Task, through_store
from probes import CausalLM, ContextProbe, Target

__all__ = ["load", "names", "short_names"]

HELD_OUT = 500
SHORT = 7

#: document, question, answer; what answers the question is said in more than one place
PROMPTS = (
    (
        "The ferry to Skarholm leaves from the north quay. It sails at seven every morning. Cars must arrive half an "
        "hour early. The crossing takes forty minutes. In winter the first sailing is at nine. The ship carries "
        "sixty cars. Dogs travel free of charge. The kiosk on board sells soup and bread. A return ticket costs "
        "twelve crowns. Children under six pay nothing. The captain has served for thirty years. Fog can close the "
        "harbour without warning. The old ship was sold to a museum. Bicycles are tied to the rail on deck. The "
        "island has one school and two shops. Most visitors come for the seals. From December on, nobody sails "
        "before nine. A lighthouse stands on the western cape. Its keeper paints the walls each spring. The post "
        "office opens at noon.",
        "When does the first ferry leave in winter, and what does a return ticket cost?",
        "In winter the first ferry leaves at nine, and a return ticket costs twelve crowns.",
    ),
    (
        "Maren Toft runs a bakery in the old mill. Her brother keeps bees behind the house. The rye loaf rests for "
        "two days. Flour comes from a farm across the river. She learned the trade from her aunt Signe. The oven is "
        "fired with birch wood. On Fridays there are cinnamon buns. A cat called Pilot sleeps on the sacks. The mill "
        "wheel stopped turning in 1952. Tourists photograph the red door. Signe taught her to bake at the age of ten. "
        "The shop closes when the bread is gone. Honey is sold in small jars. The roof was mended last summer. Rain "
        "sometimes floods the cellar. The river freezes in a hard winter. An accordion hangs above the counter. Maren "
        "plays it at weddings. The nearest town is nine miles away. Two apprentices start work at four.",
        "Who taught Maren to bake, and how is the oven heated?",
        "Her aunt Signe taught her, and the oven is fired with birch wood.",
    ),
)


def names(instances: int) -> list[str]:
    """Prompts of twenty sentences."""
    language_model_file()
    return [f"context_20_{j:02d}" for j in range(min(instances, len(PROMPTS)))]


def short_names(instances: int) -> list[str]:
    """Prompts of their first seven sentences, for a quick run."""
    return [name.replace("_20_", f"_{SHORT}_") for name in names(instances)]


def load(name: str) -> Task:
    """The task of a name that :func:`names` or :func:`short_names` lists."""
    _, sentences, j = name.split("_")
    document, question, answer = PROMPTS[int(j)]
    whole = ContextProbe(document, question, answer=answer)
    probe = ContextProbe(" ".join(whole.documents[0].pieces[: int(sentences)]), question, answer=answer)
    return Task(name, len(probe.features), _answers(probe), HELD_OUT)


def _answers(probe: ContextProbe) -> Answer:
    assert probe.answer is not None
    scorer = _model().scoring(probe.answer, probe.render(probe.instance[None])[0])
    mean = Target("mean", tuple(range(len(scorer.answer_ids))), ("mean token log-prob",), "nats")
    return through_store(scorer, probe, mean)


@lru_cache(maxsize=1)
def _model() -> CausalLM:
    lm = language_model()
    # the file's digest names the weights once, instead of at every question
    lm.name = f"SmolLM2 float32 {hashlib.sha256(language_model_file().read_bytes()).hexdigest()[:16]}"
    return lm
