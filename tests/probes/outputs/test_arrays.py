"""as_outputs(): what a model returned, checked."""

from __future__ import annotations

import numpy as np
import pytest

from probes import ModelError
from probes.outputs.arrays import as_outputs


def test_several_numbers_for_one_input_are_not_called_transposed():
    with pytest.raises(ModelError, match=r"shape \(1, k\); got \(3,\)\.$"):
        as_outputs(np.zeros(3), 1, "The model")
