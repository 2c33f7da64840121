"""``iomap explain``: one answer of a model, explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from probes.errors import InputError
from probes.model import Generator
from probes.models.adapt import ModelLike, as_model
from probes.probe import Probe
from surrogates.cli.app import app
from surrogates.cli.input_kinds import about
from surrogates.cli.inputs import Options, shown
from surrogates.families.registry import FAMILIES, Auto
from surrogates.judging.notes import said
from surrogates.local.checks import CHECKS, check
from surrogates.local.coarse_to_fine import explain_document
from surrogates.local.explain import estimate, explain
from surrogates.local.stopping import Certified, StableOrder, Until, Width

__all__ = ["Common", "OfText", "explaining"]

explaining = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Explain one answer of a model.")
app.add_typer(explaining, name="explain")


@dataclass(kw_only=True)
class Common(Options):
    """Options that all explanations share."""

    family: Annotated[str, typer.Option(help=f"Readable model: {', '.join(FAMILIES)} or auto.")] = "linear"
    penalty: Annotated[
        float | None, typer.Option(help="With --family auto: R² that one more term must earn; 0.002 if left out.")
    ] = None
    until: Annotated[
        str | None,
        typer.Option(help="Stop earlier: width=0.05 (intervals ±), order=3 (top 3 stable) or r2=0.8 (proved)."),
    ] = None
    design: Annotated[str, typer.Option(help="How questions are drawn: uniform, fold-over or sobol.")] = "uniform"
    checks: Annotated[
        str | None,
        typer.Option("--check", help="Checks to make, by commas: fresh, removal, stability, permuted, randomised."),
    ] = None
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say what it would cost.")] = False
    gpu_throughput: Annotated[
        float | None, typer.Option(help="With --estimate: tokens a GPU reads a second; says GPU-hours as well.")
    ] = None
    parameters: Annotated[
        float | None, typer.Option(help="With --gpu-throughput: of the model asked; 70e9 if left out.")
    ] = None

    @property
    def chosen(self) -> str | Auto:
        """The family, or the comparison of families, that is asked for."""
        if self.penalty is None:
            return self.family
        if self.family != "auto":
            raise InputError("--penalty", "come with --family auto", self.penalty)
        return Auto(penalty=self.penalty)


@dataclass(kw_only=True)
class OfText(Common):
    """Options of explanations of what a text or a context is answered with."""

    coarse_to_fine: Annotated[
        bool, typer.Option("--coarse-to-fine", help="A long input: sections first, splitting only those that matter.")
    ] = False
    span: Annotated[list[str] | None, typer.Option(help="Explain only this part of a language model's answer.")] = None


def _run(model: ModelLike, probe: Probe, common: Common) -> None:
    until, checks = _until(common.until), _checks(common.checks)
    asking, span = common.asking(), getattr(common, "span", None)
    coarse = getattr(common, "coarse_to_fine", False)
    if coarse:
        other = common.design != "uniform"
        set_too = {"--check": checks, "--estimate": common.estimate, "--design": other}
        if named := ", ".join(name for name, value in set_too.items() if value):
            raise InputError("--coarse-to-fine", "come without --check, --estimate and --design", named)
    if span and not isinstance(as_model(model), Generator):
        raise InputError("--span", "be left out: this model does not continue text", span)
    if common.parameters is not None and common.gpu_throughput is None:
        raise InputError("--parameters", "come with --gpu-throughput", common.parameters)
    if common.estimate:
        given = {"-o": common.output, "--json": common.json, "--check": checks}
        if named := ", ".join(name for name, value in given.items() if value):
            raise InputError("--estimate", "come without -o, --json and --check: nothing is explained", named)
        expected = estimate(model, probe, common.chosen, until=until, design=common.design, **asking)
        typer.echo(str(expected))
        if common.gpu_throughput is not None:
            parameters = 70e9 if common.parameters is None else common.parameters
            typer.echo(str(expected.project(parameters, throughput=common.gpu_throughput)))
        return
    if common.gpu_throughput is not None:
        raise InputError("--gpu-throughput", "come with --estimate", common.gpu_throughput)
    if span and isinstance(until, Certified):
        raise InputError("--span", "come without --until r2=…: the certificate is for the whole answer", span)
    with said(1 if common.quiet else 0):  # it is printed with the result
        explanation = (
            explain_document(model, probe, common.chosen, until=until, **asking)
            if coarse
            else explain(model, probe, common.chosen, until=until, design=common.design, **asking)
        )
    if span:
        explanation = explanation.attribute(span[0] if len(span) == 1 else span)
    if checks:
        again = {name: asking[name] for name in ("random_state", "store", "progress")}
        explanation = check(explanation, model, probe, checks, **again)
    shown(explanation, common)


about(
    explaining,
    _run,
    {
        "text": OfText,
        "fields": OfText,
        "tabular": Common,
        "context": OfText,
        "chat": OfText,
        "series": Common,
        "image": Common,
    },
    "an answer depends on.",
)


def _until(rule: str | None) -> Until | Certified | None:
    """Convert width=0.05, order=3 or r2=0.8 to a rule."""
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
