"""Rules of CSS that parts declare, each for what lies in ``.iomap``; what all need is in ``templates/style.css``."""

from __future__ import annotations

__all__ = [
    "AXIS",
    "BUTTON",
    "CHECK",
    "CLAIM",
    "DARK",
    "EXAMPLE",
    "FACTS",
    "FOLDED",
    "LINK",
    "NARROW",
    "NOTE",
    "PAIR",
    "PICTURE",
    "PIECES",
    "PROOF",
    "QUOTE",
    "SHARE",
    "STACK",
    "TABLE",
    "TAG",
    "VERDICT",
]

#: colours that are read on a dark ground
DARK = """\
--up: 56, 160, 220; --down: 240, 120, 40; --shade: .6;
  --good: #3fb950; --fair: #58a6ff; --weak: #d29922; --poor: #f85149; --holds: #8ab4f8; --against: #d3a6f0;"""

VERDICT = """\
.iomap .verdict { border-left: 6px solid var(--tone); background: color-mix(in srgb, var(--tone) 7%, var(--paper));
  padding: .7rem 1rem; margin: .6rem 0; border-radius: 4px; }
.iomap .verdict b { font-size: 1.1rem; display: block; }"""

NOTE = """\
.iomap .note { border: 1px solid var(--line); border-left: 6px solid var(--weak); border-radius: 4px;
  padding: .4rem 1rem; margin: .5rem 0; }"""

#: what is proved stands in a box of its own, which is no warning
PROOF = """\
.iomap .proof { border: 1px solid var(--line); border-left: 6px solid var(--good); border-radius: 4px;
  padding: .4rem 1rem; margin: .5rem 0; }"""

CHECK = ".iomap .mark { color: var(--tone); font-weight: 600; white-space: nowrap; }"

QUOTE = ".iomap blockquote { margin: .5rem 0; padding: .4rem 1rem; border-left: 3px solid var(--line); }"

PIECES = """\
.iomap .block { position: relative; white-space: pre-wrap; margin: .6rem 0; line-height: 1.9; }
.iomap mark { color: inherit; background: rgba(var(--hue), calc(var(--strength) * var(--shade))); border-radius: 2px;
  padding: .15em 0; }
.iomap .key mark { padding: 0 .5em; color: var(--ink); }
.iomap mark[tabindex] { anchor-name: --piece; anchor-scope: --piece; }
.iomap mark[tabindex]:hover::after, .iomap mark[tabindex]:focus::after { content: attr(aria-description);
  content: attr(aria-description) / ""; position: absolute; z-index: 2; left: 0; margin-top: 1.9em; width: max-content;
  max-width: 100%; box-sizing: border-box; padding: .1rem .6rem; border-radius: 4px; white-space: normal;
  font: .85rem/1.5 system-ui, sans-serif; background: CanvasText; color: Canvas; pointer-events: none; }
@supports (anchor-scope: --piece) and (justify-self: anchor-center) {
  .iomap mark[tabindex]:hover::after, .iomap mark[tabindex]:focus::after { right: 0; margin: .15rem 0;
    position-anchor: --piece; top: anchor(bottom); justify-self: anchor-center; } }"""

#: a part of a document that is folded under its beginning
FOLDED = """\
.iomap .block details.long { white-space: pre-wrap; margin: .2rem 0; }
.iomap .block details.long summary { white-space: normal; }
.iomap .block details.long small { color: var(--soft); white-space: nowrap; }"""

BUTTON = """\
.iomap button { font: inherit; font-size: .85rem; color: var(--ink); cursor: pointer; padding: .2rem .7rem;
  border: 1px solid var(--line); border-radius: 4px; background: color-mix(in srgb, var(--line) 35%, var(--paper)); }
.iomap button:hover { border-color: var(--fair); }"""

TAG = """\
.iomap .tag { display: inline-block; border: 1px solid var(--tone); color: var(--tone); border-radius: 4px;
  padding: 0 .4em; font-size: .8rem; white-space: nowrap; }"""

#: whether a claim holds, which is neither good nor bad: hues of no worth, and another frame where it is open
CLAIM = """\
.iomap .holds { --tone: var(--holds); } .iomap .against { --tone: var(--against); }
.iomap .unsettled, .iomap .untested { --tone: var(--soft); }
.iomap .tag.holds, .iomap .tag.against { background: color-mix(in srgb, var(--tone) 12%, var(--paper)); }
.iomap .tag.unsettled, .iomap .tag.untested { border-style: dashed; }"""

EXAMPLE = """\
.iomap .example { border-left: 3px solid var(--line); padding-left: .6rem; font-size: .85rem;
  white-space: pre-wrap; }"""

TABLE = """\
.iomap .scroll { overflow-x: auto; }
.iomap table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums;
  overflow-wrap: break-word; }
.iomap th { text-align: left; color: var(--soft); font-weight: 600; font-size: .82rem; }
.iomap th, .iomap td { padding: .3rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.iomap .n { text-align: right; white-space: nowrap; }
.iomap th.n { white-space: normal; }
.iomap td.value { min-width: 3.5rem; }
@container (max-width: 44rem) { .iomap .wide { display: none; } }"""

#: what stands beside a name where its own column is hidden
NARROW = """\
.iomap .narrow { display: none; color: var(--soft); }
@container (max-width: 44rem) { .iomap .narrow { display: inline; } }"""

#: a table whose rows are stacked where a page is narrow: name and number, then what is across the whole width
STACK = """\
@container (max-width: 44rem) {
  .iomap table.stack tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; column-gap: .5rem;
    border-bottom: 1px solid var(--line); padding: .3rem 0; }
  .iomap table.stack th, .iomap table.stack td { border: 0; padding: .1rem .3rem; }
  .iomap table.stack th.across, .iomap table.stack td.across { grid-column: 1 / -1; width: auto; }
  .iomap table.stack .first { order: -1; }
  .iomap table.stack th:empty, .iomap table.stack .wide { display: none; } }"""

AXIS = """\
.iomap td.chart { width: 34%; min-width: 7rem; }
.iomap .axis { position: relative; height: 1.1rem;
  background: linear-gradient(var(--line), var(--line)) 50% 0 / 1px 100% no-repeat; }
.iomap .axis i, .iomap .axis u { position: absolute; display: block; }
.iomap .axis i { top: .15rem; height: .8rem; background: rgba(var(--hue), .75); border-radius: 2px; }
.iomap .axis u { top: .5rem; height: .1rem; background: var(--ink); }
.iomap td.chart.small { width: 14%; min-width: 4rem; }"""

#: links within a page, and to pages beside it
LINK = ".iomap a[href] { color: var(--fair); } .iomap a.word[href] { color: inherit; }"

#: a share from 0 to 1 as a bar with its interval, and a tick for another share to compare it with
SHARE = """\
.iomap .share { position: relative; height: 1.1rem; background: color-mix(in srgb, var(--line) 45%, var(--paper));
  border-radius: 2px; min-width: 5rem; }
.iomap .share i, .iomap .share u, .iomap .share b { position: absolute; display: block; }
.iomap .share i { left: 0; top: .15rem; height: .8rem; background: rgba(var(--hue), .75); border-radius: 2px; }
.iomap .share u { top: .5rem; height: .1rem; background: var(--ink); }
.iomap td.rule { min-width: 8rem; }
.iomap .share b { top: 0; width: .12rem; height: 1.1rem; background: var(--soft); }"""

#: the number of a pair of features, at either of them
PAIR = """\
.iomap sup.pair { font-size: .68em; font-weight: 600; color: var(--soft); margin-left: .1em; line-height: 0; }
.iomap mark sup.pair { color: inherit; }"""

PICTURE = """\
.iomap img { max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
.iomap figure { display: inline-block; margin: .4rem .6rem .4rem 0; max-width: 100%; vertical-align: top; }
.iomap figcaption { font-size: .85rem; color: var(--soft); }"""

FACTS = """\
.iomap dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; font-size: .85rem;
  margin: .4rem 0; }
.iomap dt { color: var(--soft); } .iomap dd { margin: 0; }
@container (max-width: 44rem) {
  .iomap dl { grid-template-columns: 1fr; gap: 0; } .iomap dd { margin-bottom: .4rem; } }"""
