"""Benchmarks of fidelity, recovery, coverage and statements."""
