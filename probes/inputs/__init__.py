"""Probes: one file for each kind of input that is taken apart."""
