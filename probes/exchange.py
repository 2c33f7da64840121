"""Moving answers between stores: the public path of :mod:`probes.store.transfer`."""

from probes.store.transfer import Merged, Stats, export, load, merge, stats

__all__ = ["Merged", "Stats", "export", "load", "merge", "stats"]
