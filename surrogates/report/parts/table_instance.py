"""A row of a table as the instance: the region that was asked about, in words."""

from __future__ import annotations

from probes.views import View
from surrogates.report.part import Part
from surrogates.report.parts.instance import Remark
from surrogates.report.parts.view_kinds import InstanceEffects, InstanceKept, instance_of, kept_of

__all__: list[str] = []


@instance_of("table")
def _effects(e: InstanceEffects) -> list[Part]:
    return _region(e.view)


@kept_of("table")
def _kept(kept: InstanceKept) -> list[Part]:
    return _region(kept.view)


def _region(view: View) -> list[Part]:
    return [Remark(text=f"The region asked about: {view['law']}.")]
