"""FieldsProbe and PairProbe: which parts of several named texts an answer depends on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.inputs.pieces import PiecesProbe, block_view
from probes.inputs.replacement import Replacement
from probes.inputs.text_segments import checked_answer
from probes.inputs.units.cut import Cut, Span
from probes.inputs.units.registry import Unit, cut_text
from probes.views import TextView

__all__ = ["FieldsProbe", "PairProbe"]

SIDES = ("both", "first", "second")
_PLAIN = (str, int, float, bool, type(None))


class FieldsProbe(PiecesProbe):
    """Several named texts, whose words (or sentences, tokens, spans) are present or absent.

    Parameters
    ----------
    fields : dict, Series or one-row DataFrame
        Names and texts. Of a dict inputs are dicts, of a Series or DataFrame they are data frames with its columns.
        Fields that are `fixed` may also hold numbers, truth values or None.
    unit : unit or dict of str to unit, default "word"
        What a feature is, as for :class:`~probes.TextProbe`, for all fields or by the name of each.
    fixed : sequence of str, default ()
        Fields that stay as they are.
    replacement : str, function or Infill, optional
        What stands in for an absent feature, as for :class:`~probes.TextProbe`. None removes it.
    spans : dict of str to sequence of (int, int), optional
        Features of a field as character ranges, in order; what lies between them always stays.
    tokenizer : transformers tokenizer, optional
        A fast one, for the unit "token".
    template : str, optional
        Makes one text of the fields, such as ``"Title: {title}\\n\\n{body}"``, for models that read one text.
    answer : str, optional
        When the model writes text: the answer to explain; None has it generated.
    max_new_tokens : int, default 64

    Raises
    ------
    InputError
        For no fields, an explained field without text, an unknown name, fewer than two features, or a template that
        lacks an explained field.

    Examples
    --------
    >>> probe = FieldsProbe({"title": "Good news", "body": "It rained all day.", "stars": 4}, fixed=["stars"])
    >>> [f.name for f in probe.features][:3]
    ['title: Good', 'title: news', 'body: It']
    >>> probe.render(np.array([[0, 1, 1, 1, 0, 0]]))
    [{'title': 'news', 'body': 'It rained', 'stars': 4}]
    """

    form = "fields"

    def __init__(
        self,
        fields: Mapping[str, Any] | pd.Series | pd.DataFrame,
        unit: Unit | Mapping[str, Unit] = "word",
        *,
        fixed: Sequence[str] = (),
        replacement: Replacement = None,
        spans: Mapping[str, Sequence[Span]] | None = None,
        tokenizer: Any = None,
        template: str | None = None,
        answer: str | None = None,
        max_new_tokens: int = 64,
    ):
        self.fields, self._frame = _named(fields)
        self.fixed = _known("fixed", [fixed] if isinstance(fixed, str) else fixed, self.fields)
        explained = [name for name in self.fields if name not in self.fixed]
        spans = {} if spans is None else spans
        if not isinstance(spans, Mapping):
            raise InputError("spans", "be a dict from names of fields", spans)
        for name in explained:
            if not isinstance(self.fields[name], str):
                rule = "be a string; a field in fixed= stays as it is, and may be something else"
                raise InputError(name, rule, self.fields[name])
        each = unit if isinstance(unit, Mapping) else dict.fromkeys(explained, unit)
        _known("unit", each, explained)
        _known("spans", spans, explained)
        self.template = _template(template, self.fields, explained)
        self.answer, self.max_new_tokens = checked_answer(answer, max_new_tokens)
        texts = [str(text) if name in self.fixed else text for name, text in self.fields.items()]
        cuts = [
            cut_text(text, each.get(name, "word"), spans.get(name), tokenizer, name)
            if name in explained
            else Cut((), "")
            for name, text in zip(self.fields, texts, strict=True)
        ]
        nouns = {cut.noun for name, cut in zip(self.fields, cuts, strict=True) if name in explained}
        self.unit = nouns.pop() if len(nouns) == 1 else "part"
        names = [
            (f"{name}: " if len(explained) > 1 else "") + (" ".join(piece.split()) or repr(piece))
            for name, text, cut in zip(self.fields, texts, cuts, strict=True)
            for piece in (cut.names or [text[a:b] for a, b in cut.spans])
        ]
        self._take_apart(texts, cuts, names, "fields", fields)
        self.replace(replacement)

    def render(self, Z: np.ndarray) -> Any:
        written = {
            name: [value] * (len(Z) * self.replicates) if name in self.fixed else self._rendered(number, Z)
            for number, (name, value) in enumerate(self.fields.items())
        }
        if self._frame is not None and self.template is None:
            frame = self._frame.iloc[[0] * (len(Z) * self.replicates)].reset_index(drop=True)
            for name in frame.columns.difference(self.fixed, sort=False):
                frame[name] = pd.Series(written[name], dtype=_written_as(frame[name].dtype))
            return frame
        rows = [dict(zip(written, row, strict=True)) for row in zip(*written.values(), strict=True)]
        return [self._input(row) if self.template is None else _filled(self.template, row) for row in rows]

    def _input(self, row: dict[str, Any]) -> Any:
        """Return the input that is made of the fields."""
        return row

    def view(self) -> TextView:
        plain = {name: type(text).__name__ for name, text in self.fields.items() if not isinstance(text, str)}
        form = f"{self.form} {plain}" if plain else self.form
        if self._frame is not None:
            form = f"frame {self._frame.dtypes.astype(str).to_dict()}"
        view: TextView = {
            "kind": "text",
            "unit": self.unit,
            **self._said(),
            "blocks": [block_view(*block) for block in zip(self.fields, self.documents, self.owners, strict=True)],
            "form": form if self.template is None else "template",
        }
        if self.template is not None:
            view["template"] = self.template
        return view


class PairProbe(FieldsProbe):
    """A pair of texts, such as premise and hypothesis; words of either or both are present or absent.

    Inputs are tuples of two texts, as classifiers of pairs, rerankers and readers of questions take them.

    Parameters
    ----------
    first, second : str
    explain : {"both", "first", "second"}, default "both"
        Which of them is taken apart; the other one stays as it is, and may be empty.
    unit : unit or (unit, unit), default "word"
        What a feature is, as for :class:`~probes.TextProbe`, in both or in each.
    names : (str, str), default ("first", "second")
        What they are called where they are shown, such as ``("premise", "hypothesis")``.
    replacement, tokenizer, answer, max_new_tokens
        As for :class:`FieldsProbe`.
    spans : (spans, spans), optional
        Character ranges of the features of each text; None has it cut into units.

    Raises
    ------
    InputError
        As :class:`FieldsProbe`.

    Examples
    --------
    >>> probe = PairProbe("A man sleeps.", "Somebody rests.", names=("premise", "hypothesis"))
    >>> [f.name for f in probe.features]
    ['premise: A', 'premise: man', 'premise: sleeps.', 'hypothesis: Somebody', 'hypothesis: rests.']
    >>> probe.render(np.array([[1, 1, 1, 0, 1]]))
    [('A man sleeps.', 'rests.')]
    """

    form = "pair"

    def __init__(
        self,
        first: str,
        second: str,
        explain: str = "both",
        unit: Unit | tuple[Unit, Unit] = "word",
        *,
        names: tuple[str, str] = ("first", "second"),
        replacement: Replacement = None,
        spans: tuple[Sequence[Span] | None, Sequence[Span] | None] | None = None,
        tokenizer: Any = None,
        answer: str | None = None,
        max_new_tokens: int = 64,
    ):
        if explain not in SIDES:
            raise InputError("explain", f"be one of {', '.join(SIDES)}", explain)
        _two("names", names)
        if names[0] == names[1] or not all(isinstance(name, str) and name.strip() for name in names):
            raise InputError("names", "be two different names", names)
        for side, text in (("first", first), ("second", second)):
            if not isinstance(text, str):
                raise InputError(side, "be a string", text)
        taken = [name for name, side in zip(names, SIDES[1:], strict=True) if explain in ("both", side)]
        fixed = [name for name in names if name not in taken]
        units = dict(zip(names, _two("unit", unit) if isinstance(unit, (tuple, list)) else (unit, unit), strict=True))
        ranges = dict(zip(names, (None, None) if spans is None else _two("spans", spans), strict=True))
        if lost := [name for name in fixed if ranges[name] is not None]:
            raise InputError("spans", f"be None for {lost[0]}, which stays as it is", spans)
        super().__init__(
            {names[0]: first, names[1]: second},
            {name: units[name] for name in taken},
            fixed=fixed,
            replacement=replacement,
            spans={name: given for name, given in ranges.items() if given is not None},
            tokenizer=tokenizer,
            answer=answer,
            max_new_tokens=max_new_tokens,
        )

    def _input(self, row: dict[str, Any]) -> Any:
        return tuple(row.values())


def _named(fields: Any) -> tuple[dict[str, Any], pd.DataFrame | None]:
    """Return names and contents of fields, and the data frame that they are a row of.

    Raises
    ------
    InputError
    """
    frame = fields.to_frame().T.infer_objects() if isinstance(fields, pd.Series) else fields
    if isinstance(frame, pd.DataFrame):
        if len(frame) != 1:
            raise InputError("fields", "be one row; explain_many() explains several", fields)
        if not frame.columns.is_unique:
            raise InputError("fields", "have names that differ", list(frame.columns))
        named = {name: frame[name].iloc[0] for name in frame.columns}
        named = {name: value.item() if isinstance(value, np.generic) else value for name, value in named.items()}
    elif isinstance(fields, Mapping):
        frame, named = None, dict(fields)
        for name, value in named.items():
            if not isinstance(value, _PLAIN):
                raise InputError(
                    str(name), "be a text; a fixed field may also be a number, a truth value or None", value
                )
    else:
        raise InputError("fields", "be a dict of names and texts, or a row of a table of texts", fields)
    if not named or not all(isinstance(name, str) and name.strip() for name in named):
        raise InputError("fields", "hold some, with a name each", fields)
    return named, frame


def _written_as(dtype: Any) -> Any:
    """Return the type of a column whose texts are varied: of a category's texts, because no new one is among these."""
    return dtype.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype


def _known(parameter: str, names: Any, fields: Any) -> tuple[str, ...]:
    """Return names, all of them of `fields`.

    Raises
    ------
    InputError
    """
    unknown = [name for name in names if name not in fields]
    if unknown:
        raise InputError(parameter, f"name some of {', '.join(map(repr, fields))}", unknown)
    return tuple(names)


def _two(parameter: str, value: Any) -> Any:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InputError(parameter, "be two, one for each text", value)
    return value


def _template(template: Any, fields: Mapping[str, Any], explained: Sequence[str]) -> str | None:
    """Check the template; None where there is none.

    Raises
    ------
    InputError
    """
    if template is None:
        return None
    missing = [name for name in explained if not isinstance(template, str) or f"{{{name}}}" not in template]
    if missing:
        rule = f"be a text that holds {', '.join(f'{{{name}}}' for name in explained)}"
        raise InputError("template", rule, template)
    if stray := [name for name in re.findall(r"\{(\w+)\}", template) if name not in fields]:
        raise InputError("template", f"hold no fields but {', '.join(fields)}", stray)
    return str(template)


def _filled(template: str, row: Mapping[str, Any]) -> str:
    """Put fields into a template in one pass, so that braces in the user's own texts stay as they are."""
    places = "|".join(re.escape(f"{{{name}}}") for name in row)
    return re.sub(places, lambda m: str(row[m.group()[1:-1]]), template)
