"""The ``iomap`` command."""

from __future__ import annotations

import importlib
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import pandas as pd
import typer

from probes.context import ContextProbe
from probes.errors import InputError, IomapError
from probes.models.causal_lm import CausalLM
from probes.models.classifier import TextClassifier
from probes.models.endpoint import Endpoint
from probes.probe import Probe
from probes.tabular import TabularProbe
from probes.text import TextProbe
from surrogates.checks import CHECKS, check
from surrogates.cli_store import storing
from surrogates.explain import estimate, explain
from surrogates.explanation import Explanation, library_version
from surrogates.stopping import Certified, StableOrder, Until, Width

__all__ = ["main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Explain what a model does: ask it, fit a small readable surrogate, say how far that can be trusted.

Examples:

\b
  iomap explain text "Not bad at all, oddly moving" --model ./my-classifier -o why.html
  iomap explain text "Not bad at all" --model mypackage.scores:sentiment
  iomap explain tabular people.csv --row 17 --drop income --model mypackage.models:forest --family tree
  iomap explain context report.txt --question "When did it open?" --model SmolLM2.gguf --budget 64 -o why.html
  iomap explain context report.txt --question "When did it open?" --model SmolLM2.gguf --estimate
  iomap explain text "Not bad at all" --model ./my-classifier --until r2=0.8 --check fresh,removal
  iomap explain-many people.csv --rows 0:200 --model mypackage.models:forest --jobs 2 --json all.jsonl -o all.html
  iomap report why.json -o why.html
  iomap behave SmolLM2.gguf --probes indirect-object,greater-than -o card.html
  iomap store stats
  iomap explain context report.txt --question "When?" --model endpoint:my-model@http://127.0.0.1:8000/v1

A server that speaks OpenAI's protocol is endpoint:MODEL@URL (chats; text alone) or completions:MODEL@URL (log-probs of
the answer). Its key comes from the environment variable OPENAI_API_KEY.
""",
)
explaining = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Explain one answer of a model.")
app.add_typer(explaining, name="explain")
app.add_typer(storing, name="store")

#: first part of --model for a server -> the route it is asked by
SERVERS = {"endpoint": "chat", "completions": "completions"}

Store = Annotated[str | None, typer.Option(help="Where answers are kept; 'none' keeps them in memory only.")]
Html = Annotated[Path | None, typer.Option("--output", "-o", help="Write an HTML report here.")]
Drop = Annotated[str, typer.Option(help="Columns the model does not take, separated by commas.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")]


@dataclass
class Common:
    """Options that all explanations share."""

    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="A folder, hub name or .gguf file; module:attribute for a Python object or function; or "
            "endpoint:MODEL@URL (chats) or completions:MODEL@URL (log-probs) for a server.",
        ),
    ]
    family: Annotated[
        str, typer.Option(help="Readable model: linear, interactions, tree, rules, additive or auto.")
    ] = "linear"
    budget: Annotated[int | None, typer.Option(help="The most inputs the model may be asked.")] = None
    until: Annotated[
        str | None,
        typer.Option(help="Stop earlier: width=0.05 (intervals ±), order=3 (top 3 stable) or r2=0.8 (proved)."),
    ] = None
    design: Annotated[str, typer.Option(help="How questions are drawn: uniform, fold-over or sobol.")] = "uniform"
    check: Annotated[
        str | None, typer.Option(help="Checks to make, by commas: fresh, removal, stability, permuted, randomised.")
    ] = None
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say what it would cost.")] = False
    gpu_throughput: Annotated[
        float | None, typer.Option(help="With --estimate: tokens a GPU reads a second; says GPU-hours as well.")
    ] = None
    parameters: Annotated[
        float | None, typer.Option(help="With --gpu-throughput: of the model asked; 70e9 if left out.")
    ] = None
    target: Annotated[
        str | None, typer.Option(help="What to explain: a class or output by name, all, or log-odds.")
    ] = None
    seed: Annotated[int, typer.Option(help="The same seed asks the same questions.")] = 0
    store: Store = None
    output: Html = None
    json: Annotated[Path | None, typer.Option("--json", help="Write the explanation as JSON here.")] = None
    quiet: Quiet = False

    @property
    def place(self) -> str | None:
        """Where answers are kept, as functions take it."""
        return _place(self.store)


def _place(store: str | None) -> str | None:
    return "default" if store is None else None if store == "none" else store


def with_common(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes ``common`` becomes one that takes the options of :class:`Common`."""
    shared = {f.name: f for f in fields(Common)}
    own = [p for name, p in signature(command).parameters.items() if name != "common"]
    hints = {**get_type_hints(command, include_extras=True), **get_type_hints(Common, include_extras=True)}

    def run(**given: Any) -> None:
        common = Common(**{name: given.pop(name) for name in shared})
        command(**given, common=common)

    added = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=Parameter.empty if f.default is MISSING else f.default)
        for name, f in shared.items()
    ]
    parameters = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in own] + added
    run.__signature__ = Signature([p.replace(annotation=hints[p.name]) for p in parameters])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: hints[p.name] for p in parameters}
    run.__doc__ = command.__doc__
    return run


@explaining.command("text")
@with_common
def text(
    common: Common,
    text: Annotated[str, typer.Argument(help="The text, or @FILE to read it from a file.")],
    unit: Annotated[str, typer.Option(help="What a feature is: word, sentence or token.")] = "word",
    replacement: Annotated[
        str | None, typer.Option(help="Put this in place of absent features; default: remove.")
    ] = None,
) -> None:
    """Which words, sentences or tokens an answer depends on."""
    content = _read(text[1:]) if text.startswith("@") else text
    asked = _load(common.model, "classifier")
    tokenizer = getattr(asked, "tokenizer", None) if unit == "token" else None
    probe = TextProbe(content, unit, replacement=replacement, tokenizer=tokenizer)
    _run(asked, probe, common)


@explaining.command("tabular")
@with_common
def tabular(
    common: Common,
    table: Annotated[Path, typer.Argument(help="A CSV file; it is also the background.")],
    row: Annotated[int, typer.Option(help="Number of the row to explain, from 0.")],
    drop: Drop = "",
) -> None:
    """Which columns of a row an answer depends on."""
    frame = _table(table, drop)
    if not 0 <= row < len(frame):
        raise InputError("--row", f"be between 0 and {len(frame) - 1}", row)
    probe = TabularProbe(frame.iloc[[row]], frame)
    _run(_load(common.model, None), probe, common)


@explaining.command("context")
@with_common
def context(
    common: Common,
    documents: Annotated[list[Path], typer.Argument(help="One text file, or several.")],
    question: Annotated[str, typer.Option(help="What is asked of the documents.")],
    unit: Annotated[str | None, typer.Option(help="What a source is: sentence, passage or document.")] = None,
    answer: Annotated[str | None, typer.Option(help="The answer to explain; default: the model's own.")] = None,
    span: Annotated[str | None, typer.Option(help="Explain only this part of the answer.")] = None,
    system: Annotated[str | None, typer.Option(help="System prompt.")] = None,
) -> None:
    """Which sentences, passages or documents a language model's answer came from."""
    texts = {str(path): _read(path) for path in documents}
    content: Any = next(iter(texts.values())) if len(texts) == 1 else texts
    probe = ContextProbe(content, question, unit=unit, system=system, answer=answer)
    _run(_load(common.model, "lm"), probe, common, span=span)


@app.command("behave")
def behave_(
    model: Annotated[
        str, typer.Argument(help="A folder, hub name or .gguf file; module:attribute; or completions:MODEL@URL.")
    ],
    probes: Annotated[str, typer.Option(help="Names of built-in probes, separated by commas, or all.")] = "all",
    against: Annotated[Path | None, typer.Option(help="Another card (JSON); the page then shows both.")] = None,
    store: Store = None,
    output: Html = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the card as JSON here.")] = None,
    quiet: Quiet = False,
) -> None:
    """What is generally true of a language model: built-in behaviour probes, as a card."""
    from probes.behaviours import BEHAVIOURS, behaviour
    from surrogates.behave import behave
    from surrogates.card import Card

    in_a_folder(output, json)
    names = [p.strip() for p in probes.split(",") if p.strip()] if probes != "all" else probes
    for name in names if isinstance(names, list) else ():
        behaviour(name)
    other = Card.from_json(against) if against is not None else None
    if other is not None:
        if output is None:
            raise InputError("--against", "come with -o: the page shows both cards", str(against))
        asked = names if isinstance(names, list) else list(BEHAVIOURS)
        if not {e.name for e in other.entries} & set(asked):
            raise InputError("--against", f"be a card of some of {', '.join(asked)}", [e.name for e in other.entries])
    shown = Path(model).name if Path(model).exists() else model
    card = behave(_load(model, "lm"), names, store=_place(store), progress=False if quiet else None, name=shown)
    if not quiet:
        typer.echo(str(card))
    if json is not None:
        card.to_json(json)
        typer.echo(f"wrote {json}")
    if output is not None:
        card.report(output, other)
        typer.echo(f"wrote {output}")


@app.command("report")
def report(
    file: Annotated[Path, typer.Argument(help="An explanation or a behaviour card written with --json or to_json.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The page; default: FILE with .html.")] = None,
) -> None:
    """Turn a saved explanation or behaviour card into an HTML page."""
    from surrogates.card import Card

    try:
        data = json.loads(file.read_bytes())
    except (OSError, ValueError):
        data = None  # the reader of explanations says what is wrong
    saved = Card.from_json(file) if isinstance(data, dict) and "iomap_card" in data else Explanation.from_json(file)
    target = output or file.with_suffix(".html")
    saved.report(target)
    typer.echo(f"wrote {target}")


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done.")] = False,
) -> None:
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    if version:
        typer.echo(f"iomap {library_version()}")
        raise typer.Exit


def _run(model: Any, probe: Probe, common: Common, span: str | None = None) -> None:
    in_a_folder(common.output, common.json)
    until, checks = _until(common.until), _checks(common.check)
    place = common.place
    shared: dict[str, Any] = {"target": common.target, "random_state": common.seed, "store": place}
    if common.parameters is not None and common.gpu_throughput is None:
        raise InputError("--parameters", "come with --gpu-throughput", common.parameters)
    if common.estimate:
        if common.output or common.json or common.until or checks:
            raise InputError("--estimate", "come without -o, --json, --until and --check: nothing is explained", True)
        shared |= {"family": common.family, "design": common.design}
        told = estimate(model, probe, budget=common.budget, **shared)
        typer.echo(str(told))
        if common.gpu_throughput is not None:
            parameters = 70e9 if common.parameters is None else common.parameters
            typer.echo(str(told.project(parameters, throughput=common.gpu_throughput)))
        return
    if common.gpu_throughput is not None:
        raise InputError("--gpu-throughput", "come with --estimate", common.gpu_throughput)
    if span is not None and isinstance(until, Certified):
        raise InputError("--span", "come without --until r2=…: the certificate is for the whole answer", span)
    progress = False if common.quiet else None
    explanation = explain(
        model,
        probe,
        common.family,
        budget=common.budget,
        until=until,
        design=common.design,
        progress=progress,
        **shared,
    )
    if span is not None:
        explanation = explanation.attribute(span)
    if checks:
        explanation = check(explanation, model, probe, checks, random_state=common.seed, store=place, progress=progress)
    if not common.quiet:
        typer.echo(str(explanation))
    for path, write in ((common.output, explanation.report), (common.json, explanation.to_json)):
        if path is not None:
            write(path)
            typer.echo(f"wrote {path}")


def _until(rule: str | None) -> Until | Certified | None:
    """width=0.05, order=3 or r2=0.8 as a rule."""
    if rule is None:
        return None
    kinds: dict[str, Callable[[float], Until | Certified]] = {
        "width": Width,
        "order": lambda top: StableOrder(int(top) if top == top // 1 else top),  # type: ignore[arg-type]
        "r2": Certified,
    }
    name, _, value = rule.partition("=")
    try:
        return kinds[name.strip()](float(value))
    except (KeyError, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("--until", "be width=NUMBER, order=COUNT or r2=NUMBER", rule) from error


def _checks(names: str | None) -> list[str]:
    wanted = [name.strip() for name in (names or "").split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in CHECKS]:
        raise InputError("--check", f"name some of {', '.join(CHECKS)}", unknown)
    return wanted


def in_a_folder(*paths: Path | None) -> None:
    """Whether files can be made there; raises InputError before anything is asked."""
    for path in paths:
        if path is not None and not path.resolve().parent.is_dir():
            raise InputError("output", "lie in a folder that exists", str(path))


def _table(file: Path, drop: str) -> pd.DataFrame:
    """A CSV file without the columns to drop."""
    try:
        frame = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise InputError("table", f"be a readable CSV file ({error})", str(file)) from error
    columns = [name.strip() for name in drop.split(",") if name.strip()]
    if unknown := [name for name in columns if name not in frame.columns]:
        raise InputError("--drop", f"name columns of the table ({', '.join(map(str, frame.columns))})", unknown)
    return frame.drop(columns=columns)


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("file", f"be a readable UTF-8 text file ({error})", str(path)) from error


def _load(model: str, kind: str | None) -> Any:
    """A server, a Python object by ``module:attribute``, or a transformers model (folder, hub name or GGUF file)."""
    module, colon, attribute = model.partition(":")
    if module in SERVERS and "@http" in attribute:
        name, _, url = attribute.rpartition("@http")
        if kind is None:
            raise InputError("--model", "take rows of a table, which a language model does not", module)
        return Endpoint(f"http{url}", name, api=SERVERS[module])
    if colon and not Path(model).exists():
        sys.path.insert(0, str(Path.cwd()))
        try:
            return getattr(importlib.import_module(module), attribute)
        except Exception as error:
            kind = type(error).__name__
            raise InputError("--model", f"name something that can be imported ({kind}: {error})", model) from error
    if kind is None:
        raise InputError("--model", "be module:attribute, such as mypackage.models:forest", model)
    if model.endswith(".gguf") and not Path(model).is_file():
        raise InputError("--model", "be a file that exists", model)
    loader = CausalLM if kind == "lm" or model.endswith(".gguf") else TextClassifier
    try:
        return loader.from_pretrained(model)
    except (OSError, ValueError) as error:
        if isinstance(error, IomapError):
            raise
        raise InputError("--model", f"be a model that can be loaded ({str(error).splitlines()[0]})", model) from error


def main() -> None:
    """Entry point: errors in one line, exit code 2 for input, 1 for what fails on the way, 130 for Ctrl-C."""
    try:
        app(standalone_mode=True)
    except InputError as error:
        typer.echo(f"iomap: {error}", err=True)
        sys.exit(2)
    except (IomapError, OSError) as error:
        typer.echo(" ".join([f"iomap: {error}", *getattr(error, "__notes__", ())]), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("iomap: interrupted; answers so far are in the store", err=True)
        sys.exit(130)


import surrogates.cli_many  # noqa: E402, F401 - adds its command to the app above
