"""Units and replacement of texts: is a planted cause found, and what R² a question buys by each way to take words away.

*Planted*: texts with one cause, a character, a word of a script without spaces, a Markdown section, an HTML element or
a word that occurs three times, and noise half as large; found is a first place among the effects.

*Replacement*: a sentiment classifier on sentences of reviews. Absent words are removed, masked, or drawn anew by a
masked language model made of the classifier's own encoder, with a head trained here on other sentences. R² is on fresh
questions of the same kind.

*Rivals*: LIME and SHAP for texts at their own default budgets. iomap asks the same questions of the same model, as many
of them; all are judged on the same fresh ones.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits

from benchmarks.rivals.text_rivals import LIME_CALLS, SHAP_CALLS, TextGame, lime_text, shap_text
from benchmarks.run.ledger import Case, carry_out, code, versions
from benchmarks.run.record import Skipped, show, timed
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks import sentiment
from benchmarks.tasks.material import shared
from probes import Html, Infill, MaskedFill, MaskProbe, Occurrences, TextProbe, as_model, mask_token
from probes.design import uniform
from probes.inputs.units.registry import Unit
from surrogates import explain

__all__ = ["BESIDE", "PLANTED", "REPLACED", "planted", "report", "run"]

SEEDS, SENTENCES = 20, 3
#: questions about a planted cause; noise beside its size of 1
BUDGET, NOISE = 128, 0.5
#: model inputs that each way to replace may ask; samples of an infill; fresh questions
INPUTS, SAMPLES, FRESH = 150, 3, 60
#: sentences and steps by which the head of the masked model is trained; passes in which it fills a text
READ, STEPS, PASSES = 1000, 80, 2
#: words of the sentences that rivals explain
SHORT = range(9, 12)
#: columns of the published tables
PLANTED = {"task": "planted cause", "unit": "unit", "found": "found first", "trials": "of"}
REPLACED = {"replacement": "absent words", "questions": "questions", "mean": "held-out R²", "low": "from", "high": "to",
            "agreement": "rank agreement of effects with removal"}  # fmt: skip
BESIDE = {"rival": "rival", "calls": "its calls", "rival_r2": "its R²", "family": "iomap", "asked": "calls",
          "r2": "R²", "gain": "R² above it", "low": "from", "high": "to", "time": "time over its", "time_low": "from",
          "time_high": "to"}  # fmt: skip

WORDS = ["river", "garden", "window", "market", "letter", "winter", "engine", "bridge", "doctor", "castle", "summer",
         "kitchen", "village", "teacher", "flower", "blanket", "island", "pocket", "signal", "painter"]  # fmt: skip
#: words of scripts without spaces, and a segmenter of each
SCRIPTS = {
    "Thai": ("pythainlp", "แม่น้ำ สวน หน้าต่าง ตลาด จดหมาย ฤดูหนาว สะพาน หมอ ปราสาท ครู ดอกไม้ เกาะ"),
    "Chinese": ("jieba", "河流 花园 窗户 市场 冬天 发动机 桥梁 医生 城堡 夏天 厨房 村庄"),
    "Japanese": ("janome", "庭 市場 手紙 冬 橋 医者 城 夏 台所 先生 花 毛布"),
}


def _noise(text: str) -> float:
    """A number from −√3 to √3 that a text fixes, of variance 1."""
    drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48
    return float((2 * drawn - 1) * np.sqrt(3))


def _counting(cause: str) -> Callable[[Sequence[str]], list[float]]:
    """A model of texts that says whether the cause is there, and noise."""
    return lambda texts: [2.0 * (cause in text) + NOISE * _noise(text) for text in texts]


def _drawn(task: str, rng: np.random.Generator) -> tuple[str, str, Unit]:
    """A text with a planted cause, the cause, and the unit to ask with."""
    words = [str(word) for word in rng.permutation(WORDS)]
    if task == "a character":
        return "".join(words[:4])[:24], words[1][2], Occurrences("character")
    if task == "all occurrences of a word":
        text = [*words[:14], words[0], words[0]]
        return " ".join(str(word) for word in rng.permutation(text)), words[0], Occurrences()
    if task == "a Markdown section":
        parts = [f"## {a}\n\nOf {b} and {c}.\n" for a, b, c in zip(words[:6], words[6:12], words[12:18], strict=True)]
        return "\n".join(parts), f"## {words[rng.integers(6)]}", "markdown section"
    if task == "an HTML element":
        items = "".join(f"<li>{word} <b>here</b>" for word in words[:10])
        return f"<ul>{items}</ul><script>{words[0]}</script>", f"{words[3]} <b>", Html(tags=("li",))
    name = task.removeprefix("a word of ").removesuffix(", no segmenter")
    segmenter, lexicon = SCRIPTS[name]
    chosen = [str(word) for word in rng.permutation(lexicon.split())]
    return "".join(chosen), chosen[5], "word" if task.endswith("no segmenter") else segmenter


def tasks() -> list[str]:
    """Planted causes; those that need a segmenter only where it is installed."""
    scripts = [f"a word of {name}" for name, (segmenter, _) in SCRIPTS.items() if find_spec(segmenter)]
    whole = ["a character", "all occurrences of a word", "a Markdown section", "an HTML element"]
    return [*whole, *scripts, *(f"a word of {name}, no segmenter" for name in SCRIPTS)]


def planted(task: str, seed: int) -> list[dict[str, Any]]:
    """Whether the cause has the largest effect, or a part of it where words are cut into parts."""
    with threadpool_limits(1):
        text, cause, unit = _drawn(task, np.random.default_rng(seed))
        probe = TextProbe(text, unit)
        ex = explain(_counting(cause), probe, budget=BUDGET, random_state=seed, store=None, progress=False)
        first = str(ex.attributions["feature"].iloc[0]).split(" (")[0].strip()
        found = cause.strip("# ").split(" <")[0]
        hit = found in first or (task.startswith("a word") and first in cause)
        return [{"part": "planted", "task": task, "unit": probe.unit, "seed": seed, "found": bool(hit)}]


@cache
def fill() -> MaskedFill:
    """A masked language model of the classifier's encoder, its head trained on sentences that are not explained."""
    import torch
    import transformers

    classifier = sentiment.model()
    module, tokenizer = classifier.module, classifier.tokenizer
    torch.manual_seed(0)
    network = transformers.BertForMaskedLM(module.config)
    network.bert.load_state_dict(module.bert.state_dict(), strict=False)
    network.tie_weights()
    explained, rng = set(sentiment.sentences(SENTENCES)), np.random.default_rng(0)
    lines = [line for line in _reviews() if line not in explained and len(line.split()) < 30]
    states, targets = [], []
    for at in range(0, READ, 50):  # the encoder stays as it is, and is read once
        chosen = [lines[i] for i in rng.integers(len(lines), size=min(50, READ - at))]
        batch = tokenizer(chosen, return_tensors="pt", padding=True)
        ids = batch["input_ids"]
        hidden = torch.tensor(rng.random(ids.shape) < 0.2) & (ids >= 999)
        with torch.inference_mode():
            read = network.bert(ids.masked_fill(hidden, tokenizer.mask_token_id), batch["attention_mask"])[0]
        states.append(read[hidden].clone())
        targets.append(ids[hidden])
    X, t = torch.cat(states).clone(), torch.cat(targets)
    head = [*network.cls.predictions.transform.parameters(), network.cls.predictions.bias]
    optimiser = torch.optim.AdamW(head, lr=3e-3)
    for _ in range(STEPS):
        rows = torch.tensor(rng.integers(len(t), size=128))
        torch.nn.functional.cross_entropy(network.cls(X[rows]), t[rows]).backward()
        optimiser.step()
        optimiser.zero_grad()
    return MaskedFill(network.eval(), tokenizer, steps=PASSES)


def _reviews() -> list[str]:
    folder = shared() / "data" / "sentiment" / "sentence_polarity"
    files = [folder / f"rt-polarity.{label}" for label in ("pos", "neg")]
    return [line.strip() for file in files for line in file.read_text(encoding="latin-1").splitlines()]


def _positive(texts: Sequence[str]) -> np.ndarray:
    """Probability of "positive", ``(n,)``."""
    logits = np.concatenate([sentiment.model()(list(texts[i : i + 64])) for i in range(0, len(texts), 64)])
    return np.asarray(expit(logits[:, 1] - logits[:, 0]))


def _log_odds(texts: Sequence[str]) -> np.ndarray:
    p = _positive(texts)
    return np.log(p) - np.log1p(-p)


def replaced(number: int) -> list[dict[str, Any]]:
    """One sentence: R² on fresh questions by each way to replace, and how effects agree with those of removal."""
    with threadpool_limits(1):
        sentence, rows, effects = sentiment.sentences(SENTENCES)[number], [], dict[str, np.ndarray]()
        model = as_model(_log_odds, name="log-odds of positive")
        for name, way in {
            "removed": None,
            "neutral text, …": "…",
            "mask token": mask_token(sentiment.model()),
            f"drawn anew, {SAMPLES} times": Infill(fill(), samples=SAMPLES),
        }.items():
            probe = TextProbe(sentence, replacement=way)
            ex = explain(model, probe, budget=INPUTS, random_state=number, store=None, progress=False)
            names = [f.name for f in probe.features]
            Z = uniform(len(names), FRESH, np.random.default_rng([number, 7]), but=ex.answers.design.Z)
            y = np.asarray(_log_odds(probe.render(Z))).reshape(FRESH, -1).mean(axis=1)
            effects[name] = ex.attributions.set_index("feature").loc[names, "attribution"].to_numpy(dtype=float)
            order = spearmanr(effects[name], effects["removed"]).statistic
            row = {"part": "replaced", "sentence": number, "replacement": name, "questions": len(ex.answers.design)}
            rows.append({**row, "r2": _r2(y, np.ravel(ex.predict(Z))), "agreement": float(order)})
        return rows


def _r2(y: np.ndarray, predicted: np.ndarray) -> float:
    return float(1 - ((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum())


RIVALS: dict[str, tuple[Callable[..., TextGame], int]] = {
    "LIME": (lime_text, LIME_CALLS),
    "SHAP, partition": (shap_text, SHAP_CALLS),
}
#: iomap beside each: family and calls
OURS = {"LIME": (("linear", LIME_CALLS), ("interactions", 500)),
        "SHAP, partition": (("linear", SHAP_CALLS), ("interactions", SHAP_CALLS))}  # fmt: skip


def beside(rival: str, number: int) -> list[dict[str, Any]]:
    """One sentence: a rival and iomap on the same questions of the same model, in turns, judged on fresh ones."""
    with threadpool_limits(1):
        make, calls = RIVALS[rival]
        game, rows = make(sentiment.drawn(SENTENCES, SHORT, sentiment.SEED)[number], _positive), []
        Z = np.random.default_rng([number, 9]).integers(0, 2, (3 * FRESH, game.n)).astype(float)
        y = _positive(game.texts(Z))
        _positive(game.texts(Z[:64]))  # nobody pays for the first call
        seconds, predict = timed(lambda: game.explained(number))
        theirs = {"part": "beside", "rival": rival, "calls": calls, "sentence": number}
        theirs |= {"rival_r2": _r2(y, predict(Z)), "rival_s": seconds}
        for family, asked in OURS[rival]:
            start = time.perf_counter()
            model = as_model(lambda asked_rows: _positive(game.texts(asked_rows)), name="game")
            probe = MaskProbe(game.n)
            ex = explain(model, probe, family, budget=asked, random_state=number, store=None, progress=False)
            spent = time.perf_counter() - start
            rows.append({**theirs, "family": family, "asked": asked, "s": spent, "r2": _r2(y, np.ravel(ex.predict(Z)))})
        return rows


PARTS: dict[str, Callable[..., list[dict[str, Any]]]] = {"planted": planted, "replaced": replaced, "beside": beside}


def trial(part: str, *arguments: Any) -> list[dict[str, Any]]:
    """One case of a part."""
    return PARTS[part](*arguments)


def stamp(case: Case) -> str:
    """What a case depends on besides its parameters."""
    own = ("benchmarks/quality/units.py", "benchmarks/rivals/text_rivals.py", "probes/inputs", "surrogates/families")
    return code(*own) + versions("torch", "transformers", "lime", "shap", "numpy")


def run(quick: bool, jobs: int, seeds: int | None = None, trials: Path | None = None) -> dict[str, Any]:
    """Run all parts; those whose model or rival is not at hand are left out."""
    number = seeds or (2 if quick else SEEDS)
    cases: list[Case] = [("planted", task, seed) for task in tasks() for seed in range(number)]
    sentences = range(1 if quick else SENTENCES)
    try:
        sentiment.sentences(1), sentiment.model()
        cases += [("replaced", i) for i in sentences]
        there = [name for name, module in (("SHAP, partition", "shap"), ("LIME", "lime")) if find_spec(module)]
        cases += [("beside", name, i) for name in there for i in sentences]
    except Skipped as reason:
        print(f"without the classifier: {reason}")
    file = None if quick or trials is None else trials / "units.jsonl"
    frame = pd.DataFrame(carry_out(trial, cases, stamp, file, jobs))
    return {
        "settings": {"seeds": number, "sentences": len(sentences), "budget": BUDGET, "inputs": INPUTS},
        "planted": _planted(frame[frame["part"] == "planted"]),
        "replaced": _replaced(frame[frame["part"] == "replaced"]),
        "beside": _beside(frame[frame["part"] == "beside"]),
    }


def _planted(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"task": task, "unit": str(part["unit"].iloc[0]), "found": int(part["found"].sum()), "trials": len(part)}
        for task, part in frame.groupby("task", sort=False)
    ]


def _replaced(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"replacement": name, "questions": int(part["questions"].iloc[0]), **interval(part["r2"]),
         "agreement": float(part["agreement"].mean())}
        for name, part in (frame.groupby("replacement", sort=False) if len(frame) else ())
    ]  # fmt: skip


def _beside(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Means, paired differences of R² and paired ratios of time, with intervals over sentences."""
    rows = []
    for (rival, family), part in frame.groupby(["rival", "family"], sort=False) if len(frame) else ():
        gain, ratio = interval(part["r2"] - part["rival_r2"]), interval(np.log(part["s"] / part["rival_s"]))
        times = {key: None if value is None else float(np.exp(value)) for key, value in ratio.items()}
        rows.append({"rival": rival, "calls": int(part["calls"].iloc[0]), "rival_r2": float(part["rival_r2"].mean()),
                     "family": family, "asked": int(part["asked"].iloc[0]), "r2": float(part["r2"].mean()),
                     "gain": gain["mean"], "low": gain["low"], "high": gain["high"], "time": times["mean"],
                     "time_low": times["low"], "time_high": times["high"]})  # fmt: skip
    return rows


def report(result: dict[str, Any]) -> None:
    """Print every part that was run."""
    for title, name in (("Planted causes", "planted"), ("Replacement", "replaced"), ("Beside rivals", "beside")):
        if result[name]:
            show(title, result[name])
