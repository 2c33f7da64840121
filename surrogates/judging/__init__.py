"""Judging: held-out fidelity, attributions with intervals, and warnings in words."""
