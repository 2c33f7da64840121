"""What the commands share: options, and how a model and an input are named on the command line."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import pandas as pd
import typer

from probes.errors import InputError, IomapError
from probes.model import Generator
from probes.models.adapt import ModelLike, as_model
from probes.models.huggingface.causal_lm import CausalLM
from probes.models.huggingface.classifier import TextClassifier
from probes.models.huggingface.image_classifier import ImageClassifier
from probes.models.servers.endpoint import Endpoint
from surrogates.cli.targets import target_of
from surrogates.report.terminal import coloured
from surrogates.results.result import SavedResult

__all__ = [
    "Html",
    "Json",
    "Options",
    "Quiet",
    "Store",
    "asked_model",
    "in_a_folder",
    "is_table",
    "load",
    "place",
    "put",
    "sharing",
    "shown",
    "table_of",
]

#: of tables that are texts, by the end of their names: what stands between columns
SEPARATORS = {".csv": (",", "commas"), ".tsv": ("\t", "tabs")}
#: where --json writes to standard output
STDOUT = Path("-")
#: first part of --model for a server -> the route it is asked by
SERVERS = {"endpoint": "chat", "completions": "completions"}
Store = Annotated[str | None, typer.Option(help="Where answers are kept; 'none' in memory only (./none is a file).")]
Html = Annotated[Path | None, typer.Option("--output", "-o", help="Write an HTML report here.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the result as JSON here; - is standard output.")]
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
        str | None,
        typer.Option(help="What to explain: a class or output by name, all, log-odds; above:P for labels above P."),
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
            "target": target_of(self.target),
            "random_state": self.seed,
            "store": place(self.store),
            "progress": False if self.quiet else None,
        }

    def check(self) -> None:
        """Check that the files can be written, before anything is paid for."""
        in_a_folder(self.output, self.json)


def in_a_folder(output: Path | None, json: Path | None = None, *, folders: bool = False) -> None:
    """Check that files, or `folders`, can be made there, before anything is asked; raises InputError."""
    if output == STDOUT:
        raise InputError("output", "be a file: --json - alone writes to standard output", str(output))
    for path in (output, json):
        if path is None or path == STDOUT:
            continue
        if not path.resolve().parent.is_dir():
            raise InputError("output", "lie in a folder that exists", str(path))
        if path.is_dir() and not folders:
            raise InputError("output", "be a file, not a folder", str(path))
        if not os.access(path.resolve().parent, os.W_OK):
            raise InputError("output", "lie in a folder that can be written to", str(path))


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


def shown(result: SavedResult, common: Options) -> None:
    """Print a result, and write its report and its JSON where the options want them."""
    put(result, common.output, common.json, common.quiet)


def put(result: SavedResult, output: Path | None, json: Path | None, quiet: bool) -> None:
    """Print a result unless `quiet`, and write its report and its JSON to these paths, if any."""
    alone = json == STDOUT
    if not quiet and not alone:
        typer.echo(coloured(str(result)))
    for path, write in ((output, result.report), (None if alone else json, result.to_json)):
        if path is not None:
            write(path)
            typer.echo(f"wrote {path}", err=alone)
    if alone:
        typer.echo(result.to_json())


def is_table(file: Path) -> bool:
    """Whether a file holds rows of a table, by the end of its name."""
    return file.suffix.lower() in (*SEPARATORS, ".parquet")


def table_of(file: Path, drop: str) -> pd.DataFrame:
    """Read a CSV, TSV or Parquet file without the columns to drop."""
    parquet = file.suffix.lower() == ".parquet"
    between, called = SEPARATORS.get(file.suffix.lower(), (",", "commas"))
    try:
        frame = pd.read_parquet(file) if parquet else pd.read_csv(file, sep=between)
        first = frame.columns if parquet else pd.read_csv(file, sep=between, header=None, nrows=1, dtype=str).iloc[0]
    except (ImportError, OSError, ValueError) as error:
        kind = "Parquet" if parquet else "CSV"
        raise InputError("table", f"be a readable {kind} file ({str(error).strip()})", str(file)) from error
    names = pd.Series(first).dropna()
    if twice := names[names.duplicated()].unique().tolist():
        raise InputError("table", "have columns of different names", twice)
    if len(frame.columns) == 1 and (other := [s for s in ",;\t|" if s != between and s in str(frame.columns[0])]):
        raise InputError("table", f"have columns separated by {called}, not by {other[0]!r}", str(file))
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
    if colon and module in SERVERS and not Path(model).exists():
        raise InputError(name, f"be {module}:MODEL@URL, with a URL that begins with http:// or https://", f"{module}:…")
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
    if Path(model).is_absolute() or model.startswith((".", "~")):
        raise InputError(name, "be a folder or file that exists", model)
    loader: Any = {"lm": CausalLM, "classifier": TextClassifier, "image": ImageClassifier}[kind]
    loader = CausalLM if model.endswith(".gguf") else loader
    try:
        return loader.from_pretrained(model)
    except (OSError, ValueError) as error:
        if isinstance(error, IomapError):
            raise
        raise InputError(name, f"be a model that can be loaded ({str(error).splitlines()[0]})", model) from error


def asked_model(model: str, kind: str, answer: str | None) -> ModelLike:
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
    if isinstance(loaded, ImageClassifier) != (kind == "image"):
        rule = (
            "be a classifier of images" if kind == "image" else "take texts: this folder holds a classifier of images"
        )
        raise InputError(name, rule, model)
    return loaded
