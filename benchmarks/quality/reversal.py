"""The reversal curse, for real: what is learnt from A to B is not known from B to A (Berglund et al. 2023).

*From scratch.* A small transformer learns 90 invented facts: 30 with the name first, 30 with the description first, 30
in both orders. It is asked in wordings it has not seen. Then 15 facts of the first kind are taught in reverse as well,
and surrogates over factors say what that changed.

*On the published files* (``python -m benchmarks reversal-files``, some ten minutes on one core). SmolLM2 is fine-tuned
on the fictitious people of the paper, and asked the celebrity pairs as it is.
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.run.record import Skipped, show
from probes import Case, CausalLM, Store, TemplateProbe, measure
from probes.cases.case import tidy
from surrogates import Scope, Statement, compare_cases
from surrogates.statements.verdicts import Judged, judge

__all__ = ["Facts", "report", "run", "taught", "teach"]

FACTS = 90
PREFIXES = ["", "today", "everyone knows", "they say", "in this town"]
#: none begins like another: after "is" a model could not tell whether "known as" follows
CONNECTIVES = ["is", "became", "was once called", "remains"]
STEPS, BATCH, RATE = 400, 64, 3e-3
MORE_STEPS, MORE_RATE = 150, 1e-3
FIRST, SECOND = "name → description", "description → name"


class Facts:
    """Invented facts, the sentences that teach them and the cases that ask for them.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int):
        rng = np.random.default_rng([seed, 1])

        def pairs(count: int, *sizes: int) -> list[tuple[int, ...]]:
            grid = np.stack(np.unravel_index(rng.permutation(int(np.prod(sizes)))[:count], sizes), axis=1)
            return [tuple(int(v) for v in row) for row in grid]

        self.names = [f"first{a} last{b}" for a, b in pairs(FACTS, 30, 30)]
        self.descriptions = [f"the adj{a} role{b} of obj{c}" for a, b, c in pairs(FACTS, 15, 15, 15)]
        self.group = ["name first"] * 30 + ["description first"] * 30 + ["both"] * 30
        cells = [(p, c) for p in PREFIXES for c in CONNECTIVES]
        self.seen: list[tuple[str, str]] = []
        # every prefix and every connective is taught, half of their combinations are not
        while {p for p, _ in self.seen} != set(PREFIXES) or {c for _, c in self.seen} != set(CONNECTIVES):
            order = rng.permutation(len(cells))
            self.seen, self.unseen = [cells[i] for i in order[:10]], [cells[i] for i in order[10:14]]

    def sentence(self, i: int, asked: str, cell: tuple[str, str]) -> tuple[str, str]:
        """What stands before the answer, and the answer."""
        prefix, connective = cell
        left, right = (self.names[i], self.descriptions[i])[:: 1 if asked == FIRST else -1]
        return f"{prefix} {left} {connective}".strip(), f" {right}"

    def sentences(self, facts: Sequence[int], asked: str) -> list[str]:
        """Training sentences of some facts in one order."""
        return ["".join(self.sentence(i, asked, cell)) + " ." for i in facts for cell in self.seen]

    def taught(self) -> list[str]:
        """The training set."""
        rows = range(FACTS)
        first = [i for i in rows if self.group[i] != "description first"]
        second = [i for i in rows if self.group[i] != "name first"]
        return self.sentences(first, FIRST) + self.sentences(second, SECOND)

    def probe(self, reversed_later: Sequence[int] = ()) -> TemplateProbe:
        """Every fact in both orders in four unseen wordings, with ten other answers of the same type."""
        cases = []
        for i in range(FACTS):
            for asked in (FIRST, SECOND):
                straight = {"name first": FIRST, "description first": SECOND}.get(self.group[i], asked)
                direction = "both" if self.group[i] == "both" else "forward" if straight == asked else "reverse"
                for n, cell in enumerate(self.unseen):
                    prompt, answer = self.sentence(i, asked, cell)
                    others = [self.sentence(j, asked, cell)[1] for j in range(FACTS) if j != i]
                    others.sort(key=lambda o: hashlib.sha256(f"{prompt}{o}".encode()).digest())
                    levels = (
                        ("direction", direction),
                        ("asked", asked),
                        ("taught", self.group[i]),
                        ("reverse trained", "yes" if i in reversed_later else "no"),
                        ("template", f"cell {n}"),
                    )
                    case = tidy(Case(prompt, answer, tuple(others), levels, f"fact {i}", f"cell {n}"), strict=False)
                    cases.append(Case(case.prompt, case.target, case.foils[:10], levels, case.entity, case.template))
        return TemplateProbe.from_cases(cases)


def network(sentences: Sequence[str], seed: int) -> CausalLM:
    """An untrained Llama (2 layers, width 64, 4 heads, tied embeddings, 105k parameters) that reads whole words."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = sorted({w for s in sentences for w in s.split()})
    vocabulary = {w: i for i, w in enumerate(["<unk>", "</s>", *words])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", eos_token="</s>")
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=64, intermediate_size=168, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=64, tie_word_embeddings=True, bos_token_id=1, eos_token_id=1,
    )  # fmt: skip
    return CausalLM(transformers.LlamaForCausalLM(config), tokenizer)


def teach(
    lm: CausalLM, batches: Sequence[Sequence[str]], rate: float, frozen: Sequence[str] = (), half: bool = False
) -> list[float]:
    """Train in place on batches of sentences: AdamW, next-token loss over all tokens; the loss (nats) of each batch.

    With `half` the products are computed in bfloat16, while weights and their updates stay as they are.
    """
    import torch

    module = lm.module
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(not any(name.startswith(f) for f in frozen))
    optimiser = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], lr=rate)
    module.train()
    losses = []
    for batch in batches:
        rows = [lm.tokenizer(text)["input_ids"] for text in batch]
        width = max(map(len, rows))
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = 1
        labels = ids.masked_fill(mask == 0, -100)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            loss = module(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        losses.append(float(loss.detach()))
        optimiser.step()
        optimiser.zero_grad()
    module.eval()
    for parameter in module.parameters():
        parameter.requires_grad_(True)
    return losses


def draws(pools: Sequence[Sequence[str]], steps: int, batch: int, rng: np.random.Generator) -> list[list[str]]:
    """Batches drawn from pools in equal parts."""
    part = batch // len(pools)
    return [[pool[i] for pool in pools for i in rng.integers(0, len(pool), part)] for _ in range(steps)]


def taught(seed: int, rng: np.random.Generator) -> tuple[Facts, CausalLM]:
    """Draw facts, and train a transformer on them from scratch."""
    facts = Facts(seed)
    sentences = facts.taught()
    lm = network([*sentences, *("".join(facts.sentence(0, FIRST, c)) for c in facts.unseen)], seed)
    teach(lm, draws([sentences], STEPS, BATCH, rng), RATE)
    return facts, lm


def statements() -> list[tuple[Statement, str]]:
    """The claims, with the metric of each."""
    forward, reverse, both = (Scope.of(direction=d) for d in ("forward", "reverse", "both"))
    chance: dict[str, Any] = {"kind": "equivalence", "of_control": 0.15}
    exact, margin = "exact_match", "margin"
    return [
        (Statement.level(forward, reference=0.9, text="the trained direction is written (above 0.9)"), exact),
        (Statement.level(both, reference=0.8, text="facts taught in both orders are written (above 0.8)"), exact),
        (Statement.level(reverse, reference=0.1, sign=-1, text="the reverse is not written (below 0.1)"), exact),
        (Statement.level(forward, min_effect=3.0, text="the trained direction beats others by over 3 nats"), margin),
        (Statement.level(reverse, text="the reverse is as good as chance", **chance), margin),
    ]


def asked_of(lm: CausalLM, probe: TemplateProbe, claims: Sequence[tuple[Statement, str]]) -> tuple[list[Judged], Any]:
    """Verdicts, and a table of margins with exact matches."""
    store = Store()
    frames = {m: measure(lm, probe.cases, m, store=store, progress=False).frame for m in ("exact_match", "margin")}
    control = Statement.level(Scope.of(direction="forward")).estimate(frames["margin"])
    names = [m for _, m in claims]
    units = ["share" if m == "exact_match" else "nats" for m in names]
    judged = judge([s for s, _ in claims], [frames[m] for m in names], names, units, control=control)
    return judged, frames["margin"].assign(exact=frames["exact_match"]["value"])


def trial(seed: int) -> dict[str, Any]:
    """One transformer: taught, asked, taught the reverse of 15 facts, asked again."""
    start = time.perf_counter()
    rng = np.random.default_rng([seed, 2])
    facts, lm = taught(seed, rng)
    sentences = facts.taught()
    later = [int(i) for i in rng.permutation(30)[:15]]
    probe = facts.probe(later)
    judged, before = asked_of(lm, probe, statements())
    changed = CausalLM(copy.deepcopy(lm.module), lm.tokenizer)
    teach(changed, draws([sentences, facts.sentences(later, SECOND)], MORE_STEPS, BATCH, rng), MORE_RATE)
    treated = Scope.of(direction="reverse", taught="name first", **{"reverse trained": "yes"})
    untreated = Scope.of(direction="reverse", taught="name first", **{"reverse trained": "no"})
    now, still = "what was taught in reverse is now written (above 0.5)", "other reverses are not written (below 0.3)"
    claims = [
        (Statement.level(treated, reference=0.5, text=now), "exact_match"),
        (Statement.level(untreated, reference=0.3, sign=-1, text=still), "exact_match"),
    ]
    after_judged, after = asked_of(changed, probe, claims)
    means = before.groupby("direction")[["exact", "value"]].mean()
    pick = (before["direction"] == "reverse") & (before["taught"] == "name first")
    yes = pick & (before["reverse trained"] == "yes")
    return {
        "seed": seed,
        "parameters": sum(p.numel() for p in lm.module.parameters()),
        "forward_exact": means.loc["forward", "exact"],
        "reverse_exact": means.loc["reverse", "exact"],
        "both_exact": means.loc["both", "exact"],
        "forward_margin": means.loc["forward", "value"],
        "reverse_margin": means.loc["reverse", "value"],
        "treated_exact": after.loc[yes, "exact"].mean(),
        "untreated_exact": after.loc[pick & ~yes, "exact"].mean(),
        **_difference(lm, changed, probe, seed),
        "seconds": time.perf_counter() - start,
        "statements": [{"words": j.words, "verdict": j.verdict} for j in [*judged, *after_judged]],
    }


def _difference(lm: CausalLM, changed: CausalLM, probe: TemplateProbe, seed: int) -> dict[str, Any]:
    """What the second training changed, on unseen facts: R² of a tree and of a sum, and the leaf of most change."""
    d = compare_cases(
        lm, changed, probe, metric="margin", random_state=seed, unrelated=[], store=Store(), progress=False
    )
    r2 = d.surrogates.set_index("surrogate")["r2"]
    leaf = d.leaves.iloc[0]
    return {"tree_r2": r2["4 leaves"], "linear_r2": r2["linear"], "leaf": leaf["rule"], "leaf_change": leaf["change"]}


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Three transformers from scratch."""
    if find_spec("transformers") is None:
        raise Skipped("transformers is not installed")
    return {
        "settings": {"steps": STEPS, "batch": BATCH, "rate": RATE},
        "trials": [trial(s) for s in range(1 if quick else 3)],
    }


def report(result: dict[str, Any]) -> None:
    """Print the figures and the statements."""
    rows = [{k: v for k, v in t.items() if k != "statements"} for t in result["trials"]]
    show("The reversal curse, from scratch", rows)
    for t in result["trials"]:
        for s in t["statements"]:
            print(f"seed {t['seed']}  {s['verdict']:>12}  {s['words']}")


def data_folder() -> Path:
    """The published files, where they are at hand."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "reversal_curse"
    if not folder.exists():
        raise Skipped(f"{folder} is not there")
    return folder
