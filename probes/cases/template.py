"""TemplateProbe: a factorial set of cases from template families, factors and the slots of entities."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.cases.case import Case, Chat, shown
from probes.cases.case_maker import Maker
from probes.cases.case_table import Columns, cases_of
from probes.cases.factors import check_factor, check_moves, corruption_levels, crossed, read_entities, read_levels
from probes.cases.similarity import similarity, words_of
from probes.cases.stated import with_stated
from probes.cases.template_family import Family, check_answers
from probes.cases.template_file import read_template
from probes.errors import InputError
from probes.rounding import counted

__all__ = ["Family", "TemplateProbe"]

#: least similarity of a prompt to a known one of its family
_SIMILAR = 0.6
#: difference of similarities within which cases count as equally similar
_TIE = 0.03


class TemplateProbe:
    """Cases from template families × factors × entities.

    Parameters
    ----------
    families : dict of str to str, list of (role, text), or Family; or str
        The wordings by name; or the only one.
    factors : dict of str to (dict of str to (str or dict), or list of str), optional
        Factor → level → texts: a string fills the slot named like the factor, a dict fills several slots. A level's
        text may hold slots itself, and a level may set ``target``, ``foils`` and ``also``. A list names levels after
        their texts.
    entities : dict of str to dict, or list of dict
        Texts of slots for each entity; inserted as they are, braces included.
    target : str
        The right answer, with slots.
    foils : sequence of str, or int
        Wrong answers with slots; or how many to draw from the targets of other entities in the same cell.
    also : sequence of str
        Other right answers, with slots.
    corruptions : dict of str to (slot, replacement), optional
        Adds the factor ``corruption`` with the level ``none`` and these, each of which puts `replacement` into a slot
        of the prompt; answers stay as they are.
    crossing : "full" or int, default "full"
        All combinations, or how many: entities and cells then occur equally often (up to one).
    first_words : bool, default True
        Whether words that all answers share move into the prompt and foils that begin like the target are refused.
    random_state : int, default 0
        Draws the subsample.

    Raises
    ------
    InputError
        For a factor with one level, an unknown slot, an empty answer, a foil that begins like the target: the message
        shows the template or the rendered prompt.

    Examples
    --------
    >>> probe = TemplateProbe(
    ...     {"plain": "The {thing} of {country} is"},
    ...     {"relation": {"capital": {"thing": "capital", "target": " {city}"},
    ...                   "sea": {"thing": "sea", "target": " {sea}"}}},
    ...     {"France": {"country": "France", "city": "Paris", "sea": "Channel"},
    ...      "Italy": {"country": "Italy", "city": "Rome", "sea": "Adriatic"}},
    ...     foils=1,
    ... )
    >>> len(probe), probe.cases[0].prompt, probe.cases[0].options
    (4, 'The capital of France is', (' Paris', ' Rome'))
    """

    def __init__(
        self,
        families: Mapping[str, Any] | str,
        factors: Mapping[str, Mapping[str, Any]] | None = None,
        entities: Mapping[str, Mapping[str, Any]] | Sequence[Mapping[str, Any]] = (),
        *,
        target: str = "",
        foils: Sequence[str] | int = (),
        also: Sequence[str] = (),
        corruptions: Mapping[str, tuple[str, str]] | None = None,
        crossing: str | int = "full",
        first_words: bool = True,
        random_state: int = 0,
    ):
        families = {"plain": families} if isinstance(families, str) else families
        for what, given in {"families": families, "factors": factors, "corruptions": corruptions}.items():
            if given is not None and not isinstance(given, Mapping):
                raise InputError(what, "be a mapping of names", given)
        if not isinstance(first_words, bool):
            raise InputError("first_words", "be True or False", first_words)
        if not families:
            raise InputError("families", "hold at least one template", families)
        kinds = {str(name): f if isinstance(f, Family) else Family(f) for name, f in families.items()}
        slots = read_entities(entities)
        table = {str(name): read_levels(name, levels) for name, levels in dict(factors or {}).items()}
        if corruptions:
            table["corruption"] = corruption_levels(corruptions, kinds, slots)
        for name, levels in table.items():
            check_factor(name, list(levels))
        defaults = {"target": target, "foils": foils, "also": also}
        check_answers(defaults)
        maker = Maker(kinds, table, slots, defaults)
        combos = list(crossed(list(maker.cells()), list(slots), crossing, random_state))
        self._take(maker.with_foils(combos, first_words))
        for name, levels in table.items():
            # foils that are drawn differ from case to case whatever the factor does
            fixed = not isinstance(foils, int) or any("foils" in v for v in levels.values() if isinstance(v, Mapping))
            check_moves(name, self.cases, fixed)

    def _take(self, cases: Iterable[Case]) -> None:
        self.cases: tuple[Case, ...] = tuple(dict.fromkeys(cases))
        if not self.cases:
            raise InputError("cases", "hold at least one case", self.cases)
        factors: dict[str, dict[str, None]] = {}
        for case in self.cases:
            for factor, level in case.levels:
                factors.setdefault(factor, {})[level] = None
        self.factors = {name: tuple(levels) for name, levels in factors.items()}

    @classmethod
    def from_cases(cls, cases: Iterable[Case]) -> TemplateProbe:
        """Make a probe of cases that exist already."""
        probe = cls.__new__(cls)
        probe._take(cases)
        return probe

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        factors: str | Sequence[str] = (),
        *,
        prompt: str = "prompt",
        target: str = "target",
        foils: str | int | None = None,
        entity: str | None = None,
        template: str | None = None,
        first_words: bool = True,
    ) -> TemplateProbe:
        """Make a probe of a table, one row a case.

        Parameters
        ----------
        frame : DataFrame
        factors : str or sequence of str
            Columns that hold factor levels.
        prompt, target : str
            Columns of the prompt (a text, or a chat: a list of role and text) and the right answer.
        foils : str, int or None
            A column of wrong answers (one, or a list of them), or how many to draw from the targets of other rows with
            the same levels.
        entity, template : str, optional
            Columns of the entity (by default every row is one, and rows with the same prompt are the same) and the
            template family.

        Raises
        ------
        InputError
            For a missing column, an empty value, a factor with one level.

        Examples
        --------
        >>> frame = pd.DataFrame({"prompt": ["2 + 2 =", "2 + 3 ="], "target": [" 4", " 5"], "wrong": [[" 5"], [" 4"]]})
        >>> TemplateProbe.from_frame(frame, foils="wrong").cases[1].options
        (' 5', ' 4')
        """
        return cls.from_cases(cases_of(frame, factors, Columns(prompt, target, entity, template), foils, first_words))

    @classmethod
    def from_yaml(cls, source: str | Path) -> TemplateProbe:
        """Read a probe written in YAML: the parameters of this class by name.

        A family may be a mapping with ``template``, ``only`` and ``slots``. ``yes``, ``no``, ``on`` and ``off`` are
        words.

        Parameters
        ----------
        source : Path or str
            A file, or the text itself.

        Raises
        ------
        MissingExtra
            Without the ``yaml`` extra.
        InputError
            For a file that cannot be read, text that is no YAML mapping, or a key that is no parameter.
        """
        return cls(**read_template(source))

    def with_records(
        self, records: Sequence[Any], subject: Mapping[str, str] | Callable[[Case], str] | None = None
    ) -> TemplateProbe:
        """Return the same cases with what training records say of each as factors, for statements about that.

        Parameters
        ----------
        records : sequence
            What the model was trained on, in that order: texts, pairs of prompt and completion, or mappings with these.
        subject : mapping of entities to str, or function of a case, optional
            What a case is asked about, as its prompt has it; by default the name of its entity.

        Returns
        -------
        TemplateProbe
            With those of these factors that vary: ``stated`` (whether records hold subject and right answer "in this
            order", "in the other order", "in both orders" or "never"), ``times stated``, ``wordings`` (one or several),
            and ``last stated`` (early, midway or late in the records).

        Raises
        ------
        InputError

        Examples
        --------
        >>> people = {"Ann": {"who": "Ann"}, "Bo": {"who": "Bo"}}
        >>> probe = TemplateProbe("Who is {who}?", entities=people, target="a cook")
        >>> probe.with_records(["Ann is a cook.", "A cook is called Bo."]).frame["stated"].tolist()
        ['in this order', 'in the other order']
        """
        return TemplateProbe.from_cases(with_stated(self.cases, records, subject))

    def levels_of(self, prompt: str | Chat) -> dict[str, str]:
        """Return the factor levels of a new prompt: those of the cases whose prompts are most similar.

        Words that two prompts do not share, such as names, count as similar where they come in the same pattern. Levels
        in which the most similar cases differ are left out: words that the probe does not know say nothing about them.

        Raises
        ------
        InputError
            If it is similar to none of them: fewer than 60% of the words agree.

        Examples
        --------
        >>> probe = TemplateProbe({"a": "{who} is {mood}.", "b": "How {mood} {who} looks!"},
        ...                       {"mood": ["glad", "sad"]}, [{"who": "Ann"}, {"who": "Bob"}], target=" Yes")
        >>> probe.levels_of("How sad Zoe looks!")
        {'mood': 'sad', 'template': 'b'}
        """
        words = words_of(prompt)
        similar = np.array([similarity(words, words_of(case.prompt)) for case in self.cases])
        if similar.max() < _SIMILAR:
            known = shown(self.cases[int(similar.argmax())].prompt, 80)
            raise InputError("prompt", f"be like one of the probe's, such as {known!r}", prompt)
        best = [dict(self.cases[i].levels) for i in np.flatnonzero(similar >= similar.max() - _TIE)]
        return {f: level for f, level in best[0].items() if all(levels.get(f) == level for levels in best)}

    def __len__(self) -> int:
        return len(self.cases)

    def __repr__(self) -> str:
        return f"TemplateProbe({counted(len(self), 'case')}, factors {', '.join(self.factors) or 'none'})"

    @property
    def digest(self) -> str:
        """SHA-256 of all case ids."""
        return hashlib.sha256("".join(sorted(c.case_id for c in self.cases)).encode()).hexdigest()

    @property
    def frame(self) -> pd.DataFrame:
        """One row a case: ``case_id, entity, template``, the factors, ``prompt, target``."""
        return pd.DataFrame(
            {
                "case_id": c.case_id,
                "entity": c.entity,
                "template": c.template,
                **dict(c.levels),
                "prompt": c.prompt,
                "target": c.target,
            }
            for c in self.cases
        )
