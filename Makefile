# Needs Python 3.11 or newer, make, and a package index. Nothing else is installed by hand.
#
#   make demo          a tour against the built-in server
#   make test          the tests           make lint             ruff and mypy
#   make test-quick    those of them that take no time, while a change is being made
#   make docs          the site in build/docs, warnings are errors
#   make generate      man pages, completions, reference pages, README help, JSON Schema
#   make examples      the examples of README and docs, run anew
#   make coverage      how much of the pure layers their tests run through
#   make wheel         what pipx installs, in dist/
#   make pex           one executable for this platform and Python, in dist/
#   make test-oldest   the tests on the lowest versions of all dependencies and extras
#   make test-servers  against nginx, HAProxy and others (Debian packages), a case of each
#   make test-servers-all  against them in every configuration
#   make fuzz          a million damaged inputs for the parsers (COUNT, SEED)
#   make bench         the goals of speed, beside openssl s_time, sslyze, a minimal loop

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
OLDEST := .venv-oldest
BIN := $(VENV)/bin
PIP := -m pip --quiet --disable-pip-version-check --no-input
# The tests wait as long as they compute, so more workers than cores are well used: with four on
# two cores both wait a quarter of the time, with more than eight nothing is won.
WORKERS ?= 6
# Those of `make test-quick` only compute.
QUICK_WORKERS ?= 2
# Compiled once: tests start many processes, also where the user's shell keeps Python from writing.
export PYTHONDONTWRITEBYTECODE :=
# Layers without IO, and the tests of just these: what `make coverage` can measure in little time.
# Tests of growth count lines by a tracer of their own, and would wait for that of coverage.
PURE := tls sessions tickets protocols
PURE_TESTS = $(filter-out %_growth.py,$(wildcard $(PURE:%=tests/%/test_*.py)))
COUNT ?= 1000000
SEED ?= 1
NEWEST_PYTHON = $$(tools/find-python "$(PYTHON)")

# Two installations into one environment at once would be in each other's way.
.NOTPARALLEL:

.PHONY: help
help:
	@sed -n '/^#   make/s/^# *//p' Makefile

# ---------------------------------------------------------------- environments

# Installed in one step each, with all that the smaller ones have: most of pip's time goes into
# looking through the releases of every package, again at each step.
install = $(BIN)/python $(PIP) install --editable '$(1)' || { \
  echo "make: pip could not install tlsresume: is a package index reachable?" >&2; exit 1; }

$(VENV)/made: tools/find-python
	@python=$(NEWEST_PYTHON) && "$$python" -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/made pyproject.toml
	@$(call install,.)
	@touch $@

$(VENV)/installed-test: $(VENV)/made pyproject.toml
	@$(call install,.[test])
	@touch $(VENV)/installed $@

$(VENV)/installed-dev: $(VENV)/made pyproject.toml
	@$(call install,.[dev])
	@touch $(VENV)/installed $(VENV)/installed-test $@

$(VENV)/installed-docs: $(VENV)/installed-dev
	@$(call install,.[docs])
	@touch $@

$(OLDEST)/installed: pyproject.toml tools/oldest.py tools/find-python
	@python=$(NEWEST_PYTHON) && rm -rf $(OLDEST) && "$$python" -m venv $(OLDEST)
	@$(OLDEST)/bin/python tools/oldest.py pyproject.toml > $(OLDEST)/pins.txt
	@$(OLDEST)/bin/python $(PIP) install --constraint $(OLDEST)/pins.txt --editable '.[test]'
	@touch $@

# ------------------------------------------------------------------------ runs

.PHONY: demo
demo: $(VENV)/installed
	@$(BIN)/tlsresume selftest

.PHONY: test
test: $(VENV)/installed-test
	@$(BIN)/python -m pytest -q -n $(WORKERS)

.PHONY: test-quick
test-quick: $(VENV)/installed-test
	@$(BIN)/python -m pytest -q -n $(QUICK_WORKERS) --dist loadfile -m "not slow"

.PHONY: lint
lint: $(VENV)/installed-dev
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { \
	  echo "make: run ruff format on the files named by: ruff format --check ." >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@echo "lint: clean"

.PHONY: generate
generate: $(VENV)/installed-dev
	@$(BIN)/python tools/generate.py

.PHONY: check-generated
check-generated: $(VENV)/installed-dev
	@$(BIN)/python tools/generate.py --check

.PHONY: examples
examples: $(VENV)/installed-dev
	@$(BIN)/python tools/generate_readme.py --examples

.PHONY: coverage
coverage: $(VENV)/installed-dev
	@$(BIN)/python -m pytest -q -p pytest_cov -n $(WORKERS) $(PURE_TESTS) \
	  $(PURE:%=--cov=tlsresume/%) --cov-branch --cov-report=term:skip-covered

.PHONY: docs
docs: $(VENV)/installed-docs
	@$(BIN)/python -m sphinx -q -W --keep-going -d build/doctrees docs build/docs
	@echo "docs: build/docs/index.html"

# ------------------------------------------------------------------- packages

.PHONY: wheel
wheel: $(VENV)/installed-dev
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-input --no-deps \
	  --wheel-dir dist .
	@ls dist/tlsresume-*.whl

# The libraries hold machine code, so the file is for this platform and Python only.
.PHONY: pex
pex: wheel
	@$(BIN)/python $(PIP) install 'pex>=2.103'
	@rm -f dist/tlsresume.pex
	@$(BIN)/python -m pex "$$(ls -t dist/tlsresume-*.whl | head -n 1)" --script tlsresume \
	  --python $(BIN)/python --venv --output-file dist/tlsresume.pex
	@dist/tlsresume.pex --version

.PHONY: test-oldest
test-oldest: $(OLDEST)/installed
	@echo "oldest: $$(tr '\n' ' ' < $(OLDEST)/pins.txt)"
	@$(OLDEST)/bin/python -m pytest -q -n $(WORKERS)

.PHONY: test-servers
test-servers: $(VENV)/installed-test
	@tools/install-servers.sh
	@$(BIN)/pytest tests/servers -q -n $(WORKERS)

.PHONY: test-servers-all
test-servers-all: $(VENV)/installed-test
	@tools/install-servers.sh
	@$(BIN)/pytest tests/servers -q -n $(WORKERS) --all-servers

.PHONY: fuzz
fuzz: $(VENV)/installed-dev
	@$(BIN)/python tools/fuzz.py --count $(COUNT) --seed $(SEED)

.PHONY: bench
bench: $(VENV)/installed-dev
	@$(BIN)/python benchmarks/run.py

.PHONY: clean
clean:
	rm -rf $(VENV) .venv-* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
