"""Plots: one file for each kind, found by its name. What is drawn is computed first; then it is drawn into Axes."""
