"""Results of every type that has plots, from small real fits, and one example of every kind of plot of each."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from sklearn.datasets import load_sample_image

from probes import ImageProbe, LocalGaussian, SeriesProbe, TabularProbe, TemplateProbe, TextProbe, as_model
from probes.asking.cost import Cost
from surrogates import (
    AdditiveSurrogate,
    Auto,
    InteractionSurrogate,
    SparseLinear,
    TreeSurrogate,
    VectorShare,
    anchor,
    compare,
    compare_cards,
    compare_cases,
    compare_rows,
    counterfactuals,
    explain,
    explain_many,
    generalise,
    pairwise_interactions,
    partial_dependence,
    shapley_values,
)
from surrogates.results.provenance import cost_data

QUIET = {"store": None, "progress": False}
REVIEW = "not good at all but funny, and funny is good"


def score(texts):
    """Score texts by words: not turns good around, but lifts funny."""
    words = [text.replace(",", "").split() for text in texts]
    return [
        (-1.0 if "not" in w else 1.0) * w.count("good") + 0.5 * ("funny" in w) + 0.8 * ("but" in w and "funny" in w)
        for w in words
    ]


def later(texts):
    return [a - 0.3 * ("funny" in text) for a, text in zip(score(texts), texts, strict=True)]


def uneven(texts):
    """Score texts, each a little differently."""
    return [a + 0.1 * np.sin(sum(map(ord, text))) for a, text in zip(score(texts), texts, strict=True)]


def uneven_later(texts):
    return [a + 0.4 * ("not" in text) for a, text in zip(uneven(texts), texts, strict=True)]


def curve(rows):
    return (np.tanh(2 * rows["age"]) + 0.8 * (rows["income"] > 0.3) - 0.3 * rows["debt"] ** 2).to_numpy()


def photograph():
    """Make a probe of a small photograph in twelve rectangles."""
    return ImageProbe(load_sample_image("china.jpg")[::8, ::8], "grid", n_segments=12, fill=0)


def reddish(images):
    """Measure red at the left and blue at the right, of which one alone is worth less."""
    red, blue = images[:, :27, :20, 0].mean((1, 2)) / 99, images[:, 27:, 60:, 2].mean((1, 2)) / 99
    return red - blue + 0.2 * red * blue


def films():
    """Make cases that cross two wordings, a factor and sixteen entities."""
    praise = {f"film {i:02}": {"film": f"film {i:02}"} for i in range(16)}
    said = {"no": {"word": "good"}, "yes": {"word": "not good"}}
    return TemplateProbe({"was": "{film} was {word}", "is": "{film} is {word}"}, {"negated": said}, praise, target="x")


def vector_share():
    """Make a share of one vector as it is read from a file: a real one takes a language model."""
    scan = pd.DataFrame({"layer": [3, 3, 9], "scale": [0.5, 1.0, 1.0], "share": [0.4, 0.7, 0.6]})
    shares = {"share": 0.68, "low": 0.52, "high": 0.81, "control": -0.1, "control_low": -0.6, "control_high": 0.04}
    beyond = {"beyond": 0.78, "beyond_low": 0.5, "beyond_high": 1.3, "controls": 8, "entities": 10}
    settings = {"metric": "logit_difference", "layers": [3, 9], "scales": [0.5, 1.0], "controls": 8, "random_state": 0}
    return VectorShare(
        layer=3, scale=1.0, **shares, **beyond, vector=np.arange(4.0), scan=scan, models=("lm-1", "lm-2"),
        settings=settings, cost=cost_data(Cost(rows=40, calls=5)),
    )  # fmt: skip


def beats(batch):
    """Score beats by how high they stand near the end."""
    return batch[:, 42:54].mean(axis=1) - 0.5 * np.abs(batch[:, 18:24]).mean(axis=1)


def beat():
    """Make one beat of a heart, with a wave at its end."""
    t = np.linspace(0, 1, 60)
    return np.exp(-(((t - 0.35) / 0.03) ** 2)) + 0.3 * np.exp(-(((t - 0.8) / 0.07) ** 2)) - 0.1 * t


@cache
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.standard_normal((60, 4)), columns=["age", "income", "debt", "children"])


@cache
def example(name):
    """Make a result by its name, once."""
    reviewer, rows = as_model(score, name="reviewer-1"), table()
    risk = as_model(curve, name="risk-3")
    near = TabularProbe(rows.iloc[3], background=rows, law=LocalGaussian(1.0))
    makers = {
        "linear": lambda: explain(reviewer, TextProbe(REVIEW), SparseLinear(), budget=120, **QUIET),
        "pairs": lambda: explain(reviewer, TextProbe(REVIEW), InteractionSurrogate(max_order=2), budget=120, **QUIET),
        "tree": lambda: explain(reviewer, TextProbe(REVIEW), TreeSurrogate(max_leaves=6), budget=120, **QUIET),
        "auto": lambda: explain(
            reviewer, TextProbe(REVIEW), Auto((SparseLinear(), TreeSurrogate(max_leaves=6))), budget=120, **QUIET
        ),
        "shapes": lambda: explain(risk, near, AdditiveSurrogate(), budget=160, **QUIET),
        "values": lambda: shapley_values(reviewer, TextProbe(REVIEW), budget=120, **QUIET),
        "interactions": lambda: pairwise_interactions(reviewer, TextProbe(REVIEW), budget=120, **QUIET),
        "series": lambda: explain(as_model(beats, name="beats-1"), SeriesProbe(beat(), times=60), budget=100, **QUIET),
        "series values": lambda: shapley_values(
            as_model(beats, name="beats-1"), SeriesProbe(beat(), 5, times=60), budget=32, **QUIET
        ),
        "series of change": lambda: compare(
            as_model(beats, name="beats-1"), as_model(lambda b: beats(b) + b[:, 21], name="beats-2"),
            SeriesProbe(beat(), times=60), names=("1", "2"), budget=100, **QUIET,
        ),
        "anchor": lambda: anchor(reviewer, TextProbe(REVIEW), same=0.6, precision=0.9, **QUIET),
        "change": lambda: compare(
            reviewer, as_model(later, name="reviewer-2"), TextProbe(REVIEW), names=("1", "2"), budget=120, **QUIET
        ),
        "tree of change": lambda: compare(
            reviewer, as_model(later, name="reviewer-2"), TextProbe(REVIEW), TreeSurrogate(max_leaves=4), budget=120,
            **QUIET,
        ),
        "families of change": lambda: compare(
            reviewer, as_model(later, name="reviewer-2"), TextProbe(REVIEW),
            Auto((SparseLinear(), TreeSurrogate(max_leaves=4))), budget=120, **QUIET,
        ),
        "set": lambda: explain_many(risk, rows.iloc[:30], background=rows, background_rows=8, budget=480, **QUIET),
        "rows": lambda: example("set").surrogate("tree"),
        "steps": lambda: example("set").surrogate("additive"),
        "study": lambda: generalise(uneven, films(), metric="output", name="reviewer", **QUIET),
        "card": lambda: example("study").card(),
        "cards": lambda: compare_cards(
            example("card"), generalise(uneven_later, films(), metric="output", name="reviewer", **QUIET).card()
        ),
        "vector": vector_share,
        "dependence": lambda: partial_dependence(risk, "age", background=rows, row=rows.iloc[3], **QUIET),
        "counterfactuals": lambda: counterfactuals(risk, rows.iloc[3], background=rows, desired=(1.0, None), **QUIET),
        "cases": lambda: compare_cases(uneven, uneven_later, films(), metric="output", names=("1", "2"), **QUIET),
        "photograph": lambda: explain(reddish, photograph(), budget=120, **QUIET),
        "values of segments": lambda: shapley_values(reddish, photograph(), budget=120, **QUIET),
        "change of segments": lambda: compare(
            reddish, as_model(lambda x: reddish(x) + x[:, :40, :40, 1].mean((1, 2)), name="red-2"), photograph(),
            names=("1", "2"), budget=120, **QUIET,
        ),
        "regions": lambda: compare_rows(
            risk, as_model(lambda r: curve(r) + 3.0 * (r["age"] > 0.5), name="risk-4"),
            pd.concat([rows] * 4, ignore_index=True) + np.arange(240)[:, None] * 1e-6, names=("3", "4"), **QUIET,
        ),
    }  # fmt: skip
    return makers[name]()


#: result, kind
EXAMPLES = [
    ("linear", "attributions"),
    ("interactions", "attributions"),
    ("counterfactuals", "changes"),
    ("dependence", "dependence"),
    ("linear", "text"),
    ("photograph", "image"),
    ("values of segments", "image"),
    ("change of segments", "image"),
    ("linear", "waterfall"),
    ("linear", "predictions"),
    ("pairs", "network"),
    ("pairs", "fidelity"),
    ("tree", "tree"),
    ("auto", "families"),
    ("shapes", "shapes"),
    ("values", "attributions"),
    ("values", "waterfall"),
    ("values", "text"),
    ("series", "series"),
    ("series values", "series"),
    ("series of change", "series"),
    ("anchor", "precision"),
    ("change", "difference"),
    ("change", "text"),
    ("change", "predictions"),
    ("tree of change", "tree"),
    ("families of change", "families"),
    ("set", "importance"),
    ("set", "beeswarm"),
    ("set", "fidelities"),
    ("rows", "predictions"),
    ("rows", "tree"),
    ("steps", "shapes"),
    ("study", "statements"),
    ("card", "statements"),
    ("cards", "statements"),
    ("cases", "statements"),
    ("vector", "statements"),
    ("regions", "rules"),
]


@cache
def options(name, kind):
    return {"curve": example(name).fidelity_curve([20, 60])} if kind == "fidelity" else {}
