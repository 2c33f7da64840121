"""Built-in behaviour probes: one file for each, with word lists and claims as data."""
