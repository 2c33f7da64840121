"""Rows of a design: pure functions of a size and a random generator."""
