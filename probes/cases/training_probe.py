"""TrainingProbe: which training data a behaviour comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from probes.asking.answers import Answers
from probes.asking.ask import ask
from probes.cases.out_of_bag import TrainingByGroup, halves, left_out, named, own_judge
from probes.cases.training_model import Metric, TrainingModel, column_of
from probes.design import Design
from probes.errors import InputError, integer
from probes.inputs.mask import MaskProbe
from probes.inputs.table_rows import in_order_of
from probes.parallel.workers import distribute
from probes.rounding import counted
from probes.store.store import Store, open_store
from probes.views import CubeView

__all__ = ["TrainingProbe"]


class TrainingProbe(MaskProbe):
    """Groups of training records, present or absent; the answer is a metric of the model trained on those present.

    Explain its ``model`` with it: ``explain(probe.model, probe)``. The average effect of a group over random sets of
    the others is its data Banzhaf value; a weighted sum of groups is a datamodel.

    Parameters
    ----------
    train : estimator of scikit-learn, or callable
        A clone of the estimator is fitted to the rows present; a callable gets the records present (and their `y`,
        where given), and returns a model of any kind.
    X : DataFrame, array or sequence of n records
    y : array ``(n,)``, optional
    groups : sequence of n labels, mapping of names to row numbers, or int, default 20
        What is present or absent together: rows with one label (a Series belongs to the rows of a DataFrame that its
        index names); rows of a mapping (the others are always there); or that many groups of rows drawn at random.
    evaluate : callable, or (X, y), optional
        Of the trained model, a number or several; or rows that it is judged on by `metric`. Left out, `model` is
        `by_group`, which needs no rows but the training records.
    metric : {"score", "right_label"}, default "score"
        Of a pair of rows and labels: the estimator's own ``score``; or the mean probability that a classifier gives to
        the right label, which moves with every record where an accuracy moves in steps: what a group does shows after
        far fewer trainings.
    nothing : float or sequence, optional
        The answer where no record is present, such as that of an untrained model (of `by_group` one number for all its
        outputs, or as many). By default an estimator is replaced
        by scikit-learn's dummy, which knows the shares of classes (the mean) of `y` alone; a function is called with no
        records.
    evaluate_group : callable, optional
        Of the trained model and the records of one group (and their `y`, where given), how well it predicts them, a
        number: what :meth:`out_of_bag` averages. By default, of an estimator, the mean probability of the right label;
        where there is none the share of right labels; of a regressor 1 / (1 + e), e the mean squared error in variances
        of `y`: 1 of right predictions, 1/2 of the mean of `y`.
    name : str, optional
        Identifies training and evaluation beyond this run, where they are functions; `evaluate_group` by its code as
        well, and what it gives is kept for this run alone where it holds what cannot be pickled. Estimators whose
        `random_state` is set, where they have one, and that are scored on rows need none.
    random_state : int, default 0
        Draws groups.

    Raises
    ------
    InputError

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = np.arange(12.0)[:, None], np.repeat([0, 1], 6)
    >>> bad = np.where(np.arange(12) % 4 == 1, 1 - y, y)  # every fourth label is wrong
    >>> probe = TrainingProbe(DecisionTreeClassifier(random_state=0), X, bad, np.arange(12) % 4, evaluate=(X, y))
    >>> probe.model(np.array([[1.0, 1, 1, 1], [1, 0, 1, 1]]))[:, 0].round(2)
    array([0.75, 1.  ])

    Notes
    -----
    Ilyas et al. (2022), "Datamodels"; Wang and Jia (2023), "Data Banzhaf". Trained models are not kept, their answers
    are.
    """

    def __init__(
        self,
        train: Any,
        X: Any,
        y: ArrayLike | None = None,
        groups: Sequence[Hashable] | np.ndarray | Mapping[str, Sequence[int]] | int = 20,
        evaluate: Any = None,
        *,
        metric: Metric = "score",
        nothing: float | Sequence[float] | None = None,
        evaluate_group: Callable[..., float] | None = None,
        name: str | None = None,
        random_state: int = 0,
    ):
        estimator = hasattr(train, "fit") and hasattr(train, "get_params") and not isinstance(train, type)
        if not estimator and (not callable(train) or isinstance(train, type)):
            raise InputError("train", "be an estimator of scikit-learn, or a function of records", train)
        if hasattr(X, "toarray"):
            raise InputError("X", "be dense: X.toarray()", X)
        X = X.tolist() if isinstance(X, pd.Series) else X  # records are taken by their places
        count = len(X) if hasattr(X, "__len__") and not isinstance(X, (str, Mapping)) else 0
        if count < 2:
            raise InputError("X", "be a table or a list of at least two records", X)
        labels = None if y is None else np.asarray(y)
        if labels is not None and (labels.ndim < 1 or len(labels) != count):
            raise InputError("y", f"have one value for each of the {count} records", y)
        labels = column_of(labels) if estimator and labels is not None else labels
        self._rows = _grouped(in_order_of(X, groups, "X"), count, integer("random_state", random_state, least=0))
        super().__init__(list(self._rows))
        if evaluate_group is not None and not callable(evaluate_group):
            raise InputError("evaluate_group", "be a function of the trained model and records", evaluate_group)
        judge = evaluate_group or own_judge(train, labels)
        judged = judge is not None if evaluate is None else callable(evaluate)
        if not (judged or (estimator and isinstance(evaluate, tuple) and len(evaluate) == 2)):
            rule = "be a function of the trained model" + (", or a pair of rows and their labels" if estimator else "")
            raise InputError("evaluate", rule, evaluate)
        if not isinstance(metric, str) or metric not in get_args(Metric):
            raise InputError("metric", f"be one of {', '.join(get_args(Metric))}", metric)
        if metric != "score" and not (isinstance(evaluate, tuple) and hasattr(train, "predict_proba")):
            raise InputError("metric", "be score, unless a classifier with probabilities is judged on rows", metric)
        if nothing is not None and not _are_numbers(nothing):
            raise InputError("nothing", "be a number, or as many as evaluate returns", nothing)
        if nothing is None and isinstance(evaluate, tuple) and getattr(train, "scoring", None) is not None:
            raise InputError("nothing", "be given, because this estimator scores by a rule of its own", None)
        each = sorted({len(rows) for rows in self._rows.values()})
        sizes = f"{each[0]} to {each[-1]} training records" if len(each) > 1 else counted(each[0], "training record")
        told = f"Features are {len(self._rows)} groups of {sizes}, of {count} in all."
        self.notes = (f"{told} Each question trains anew on those present.",)
        self._told = train, X, labels, list(self._rows.values()), evaluate, nothing, name, metric
        self._judge, self._given = judge, evaluate_group is not None
        self.model = self.by_group if evaluate is None else TrainingModel(*self._told)

    @cached_property
    def by_group(self) -> TrainingModel:
        """The model whose outputs are those of `evaluate`, then of every group how well its own records are predicted.

        Surrogates of its outputs begin with how well groups are predicted by models without them, where effects follow
        that: ``explain(probe.by_group, probe, target=0)`` needs fewer trainings than ``explain(probe.model, probe)``.

        Raises
        ------
        InputError
            Where nothing says how that is judged.
        """
        if self._judge is None:
            rule = "be given, where no classifier or regressor of scikit-learn learns labels"
            raise InputError("evaluate_group", rule, None)
        return TrainingByGroup(self._judge, self._given, tuple(self._rows), *self._told)

    def out_of_bag(
        self,
        trainings: int | Answers = 16,
        *,
        random_state: int = 0,
        store: Store | str | Path | None = "default",
        progress: bool | None = None,
        n_jobs: int | None = 1,
    ) -> pd.DataFrame:
        """Compute how well models that were trained without a group predict the group's own records.

        Mislabelled groups have the lowest numbers, after few trainings. It is another question than the effect of a
        group: what a model without the group makes of it, not what the group does to the model.

        Parameters
        ----------
        trainings : int or Answers, default 16
            How many models are trained, two at a time: on a random half of the groups, and on the others. Or answers of
            `by_group` that are there, as in ``explain(probe.by_group, probe, target=0).answers``: no more is trained.
        random_state : int, default 0
        store, progress
            As for :func:`surrogates.explain`.
        n_jobs : int or None, default 1
            How many processes train, as for :func:`probes.distribute`.

        Returns
        -------
        DataFrame
            ``feature``; ``mean`` over the trainings without it; its 95% interval over these, ``low`` to ``high`` (NaN
            of one); how many ``trainings``. Lowest first. Where a few trainings are most of a mean, as of errors that
            have no bound, it is within its interval less often: `evaluate_group` had better return a share.

        Raises
        ------
        InputError, ModelError

        Examples
        --------
        >>> from sklearn.linear_model import LogisticRegression
        >>> X, source = np.arange(48.0)[:, None], np.arange(48) % 6
        >>> labels = np.where(source == 4, X[:, 0] < 24, X[:, 0] >= 24)  # one source turned all labels round
        >>> TrainingProbe(LogisticRegression(), X, labels, source).out_of_bag(8, store=None)["feature"][0]
        '4'

        Notes
        -----
        Kwon and Zou (2023), "Data-OOB", for groups of records.
        """
        groups, answers = tuple(self._rows), trainings
        if not isinstance(answers, Answers):
            count, seed = integer("trainings", trainings, least=2), integer("random_state", random_state, least=0)
            rows = halves(len(groups), count, np.random.default_rng([seed, 17]))
            with distribute(self.by_group, n_jobs) as model:
                answers = ask(model, self, Design(rows, 0), open_store(store), progress)
        elif not self._told_of(answers):
            raise InputError("trainings", "be a number, or answers of this probe's by_group", answers.outputs)
        return left_out(groups, answers.design.Z, answers.y[:, -len(groups) :], shares=not self._given)

    def _told_of(self, answers: Answers) -> bool:
        """Whether answers are those of `by_group`: of the same records, labels and ways to train and judge."""
        names = named(tuple(self._rows))
        same = answers.model == self.by_group.identity().id and answers.probe == self.digest
        return same and answers.outputs[-len(names) :] == names

    def view(self) -> CubeView:
        return {**super().view(), "whole": "with all groups", "nothing": "with none of them"}

    def asked_of(self, model: Any) -> Any:
        """Return a model of training, if its groups are those of the probe.

        Raises
        ------
        InputError
        """
        inner = getattr(model, "model", model)  # of one that workers answer for
        same = isinstance(inner, TrainingModel) and len(inner.groups) == len(self._rows)
        if not same or not all(map(np.array_equal, inner.groups, self._rows.values())):
            raise InputError("model", "be the model of this probe, or of one with the same groups of records", model)
        return model

    @property
    def digest(self) -> str:
        """SHA-256 of which records each group holds."""
        rows = [rows.tolist() for rows in self._rows.values()]
        return hashlib.sha256(f"{super().digest}{rows!r}".encode()).hexdigest()


def _are_numbers(value: Any) -> bool:
    try:
        return bool(np.isfinite(np.asarray(value, dtype=float)).all())
    except (TypeError, ValueError):
        return False


def _grouped(groups: Any, count: int, seed: int) -> dict[str, np.ndarray]:
    """Return the row numbers of each group by its name.

    Raises
    ------
    InputError
    """
    if isinstance(groups, (int, np.integer)) and not isinstance(groups, bool):
        if not 2 <= groups <= count:
            raise InputError("groups", f"be between 2 and the {count} records there are", groups)
        order = np.random.default_rng([seed, 13]).permutation(count)
        return {f"group {k}": np.sort(part) for k, part in enumerate(np.array_split(order, int(groups)))}
    if isinstance(groups, Mapping):
        made = {}
        for name, given in groups.items():
            rows = np.asarray(given)
            whole = rows.ndim == 1 and rows.dtype.kind in "iu" and len(rows) > 0
            if not whole or rows.min() < 0 or rows.max() >= count:
                raise InputError(f"groups[{name!r}]", f"hold numbers of rows from 0 to {count - 1}", given)
            made[str(name)] = np.unique(rows)
        if len(made) < len(groups):
            raise InputError("groups", "have names that do not read alike", list(groups))
        several = np.concatenate([*made.values()]) if made else np.empty(0)
        if len(np.unique(several)) < len(several):
            raise InputError("groups", "hold no row twice", groups)
        return made
    labels = [] if isinstance(groups, str) or not hasattr(groups, "__len__") else list(groups)
    if len(labels) != count:
        raise InputError("groups", f"have one label for each of the {count} records, or be a number of groups", groups)
    if any(pd.isna(label) for label in labels) or len({str(label) for label in labels}) < len(set(labels)):
        raise InputError("groups", "have labels, none of them missing, that do not read alike", groups)
    codes, names = pd.factorize(np.array([str(label) for label in labels], dtype=object))
    return {str(name): np.flatnonzero(codes == k) for k, name in enumerate(names)}
