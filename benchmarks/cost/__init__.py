"""Benchmarks of time, memory and calls."""
