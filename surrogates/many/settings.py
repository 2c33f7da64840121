"""Settings of a run of explain_many(): what all items share, and the key under which each is written down."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from probes.asking.ask_batch import Run
from probes.asking.question import Question, answer_in_target
from probes.asking.session import Session
from probes.errors import InputError
from probes.model import Generator, Model
from probes.outputs.target import LOG_ODDS, TargetLike, is_function
from probes.parallel.workers import GeneratorWorkers, Workers
from probes.probe import Probe
from probes.store.store import Store
from surrogates.families.registry import FamilyLike, settings_to_json
from surrogates.local.plan import Plan
from surrogates.many.items import Item
from surrogates.results.plain import Json

__all__ = ["Settings", "Wanted"]

#: model inputs that are asked together, of models of plain rows and of models whose inputs have a length
WINDOW = 32_768
WINDOW_OF_TEXTS = 1024
#: the same of servers, where a cap may end the run at any question
WINDOW_OF_REMOTE = 256
#: first part of the key of an item: the version in which its content last changed, so that later ones take up its files
KEY_FORMAT = "0.1.0"


@dataclass(frozen=True)
class Wanted:
    """What is explained of every item.

    Attributes
    ----------
    target : TargetLike
    answer : str or None
        For a language model: the continuation of every probe.
    fallback : str or None
        The continuation of those that bring none.
    key : str
        Stands for all of this in the key of an item.
    """

    target: TargetLike
    answer: str | None
    fallback: str | None
    key: str

    @classmethod
    def of(cls, model: Model | Generator, target: TargetLike, answer: str | None) -> Wanted:
        """Tell a target from an answer; both forms of an answer have the same key.

        Raises
        ------
        InputError
        """
        old = answer_in_target(model, target, answer)
        if answer is not None and not isinstance(model, Generator):
            raise InputError("answer", "be left out: this model does not continue text", answer)
        plain = answer is not None and target is None and answer != LOG_ODDS
        key = repr(answer) if plain else repr(target) if answer is None else repr((target, answer))
        return cls(target if old is None else None, answer, old, key)


def _without_link(settings: Json) -> Json:
    """Drop links from a family's settings: its name says them, and files begun without links are taken up."""
    kept = {name: value for name, value in settings.items() if name != "link"}
    proxies = {name: _without_link(value) for name, value in (kept.get("proxy") or {}).items()}
    return kept | {"proxy": proxies or None}


@dataclass(frozen=True)
class Settings:
    """What all items share."""

    workers: Workers | GeneratorWorkers
    family: FamilyLike
    budget: int | None
    design: str
    wanted: Wanted
    seed: int
    store: Store
    run: Run

    def plan(self, probe: Probe) -> Plan:
        wanted, run = self.wanted, Run(memory=self.run.memory)
        question = Question.of(self.workers, probe, None, wanted.target, wanted.answer, wanted.fallback)
        session = Session(question, self.budget, self.store, False, run)
        return Plan.of(session, self.family, self.budget, self.design, self.seed)

    @property
    def lasting(self) -> bool:
        """Whether a key means the same in another run: not with a model or a target that nobody can identify."""
        return self.workers.identity().persistent and not is_function(self.wanted.target)

    def key(self, plan: Plan) -> str:
        """Return the digest of all that decides about an explanation."""
        probe = plan.session.question.probe
        families = {name: [type(f).__name__, _without_link(settings_to_json(f))] for name, f in plan.families.items()}
        content = [
            KEY_FORMAT,
            [self.workers.identity().id, probe.digest, probe.answer, probe.max_new_tokens],
            [families, plan.penalty, plan.questions.digest, self.seed, self.wanted.key],
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=repr).encode()).hexdigest()

    def blank(self, item: Item) -> str:
        """Return a key for an item that has none, because no probe could be made of it."""
        return hashlib.sha256(repr(("no probe", item.index, item.label)).encode()).hexdigest()

    @property
    def window(self) -> int:
        inside = self.workers.model
        if inside.remote:
            return WINDOW_OF_REMOTE
        texts = isinstance(inside, Generator) or (isinstance(inside, Model) and inside.size_unit is not None)
        return WINDOW_OF_TEXTS if texts else WINDOW
