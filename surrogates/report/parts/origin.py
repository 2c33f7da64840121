"""The part about where a result's numbers come from."""

from __future__ import annotations

from dataclasses import dataclass

from probes.views import View
from surrogates.report.part import Part
from surrogates.report.styles import FACTS
from surrogates.results.provenance import Provenance, cost_line

__all__ = ["Origin"]


@dataclass(frozen=True, kw_only=True)
class Origin(Part):
    """Model, questions, cost, seed and versions."""

    template = "provenance.html"
    style = (FACTS,)

    facts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, p: Provenance, view: View) -> Origin:
        """Make it of a provenance, and of a view, which may hold a system prompt."""
        asked = str(p["questions"])
        facts = {
            "Model": p["model"],
            "Probe": p["probe"],
            "Questions": f"{asked} of {p['replicates']} model inputs each" if p["replicates"] > 1 else asked,
            "Cost": cost_line(p["cost"]),
        }
        if "family" in p:
            facts["Family"] = f"{p['family']}({', '.join(f'{k}={v!r}' for k, v in p['settings'].items())})"
        facts["Seed"] = str(p["random_state"])
        facts["Versions"] = ", ".join(f"{k} {v}" for k, v in p["versions"].items())
        if view.get("system"):
            facts["System prompt"] = view["system"]
        return cls(title="Provenance", facts=tuple(facts.items()))
