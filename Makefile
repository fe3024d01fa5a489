# Each target does all its set-up. PYTHON chooses the interpreter, VENV the environment that is made with it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
INSTALL := $(UV) pip install --quiet --python

.PHONY: help demo test test-demo check format coverage stress mutate bench bench-quick docs pictures wheel clean

help:  ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

demo: $(VENV)/demo/installed  ## Run the lakehouse: eleven real plugins on all flights out of New York in 2013
	$(VENV)/demo/bin/python -m floe_lakehouse run

test: $(VENV)/installed-test  ## Run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-demo: $(VENV)/demo/installed  ## Run the tests of the lakehouse; the kills and the stubs alone take a quarter of an hour
	$(VENV)/demo/bin/python -m pytest examples/lakehouse/tests $(ARGS)

check: $(VENV)/installed-check $(VENV)/installed-docs  ## Check style, types, import directions and documentation
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -q tests/test_imports.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict --site-dir $(VENV)/site

format: $(VENV)/installed-check  ## Put the code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Without the test that imports from a zip file: coverage.py fails there itself.
coverage: $(VENV)/installed-test  ## Run the tests and demand that every branch of what ships was taken
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n 2 --dist loadfile -p no:cacheprovider -k "not test_14_odd_entries" $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

stress: $(VENV)/installed-test  ## Repeat the concurrency tests for SECONDS
	$(BIN)/python -m tests.stress --seconds $(or $(SECONDS),120)

mutate: $(VENV)/installed-mutate  ## Break the code in small ways and list what no test notices, 45 minutes; or one MODULE=_ordering
	$(BIN)/python -m tests.mutation $(MODULE)

bench: $(VENV)/bench/installed  ## Compare with peers, five minutes; all figures go to .venv/bench.json besides
	$(VENV)/bench/bin/python -m benchmarks --json $(VENV)/bench.json

bench-quick: $(VENV)/bench/installed  ## The same as a smoke run that checks results and no times
	$(VENV)/bench/bin/python -m benchmarks --quick

docs: $(VENV)/installed-docs  ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

pictures: $(VENV)/demo/installed  ## Draw the pictures of the documentation from real runs
	$(VENV)/demo/bin/python docs/pictures.py

wheel: $(UV)  ## Build the distributions into dist/
	$(UV) build --quiet --out-dir dist

clean:  ## Remove what the other targets made
	rm -rf .venv .venv-* dist site .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(UV):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.7'

$(VENV)/installed-%: $(UV) pyproject.toml
	$(INSTALL) $(BIN)/python --editable '.[yaml,cli,otel]' --group $*
	@touch $@

$(VENV)/demo/installed: $(UV) pyproject.toml examples/lakehouse/pyproject.toml examples/lakehouse/constraints.txt
	$(UV) venv --quiet --clear --python $(BIN)/python $(VENV)/demo
	$(INSTALL) $(VENV)/demo/bin/python --editable '.[cli]' --editable 'examples/lakehouse[test]' --constraint examples/lakehouse/constraints.txt
	@touch $@

$(VENV)/bench/installed: $(UV) pyproject.toml
	$(UV) venv --quiet --clear --python $(BIN)/python $(VENV)/bench
	$(INSTALL) $(VENV)/bench/bin/python --editable . --group bench
	@touch $@
