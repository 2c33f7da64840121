"""The part that draws a tree: conditions in words, one below the other, and at each leaf what it predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probes.rounding import percent
from surrogates.families.branches import Leaf, Split, Tree, branches, leaves_below
from surrogates.local.explanation import Explanation
from surrogates.report.drawings import Axis, length
from surrogates.report.names import condition_words, renamed
from surrogates.report.part import Part
from surrogates.report.text import scale_of

__all__ = ["Branch", "DrawnTree"]

#: conditions below each other that are open, leaves that are drawn, and outputs whose values stand at a leaf
_OPEN, _LEAVES, _OUTPUTS = 4, 64, 3
#: conditions below each other at most
_DEEPEST = 24

_STYLE = """\
.iomap .tree ul { list-style: none; margin: 0; padding: 0 0 0 1.1rem; }
.iomap .tree > ul, .iomap .tree > ul > li > ul { padding: 0; }
.iomap .tree li { position: relative; }
.iomap .tree ul ul ul > li::before, .iomap .tree ul ul ul > li::after { content: ""; position: absolute; left: -.7rem;
  border: 0 solid var(--line); }
.iomap .tree ul ul ul > li::before { top: 0; height: .95rem; width: .55rem; border-width: 0 0 1.5px 1.5px; }
.iomap .tree ul ul ul > li:not(:last-child)::after { top: .95rem; bottom: 0; border-left-width: 1.5px; }
.iomap .tree ul ul ul > li.here::before { border-color: rgb(var(--up)); border-width: 0 0 2.5px 2.5px; }
.iomap .tree .cut { display: grid; grid-template-columns: minmax(0, 1fr) auto; column-gap: .6rem;
  align-items: baseline; padding: .2rem .3rem; border-radius: 3px; }
.iomap .tree .here > .cut { background: rgba(var(--up), .12); font-weight: 600; }
.iomap .tree .leaf { display: grid; grid-template-columns: auto 6rem 4.6rem; column-gap: .6rem; align-items: baseline;
  text-align: right; font-variant-numeric: tabular-nums; }
.iomap .tree.several .leaf { grid-template-columns: auto 6rem; }
.iomap .tree .leaf small { font-weight: 400; white-space: nowrap; }
.iomap .tree .line { position: relative; height: .7rem; margin: 0 .4rem;
  background: linear-gradient(var(--line), var(--line)) 0 50% / 100% 1px no-repeat; }
.iomap .tree .line i { position: absolute; top: 0; width: .7rem; height: .7rem; margin-left: -.35rem;
  border-radius: 50%; background: var(--soft); }
.iomap .tree .here > .cut .line i { background: rgb(var(--up)); }
.iomap .tree summary { color: var(--soft); font-size: .85rem; padding: .1rem .3rem .3rem; cursor: pointer; }
.iomap .tree.muted { --up: 140, 140, 140; }
@container (max-width: 44rem) {
  .iomap .tree .leaf { grid-template-columns: auto auto; } .iomap .tree .line { display: none; }
  .iomap .tree ul { padding-left: .8rem; }
  .iomap .tree ul ul ul > li::before, .iomap .tree ul ul ul > li::after { left: -.55rem; } }"""


@dataclass(frozen=True)
class Branch:
    """A condition, whether this input fulfils it and those above, and what lies below: a leaf's values or branches."""

    words: str
    here: bool
    values: tuple[str, ...]
    share: str
    count: int
    at: str
    folded: str
    left_out: bool
    below: tuple[Branch, ...]


@dataclass(frozen=True, kw_only=True)
class DrawnTree(Part):
    """A tree, the way of this input first; what lies deep is folded, so that its size is bounded."""

    template = "tree.html"
    style = (_STYLE,)

    root: Branch
    outputs: tuple[str, ...]
    more: int
    unit: str
    low: str
    high: str
    leaves: int
    asked: int
    value: str
    muted: bool

    @classmethod
    def of(cls, ex: Explanation) -> DrawnTree | None:
        """Make it of an explanation by a tree; None by anything else."""
        tree = branches(ex.surrogate.terms_) if ex.surrogate.partitions else None
        if tree is None or isinstance(tree, Leaf):
            return None
        maker = _Maker(ex)
        coef, here = maker.coef, maker.here
        names = ex.target.outputs
        return cls(
            title="The surrogate: a tree",
            root=maker.branch(tree, "", True, 0),
            outputs=names[:_OUTPUTS] if len(names) > 1 else (),
            more=max(len(names) - _OUTPUTS, 0),
            unit=maker.scale.unit(ex.target.unit),
            low=maker.scale.rounded(float(coef[0].min())),
            high=maker.scale.rounded(float(coef[0].max())),
            leaves=coef.shape[1],
            asked=len(maker.rows),
            value=", ".join(maker.scale.rounded(v) for v in coef[:_OUTPUTS, here].ravel()),
            muted=all(ex.fidelity.refused()),
        )


class _Maker:
    """Makes branches of one explanation, and counts the leaves that are left to draw."""

    def __init__(self, ex: Explanation):
        self.features, self.view = renamed(ex.features, ex.view), ex.view
        self.scale, self.coef = scale_of(ex), np.atleast_2d(ex.surrogate.coef_)
        self.rows = np.unique(ex.answers.design.Z, axis=0)
        self.inside = np.array([term(self.rows) for term in ex.surrogate.terms_]) > 0
        self.here = [i for i, term in enumerate(ex.surrogate.terms_) if term(ex.answers.design.Z[:1])[0]]
        self.axis = Axis.over(self.coef[0])
        self.room = _LEAVES

    def branch(self, tree: Tree, words: str, here: bool, depth: int) -> Branch:
        """Make a branch; the side of this input comes first, and is never folded."""
        terms = leaves_below(tree)
        count = int(self.inside[terms].any(axis=0).sum())
        share = percent(count / len(self.rows))
        if isinstance(tree, Leaf):
            self.room -= 1
            values = tuple(self.scale.rounded(v) for v in self.coef[:_OUTPUTS, tree.term])
            at = length(float(self.axis.at(self.coef[0, tree.term])))
            return Branch(words, here, values, share, count, at, "", False, ())
        fold = "" if here or depth < _OPEN else self._folded(terms, share)
        if depth >= _DEEPEST or (self.room < len(terms) and not here):
            return Branch(words, here, (), share, count, "0", fold or self._folded(terms, share), True, ())
        sides = [(tree.above, self._words(tree, above=True)), (tree.below, self._words(tree, above=False))]
        if self.features[tree.feature].kind == "real":
            sides.reverse()
        way = {i: here and bool(set(leaves_below(side)) & set(self.here)) for i, (side, _) in enumerate(sides)}
        order = sorted(way, key=lambda i: not way[i])
        below = tuple(self.branch(sides[i][0], sides[i][1], way[i], depth + 1) for i in order)
        return Branch(words, here, (), share, count, "0", fold, False, below)

    def _words(self, split: Split, above: bool) -> str:
        low, high = (split.threshold, float("inf")) if above else (-float("inf"), split.threshold)
        return condition_words((split.feature, low, high), self.features, self.view)

    def _folded(self, terms: Sequence[int], share: str) -> str:
        values = self.coef[0, list(terms)]
        ends = f"{self.scale.rounded(float(values.min()))} to {self.scale.rounded(float(values.max()))}"
        return f"{len(terms)} leaves below, {ends}, {share} of the questions"
