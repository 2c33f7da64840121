"""Makes the golden files of a format: what a version writes, and what it reads from that.

The files in ``1/`` were made by version 0.1.0, with ``python tests/golden/make.py 1`` in the root of the repository.
Only that version may make them: they show what was saved by people who have since moved on. A later version reads
them as they are. A new file format adds a new folder, made by the version that introduced it, ``2/``, and never touches
an older one; this script refuses to overwrite.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import golden_asking
import golden_models as m
import golden_networks
import golden_reading

from probes import CausalLM, ContextProbe, Endpoint, MaskProbe, Store, TextClassifier, TextProbe
from surrogates import (
    AdditiveSurrogate,
    Auto,
    Certified,
    CubeProxy,
    InteractionSurrogate,
    Scope,
    SparseLinear,
    StackedProxy,
    Statement,
    TreeSurrogate,
    Width,
    anchor,
    behave,
    check,
    explain,
    explain_many,
    generalise,
    shapley_values,
)


def explanations(folder: Path) -> None:
    """One file for every family, kind of probe, and turn that a run may take."""

    def put(name, *arguments, **options):
        ex = explain(*arguments, **{"store": None, "progress": False, **options})
        ex.to_json(folder / f"{name}.json")
        return ex

    cube, named = MaskProbe(6), m.named(m.product)
    put("linear", named, cube, budget=36)
    put("interactions", named, cube, "interactions", budget=36)
    put("tree", named, cube, "tree", budget=36)
    put("tree-direct", named, cube, TreeSurrogate(max_leaves=5), budget=36)
    put("tree-stacked", named, MaskProbe(4), TreeSurrogate(proxy=StackedProxy()), budget=40)
    put("rules", named, cube, "rules", budget=36)
    put("additive", m.named(m.curve), m.near_probe(), AdditiveSurrogate(pairs=1), budget=24)
    put("auto", named, cube, Auto(("linear", SparseLinear(max_terms=2), "tree"), penalty=0.01), budget=36)
    put("own-family", named, cube, m.FirstTwo(), budget=36)
    put("own-family-with-proxy", named, MaskProbe(5), m.FirstTwo(proxy=CubeProxy()), budget=40)
    put("proxy-settings", named, MaskProbe(5), InteractionSurrogate(proxy=CubeProxy(shrinkage=0.25)), budget=40)
    put("several-outputs", m.named(m.three_numbers), cube, target="all", budget=36)
    put("function-as-target", m.named(m.two_numbers), cube, target=m.difference, budget=36)
    put("table", m.named(m.risk), m.table_probe(), budget=400)
    put("table-of-groups", m.named(m.risk), m.table_probe(groups={"who": ["age", "member"]}), budget=400)
    put("real", m.named(m.curve), m.near_probe(), "tree", budget=26)
    put("real-and-binary", m.named(m.mixed), m.mixed_probe(), budget=120)
    put("spans", m.named(m.sentiment), TextProbe(m.TEXT, spans=[(4, 8), (17, 27), (44, 49)], replacement="…"))
    put("exact", named, MaskProbe(5), budget=40)
    put("constant", m.named(m.additive), MaskProbe(["a", "b", "c", "d"]), target=_zero)
    put("fold-over", named, cube, design="fold-over", budget=36)
    put("certified", m.named(m.additive), MaskProbe(9), until=Certified(r2=0.6), budget=160)
    put("uncertified", m.Noisy(), cube, until=Certified(r2=0.999), budget=50)
    put("width", m.named(m.additive), MaskProbe(9), until=Width(0.05), budget=120)
    put("noisy", m.Noisy(), cube, budget=40)
    put("interrupted", m.Counted(m.product, patience=36), MaskProbe(9), budget=200)
    put("missing", m.Shy(), MaskProbe(8), budget=48)
    put("few", named, MaskProbe(10), budget=20)
    ex = put("text", m.named(m.sentiment), m.SHORT, budget=40)
    tests = ("fresh", "removal", "stability", "permuted", "randomised")
    tried = check(ex, m.named(m.sentiment), m.SHORT, tests, questions=32, seeds=3, store=None, progress=False)
    tried.to_json(folder / "checked.json")


def _zero(raw):
    return raw[:, 0] * 0


def language(folder: Path) -> None:
    """A classifier, a language model with its answer, a server, a function that writes."""
    lm, options = CausalLM.from_pretrained(folder / "lm"), {"store": None, "progress": False}
    explain(lm, m.context_probe(), **options).to_json(folder / "language-model.json")
    explain(lm, m.short_text(" Entry is free"), target="log-odds", **options).to_json(
        folder / "language-model-log-odds.json"
    )
    classifier = TextClassifier.from_pretrained(folder / "classifier")
    explain(classifier, "plot is not good", target="all", **options).to_json(folder / "classifier.json")
    with m.Server() as server:
        asked, probe = Endpoint(server.url, "golden", name="golden-endpoint-v1"), ContextProbe(m.CONTEXT, "When?")
        explain(asked, probe, **options).to_json(folder / "endpoint.json")
    shapley_values(lm, m.context_probe(), **options).to_json(folder / "shapley-language-model.json")
    anchor(lm, m.context_probe(), precision=0.8, **options).to_json(folder / "anchor-language-model.json")


def others(folder: Path) -> None:
    """Shapley values, anchors, cards."""
    options = {"store": None, "progress": False}
    shapley_values(m.named(m.product), MaskProbe(9), budget=60, **options).to_json(folder / "shapley.json")
    shapley_values(m.named(m.risk), m.table_probe(), **options).to_json(folder / "shapley-table.json")
    shapley_values(m.Noisy(), MaskProbe(7), budget=60, **options).to_json(folder / "shapley-noisy.json")
    two = shapley_values(m.named(m.two_numbers), MaskProbe(5), **options)
    two.to_json(folder / "shapley-two-outputs.json")
    anchor(m.named(m.conjunction), MaskProbe(8), **options).to_json(folder / "anchor.json")
    anchor(m.named(m.conjunction), MaskProbe(8), same=9.0, **options).to_json(folder / "anchor-always.json")
    anchor(m.named(m.sentiment), m.TEXT, precision=0.9, budget=100, **options).to_json(folder / "anchor-text.json")
    anchor(m.named(m.curve), m.near_probe(), same=1.0, precision=0.7, **options).to_json(folder / "anchor-real.json")
    claims = [
        Statement.contrast(Scope.of(negated="no"), Scope.of(negated="yes"), text="'not' turns praise"),
        Statement.contrast(Scope.of(degree="very"), min_effect=0.25),
        Statement.level({"negated": "yes"}, sign=-1, reference=0.0, every="template"),
        Statement.level(reference=0.0, kind="equivalence", min_effect=0.125),
        Statement.interaction(({"degree": "very"}, {"degree": "plain"}), ({"negated": "no"}, {"negated": "yes"})),
    ]
    asked = {"metric": "output", "name": "wordings", **options}
    study = generalise(m.named(m.moods), m.wordings(), statements=claims, **asked)
    study.card("Praise").to_json(folder / "card.json")
    behave(m.Pairwise(), "greater-than", name="a rule", **options).to_json(folder / "card-behave.json")
    behave(m.writer(), "facts", name="a writer", **options).to_json(folder / "card-in-text.json")
    lm = CausalLM.from_pretrained(folder / "lm", name="golden-lm-v1")
    small = generalise(lm, m.capitals(), find=False, statements=[Statement.level()], name="capitals", **options)
    small.card().to_json(folder / "card-language-model.json")


def sets(folder: Path) -> None:
    """Files of many explanations: whole, with failures, interrupted, torn; and the store that goes with one."""
    options = {"store": None, "progress": False}
    rows, background = (m.table(n).drop(columns="member") for n in (21, 12))
    explain_many(m.named(m.cost), rows, background=background, output=folder / "rows.jsonl", **options)
    explain_many(m.named(m.explosive), m.BAD, output=folder / "failures.jsonl", **options)
    part = {"budget": 40, "progress": False}
    hasty = m.Hasty(m.sentiment, m.PATIENCE)
    result = explain_many(hasty, m.TEXTS, output=folder / "interrupted.jsonl", store=Store(), **part)
    assert result.interrupted and 2 < len(result) < len(m.TEXTS)
    explain_many(m.named(m.sentiment), m.TEXTS[:1], store=None, **part).to_jsonl(folder / "kept.jsonl")


def stores(folder: Path) -> None:
    """A store of today, one of the first schema with the same answers, an export."""
    path = folder / "store-2.sqlite"
    store = Store(path)
    golden_asking.everything(store)
    rows = [row for part in store.rows() for row in part]
    store.close()
    os.chmod(path, 0o644)
    older = sqlite3.connect(folder / "store-1.sqlite")
    older.execute("CREATE TABLE answers (key BLOB PRIMARY KEY, value NOT NULL) WITHOUT ROWID")
    older.execute(f"PRAGMA application_id={0x696F6D70}")
    older.execute("PRAGMA user_version=1")
    for key, value, _ in rows:
        older.execute("INSERT INTO answers VALUES (?, ?)", (key, value if isinstance(value, str) else value.tobytes()))
    older.commit()
    older.close()
    golden_reading.command()(["store", "export", str(path), str(folder / "store.parquet"), "--quiet"])
    os.chmod(folder / "store.parquet", 0o644)


def expected(folder: Path) -> None:
    """What is read from every file, and what every run asks."""
    files = {}
    for path in sorted(folder.glob("*.*")):
        files[path.name] = golden_reading.read(path)
    packages = ("iomap", "numpy", "scipy", "scikit-learn", "pandas", "torch", "transformers")
    made = {name: version(name) for name in packages}
    questions = {name: golden_asking.recorded(name) for name in golden_asking.RUNS}
    for name, facts in {"files": files, "questions": questions}.items():
        rows = [f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False, allow_nan=False)}" for k, v in facts.items()]
        text = f'{{"made by": {json.dumps(made)},\n"{name}": {{\n' + ",\n".join(rows) + "\n}}\n"
        (folder / f"expected-{name}.json").write_text(text, "utf-8")


def main(name: str) -> None:
    folder = m.HERE / name
    if folder.exists():
        sys.exit(f"{folder} exists: golden files are never made anew. A new format gets a new folder.")
    assert folder == m.FOLDER, "helpers read the folder they were written for"
    os.environ["IOMAP_STORE"] = str(Path(tempfile.mkdtemp()) / "answers.sqlite")
    golden_networks.make_classifier(folder / "classifier")
    golden_networks.make_lm(folder / "lm")
    for step in (explanations, language, others, sets, stores, expected):
        step(folder)
    shutil.rmtree(Path(os.environ["IOMAP_STORE"]).parent)


if __name__ == "__main__":
    main(*sys.argv[1:])
