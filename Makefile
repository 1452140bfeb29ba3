# make demo   installs the library in .venv and shows it at work
# make test   installs everything that the checks need and runs them all
# make bench  compares the speed with that of others; make thorough gives each property 10,000 examples;
# make bench-train compares how fast models learn; make torture kills and damages training runs hundreds of times

PYTHON ?= python3
VENV ?= .venv
TEXT ?= ../shared/data/tinyshakespeare.txt
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt

.PHONY: demo test lint types tests docs bench bench-train thorough torture clean

demo: $(VENV)/library
	$(BIN)/charlm demo

test: lint types tests docs

lint: $(VENV)/everything
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PATH="$(BIN):$$PATH" $(BIN)/lint-imports --no-cache

types: $(VENV)/everything
	$(BIN)/mypy

tests: $(VENV)/everything
	$(BIN)/python -m pytest

docs: $(VENV)/everything
	$(BIN)/sphinx-build -q -W -n --keep-going -b html docs docs/_build/html
	$(BIN)/sphinx-build -q -W --keep-going -b coverage -d docs/_build/html/.doctrees docs docs/_build/coverage

bench: $(VENV)/everything
	$(BIN)/python benchmarks/run.py

bench-train: $(VENV)/everything
	$(BIN)/python benchmarks/learning.py $(TEXT)

thorough: $(VENV)/everything
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest tests/test_vocabulary.py tests/test_ids.py tests/test_tokenizerjson.py tests/test_textfile.py

torture: $(VENV)/everything
	CHARTOK_TORTURE=1 $(BIN)/python -m pytest -v -s tests/test_checkpoint.py tests/test_reliability.py

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/library: $(VENV)/bin/python pyproject.toml
	$(INSTALL) --editable .
	touch $@

$(VENV)/everything: $(VENV)/bin/python pyproject.toml
	$(INSTALL) --editable '.[dev]'
	touch $@ $(VENV)/library

clean:
	rm -rf $(VENV) docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis
