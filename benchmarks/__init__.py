"""Benchmarks: how much of a model iomap's surrogates capture beside others', what they cost, whether intervals hold.

``python -m benchmarks NAME`` runs one and keeps its numbers, seeds and versions in ``benchmarks/results/NAME.json``:

* ``fidelity``: R² on questions nobody asked, per model call, against lime, shap, shapiq, captum and context-cite;
* ``frontier``: the same against shapiq 1.8 and others, plain and through the link, on tasks nothing was chosen on;
* ``recovery``: which planted effects and interactions are found from noisy answers, against the same;
* ``coverage``: how often the intervals hold on games whose truth is known;
* ``shapley``: error of Shapley values per model call, against shapiq and shap;
* ``rows``: R², planted causes and time on rows of tables, against lime and shap at their own default budgets;
* ``counterfactuals``: the nearest row with another decision, against dice-ml;
* ``speed``: language-model scores per second against the ``context-cite`` package, on the same questions;
* ``frugality``: seconds to the fidelity that ``context-cite`` has after 64 questions, on ten prompts;
* ``overhead``: the share of an explanation's time that is not the model's own;
* ``endpoint``: the share of a server's own throughput that questions to it reach;
* ``statements``: planted rules found, false claims supported, intervals of statements;
* ``components``: R² of surrogates of heads and feed-forward parts, and the circuits they name, against COAR and
  attribution patching;
* ``reversal``: the reversal curse in a small transformer trained from scratch;
* ``reversal-files``: the same on SmolLM2 and the published files (only when named).

``python -m benchmarks publish`` puts the numbers into the documentation. What is compared:

    tasks/ (what is learnt) ─┐
    contenders, rivals ──────┴─► game (counts calls, scores) ─► ledger (keeps trials) ─► compare ─► publish, figure

What a benchmark needs and does not find (a model, a rival, the data) is named and skipped, never fetched.
"""
