# Two commands set everything up and work from a fresh clone: `make demo` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# The first interpreter that is Python 3.11 or newer.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

.PHONY: help demo test check bench bench-mrap bench-masks bench-catalog bench-nightly bench-bucket up down lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.runs ## Simulate a tile with a growing fire, run the nightly flow on it, draw what came out (no server, account or network)
	@$(BIN)/s2lookback demo

test: $(VENV)/.tests ## Run the tests, three files at once: those with servers mostly wait
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile

check: $(VENV)/.tests ## Lint, types, import arrows: what a reviewer would run
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: $(VENV)/.tests ## Measure: time and memory of each stage, against the floor
	@$(BIN)/python -m tests.bench

bench-mrap: $(VENV)/.tests ## Measure the composite engine against other tools, into docs/performance.md
	@$(BIN)/python -m tests.bench mrap --report

bench-masks: $(VENV)/.tests ## Score and time every masking method against every reference, into docs/accuracy.md
	@$(BIN)/python -m tests.bench masks --report

bench-catalog: $(VENV)/.tests ## Measure the catalog, on SQLite and on PostgreSQL, into docs/performance.md
	@$(BIN)/python -m tests.bench catalog --report

bench-bucket: $(VENV)/.tests ## Measure searches over a bucket, into docs/catalog.md
	@$(BIN)/python -m tests.bench bucket --report

bench-nightly: $(VENV)/.tests ## Measure a night: stages, Prefect, its database, a soak, a province's nights, into docs/scaling.md
	@$(BIN)/python -m tests.bench nightly --report

up: $(VENV)/.serves ## Start Prefect's server, two workers, the STAC API and STAC Browser on this machine, print where to look
	@deployments/up.sh

down: ## Stop what `make up` started
	@deployments/down.sh

lock: ## Resolve the dependencies of pyproject.toml anew into requirements.lock (needs uv)
	@uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-header --extra dev pyproject.toml --quiet -o requirements.lock

clean: ## Remove the environment, the caches and the demo
	@rm -rf $(VENV) .cache demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found: install it, or name it with make PYTHON=/path/to/python"; exit 1; }
	@echo "Making the environment $(VENV) with $$($(PYTHON) --version) (once; about a minute)"
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make an environment: install its venv module (Debian: apt install python3-venv)"; rm -rf $(VENV); exit 1; }

$(VENV)/.runs: requirements.lock pyproject.toml | $(VENV)/bin/python
	@$(PIP) --editable . && { $(IMPORTS); } && touch $@

$(VENV)/.tests: requirements.lock pyproject.toml | $(VENV)/bin/python
	@$(PIP) --editable '.[dev]' && { $(IMPORTS); } && touch $@ $(VENV)/.runs $(VENV)/.serves

$(VENV)/.serves: requirements.lock pyproject.toml | $(VENV)/bin/python
	@$(PIP) --editable '.[pgstac]' && { $(IMPORTS); } && touch $@ $(VENV)/.runs

# Two libraries that wheels expect of the system; the smallest container images lack them.
IMPORTS = $(BIN)/python -c 'import lightgbm, rasterio' 2>/dev/null || { \
	$(BIN)/python -c 'import lightgbm, rasterio' 2>&1 | tail -1; \
	echo "A system library is missing: on Debian or Ubuntu, apt install libgomp1 libexpat1"; exit 1; }
