"""Which questions a run asks: every run here goes into a store of its own, whose keys are the questions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import version

import golden_models as m
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from probes import (
    CausalLM,
    Contains,
    ContextProbe,
    Endpoint,
    MaskProbe,
    Store,
    TabularProbe,
    TemplateProbe,
    TextClassifier,
    TextProbe,
    ask,
    complete,
    hold_out,
    measure,
    sample,
)
from probes.asking.first_contact import REMEMBERED
from surrogates import (
    Auto,
    Certified,
    Scope,
    StableOrder,
    Statement,
    Width,
    anchor,
    behave,
    check,
    estimate,
    explain,
    explain_many,
    generalise,
    shapley_values,
)

#: name → (run, packages whose versions its questions depend on)
RUNS: dict[str, tuple[Callable[[Store], object], tuple[str, ...]]] = {}


def asking(name: str, *packages: str):
    def added(run):
        RUNS[name] = run, packages
        return run

    return added


def recorded(name: str) -> dict[str, object]:
    """What a run asks, as plain data."""
    run, packages = RUNS[name]
    store = Store()
    result = run(store)
    rows = [row for part in store.rows() for row in part if not _of_first_contact(row[1])]
    digest = hashlib.sha256(b"".join(sorted(key for key, _, _ in rows))).hexdigest()
    record: dict[str, object] = {
        "keys": len(rows),
        "sha256": digest,
        "models": sorted({model or "" for _, _, model in rows}),
        **_design(result),
    }
    return record | ({"versions": {p: version(p) for p in packages}} if packages else {})


def _of_first_contact(value: object) -> bool:
    """Whether a row says that a model was met, which version 0.1.0 did not keep; its questions are the design's own."""
    return isinstance(value, str) and value.startswith(REMEMBERED)


def _design(result):
    """Digests of design and probe, as far as a result has them; or plain data of the run's own."""
    if isinstance(result, dict):
        return result
    if answers := getattr(result, "answers", None):
        result, record = answers, {"stopped": result.provenance["stopped"]} if result.provenance["stopped"] else {}
    else:
        record = {}
    if hasattr(result, "design"):
        record |= {"design": result.design.digest, "rows": len(result.design), "fixed": result.design.fixed}
        record |= {"block": result.design.block, "probe": result.probe, "model": result.model}
    elif hasattr(result, "provenance"):
        record |= {name: result.provenance[name] for name in ("questions", "probe", "model")}
    return record


def _explains(name, function, probe, *packages, **options):
    asking(name, *packages)(lambda store: explain(m.named(function), probe(), store=store, progress=False, **options))


# designs, seeds, budgets
_explains("mask uniform", m.product, lambda: MaskProbe(8), budget=64)
_explains("mask other seed", m.product, lambda: MaskProbe(8), budget=64, random_state=7)
_explains("mask default budget", m.product, lambda: MaskProbe(12))
_explains("mask fold-over", m.product, lambda: MaskProbe(8), budget=64, design="fold-over")
_explains("mask exact", m.product, lambda: MaskProbe(5))
_explains("mask leave-one-out", m.product, lambda: MaskProbe(12), budget=200)
_explains("mask many features", m.product, lambda: MaskProbe(70), budget=100)
_explains("mask names", m.product, m.names_probe, budget=40)
_explains("several outputs", m.three_numbers, lambda: MaskProbe(8), budget=64, target="all")
_explains("one output of several", m.three_numbers, lambda: MaskProbe(8), budget=64, target=1)
_explains("function as target", m.two_numbers, lambda: MaskProbe(8), budget=64, target=m.difference)
# families and rules to stop by
_explains("auto", m.product, lambda: MaskProbe(8), budget=64, family=Auto(("linear", "additive")))
_explains("certified", m.additive, lambda: MaskProbe(12), budget=300, until=Certified(r2=0.6))
_explains("width", m.additive, lambda: MaskProbe(12), budget=200, until=Width(0.05))
_explains("stable order", m.additive, lambda: MaskProbe(12), budget=200, until=StableOrder(top=3))
# texts
_explains("text words", m.sentiment, lambda: TextProbe(m.TEXT), budget=64)
_explains("text as a string", m.sentiment, lambda: "Not bad at all", budget=64)
_explains("text replaced", m.sentiment, lambda: TextProbe(m.TEXT, replacement="…"), budget=64)
_explains("text sentences", m.sentiment, lambda: TextProbe(m.CONTEXT, "sentence"), budget=64)
_explains("text spans", m.sentiment, lambda: TextProbe(m.TEXT, spans=[(4, 8), (17, 27), (44, 49)]), budget=64)
# tables
_explains("table", m.risk, m.table_probe, budget=400)
_explains("table four rows", m.risk, m.background_of_four, budget=200)
_explains("table other rows", m.risk, lambda: m.table_probe(random_state=3), budget=400)
_explains("table groups", m.risk, lambda: m.table_probe(groups={"who": ["age", "member"]}), budget=400)
_explains("real features", m.curve, m.near_probe, budget=48)
_explains("real features sobol", m.curve, m.near_probe, "scipy", "numpy", budget=48, design="sobol")
_explains("real and binary features", m.mixed, m.mixed_probe, budget=120)


@asking("table of strings", "pandas")
def _(store):
    rows = pd.DataFrame({"a": ["x", "y", "z", "x"], "b": ["u", "v", "u", "v"], "c": [1, 2, 3, 4]})
    model = m.named(lambda frame: (frame["a"] == "x").to_numpy(float) + frame["c"].to_numpy(float))
    model.name = "golden-strings-v1"
    return explain(model, TabularProbe({"a": "x", "b": "v", "c": 7}, rows), budget=100, store=store)


@asking("long numbers")
def _(store):
    rows = pd.DataFrame({"a": [i / 3 for i in range(6)], "b": [i / 7 for i in range(6)], "c": [0.5] * 6})
    model = m.named(lambda frame: frame["a"].to_numpy() + 2 * frame["b"].to_numpy())
    model.name = "golden-numbers-v1"
    return explain(model, TabularProbe({"a": 22 / 7, "b": 1e7 / 3, "c": 0.75}, rows), budget=100, store=store)


@asking("array")
def _(store):
    rows = np.arange(24.0).reshape(8, 3) % 7
    return explain(m.named(m.curve), np.array([9.0, 8.0, 7.0]), background=rows, budget=100, store=store)


@asking("nobody can identify")
def _(store):
    ex = explain(m.product, MaskProbe(8), budget=64, store=store)
    return {"design": ex.answers.design.digest, "persistent": False}


@asking("missing answers")
def _(store):
    return explain(m.Shy(), MaskProbe(10), budget=120, store=store)


@asking("interrupted and done again")
def _(store):
    explain(m.Counted(m.product, patience=60), MaskProbe(12), budget=300, store=store)
    return explain(m.named(m.product), MaskProbe(12), budget=300, store=store)


@asking("estimate")
def _(store):
    forecast = estimate(m.named(m.product), MaskProbe(12), budget=100, trial=3, store=store)
    return {"questions": forecast.questions, "known": forecast.known}


@asking("ask")
def _(store):
    probe = MaskProbe(9)
    return ask(m.named(m.product), probe, sample(probe.features, 50, np.random.default_rng(11)), store)


# what else is made of answers


@asking("shapley values")
def _(store):
    return shapley_values(m.named(m.product), MaskProbe(6), budget=100, store=store)


@asking("shapley values of a table")
def _(store):
    return shapley_values(m.named(m.risk), m.background_of_four(), budget=200, store=store)


@asking("anchor")
def _(store):
    return anchor(m.named(m.conjunction), MaskProbe(8), store=store)


@asking("anchor of a text")
def _(store):
    return anchor(m.named(m.sentiment), m.TEXT, precision=0.8, budget=300, store=store)


@asking("check")
def _(store):
    model, probe = m.named(m.sentiment), TextProbe(m.TEXT)
    ex = explain(model, probe, budget=64, store=store)
    return check(ex, model, probe, ("fresh", "removal"), questions=32, store=store)


@asking("check stability")
def _(store):
    model, probe = m.named(m.product), MaskProbe(12)
    ex = explain(model, probe, budget=64, store=store)
    return check(ex, model, probe, ("stability",), questions=32, seeds=3, store=store)


@asking("check of a table")
def _(store):
    model, probe = m.named(m.mixed), m.mixed_probe()
    ex = explain(model, probe, budget=120, store=store)
    return check(ex, model, probe, ("fresh", "removal"), questions=30, store=store)


def _keys(result):
    return {"entries": [entry.key for entry in result.entries], "failed": [str(f) for f in result.failures]}


@asking("many texts")
def _(store):
    texts = ["Not bad at all", "so dull", "A great film I loved", "x", "Not bad at all"]
    return _keys(explain_many(m.named(m.sentiment), texts, budget=40, store=store, n_jobs=1, progress=False))


@asking("many rows")
def _(store):
    rows, asked = m.table().iloc[:3], m.named(m.risk)
    result = explain_many(asked, rows, background=m.table(), budget=200, family="additive", store=store, progress=False)
    return _keys(result)


# cases


@asking("generalise")
def _(store):
    claim = Statement.contrast(Scope.of(negated="no"), Scope.of(negated="yes"))
    study = generalise(m.named(m.moods), m.wordings(), metric="output", statements=[claim], store=store)
    forecast = {"cases": len(study.frame), "given": claim.digest, "subject": claim.subject}
    return forecast | {"case ids": _sha(study.frame["case_id"].sort_values()), "split": _split(m.wordings())}


@asking("behave")
def _(store):
    card = behave(m.Pairwise(), "greater-than", store=store, progress=False)
    statements = card.entries[0].statements
    return {"identity": card.identity, "subjects": _sha(s["subject"] for s in statements)}


@asking("behave in text")
def _(store):
    card = behave(m.writer(), "facts", store=store, progress=False)
    return {"identity": card.identity, "cases": card.entries[0].cases}


@asking("measure")
def _(store):
    result = measure(m.Pairwise(), m.capitals().cases, store=store)
    return {"case ids": _sha(result.frame["case_id"]), "model": result.model}


@asking("cases of a template")
def _(store):
    probe = TemplateProbe.from_cases([*m.capitals().cases, *m.wordings().cases])
    return {"case ids": [case.case_id for case in probe.cases[::12]], "all": _sha(c.case_id for c in probe.cases)}


def _sha(texts):
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _split(probe):
    split = hold_out(probe.cases, random_state=0)
    return [split.discovery.tolist()[:5], split.test.tolist()[:5], len(split.discovery), len(split.test)]


# models of other kinds


@asking("estimator", "scikit-learn", "numpy")
def _(store):
    model = LogisticRegression()
    model.classes_, model.n_features_in_ = np.array(["benign", "malignant"]), 3
    model.coef_, model.intercept_, model.n_iter_ = np.array([[0.5, -1.0, 0.25]]), np.array([0.125]), np.array([3])
    return explain(model, np.array([4.0, 1.0, 8.0]), background=np.eye(3) * 2, budget=60, store=store)


@asking("text function")
def _(store):
    return explain(m.writer(), ContextProbe(m.CONTEXT, "When?"), budget=30, store=store)


@asking("classifier", "torch", "transformers")
def _(store):
    model = TextClassifier.from_pretrained(m.FOLDER / "classifier")
    return explain(model, "The plot is not good", budget=32, store=store)


@asking("language model", "torch", "transformers")
def _(store):
    return explain(_lm(), m.context_probe(), store=store)


@asking("language model and its answer", "torch", "transformers")
def _(store):
    return explain(_lm(), "it rained in Paris", target=" Entry is free", store=store)


@asking("language model and pairs", "torch", "transformers")
def _(store):
    return {"model": measure(_lm(), m.capitals().cases, store=store).model}


@asking("named language model")
def _(store):
    return explain(_lm(name="golden-lm-v1"), m.context_probe(answer=" Entry is free"), store=store)


@asking("written by a language model", "transformers")
def _(store):
    return {"text": complete(_lm(name="golden-lm-v1"), "it rained in", 4, store)[0]}


def _lm(**options):
    return CausalLM.from_pretrained(m.FOLDER / "lm", **options)


@asking("endpoint")
def _(store):
    with m.Server() as server:
        lm = Endpoint(server.url, "golden", name="golden-endpoint-v1")
        return explain(lm, ContextProbe(m.CONTEXT, "When?"), budget=30, store=store)


@asking("endpoint with settings")
def _(store):
    with m.Server() as server:
        lm = Endpoint(server.url, "golden", name="golden-endpoint-v1", scores=Contains(), temperature=0.5, seed=3)
        return explain(lm, m.short_text(), target="rained", budget=20, store=store)


@asking("endpoint by its address")
def _(store):
    plain = Endpoint("http://127.0.0.1:8000/v1", "my-model")
    other = Endpoint("http://127.0.0.1:8000/v1", "my-model", api="completions", parameters={"top_k": 1})
    mark = plain.scoring("an answer", "a prompt").identity()
    return {"plain": plain.identity().id, "other": other.identity().id, "scored": mark.id}


def everything(store: Store, model: Callable[..., object] = m.named) -> None:
    """Runs of several kinds whose answers lie in the stores."""
    options = {"store": store, "progress": False}
    explain(model(m.product), MaskProbe(6), budget=36, **options)
    explain(model(m.risk), m.background_of_four(), budget=200, **options)
    explain(m.abc(), MaskProbe(5), **options)
    explain(m.writer(), ContextProbe(m.CONTEXT, "When?"), budget=30, **options)
    explain_many(model(m.sentiment), m.TEXTS[:2], budget=40, **options)
