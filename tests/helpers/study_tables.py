"""Tables of measured cases with a known effect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from surrogates.statements.verdicts import judge


def table(seed=0, entities=20, shift=0.0, between=1.0, repeats=2):
    rng = np.random.default_rng(seed)
    rows = [
        {"entity": f"e{e}", "side": side, "form": form, "value": level + shift * (side == "l") + rng.normal()}
        for e, level in enumerate(rng.normal(0, between, entities))
        for side in "lr"
        for form in "fgh"[:repeats]
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(chance=0.0, prompt="p", target=" t", answer=" u", case_id=[str(i) for i in range(len(frame))])


def verdict(statement, frame, **options):
    return judge([statement], [frame], "m", "nats", **options)[0]
