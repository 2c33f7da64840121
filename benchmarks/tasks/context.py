"""SmolLM2 reading twenty sentences: mean token log-probability (nats) of a fixed answer, absent sentences removed.

Every question costs a forward pass over the whole prompt, so that rivals who need questions of their own take part only
where the group lets them, and fewer rows judge.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from benchmarks.tasks.documents import PROMPTS
from benchmarks.tasks.material import language_model, language_model_file
from benchmarks.tasks.task import Answer, Task, through_store
from probes import CausalLM, ContextProbe, Target

__all__ = ["answers", "load", "model", "names", "prompt", "short_names"]

#: a question takes about a third of a second
HELD_OUT = 128
SHORT = 7


def names(instances: int) -> list[str]:
    """Prompts of twenty sentences."""
    language_model_file()
    return [f"context_20_{j:02d}" for j in range(min(instances, len(PROMPTS)))]


def short_names(instances: int) -> list[str]:
    """Prompts of their first seven sentences, for a quick run."""
    return [name.replace("_20_", f"_{SHORT}_") for name in names(instances)]


def load(name: str) -> Task:
    """The task of a name that :func:`names` or :func:`short_names` lists."""
    probe = prompt(name)
    return Task(name, len(probe.features), answers(probe), HELD_OUT)


def prompt(name: str) -> ContextProbe:
    """The probe of such a name."""
    _, sentences, j = name.split("_")
    document, question, answer = PROMPTS[int(j)]
    full = ContextProbe(document, question, answer=answer)
    return ContextProbe(" ".join(full.documents[0].pieces[: int(sentences)]), question, answer=answer)


def answers(probe: ContextProbe) -> Answer:
    """Return the mean token log-probability of a probe's answer, as a function of its rows."""
    assert probe.answer is not None
    scorer = model().scoring(probe.answer, probe.render(probe.instance[None])[0])
    mean = Target("mean", tuple(range(len(scorer.answer_ids))), ("mean token log-prob",), "nats")
    return through_store(scorer, probe, mean)


@lru_cache(maxsize=2)
def model(dtype: str = "float32") -> CausalLM:
    """SmolLM2 under a name made of its file's digest, so that the weights are not hashed at every question."""
    lm = language_model(dtype)
    lm.name = f"SmolLM2 {dtype} {hashlib.sha256(language_model_file().read_bytes()).hexdigest()[:16]}"
    return lm
