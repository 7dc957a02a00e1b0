# Everything a contributor needs, from a fresh clone with python3 (3.11 or newer), git and make.
# PYTHON chooses the interpreter of .venv (then `make clean` first), WORKERS the number of parallel test processes,
# ARGS is passed on: `make test ARGS="tests/core -x"`.

MAKEFLAGS += --no-print-directory
# Tests start many processes; compiling everything in each of them would take most of the time.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
WORKERS ?= 4
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup check format test coverage demo bench fuzz conformance clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 20

setup: $(READY) ## create .venv with everything in it

$(READY): pyproject.toml scripts/wheel_scripts.py bin/git-helper bin/git-credential-git-helper
	@$(PYTHON) -c '' || { echo "error: cannot run '$(PYTHON)': install Python 3.11 or newer, or say where it is: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: '$(PYTHON)' is $$($(PYTHON) -V 2>&1), but 3.11 or newer is needed: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "error: '$(PYTHON)' cannot make virtual environments: install its venv package, e.g. apt-get install python3-venv" >&2; exit 1; }
	@echo "setup: installing git-helper and its tools into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $@

check: setup ## style, types and layers
	@$(BIN)/ruff format --check . >$(VENV)/.unformatted || { cat $(VENV)/.unformatted; echo "error: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet --output-format=concise .
	@$(BIN)/mypy
	@report=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$report"; exit 1; }
	@echo "check: formatted, no findings, every type known, every import allowed"

format: setup ## format the code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# pytest's summary is the last line of the output.
test: setup ## every test, in parallel
	@$(BIN)/python -m pytest -q --numprocesses=$(WORKERS) --dist=worksteal $(ARGS)

coverage: setup ## every test, with a report of the lines not reached
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q --numprocesses=$(WORKERS) --dist=worksteal $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

demo: setup ## show what git-helper does, against servers on this machine
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/demo $(ARGS)

bench: setup ## measure the goals of speed against peers
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/bench $(ARGS)

fuzz: setup ## a long run of the parsers on hostile bytes
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/fuzz $(ARGS)

conformance: setup ## git's own tests of credential helpers: make conformance GIT_SOURCE=/path/to/git
	@test -n "$(GIT_SOURCE)" || { echo "error: say where git's source is: make conformance GIT_SOURCE=/path/to/git" >&2; exit 1; }
	@PATH="$(CURDIR)/$(BIN):$$PATH" GIT_SOURCE="$(GIT_SOURCE)" scripts/conformance $(ARGS)

clean: ## remove everything that make made
	@rm -rf $(VENV) build dist .coverage .coverage.* htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find git_helper tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
