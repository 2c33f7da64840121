"""one_vector(): how much of a change from one language model to another is one vector added to its activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd

from probes.asking.cost import Cost
from probes.cases.case import Case
from probes.cases.hold_out import hold_out
from probes.cases.measure import answerer, check_measurable, measure
from probes.cases.metrics import Metric, as_metric
from probes.cases.paired_measures import changes
from probes.cases.template import TemplateProbe
from probes.errors import InputError, integer
from probes.interventions.intervened import language_model
from probes.interventions.network_modules import layer_names
from probes.interventions.steering import activations, steer
from probes.models.adapt import as_model
from probes.rounding import counted, rounded
from probes.store.store import Store, open_store
from surrogates.difference.random_controls import drawn
from surrogates.results.plain import Columns, Damaged, Json
from surrogates.results.provenance import CostData, cost_data
from surrogates.results.result import SavedResult

__all__ = ["VectorShare", "one_vector"]

#: fewest entities
_FEWEST = 6
#: draws of entities for the interval
_DRAWS = 2000
#: random vectors to compare with
CONTROLS = 8


@dataclass(frozen=True)
class VectorShare(SavedResult):
    """How much of a change steering by one vector makes, on entities that chose nothing.

    Attributes
    ----------
    layer : int
    scale : float
        By which the mean difference of activations is multiplied.
    share : float
        1 − Σ(change − change by steering)² / Σ change², over held-out cases: 1 where steering does the same case by
        case, 0 where it is no nearer than no change, below 0 where it is farther.
    low, high : float
        Its 95% interval over held-out entities.
    control, control_low, control_high : float
        The same of random vectors of the same length: the median of the drawn ones, and the 95% interval of the
        share of another one, over draws and entities.
    beyond, beyond_low, beyond_high : float
        By how much the share is larger than that of a random vector, with the 95% interval over both.
    controls : int
        Random vectors drawn.
    entities : int
        Held out.
    vector : ndarray ``(width,)``
        The mean difference of activations, unscaled.
    scan : DataFrame
        ``layer, scale, share``: on the cases by which layer and scale were chosen.
    models : pair of str
        Identities of the two models.
    settings : dict
        What was asked for: metric, layers, scales, controls, random_state.
    cost : dict
        Of everything that was asked.
    """

    kind: ClassVar[str] = "share of one vector"
    named: ClassVar[str] = "a share of one vector"

    layer: int
    scale: float
    share: float
    low: float
    high: float
    control: float
    control_low: float
    control_high: float
    beyond: float
    beyond_low: float
    beyond_high: float
    controls: int
    entities: int
    vector: np.ndarray = field(repr=False)
    scan: Annotated[pd.DataFrame, Columns("", "layer scale share")] = field(repr=False)
    models: tuple[str, str]
    settings: Json = field(repr=False)
    cost: CostData = field(repr=False)

    @property
    def claims(self) -> pd.DataFrame:
        """What was measured: ``claim, share, low, high, verdict``; supported where the interval lies above zero."""
        rows = [
            (
                f"steering by the vector (layer {self.layer}, times {rounded(self.scale)}) makes a share of the change",
                *(self.share, self.low, self.high),
            ),
            ("so does a random vector of its length", *(self.control, self.control_low, self.control_high)),
            ("the vector's share is the larger one", *(self.beyond, self.beyond_low, self.beyond_high)),
        ]
        table = pd.DataFrame(rows, columns=["claim", "share", "low", "high"])
        return table.assign(verdict=np.where(table["low"] > 0, "supported", "inconclusive").astype(object))

    def check_consistent(self) -> None:
        """Check that fields agree with each other, after reading.

        Raises
        ------
        Damaged
        """
        if not len(self.scan) or self.vector.ndim != 1 or self.entities < 1:
            raise Damaged("scan", "hold a row for every layer and scale, with a vector and entities", len(self.scan))


def one_vector(
    before: Any,
    after: Any,
    probe: TemplateProbe,
    layers: Sequence[int] | None = None,
    scales: Sequence[float] = (0.5, 1.0, 2.0, 4.0),
    *,
    metric: str | Metric = "logit_difference",
    controls: int = CONTROLS,
    random_state: int = 0,
    store: Store | str | Path | None = "default",
    progress: bool | None = None,
) -> VectorShare:
    """Measure how much of what changed over cases the first model does as well, steered by one vector.

    The vector is the mean difference of what a layer puts out at the last token of the prompts, from the first model to
    the second; it, the layer and the scale come from one half of the entities, the share from the other.

    Parameters
    ----------
    before, after : CausalLM, or what becomes one
        Of the same build: a model and its fine-tune.
    probe : TemplateProbe
    layers : sequence of int, optional
        Layers to try, negative from the last; by default six, evenly apart.
    scales : sequence of float
        What the vector is multiplied by.
    metric : str or Metric, default "logit_difference"
    controls : int, default 8
        Random vectors of the same length to draw, at least two.
    random_state : int, default 0
    store : Store, path, None or "default"
    progress : bool, optional

    Returns
    -------
    VectorShare

    Raises
    ------
    InputError
        For layers that there are not, models whose activations differ in width, or models that answer alike.

    Notes
    -----
    That fine-tunes often act like one constant vector: arXiv 2507.08218.
    """
    controls = integer("controls", controls, least=2)
    first, second, number = language_model(before), language_model(after), as_metric(metric)
    names = layer_names(first.module)
    tried = _layers(layers, len(names))
    if not isinstance(probe, TemplateProbe):
        probe = TemplateProbe.from_cases(probe)
    if (found := len({case.entity for case in probe.cases})) < _FEWEST:
        raise InputError("probe", f"have at least {_FEWEST} entities, half of which are held out", found)
    if isinstance(scales, (str, Real)) or not len(scales) or not all(map(_is_scale, scales)):
        raise InputError("scales", "be a list of finite numbers, none of them 0", scales)
    check_measurable(answerer(first), probe.cases, number)
    split = hold_out(probe, cells=0.0, families=0, random_state=integer("random_state", random_state, least=0))
    seen, held = ([probe.cases[i] for i in rows] for rows in (split.discovery, split.entities))
    memory, spent = open_store(store), list[Cost]()

    def moved(model: Any, cases: Sequence[Case]) -> pd.DataFrame:
        base, other = (measure(m, cases, number, store=memory, progress=progress) for m in (first, model))
        spent.extend((base.cost, other.cost))
        return changes(base, other).frame[["case_id", "entity", "value"]]

    wanted = moved(second, seen)
    if not np.ptp(wanted["value"]) and not wanted["value"].any():
        raise InputError("after", "answer otherwise than before", "no change in any case")
    prompts = list(dict.fromkeys(case.prompt for case in seen))
    rows, vectors = [], {}
    for layer in tried:
        one, other = (activations(model, prompts, layer).mean(axis=0) for model in (first, second))
        if one.shape != other.shape:
            raise InputError(
                "after", f"have {counted(len(one), 'activation')} at layer {layer}, as the first has", len(other)
            )
        vectors[layer] = other - one
        for scale in scales if vectors[layer].any() else ():
            steered = moved(steer(first, layer, vectors[layer], scale), seen)
            rows.append((layer, float(scale), float(_share(_misses(wanted, steered).sum(axis=0)))))
    if not rows:
        raise InputError("layers", "hold one whose activations differ", list(tried))
    scan = pd.DataFrame(rows, columns=["layer", "scale", "share"])
    layer, scale, _ = scan.loc[scan["share"].idxmax()]
    layer = int(layer)
    model, change = steer(first, layer, vectors[layer], float(scale)), moved(second, held)
    by_vector = _misses(change, moved(model, held))
    by_random = [_misses(change, moved(control, held)) for control in drawn(model, controls, random_state)]
    return VectorShare(
        layer=layer,
        scale=float(scale),
        **_beside(by_vector, by_random, np.random.default_rng([random_state, 17])),
        controls=len(by_random),
        entities=int(change["entity"].nunique()),
        vector=vectors[layer],
        scan=scan,
        models=(as_model(first).identity().id, as_model(second).identity().id),
        settings={
            "metric": number.name,
            "layers": tried,
            "scales": [float(s) for s in scales],
            "controls": controls,
            "random_state": random_state,
        },
        cost=cost_data(sum(spent, Cost())),
    )


def _is_scale(scale: Any) -> bool:
    return isinstance(scale, Real) and not isinstance(scale, bool) and bool(np.isfinite(float(scale))) and scale != 0


def _layers(layers: Sequence[int] | None, count: int) -> list[int]:
    """Return layers counted from the first.

    Raises
    ------
    InputError
    """
    if layers is None:
        return sorted({round(float(at)) for at in np.linspace(0, count - 1, 6)})
    given = [] if isinstance(layers, (str, int)) else list(layers)
    whole = [isinstance(n, (int, np.integer)) and not isinstance(n, bool) and -count <= n < count for n in given]
    if not given or not all(whole):
        raise InputError("layers", f"be a list of numbers from 0 to {count - 1}, or negative from the last", layers)
    return sorted({int(n) % count for n in given})


def _misses(change: pd.DataFrame, steered: pd.DataFrame) -> np.ndarray:
    """Return, for each entity, the sums of squares that steering leaves of a change and of that change, ``(n, 2)``."""
    both = change.merge(steered, on=["case_id", "entity"], suffixes=("", "_steered"))
    both = both.assign(left=(both["value"] - both["value_steered"]) ** 2, all=both["value"] ** 2)
    return both.groupby("entity")[["left", "all"]].sum().to_numpy()


def _share(sums: np.ndarray) -> np.ndarray:
    """Return 1 − left / all of sums ``(..., 2)``."""
    return 1 - sums[..., 0] / np.maximum(sums[..., 1], 1e-300)


def _beside(vector: np.ndarray, random: list[np.ndarray], rng: np.random.Generator) -> dict[str, float]:
    """Return the shares of the vector, of random ones and their difference, each with its interval.

    Entities are drawn again, the same for both; and one of the random vectors, so that what is said of them holds for
    another one.
    """
    both = np.stack([vector, *random])
    share, *others = _share(both.sum(axis=1))
    typical = np.median(others)
    rows, other = rng.integers(0, len(vector), (_DRAWS, len(vector))), rng.integers(1, len(both), _DRAWS)
    ours, theirs = _share(vector[rows].sum(axis=1)), _share(both[other[:, None], rows].sum(axis=1))
    numbers = {"share": share, "control": typical, "beyond": share - typical}
    for prefix, sample in (("", ours), ("control_", theirs), ("beyond_", ours - theirs)):
        numbers[f"{prefix}low"], numbers[f"{prefix}high"] = np.quantile(sample, [0.025, 0.975])
    return {name: float(value) for name, value in numbers.items()}
