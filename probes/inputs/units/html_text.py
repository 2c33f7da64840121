"""Html: the texts, elements or attributes of an HTML page as features, so that what is left is valid markup again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from probes.errors import InputError
from probes.inputs.units.cut import Cut, Span

__all__ = ["Html"]

#: elements whose contents are no text of the page
_UNREAD = frozenset({"script", "style", "template"})
#: elements without contents
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_BLOCKS = frozenset({"address", "article", "aside", "blockquote", "details", "div", "dl", "fieldset", "figure",
                     "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p",
                     "pre", "section", "table", "ul"})  # fmt: skip
_ROWS = frozenset({"tr", "td", "th"})
_GROUPS = frozenset({"thead", "tbody", "tfoot"})
#: elements whose end may be left out -> what begins after it (HTML Living Standard, 13.1.2.4)
_ENDED_BY = {
    "li": frozenset({"li"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "p": _BLOCKS,
    "option": frozenset({"option", "optgroup"}),
    "tr": frozenset({"tr"}) | _GROUPS,
    "td": _ROWS | _GROUPS,
    "th": _ROWS | _GROUPS,
    **dict.fromkeys(_GROUPS, _GROUPS),
}


@dataclass(frozen=True)
class Html:
    """A unit of HTML: the texts between its tags, or elements by their tags; and attributes, where they are named.

    Scripts, styles, comments and markup are never features. Of a page without some texts all tags are left; of one
    without some elements whole elements are gone.

    Parameters
    ----------
    tags : sequence of str, optional
        Elements that are features, such as ``("li", "p")``, the outermost of them; by default texts are.
    attributes : sequence of str, default ()
        Attributes whose values in quotes are features, such as ``("alt", "title")``; without its value one is empty.

    Raises
    ------
    InputError
        For names that are no sequence of strings.

    Examples
    --------
    >>> page = '<p>Not bad.</p><img alt="A cat"><script>f()</script>'
    >>> [page[a:b] for a, b in Html(attributes=("alt",)).cut(page).spans]
    ['Not bad.', 'A cat']
    >>> [page[a:b] for a, b in Html(tags=("p", "img")).cut(page).spans]
    ['<p>Not bad.</p>', '<img alt="A cat">']
    """

    tags: Sequence[str] = ()
    attributes: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("tags", "attributes"):
            value = getattr(self, name)
            listed = isinstance(value, (list, tuple, set, frozenset))
            if not listed or not all(isinstance(part, str) and part.strip() for part in value):
                raise InputError(name, "be a list of names, such as ('li', 'p')", value)
            object.__setattr__(self, name, tuple(part.strip().lower() for part in value))

    def cut(self, text: str) -> Cut:
        """Cut a page."""
        page = _Page(text)
        found = page.elements(self.tags) if self.tags else page.texts()
        # an attribute within an element that is a feature goes with it
        found += [
            (span, name)
            for span, name in page.values(self.attributes)
            if not any(a <= span[0] < b for (a, b), _ in found)
        ]
        found.sort()
        noun = "element" if self.tags else "text"
        stays = "Scripts, styles, comments and markup that is no feature always stay."
        names = tuple(name for _, name in found)
        return Cut(tuple(span for span, _ in found), f"HTML {noun}", names, notes=(stays,))


@dataclass(frozen=True)
class _Event:
    """A part of a page as it is read: text, the begin or the end of an element, or anything else."""

    kind: str
    start: int
    tag: str = ""


@dataclass(eq=False)
class _Page(HTMLParser):
    """What a page is made of, in order and without gaps."""

    text: str
    events: list[_Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self, convert_charrefs=False)
        self._lines = [0, *(m.end() for m in re.finditer("\n", self.text))]
        self.feed(self.text)
        self.close()

    def _met(self, kind: str, tag: str = "") -> None:
        line, column = self.getpos()
        self.events.append(_Event(kind, self._lines[line - 1] + column, tag))

    def handle_data(self, data: str) -> None:
        self._met("text")

    def handle_entityref(self, name: str) -> None:
        self._met("text")

    def handle_charref(self, name: str) -> None:
        self._met("text")

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._met("begin", tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self._met("begin" if tag not in _VOID else "void", tag)

    def handle_endtag(self, tag: str) -> None:
        self._met("end", tag)

    def handle_comment(self, data: str) -> None:
        self._met("other")

    def handle_decl(self, decl: str) -> None:
        self._met("other")

    def handle_pi(self, data: str) -> None:
        self._met("other")

    def unknown_decl(self, data: str) -> None:
        self._met("other")

    def ends(self) -> list[int]:
        """Return where each event ends: where the next begins."""
        return [*(event.start for event in self.events), len(self.text)][1:]

    def texts(self) -> list[tuple[Span, str]]:
        """Find the texts between tags, without the white space around them, each with its name."""
        runs, within, last = list[list[int]](), "", ""
        for event, end in zip(self.events, self.ends(), strict=True):
            if event.kind == "begin" and event.tag in _UNREAD and not within:
                within = event.tag
            elif event.kind == "end" and event.tag == within:
                within = ""
            if event.kind == "text" and not within:
                if last == "text":
                    runs[-1][1] = end
                else:
                    runs.append([event.start, end])
            last = event.kind if not within else ""
        found = []
        for start, end in runs:
            inner = self.text[start:end]
            if inner.strip():
                a = start + len(inner) - len(inner.lstrip())
                found.append(((a, a + len(inner.strip())), _plain(inner)))
        return found

    def elements(self, tags: Sequence[str]) -> list[tuple[Span, str]]:
        """Find the outermost elements of some tags, each with its name."""
        open_, closed = list[tuple[str, int]](), list[tuple[Span, str]]()
        for event, end in zip(self.events, self.ends(), strict=True):
            if event.kind in ("begin", "void"):
                while open_ and event.tag in _ENDED_BY.get(open_[-1][0], ()):
                    tag, start = open_.pop()
                    closed.append(((start, event.start), tag))
                if event.tag in _VOID:
                    closed.append(((event.start, end), event.tag))
                else:
                    open_.append((event.tag, event.start))
            elif event.kind == "end" and any(tag == event.tag for tag, _ in open_):
                while open_[-1][0] != event.tag:
                    tag, start = open_.pop()
                    closed.append(((start, event.start), tag))
                closed.append(((open_.pop()[1], end), event.tag))
        closed += [((start, len(self.text)), tag) for tag, start in open_]
        outermost = list[tuple[Span, str]]()
        for (start, end), tag in sorted(((span, tag) for span, tag in closed if tag in tags), key=lambda one: one[0]):
            if not outermost or start >= outermost[-1][0][1]:
                stop = start + len(self.text[start:end].rstrip())
                outermost.append(((start, stop), f"<{tag}> {_plain(self.text[start:stop])}".strip()))
        return outermost

    def values(self, attributes: Sequence[str]) -> list[tuple[Span, str]]:
        """Find the values of some attributes, in quotes, each with its name."""
        if not attributes:
            return []
        named = "|".join(map(re.escape, attributes))
        pattern = re.compile(rf"\s({named})\s*=\s*(?:\"([^\"]+)\"|'([^']+)')", re.IGNORECASE)
        found = []
        for event, end in zip(self.events, self.ends(), strict=True):
            for match in pattern.finditer(self.text, event.start, end) if event.kind in ("begin", "void") else ():
                group = 2 if match.group(2) else 3
                if match.group(group).strip():
                    found.append((match.span(group), f"{match.group(1).lower()}: {_plain(match.group(group))}"))
        return found


def _plain(markup: str) -> str:
    """Return the text of markup in one line."""
    return " ".join(unescape(re.sub(r"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", " ", markup)).split())
