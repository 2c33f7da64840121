"""ChatProbe: which parts of a conversation an answer depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.inputs.chat_messages import Message, checked_messages
from probes.inputs.chat_units import Turns, Unit, answered, cut_of, grouped, turning_point
from probes.inputs.pieces import block_view
from probes.inputs.replacement import UNCHANGING, removal, unchanged
from probes.inputs.text_segments import Segments, checked_answer
from probes.inputs.units.cut import Cut, first_names, numbered
from probes.model import Generator, Prompt
from probes.probe import Feature, Probe, at_least_two, unique_names
from probes.views import Block, TextView

__all__ = ["ChatProbe"]

#: messages that can go by themselves up to which every combination is tried on a template; else so many at random
_ALL, _SOME = 8, 200
#: what stands in for absent text when another way to remove is tried
_MARK = "…"


class ChatProbe(Probe):
    """A conversation whose turns, examples, tool results, passages, sentences or words are present or absent.

    Parameters
    ----------
    messages : list of dict
        As a server takes them: ``role`` and ``content``, which is a text or a list of text parts; ``tool_calls``,
        ``tool_call_id`` and ``name`` are kept. Pairs (role, content) are taken as well. A last message of the
        assistant is the beginning of its answer, which the model goes on with.
    unit : unit, dict or None
        What messages are taken apart into. One unit for all; or a dict from roles and numbers of messages (from 0, or
        from the end: −1 is the last; a number goes before a role) to units, and all others stay as they are. By
        default: every question with its reply is an example; the system prompt, tool results and other messages are
        cut into sentences (paragraphs where there are more than 20), contents in parts into these; the last question
        into words if it is one sentence; what the model itself wrote after it stays.

        =========== =================================================================================
        unit        a feature is
        =========== =================================================================================
        "turn"      a message; a tool call with what it returned
        "example"   a message of the user with all up to the model's reply
        "part"      a text part of the content, such as a retrieved passage
        "sentence"  or "word", "paragraph", "token", a pattern, a function: as of :class:`~probes.TextProbe`
        spans       a character range of the content, of a list of (start, end)
        "fixed"     nothing: the message stays
        =========== =================================================================================
    replacement : str, optional
        What stands in for an absent feature; of a turn, for its content, so that the turn stays (also with ``""``).
        None removes it, with the message if nothing is left of that: but for the last question, and what a tool
        returned to a call that is there, which are empty then.
    tokenizer : transformers tokenizer, optional
        A fast one, for ``"token"``.
    answer : str, optional
        The answer to explain; None has the model generate it.
    max_new_tokens : int, default 64
        Length limit of a generated answer.

    Raises
    ------
    InputError
        For messages that are no chat, a unit that does not fit, or fewer than two features; and before anything is
        asked, if the model's template cannot render the chat with some of its turns left out.

    Examples
    --------
    >>> probe = ChatProbe(
    ...     [
    ...         {"role": "system", "content": "Be brief. Be kind."},
    ...         {"role": "user", "content": "Is 7 prime?"},
    ...         {"role": "assistant", "content": "Yes."},
    ...         {"role": "user", "content": "Is 8?"},
    ...     ],
    ... )
    >>> [f.name for f in probe.features]
    ['Be brief.', 'Be kind.', 'user: Is 7 prime? assistant: Yes.', 'Is', '8?']
    >>> probe.render(np.array([[0, 1, 0, 1, 1]]))
    [[{'role': 'system', 'content': 'Be kind.'}, {'role': 'user', 'content': 'Is 8?'}]]
    """

    def __init__(
        self,
        messages: Prompt,
        unit: Unit | Mapping[str | int, Unit] | None = None,
        *,
        replacement: str | None = None,
        tokenizer: Any = None,
        answer: str | None = None,
        max_new_tokens: int = 64,
    ):
        self.messages = checked_messages(messages)
        if replacement is not None and not isinstance(replacement, str):
            raise InputError("replacement", "be a string, or None to remove", replacement)
        self.replacement = replacement
        self.answer, self.max_new_tokens = checked_answer(answer, max_new_tokens)
        self._groups: list[_Group] = []
        asked, offset = answered(self.messages), 0
        for turns in grouped(self.messages, unit):
            group = _Group.of(self.messages, turns, offset, asked, tokenizer)
            self._groups.append(group)
            offset += group.count
        names = unique_names([name for group in self._groups for name in group.names])
        rule = "unit" if unit is not None else "messages"
        self.features = at_least_two([Feature(name) for name in names], rule, messages if unit is None else unit)
        if len(self._same()) == len(names):
            raise InputError("replacement", UNCHANGING, replacement)
        self.notes = self._remarks()

    def _same(self) -> list[str]:
        """Return the features that hold already what stands in for them."""
        same = [group.offset + i for group in self._groups for i in group.same(self.replacement)]
        return [self.features[j].name for j in same]

    def _remarks(self) -> tuple[str, ...]:
        """Say what stays in every question, and what the cuts have to say."""
        stays = [f"{i} ({self.messages[i].title})" for g in self._groups if not g.count for i in g.members]
        emptied = self.replacement is None and any(g.count and g.result for g in self._groups)
        notes = [f"Messages that stay in every question: {', '.join(stays)}."] if stays else []
        if emptied:
            notes.append("A tool result that is left out stays as an empty message, because its call is there.")
        if same := self._same():
            notes.append(unchanged(same))
        return tuple(dict.fromkeys([*notes, *(note for g in self._groups for note in g.notes)]))

    def render(self, Z: np.ndarray) -> list[list[dict[str, Any]]]:
        return [
            [message for group in self._groups for message in group.rendered(row, self.replacement)]
            for row in np.asarray(Z) > 0.5
        ]

    def variants(self) -> dict[str, Probe]:
        other = copy(self)
        other.replacement = _MARK if self.replacement is None else None
        other.notes = other._remarks()
        if len(other._same()) == len(self.features):  # the mark is all that the chat holds
            return {}
        return {removal(other.replacement): other}

    def scatter(self, values: np.ndarray) -> np.ndarray:
        owner = np.array([group.offset + i for group in self._groups for i in group.owner], dtype=int)
        return self._shared(values, owner)

    def read_by(self, model: Any) -> Probe:
        """Return this probe with what a language model's template makes of it.

        Raises
        ------
        InputError
            If the template cannot render the chat, or the chat without some of its turns.
        """
        if not isinstance(model, Generator):
            return self
        rows = self._turns_left_out()
        prompts = self.render(rows)
        try:
            notes = model.reading_notes(prompts)
        except InputError as error:
            for row, prompt in zip(rows, prompts, strict=True):
                self._check_read(model, row, prompt)
            raise InputError("messages", error.rule, self._roles(prompts[0])) from error
        read = copy(self)
        read.notes = tuple(dict.fromkeys((*self.notes, *notes)))
        return read

    def _check_read(self, model: Generator, row: np.ndarray, prompt: list[dict[str, Any]]) -> None:
        """Refuse one chat that a model cannot read, and say what was left out of it."""
        try:
            model.reading_notes([prompt])
        except InputError as error:
            if row.all():
                raise InputError("messages", error.rule, self._roles(prompt)) from error
            lacking = [f.name for f, there in zip(self.features, row, strict=True) if not there]
            rule = (
                f"{error.rule}. This is the chat without {lacking[0]!r}"
                f'{f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""}: with replacement="…" (or "") '
                'every turn stays, and with the unit "example" a question goes with its reply'
            )
            raise InputError("messages", rule, self._roles(prompt)) from error

    @staticmethod
    def _roles(prompt: list[dict[str, Any]]) -> str:
        return ", ".join(message["role"] for message in prompt)

    def _turns_left_out(self) -> np.ndarray:
        """Return the instance, and rows ``(m, d)`` without some of the messages that can go."""
        going = [group for group in self._groups if self.replacement is None and group.goes]
        if len(going) <= _ALL:
            present = np.array(list(product((True, False), repeat=len(going))))
        else:
            one = ~np.eye(len(going), dtype=bool)
            drawn = np.random.default_rng(0).random((_SOME, len(going))) < 0.5
            present = np.vstack([np.ones(len(going), dtype=bool), one, ~one, np.zeros(len(going), dtype=bool), drawn])
        rows = np.ones((len(present), len(self.features)))
        for group, there in zip(going, present.T, strict=True):
            rows[:, group.place] = there[:, None]
        return rows

    def view(self) -> TextView:
        units = {group.unit for group in self._groups if group.count}
        content = json.dumps([[m.role, m.text, m.more] for m in self.messages], sort_keys=True)
        return {
            "kind": "text",
            "unit": units.pop() if len(units) == 1 else "part",
            "removal": removal(self.replacement),
            "blocks": [group.block() for group in self._groups],
            "caption": " ".join(self.messages[turning_point(self.messages)].text.split()),
            "chat": hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest(),
        }


@dataclass(frozen=True)
class _Group:
    """Messages that are taken apart as one.

    Attributes
    ----------
    messages : tuple of Message
    members : tuple of int
        Their numbers.
    whole : bool
        Whether they are one feature.
    segments : Segments
        What is shown, in pieces; of a single message also what is rendered.
    owner : tuple of int
        The feature of each piece, counted from 0.
    names : tuple of str
        Of the features.
    offset : int
        Number of the first feature.
    unit : str
        What a feature is called.
    goes : bool
        Whether a message of which nothing is left is left out.
    result : bool
        Whether it is what a tool returned.
    notes : tuple of str
        What the user should know about the cut.
    """

    messages: tuple[Message, ...]
    members: tuple[int, ...]
    whole: bool
    segments: Segments
    owner: tuple[int, ...]
    names: tuple[str, ...]
    offset: int
    unit: str
    goes: bool
    result: bool
    notes: tuple[str, ...]

    @classmethod
    def of(cls, messages: Sequence[Message], turns: Turns, offset: int, asked: set[int], tokenizer: Any) -> _Group:
        """Cut the messages of one group, its first feature the one of number `offset`."""
        some = tuple(messages[i] for i in turns.members)
        if turns.whole:
            text = some[0].words if len(some) == 1 else "\n".join(f"{m.title}: {m.words}" for m in some)
            title = f"{some[0].title}: " if len(some) == 1 else ""
            spans = ((0, len(text)),) if text else ()
            cut = Cut(spans, str(turns.unit), (f"{title}{text}",) * len(spans))
        else:
            text = some[0].text
            cut = cut_of(some[0], turns.unit, tokenizer, f"messages[{turns.members[0]}]")
        segments, (owner,) = Segments.of(text, cut.spans, cut.even), numbered([cut])
        names = first_names(cut.names or segments.pieces, owner)
        alone = some[0].role == "tool"
        calling = not turns.whole and bool(some[0].calls)
        goes = bool(owner) and asked.isdisjoint(turns.members) and not alone and not calling
        shown = tuple(" ".join(name.split()) or repr(name) for name in names)
        whole = turns.whole and bool(owner)
        return cls(some, turns.members, whole, segments, owner, shown, offset, cut.noun, goes, alone, cut.notes)

    @property
    def count(self) -> int:
        """How many features there are."""
        return len(self.names)

    @property
    def place(self) -> slice:
        """Where the features stand in a row."""
        return slice(self.offset, self.offset + self.count)

    def rendered(self, row: np.ndarray, replacement: str | None) -> Iterator[dict[str, Any]]:
        """Yield the messages of a question, a row ``(d,)`` of bool."""
        present = row[self.place]
        if not self.whole:
            text = self.segments.render(present[list(self.owner)], replacement)
            if not self.goes or replacement is not None or present.any() or text.strip():
                yield self.messages[0].as_dict(text)
        elif present[0] or replacement is not None or not self.goes:
            for message in self.messages:
                absent = replacement or "" if message.text else ""
                yield message.as_dict(message.text if present[0] else absent)

    def same(self, replacement: str | None) -> list[int]:
        """Return the features, counted from 0, of which a replacement changes nothing."""
        if replacement is None:
            return []
        if self.whole:
            return [] if any(message.text not in ("", replacement) for message in self.messages) else [0]
        pieces = zip(self.segments.pieces, self.owner, strict=True)
        changed = {i for piece, i in pieces if piece != replacement}
        return [i for i in range(self.count) if i not in changed]

    def block(self) -> Block:
        """Describe the messages for a report."""
        several = "tool call" if self.unit == "turn" else self.unit
        title = self.messages[0].title if len(self.messages) == 1 else several
        block = block_view(title, self.segments, [self.offset + i for i in self.owner])
        if not self.whole and self.messages[0].calls:
            calls = Message("", "", self.messages[0].more).words
            block["glue"][-1] += f"\n{calls}" if self.messages[0].text else calls
        return block
