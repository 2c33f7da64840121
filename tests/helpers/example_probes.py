"""Examples of every kind of probe, on which the promises of all probes are tested. A new one is added to PROBES."""

from __future__ import annotations

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_iris

from probes import (
    Background,
    ChatProbe,
    Conditional,
    ContextProbe,
    DocumentProbe,
    FieldsProbe,
    Html,
    ImageProbe,
    Infill,
    LocalGaussian,
    MaskProbe,
    MixedProbe,
    Occurrences,
    PairProbe,
    Probe,
    SeriesProbe,
    TabularProbe,
    TextProbe,
)

IRIS = load_iris(as_frame=True).data
MIXED = pd.DataFrame({"a": [1.0, 2.0, np.nan, 4.0], "b": pd.Categorical(list("xyxz")), "c": [True, False, True, True]})
FULL = pd.DataFrame({"a": [1.0, 2.0, 3.5], "b": pd.Categorical(list("xyx")), "c": [True, False, True], "d": [0, 1, 5]})
REAL = np.random.default_rng(0).standard_normal((40, 4))
WAVE = np.sin(np.arange(40) / 3) + np.arange(40) / 40
WAVES = pd.DataFrame({"load": WAVE, "wind": REAL[:, 0]}, index=pd.date_range("2024-03-01", periods=40))

CHAT = [
    {"role": "system", "content": "Be brief. Be kind."},
    {"role": "user", "content": "Is 7 prime?"},
    {"role": "assistant", "content": "Yes."},
    {"role": "user", "content": "And the weather?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "a", "content": "It rains. It is cold."},
]
IMAGE = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
SPARE = ("so", "not", "very", "it")
MARKDOWN = "# News\n\n- rain\n- wind\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThat is all.\n"
PAGE = '<h1>Not bad</h1><ul><li>at all<li>oddly <b>moving</b></ul><img alt="A cat"><script>f()</script>'


def filled(texts, seeds):
    """Fill every gap with a word that the seed chooses."""
    return [text.replace("[MASK]", SPARE[seed % 4]) for text, seed in zip(texts, seeds, strict=True)]


PROBES: dict[str, Probe] = {
    "text": TextProbe("not bad at all, oddly moving"),
    "text masked": TextProbe("not bad at all, oddly moving", replacement="[MASK]"),
    "text sentences": TextProbe("One here. Two there. Three.", "sentence"),
    "text of a chat": TextProbe([("system", "Be brief."), ("user", "not bad at all, oddly moving")]),
    "text spans": TextProbe("abcdef", spans=[(0, 2), (3, 5)]),
    "chat": ChatProbe(CHAT),
    "chat turns": ChatProbe(CHAT[:4], "turn", replacement="…"),
    "text Markdown": TextProbe(MARKDOWN, "markdown"),
    "text HTML": TextProbe(PAGE, Html(attributes=("alt",))),
    "text occurrences": TextProbe("Bad, bad film. Not bad, not moving!", Occurrences()),
    "text infilled": TextProbe("not bad at all, oddly moving", replacement=Infill(filled, samples=3)),
    "context": ContextProbe("It rained. It opened in 1969. It is free. It is warm.", "When?"),
    "context documents": ContextProbe({"A": "One. Two.", "B": "Three."}, "Which?", unit="document", system="Be brief."),
    "table": TabularProbe(FULL.iloc[0], FULL),
    "table iris": TabularProbe(IRIS.loc[5], IRIS),
    "table mixed": TabularProbe(MIXED.iloc[0], MIXED, law=Background(3)),
    "table grouped": TabularProbe(IRIS.loc[5], IRIS, groups={"sepal": list(IRIS.columns[:2])}),
    "table local": TabularProbe(IRIS.loc[5], IRIS, law=LocalGaussian(0.5)),
    "table conditional": TabularProbe(IRIS.loc[5], IRIS, law=Conditional()),
    "table of leaves": TabularProbe(MIXED.iloc[0], MIXED, law=Conditional("forest", 3)),
    "table array": TabularProbe(IRIS.to_numpy()[5], IRIS.to_numpy()),
    "real": TabularProbe(REAL[0], REAL, law=LocalGaussian(0.5)),
    "series": SeriesProbe(WAVE, segments=5),
    "series of a frame": SeriesProbe(WAVES, segments=3, channels="apart", fill="neighbours"),
    "series against others": SeriesProbe(REAL[:, 0], segments=4, fill=REAL.T[1:], background_rows=2),
    "series bands": SeriesProbe(REAL.T, bands=4, names=list("abcd")),
    "mixed": MixedProbe({"row": TabularProbe(IRIS.loc[5], IRIS), "note": TextProbe("sepal, oddly moving")}),
    "image": ImageProbe(IMAGE, "grid", n_segments=6),
    "image noise": ImageProbe(IMAGE[..., 0], "grid", n_segments=4, fill="noise", replicates=2),
    "image inpainted": ImageProbe(IMAGE / 255, "grid", n_segments=4, fill="inpaint"),
    "image of pillow": ImageProbe(Image.fromarray(IMAGE), "grid", n_segments=6, fill="blur"),
    "pair": PairProbe("A man sleeps.", "The man rests.", names=("premise", "hypothesis")),
    "pair second": PairProbe("A man sleeps.", "The man rests.", "second", replacement="…"),
    "fields": FieldsProbe({"title": "Good news", "body": "It rained. It is free.", "stars": 4}, fixed=["stars"]),
    "fields of a frame": FieldsProbe(
        pd.DataFrame({"title": ["Good news"], "body": ["It rained. It is free."], "stars": [4]}),
        {"body": "sentence"},
        fixed=["stars"],
    ),
    "fields in a text": FieldsProbe({"a": "one two", "b": "two three"}, template="{b}, then {a}."),
    "document": DocumentProbe("It rained. It poured.\n\nThe sun shone. Birds sang. Bees hummed.", first=3).split([0]),
    "mask": MaskProbe(7),
}
