"""An image as the instance: its segments tinted by their effects, or marked where a rule keeps them."""

from __future__ import annotations

import pandas as pd

from surrogates.report.part import Part
from surrogates.report.parts.instance import Remark
from surrogates.report.parts.tinted_image import Shade, TintedImage
from surrogates.report.parts.view_kinds import InstanceEffects, InstanceKept, instance_of, kept_of

__all__: list[str] = []

#: outputs that the image is shown for: each is as large as the page is else
_MOST = 12


@instance_of("image")
def _tinted(e: InstanceEffects) -> list[Part]:
    """Return the image once for each output; its picture is in the page once."""
    if len(e.outputs) > _MOST:
        return [Remark(text=f"The image is shown for at most {_MOST} outputs; here are {len(e.outputs)}.")]
    shades = [_shade(e, e.table[e.table["output"] == name]) for name in e.outputs]
    refused = e.refused or (False,) * len(e.outputs)
    several = len(e.outputs) > 1
    titles = [f"{e.title}: {name}" if several else e.title for name in e.outputs]
    first = TintedImage.of(titles[0], e.view, len(e.features), shades[0], muted=refused[0]).named()
    return [first, *(first.again(*each) for each in zip(titles[1:], shades[1:], refused[1:], strict=True))]


def _shade(e: InstanceEffects, rows: pd.DataFrame) -> Shade:
    """Return the shades of segments by their effects on one output."""
    table = rows.set_index("feature")
    largest = float(table["attribution"].abs().max()) or 1.0

    def shade(i: int) -> tuple[str, str, str]:
        row = table.loc[name := e.features[i].name]
        sure = row["low"] > 0 or row["high"] < 0
        strength = abs(row["attribution"]) / largest * (1.0 if sure else 0.3)
        effect = f"{e.scale.signed(row['attribution'])} {e.scale.between(row['low'], row['high'])}"
        return (
            "up" if row["attribution"] >= 0 else "down",
            f"{strength:.2f}",
            f"{name}: {effect} {e.scale.unit(e.unit)}",
        )

    return shade


@kept_of("image")
def _kept(kept: InstanceKept) -> list[Part]:
    def shade(i: int) -> tuple[str, str, str]:
        name = kept.features[i].name
        return ("up", "0.80", f"{name}: in the rule") if name in kept.names else ("up", "0", "")

    return [TintedImage.of("What it rests on", kept.view, len(kept.features), shade, share=kept.precision)]
