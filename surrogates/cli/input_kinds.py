"""The kinds of input of the commands: how the model and the input of each are read."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import pandas as pd
import typer

from probes.errors import InputError
from probes.inputs.chat import ChatProbe
from probes.inputs.context import ContextProbe
from probes.inputs.image import ImageProbe
from probes.inputs.image_fill import FILLS
from probes.inputs.image_segments import SEGMENTS
from probes.inputs.series import SeriesProbe
from probes.inputs.text import TextProbe
from probes.inputs.text_segments import words_besides
from probes.model import Generator, Model
from probes.models.adapt import ModelLike, as_model
from probes.probe import Probe
from surrogates.cli.fields import Fixed, Pair, Units, fields_probe, object_of
from surrogates.cli.image_file import opened
from surrogates.cli.inputs import Options, asked_model, load, sharing, table_of
from surrogates.cli.rows import BackgroundRows, Drop, Groups, LawOption, row_settings
from surrogates.cli.series_options import Apart, Bands, Columns, Fill, Moments, Segments, listed, moments, stand_in
from surrogates.cli.texts import (
    UNIT_NAMES,
    Answer,
    Chat,
    ChatUnits,
    InPlace,
    MessagesFile,
    System,
    by_number,
    conversation,
    messages_in,
    read,
    text_of,
    text_unit,
    units_of,
)

__all__ = ["REGIONS", "about"]

#: characters of a text that may be the name of a file
_LONGEST_NAME = 250

#: what --unit takes
_UNIT = f"{UNIT_NAMES} (all places of the same unit are one)."


def about(group: typer.Typer, act: Callable[..., None], options: dict[str, type], doing: str) -> None:
    """Give a group of commands one for each kind of input: it makes the model and the probe, and acts on them.

    Parameters
    ----------
    group : Typer
    act : callable
        Of a model, a probe and the options.
    options : dict of str to type
        The options of each command, a dataclass on :class:`Options`; the kinds of input are those of ``REGIONS``.
    doing : str
        What a command says of its features, for its help.
    """
    for name, kind in options.items():
        region, features = REGIONS[name]

        def command(common: Any, region: Callable[..., tuple[ModelLike, Probe]] = region, **given: Any) -> None:
            common.check()
            act(*region(common, **given), common)

        besides = [
            p.replace(kind=Parameter.KEYWORD_ONLY) for p in signature(region).parameters.values() if p.name != "common"
        ]
        command.__signature__ = Signature([Parameter("common", Parameter.KEYWORD_ONLY), *besides])  # type: ignore[attr-defined]
        command.__annotations__ = {
            k: v for k, v in get_type_hints(region, include_extras=True).items() if k != "return"
        }
        command.__doc__ = f"{features} {doing}"
        group.command(name, short_help=f"{features.removeprefix('Which ').capitalize()}.")(sharing(kind)(command))


def text(
    common: Options,
    text: Annotated[
        str | None,
        typer.Argument(
            help="The text; @FILE reads it from a file, @- from standard input, @@ begins a text that begins with @."
        ),
    ] = None,
    unit: Annotated[str, typer.Option(help=_UNIT)] = "word",
    replacement: Annotated[
        str | None, typer.Option(help="Put this in place of absent features; default: remove.")
    ] = None,
    answer: Answer = None,
    system: System = None,
    chat: Chat = None,
) -> tuple[ModelLike, Probe]:
    """Load a model, and a text or a chat to ask it about."""
    prompt = conversation(None if text is None else text_of(text), chat, system)
    plain = answer is None and isinstance(prompt, str)
    asked = asked_model(common.model, "classifier" if plain else "lm", answer)
    tokenizer = getattr(asked, "tokenizer", None) if unit == "token" else None
    try:
        kept = (
            asked.keeps if isinstance(asked, (Generator, Model)) and isinstance(prompt, str) and unit == "word" else ""
        )
        spans = words_besides(str(prompt), kept) if kept else None
        return asked, TextProbe(
            prompt, text_unit(unit), replacement=replacement, spans=spans, tokenizer=tokenizer, answer=answer
        )
    except InputError as error:
        if prompt == text and len(prompt) < _LONGEST_NAME and Path(prompt).is_file():
            raise InputError("TEXT", "hold two features; a file is read with @ before its name", text) from error
        raise


def named_texts(
    common: Options,
    fields: Annotated[str, typer.Argument(help='A JSON object, {"name": "text", …}; @FILE reads it from a file.')],
    unit: Units = "word",
    fixed: Fixed = "",
    pair: Pair = False,
    replacement: Annotated[str | None, typer.Option(help="Put this in place of absent features.")] = None,
    template: Annotated[str | None, typer.Option(help="Make one text of the fields: '{title}: {body}'.")] = None,
    answer: Answer = None,
) -> tuple[ModelLike, Probe]:
    """Load a model, and several named texts, or a pair, to ask it about."""
    texts = object_of(text_of(fields))
    asked = asked_model(common.model, "classifier" if answer is None else "lm", answer)
    settings = {"replacement": replacement, "template": template, "answer": answer}
    return asked, fields_probe(texts, as_model(asked), unit, fixed, pair, **settings)


def tabular(
    common: Options,
    table: Annotated[Path, typer.Argument(help="A CSV, TSV or Parquet file; it is also the background.")],
    row: Annotated[int, typer.Option(help="Number of the row to explain, from 0.")],
    drop: Drop = "",
    groups: Groups = None,
    law: LawOption = None,
    background_rows: BackgroundRows = None,
) -> tuple[ModelLike, Probe]:
    """Load a model, and a row of a table to ask it about."""
    frame = table_of(table, drop)
    if frame.empty:
        raise InputError("TABLE", "hold at least one row", str(table))
    if not 0 <= row < len(frame):
        raise InputError("--row", f"be between 0 and {len(frame) - 1}", row)
    settings = row_settings(frame, groups, law, background_rows, common.seed)
    return load(common.model, None), settings.probe(frame.iloc[[row]])


def context(
    common: Options,
    documents: Annotated[list[Path], typer.Argument(help="One text file, or several.")],
    question: Annotated[str | None, typer.Option(help="What is asked of the documents.")] = None,
    unit: Annotated[str | None, typer.Option(help=f"What a source is: passage, document, or {_UNIT}")] = None,
    answer: Answer = None,
    system: System = None,
    chat: Chat = None,
) -> tuple[ModelLike, Probe]:
    """Load a language model, and documents with a question to ask it about."""
    prompt = conversation(question, chat, system, "--question")
    texts = {str(path): read(path) for path in documents}
    content: Any = next(iter(texts.values())) if len(texts) == 1 else texts
    return asked_model(common.model, "lm", answer), ContextProbe(
        content, prompt, unit=None if unit is None else text_unit(unit), answer=answer
    )


def chat(
    common: Options, messages: MessagesFile, unit: ChatUnits = None, replacement: InPlace = None, answer: Answer = None
) -> tuple[ModelLike, Probe]:
    """Load a language model, and a conversation to ask it about."""
    read = messages_in(messages)
    asked = asked_model(common.model, "lm", answer)
    tokenizer = getattr(asked, "tokenizer", None) if "token" in (unit or "") else None
    return asked, ChatProbe(
        read, by_number(units_of(unit)), replacement=replacement, tokenizer=tokenizer, answer=answer
    )


def series(
    common: Options,
    table: Annotated[Path, typer.Argument(help="A CSV, TSV or Parquet file with a row a step.")],
    columns: Columns = "",
    times: Moments = None,
    segments: Segments = None,
    bands: Bands = None,
    fill: Fill = "mean",
    apart: Apart = False,
) -> tuple[ModelLike, Probe]:
    """Load a model of arrays (n, steps), or (n, channels, steps), and a series to ask it about."""
    frame = table_of(table, "")
    when, wanted = moments(times, frame), [name.strip() for name in columns.split(",") if name.strip()]
    wanted = wanted or [name for name in frame.columns if name != times]
    if unknown := [name for name in wanted if name not in frame.columns]:
        raise InputError("--columns", f"name columns of the table ({', '.join(map(str, frame.columns))})", unknown)
    if words := [name for name in wanted if not pd.api.types.is_numeric_dtype(frame[name])]:
        raise InputError("--columns", "name columns of numbers; --times is for the column of times", words)
    probe = SeriesProbe(
        frame[wanted[0]].to_numpy() if len(wanted) == 1 else frame[wanted].to_numpy().T,
        listed("--segments", segments, when),
        channels="apart" if apart else "together",
        bands=listed("--bands", bands),
        fill=stand_in(fill),
        times=when,
        names=wanted,
        layout=None if len(wanted) == 1 else "ct",
        random_state=common.seed,
    )
    return load(common.model, None), probe


def image(
    common: Options,
    image: Annotated[Path, typer.Argument(help="A file that Pillow reads: JPEG, PNG, …")],
    segments: Annotated[str, typer.Option(help=f"How the image is cut: {', '.join(SEGMENTS)}.")] = "slic",
    n_segments: Annotated[int | None, typer.Option(help="About how many segments there are; 50 if left out.")] = None,
    fill: Annotated[
        str, typer.Option(help=f"What stands in for absent segments: {', '.join(FILLS)}, or a colour such as 0,0,0.")
    ] = "mean",
) -> tuple[ModelLike, Probe]:
    """Load a model of images, and an image to ask it about."""
    parts = fill.split(",")
    colour = [int(part) for part in parts] if all(part.strip().isdecimal() for part in parts) else fill
    asked = load(common.model, "image")
    return asked, ImageProbe(opened(image), segments, n_segments=n_segments, fill=colour, random_state=common.seed)


#: kinds of input by the name of their command: how they are read, and what their features are
REGIONS: dict[str, tuple[Callable[..., tuple[ModelLike, Probe]], str]] = {
    "text": (text, "Which words, sentences or tokens"),
    "fields": (named_texts, "Which words or sentences of several named texts"),
    "tabular": (tabular, "Which columns of a row"),
    "context": (context, "Which sentences, passages or documents"),
    "chat": (chat, "Which turns, examples, tool results, sentences or words of a chat"),
    "series": (series, "Which stretches or frequencies of a time series"),
    "image": (image, "Which segments of an image"),
}
