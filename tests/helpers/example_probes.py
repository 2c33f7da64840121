"""Examples of every kind of probe, on which the promises of all probes are tested. A new one is added to PROBES."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris

from probes import (
    Background,
    ContextProbe,
    LocalGaussian,
    MaskProbe,
    MixedProbe,
    Probe,
    TabularProbe,
    TextProbe,
)

IRIS = load_iris(as_frame=True).data
MIXED = pd.DataFrame({"a": [1.0, 2.0, np.nan, 4.0], "b": pd.Categorical(list("xyxz")), "c": [True, False, True, True]})
FULL = pd.DataFrame({"a": [1.0, 2.0, 3.5], "b": pd.Categorical(list("xyx")), "c": [True, False, True], "d": [0, 1, 5]})
REAL = np.random.default_rng(0).standard_normal((40, 4))

PROBES: dict[str, Probe] = {
    "text": TextProbe("not bad at all, oddly moving"),
    "text masked": TextProbe("not bad at all, oddly moving", replacement="[MASK]"),
    "text sentences": TextProbe("One here. Two there. Three.", "sentence"),
    "text of a chat": TextProbe([("system", "Be brief."), ("user", "not bad at all, oddly moving")]),
    "text spans": TextProbe("abcdef", spans=[(0, 2), (3, 5)]),
    "context": ContextProbe("It rained. It opened in 1969. It is free. It is warm.", "When?"),
    "context documents": ContextProbe({"A": "One. Two.", "B": "Three."}, "Which?", unit="document", system="Be brief."),
    "table": TabularProbe(FULL.iloc[0], FULL),
    "table iris": TabularProbe(IRIS.loc[5], IRIS),
    "table mixed": TabularProbe(MIXED.iloc[0], MIXED, law=Background(3)),
    "table grouped": TabularProbe(IRIS.loc[5], IRIS, groups={"sepal": list(IRIS.columns[:2])}),
    "table local": TabularProbe(IRIS.loc[5], IRIS, law=LocalGaussian(0.5)),
    "table array": TabularProbe(IRIS.to_numpy()[5], IRIS.to_numpy()),
    "real": TabularProbe(REAL[0], REAL, law=LocalGaussian(0.5)),
    "mixed": MixedProbe({"row": TabularProbe(IRIS.loc[5], IRIS), "note": TextProbe("sepal, oddly moving")}),
    "mask": MaskProbe(7),
}
