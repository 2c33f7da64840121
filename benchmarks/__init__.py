"""Benchmarks: what iomap costs and whether its intervals hold.

``python -m benchmarks NAME`` runs one and keeps its numbers, seeds and versions in ``benchmarks/results/NAME.json``:

* ``speed``: language-model scores per second against the ``context-cite`` package, on the same questions;
* ``overhead``: the share of an explanation's time that is not the model's own;
* ``coverage``: how often the intervals hold on games whose truth is known;
* ``fidelity``: R² on questions nobody asked, per model call, against shapiq, lime and ContextCite's recipe;
* ``shapley``: error of Shapley values per model call, against shapiq and shap;
* ``statements``: planted rules found, false claims supported, intervals of statements;
* ``reversal``: the reversal curse in a small transformer trained from scratch;
* ``reversal-files``: the same on SmolLM2 and the published files (five minutes, only when named).

What a benchmark needs and does not find (a model, a rival, the data) is named and skipped, never fetched.
"""
