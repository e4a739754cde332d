# Everything that a person or a CI run does with this tree. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# To use another interpreter: make PYTHON=python3.12 test
PYTHON ?= python3
# The sample that `make run` starts: make run SAMPLE=chat
SAMPLE ?= showcase
# Arguments for pytest, the benchmarks and the tools: make test ARGS="-k cron"
ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
BENCH_VENV := .venv-bench
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
NODE_PEER := tests/interop/node
BENCH_NODE := bench/node
QUICK_TESTS := tests/architecture tests/contract tests/tools

# Stamps say what an environment was installed for. A newer pyproject.toml installs it again.
RUN_READY := $(VENV)/.ready-tls
DEV_READY := $(VENV)/.ready-dev
NODE_READY := $(addsuffix /node_modules/.ready,$(NODE_PEER) $(BENCH_NODE))

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: sample $(RUN_READY) ## serve the showcase: open the printed address in a browser (SAMPLE=name: another sample)
	@exec $(PY) samples/$(SAMPLE).py

.PHONY: samples
samples: python ## list the samples
	@$(PYTHON) tools/list_samples.py

.PHONY: setup
setup: $(DEV_READY) $(NODE_READY) ## install everything that tests and checks need into .venv

# The tests run in several processes, and then those that want the machine to themselves.
# ARGS="-n 0" runs them in one, as plain pytest does. pytest exits with 5 if it has selected none.
.PHONY: test
test: setup ## run all tests (ARGS="-k word": some of them)
	@$(PY) -m pytest -n auto --dist loadgroup -m "not long and not alone" $(ARGS) || [ $$? -eq 5 ]
	@$(PY) -m pytest -m alone $(ARGS) || [ $$? -eq 5 ]

.PHONY: long
long: setup ## run the tests that take minutes or much of the machine (ARGS="-k word": some of them)
	@$(PY) -m pytest -m long $(ARGS)

.PHONY: check
check: $(DEV_READY) ## run the quick checks: style, types, architecture, contract, docs
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m pytest --quiet $(QUICK_TESTS)

.PHONY: docs
docs: $(RUN_READY) ## check that the links in the docs resolve and their Python compiles
	@$(PY) tools/check_docs.py

.PHONY: parity
parity: $(RUN_READY) ## count Pode's functions that are available, by area (ARGS=--planned: list the rest)
	@$(PY) -m tests.contract.parity $(ARGS)

.PHONY: counts
counts: $(RUN_READY) ## rewrite what README.md counts (ARGS=--check: only say what is stale)
	@$(PY) -m tools.counts $(ARGS)

.PHONY: alarms
alarms: $(DEV_READY) ## list what is unusually large or small in the package, with the reasons
	@$(PY) -m tests.architecture.sizes

.PHONY: bench
bench: $(BENCH_VENV)/.ready $(BENCH_NODE)/node_modules/.ready ## measure pode_py and other servers in one run
	@$(BENCH_VENV)/bin/python -m bench $(ARGS)

.PHONY: soak
soak: $(DEV_READY) ## open and close streams for ten minutes; nothing must grow (ARGS="--minutes 1")
	@$(PY) -m bench.soak $(ARGS)

.PHONY: clean
clean: ## remove the environments and everything else that was made
	@rm -rf $(VENV) $(BENCH_VENV) $(NODE_PEER)/node_modules $(BENCH_NODE)/node_modules build dist *.egg-info
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .bench
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what the targets above need ---

.PHONY: sample
sample:
	@[ -f samples/$(SAMPLE).py ] || { \
	  echo 'There is no sample "$(SAMPLE)". "make samples" lists them.' >&2; exit 1; }

# Say in one sentence what to install, instead of showing a traceback from inside venv.
.PHONY: python
python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo 'pode_py needs Python 3.11 or newer. On Debian: apt install python3 python3-venv' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "pode_py needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1 | cut -d' ' -f2)." \
	    'Install a newer one (Debian 12 has it: apt install python3 python3-venv)' \
	    'and name it: make PYTHON=python3.12 run' >&2; exit 1; }

$(VENV)/bin/python $(BENCH_VENV)/bin/python: | python
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo 'Python cannot make virtual environments here. On Debian: apt install python3-venv' >&2; exit 1; }
	@echo "Making $(@D:/bin=) ..."
	@$(PYTHON) -m venv --clear $(@D:/bin=)

$(VENV)/.ready-%: pyproject.toml | $(VENV)/bin/python
	@echo "Installing pode_py and its extra '$*' into $(VENV) ..."
	@$(PY) $(PIP_INSTALL) --editable '.[$*]'
	@touch $@

$(BENCH_VENV)/.ready: bench/requirements.txt pyproject.toml | $(BENCH_VENV)/bin/python
	@echo "Installing pode_py and the servers to compare it with into $(BENCH_VENV) ..."
	@$(BENCH_VENV)/bin/python $(PIP_INSTALL) --editable . -r bench/requirements.txt
	@touch $@

# A few tests and some benchmarks need packages from npm. Without npm they say that they were skipped.
%/node_modules/.ready: %/package.json %/package-lock.json
	@if ! command -v npm >/dev/null; then \
	  echo 'npm is not installed: everything that needs the packages of $*/package.json will be skipped.'; \
	else \
	  cd $* && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.ready; \
	fi
