"""What the commands share: options, and how a model and an input are named on the command line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import pandas as pd
import typer

from probes.errors import InputError, IomapError
from probes.inputs.context import ContextProbe
from probes.inputs.text import TextProbe
from probes.model import Generator
from probes.models.adapt import ModelLike, as_model
from probes.models.huggingface.causal_lm import CausalLM
from probes.models.huggingface.classifier import TextClassifier
from probes.models.servers.endpoint import Endpoint
from probes.probe import Probe
from surrogates.cli.rows import BackgroundRows, Drop, Groups, LawOption, row_settings
from surrogates.cli.texts import Answer, Chat, System, conversation, read, text_of
from surrogates.report.terminal import coloured
from surrogates.results.result import SavedResult

__all__ = [
    "REGIONS",
    "Html",
    "Json",
    "Options",
    "Quiet",
    "Store",
    "about",
    "in_a_folder",
    "load",
    "place",
    "put",
    "sharing",
    "shown",
    "table_of",
]

#: first part of --model for a server -> the route it is asked by
SERVERS = {"endpoint": "chat", "completions": "completions"}
#: characters of a text that may be the name of a file
_LONGEST_NAME = 250

Store = Annotated[str | None, typer.Option(help="Where answers are kept; 'none' in memory only (./none is a file).")]
Html = Annotated[Path | None, typer.Option("--output", "-o", help="Write an HTML report here.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the result as JSON here.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")]


@dataclass(kw_only=True)
class Options:
    """Options of every command that asks a model about one input."""

    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="A folder, hub name or .gguf file; module:attribute for a Python object or function; or "
            "endpoint:MODEL@URL (chats) or completions:MODEL@URL (log-probs) for a server.",
        ),
    ]
    budget: Annotated[int | None, typer.Option(help="The most inputs the model may be asked.")] = None
    target: Annotated[
        str | None, typer.Option(help="What to explain: a class or output by name, all, or log-odds.")
    ] = None
    seed: Annotated[int, typer.Option(help="The same seed asks the same questions.")] = 0
    store: Store = None
    output: Html = None
    json: Json = None
    quiet: Quiet = False

    def asking(self) -> dict[str, Any]:
        """Return the options as arguments of the function that asks."""
        return {
            "budget": self.budget,
            "target": self.target,
            "random_state": self.seed,
            "store": place(self.store),
            "progress": False if self.quiet else None,
        }

    def check(self) -> None:
        """Check that the files can be written, before anything is paid for."""
        in_a_folder(self.output, self.json)


def in_a_folder(*paths: Path | None) -> None:
    """Return whether files can be made there; raises InputError before anything is asked."""
    for path in paths:
        if path is not None and not path.resolve().parent.is_dir():
            raise InputError("output", "lie in a folder that exists", str(path))


def place(store: str | None) -> str | None:
    """Return the store that --store means."""
    return "default" if store is None else None if store == "none" else store


def sharing(options: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Turn a command that takes ``common`` into one that takes the options of a dataclass."""
    shared = {f.name: f for f in fields(options)}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        besides = [p for name, p in signature(command).parameters.items() if name != "common"]
        hints = {**get_type_hints(command, include_extras=True), **get_type_hints(options, include_extras=True)}

        def run(**given: Any) -> None:
            common = options(**{name: given.pop(name) for name in shared})
            command(**given, common=common)

        added = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=Parameter.empty if f.default is MISSING else f.default)
            for name, f in shared.items()
        ]
        parameters = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in besides] + added
        run.__signature__ = Signature([p.replace(annotation=hints[p.name]) for p in parameters])  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: hints[p.name] for p in parameters}
        run.__doc__ = command.__doc__
        return run

    return decorate


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
        group.command(name)(sharing(kind)(command))


def text(
    common: Options,
    text: Annotated[
        str | None, typer.Argument(help="The text; @FILE reads it from a file, @@ begins a text that begins with @.")
    ] = None,
    unit: Annotated[str, typer.Option(help="What a feature is: word, sentence or token.")] = "word",
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
    asked = _asked(common.model, "classifier" if plain else "lm", answer)
    tokenizer = getattr(asked, "tokenizer", None) if unit == "token" else None
    try:
        return asked, TextProbe(prompt, unit, replacement=replacement, tokenizer=tokenizer, answer=answer)
    except InputError as error:
        if prompt == text and len(prompt) < _LONGEST_NAME and Path(prompt).is_file():
            raise InputError("TEXT", "hold two features; a file is read with @ before its name", text) from error
        raise


def tabular(
    common: Options,
    table: Annotated[Path, typer.Argument(help="A CSV file; it is also the background.")],
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
    unit: Annotated[str | None, typer.Option(help="What a source is: sentence, passage or document.")] = None,
    answer: Answer = None,
    system: System = None,
    chat: Chat = None,
) -> tuple[ModelLike, Probe]:
    """Load a language model, and documents with a question to ask it about."""
    prompt = conversation(question, chat, system, "--question")
    texts = {str(path): read(path) for path in documents}
    content: Any = next(iter(texts.values())) if len(texts) == 1 else texts
    return _asked(common.model, "lm", answer), ContextProbe(content, prompt, unit=unit, answer=answer)


#: kinds of input by the name of their command: how they are read, and what their features are
REGIONS: dict[str, tuple[Callable[..., tuple[ModelLike, Probe]], str]] = {
    "text": (text, "Which words, sentences or tokens"),
    "tabular": (tabular, "Which columns of a row"),
    "context": (context, "Which sentences, passages or documents"),
}


def shown(result: SavedResult, common: Options) -> None:
    """Print a result, and write its report and its JSON where the options want them."""
    put(result, common.output, common.json, common.quiet)


def put(result: SavedResult, output: Path | None, json: Path | None, quiet: bool) -> None:
    """Print a result unless `quiet`, and write its report and its JSON to these paths, if any."""
    if not quiet:
        typer.echo(coloured(str(result)))
    for path, write in ((output, result.report), (json, result.to_json)):
        if path is not None:
            write(path)
            typer.echo(f"wrote {path}")


def table_of(file: Path, drop: str) -> pd.DataFrame:
    """Read a CSV file without the columns to drop."""
    try:
        frame = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise InputError("table", f"be a readable CSV file ({error})", str(file)) from error
    columns = [name.strip() for name in drop.split(",") if name.strip()]
    if unknown := [name for name in columns if name not in frame.columns]:
        raise InputError("--drop", f"name columns of the table ({', '.join(map(str, frame.columns))})", unknown)
    return frame.drop(columns=columns)


def load(model: str, kind: str | None, name: str = "--model") -> ModelLike:
    """Load a server, a Python object by ``module:attribute``, or a transformers model (folder, hub name or GGUF file).

    `name` is what errors call the parameter.
    """
    module, colon, attribute = model.partition(":")
    if module in SERVERS and "@http" in attribute:
        served, _, url = attribute.rpartition("@http")
        if kind is None:
            raise InputError(name, "take rows of a table, which a language model does not", module)
        return Endpoint(f"http{url}", served, api=SERVERS[module])
    if colon and not Path(model).exists():
        sys.path.insert(0, str(Path.cwd()))
        try:
            return getattr(importlib.import_module(module), attribute)
        except Exception as error:
            kind = type(error).__name__
            raise InputError(name, f"name something that can be imported ({kind}: {error})", model) from error
    if kind is None:
        raise InputError(name, "be module:attribute, such as mypackage.models:forest", model)
    if Path(model).is_dir():
        return _of_folder(model, kind, name)
    if model.endswith(".gguf") and not Path(model).is_file():
        raise InputError(name, "be a file that exists", model)
    loader = CausalLM if kind == "lm" or model.endswith(".gguf") else TextClassifier
    try:
        return loader.from_pretrained(model)
    except (OSError, ValueError) as error:
        if isinstance(error, IomapError):
            raise
        raise InputError(name, f"be a model that can be loaded ({str(error).splitlines()[0]})", model) from error


def _asked(model: str, kind: str, answer: str | None) -> ModelLike:
    """Load a model of texts; one that continues text where there is an answer."""
    asked = load(model, kind)
    if answer is not None and not isinstance(as_model(asked), Generator):
        raise InputError("--answer", "be left out: this model does not continue text", answer)
    return asked


def _of_folder(model: str, kind: str, name: str) -> ModelLike:
    """Load what a folder holds; a language model where nothing else can be asked."""
    loaded = as_model(model)
    if kind == "lm" and not isinstance(loaded, Generator):
        raise InputError(name, "be a language model: this folder holds a classifier", model)
    return loaded
