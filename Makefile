# Parsimony: set up, serve, test, measure. Everything goes into .venv; nothing else is touched.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# one thread per numeric library: parallelism comes from several requests and jobs at once
export OMP_NUM_THREADS ?= 1
# buffers come from two heaps that keep some memory, instead of being mapped anew each time (glibc)
export MALLOC_MMAP_THRESHOLD_ ?= 1073741824
export MALLOC_TRIM_THRESHOLD_ ?= 67108864
export MALLOC_ARENA_MAX ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help run test check check-slow bench assets clean

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# one stamp per set of extras, redone when pyproject.toml changes
$(VENV)/.installed-cpu: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV): about 3 minutes and 2 GB the first time."
	$(BIN)/python -m pip install --quiet -e '.[cpu]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV): about 3 minutes and 2 GB the first time."
	$(BIN)/python -m pip install --quiet -e '.[cpu,test,dev]'
	@touch $@ $(VENV)/.installed-cpu

run: $(VENV)/.installed-cpu assets ## set up and serve the pages on http://127.0.0.1:8501
	$(BIN)/python -m core serve

assets: $(VENV)/.installed-cpu ## fetch 3Dmol.js from npm; goes on without it when there is no network
	@$(BIN)/python -m core assets || true

# two processes, file by file; the browser tests first, and what fails there for want of a free
# processor is run once more alone; searches start processes, which those of xdist cannot
SIDE_BY_SIDE = -n 2 --dist loadfile
BROWSER_TESTS = $(BIN)/python -m pytest -q -o cache_dir=.pytest_cache/browser tests/e2e
test: $(VENV)/.installed-test assets browser ## set up and run the test suite
	@code=0; $(BROWSER_TESTS) $(SIDE_BY_SIDE) || \
	{ echo "Again, alone:"; $(BROWSER_TESTS) --lf || code=1; }; \
	$(BIN)/python -m pytest -q --ignore=tests/e2e --ignore=tests/discovery $(SIDE_BY_SIDE) || code=1; \
	$(BIN)/python -m pytest -q tests/discovery || code=1; \
	exit $$code

.PHONY: browser
browser: # Debian's Chromium for the browser tests; without it they are skipped and say so
	@if [ ! -x /usr/bin/chromium ] && [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
		apt-get update -qq > /dev/null && \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium > /dev/null \
		|| echo "Chromium could not be installed: the browser tests will be skipped."; \
	fi

check: $(VENV)/.installed-test ## lint, formatting, import contracts, unused code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/vulture

check-slow: $(VENV)/.installed-test ## the tests that train or measure for minutes
	$(BIN)/python -m pytest -q -m slow

bench: $(VENV)/.installed-test ## run every side-by-side measurement of benchmarks/
	@set -e; for name in $(basename $(notdir $(wildcard benchmarks/*.py))); do \
		echo "== $$name"; $(BIN)/python -m benchmarks.$$name; done

clean: ## remove the environment and caches; data and artifacts stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
