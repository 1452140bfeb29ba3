# make demo   installs the library in .venv and shows it at work
# make test   installs everything that the checks need and runs them all
# make bench  compares speed and memory with those of others; make guard fails where that has become worse;
#             make linear fails where the time of anything grows faster than n log n with its text;
#             make neighbours measures training, scoring and generating beside processes that are always busy;
#             make thorough gives each property 10,000 examples;
# make bench-train compares how fast models learn, and puts the figures into the docs;
# make bench-losses compares losses and compressed sizes with those of KenLM, PPMd and nanoGPT, of what is installed;
# make bench-answers measures unusual texts, corrections and languages; both partly on text of Debian's packages
# make coverage measures which lines and branches the tests run; make mutants which faults in the code they notice, of a
#             random sample of them; make mutants SAMPLE=all PACKAGES=charlm/decoding of all of a package
# make torture fuzzes every reader, kills and damages training runs, and loads the example service;
#             make exchange compresses texts with one release of NumPy, and decompresses them with another;
#             make soak runs for half an hour
# make tour   runs the notebook of the examples again, and keeps what it shows
# make without-torch tests what the library and its extras do for who installs them without PyTorch
# make lowest tests the same with the lowest release of every dependency that is supported: up to Python 3.12
# make lowest-torch does so with the lowest release of PyTorch, its build for the CPU, as well
# make dist   builds what is released and tries it out in two environments that hold nothing else, one without PyTorch;
#             make recipe prints the recipe of conda-forge for the source distribution that it made

PYTHON ?= python3
VENV ?= .venv
SAMPLE ?= 40
BIN := $(VENV)/bin
RIVALS := brotli kenlm langid lingua-language-detector pandas pyctcdecode pygtrie pyppmd
CONSTRAINTS := $(addprefix --constraint ,$(wildcard .ci/constraints.txt))  # a source distribution has none
PIP_INSTALL := -m pip install --quiet --no-compile --disable-pip-version-check $(CONSTRAINTS)
INSTALL := $(BIN)/python $(PIP_INSTALL)
# Some systems set it, where each of the hundreds of programs that the checks start would compile all of PyTorch anew.
export PYTHONDONTWRITEBYTECODE :=
ALONE := --noconftest -p no:cacheprovider  # where nothing is installed that conftest.py imports
WITHOUT_TORCH := --override tests/support/without_torch.txt
OLD := -W ignore::DeprecationWarning -W "ignore:Unknown solver options"  # releases, which warn of each other
LIBRARY_TESTS := tests/chartok tests/charlm src  # those that need no tools of developers

.PHONY: demo test lint types tests docs bench guard linear neighbours bench-train bench-losses bench-answers thorough coverage mutants torture exchange soak tour without-torch lowest lowest-torch dist recipe clean

demo: $(VENV)/library
	$(BIN)/charlm demo

test: lint types tests docs

lint: $(VENV)/everything
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache
	$(BIN)/zizmor --offline --quiet .github

# --verifytypes imports with the first python of the path, and takes no notice of --pythonpath.
types: export PATH := $(abspath $(BIN)):$(PATH)
types: $(VENV)/everything
	$(BIN)/mypy
	$(BIN)/basedpyright --verifytypes chartok --ignoreexternal
	$(BIN)/basedpyright --verifytypes charlm --ignoreexternal

tests: $(VENV)/everything
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

docs: $(VENV)/everything
	$(BIN)/sphinx-build -q -W -n --keep-going -b html docs docs/_build/html
	$(BIN)/sphinx-build -q -W --keep-going -b coverage -d docs/_build/html/.doctrees docs docs/_build/coverage
	CHARTOK_DOCS=docs/_build/html $(BIN)/python -m pytest tests/docs/test_built_pages.py

bench: $(VENV)/everything $(VENV)/rivals
	$(BIN)/python benchmarks/run.py

guard: $(VENV)/everything $(VENV)/rivals
	$(BIN)/python benchmarks/guard.py

linear: $(VENV)/everything
	$(BIN)/python benchmarks/linearity.py

neighbours: $(VENV)/everything
	$(BIN)/python benchmarks/neighbours.py

bench-answers: $(VENV)/everything $(VENV)/rivals
	$(BIN)/python benchmarks/unusual.py
	$(BIN)/python benchmarks/decoding.py
	$(BIN)/python benchmarks/telling_languages.py

bench-train: $(VENV)/everything
	$(BIN)/python benchmarks/learning.py

bench-losses: $(VENV)/everything $(VENV)/rivals
	$(BIN)/python benchmarks/loss_and_seconds.py
	$(BIN)/python benchmarks/compressing.py
	$(BIN)/python benchmarks/back_off.py table

thorough: $(VENV)/everything
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest --numprocesses auto -m hypothesis tests

coverage: $(VENV)/everything
	$(BIN)/python -m pytest --numprocesses auto --cov --cov-report=term

mutants: export HYPOTHESIS_PROFILE := brief
mutants: export CHARTOK_TEST_DATA := mutants  # no large texts: what reads them takes too long
mutants: $(VENV)/everything
	$(INSTALL) 'mutmut>=3.8'
	$(BIN)/python tests/support/mutation_run.py $(SAMPLE) $(PACKAGES)

torture: $(VENV)/everything
	CHARTOK_TORTURE=1 CHARTOK_EXECUTIONS=22000 $(BIN)/python -m pytest --numprocesses auto --dist worksteal \
		tests/promises tests/charlm/training/test_checkpoint.py tests/charlm/training/test_trainer.py tests/charlm/files/test_model_file.py

exchange: CODED := tests/support/coded_texts.py
exchange:
	$(PYTHON) -m venv --clear $(VENV)/oldest
	$(PYTHON) -m venv --clear $(VENV)/newest
	$(VENV)/oldest/bin/python $(PIP_INSTALL) --editable '.[fast]' 'numpy==2.0.*'
	$(VENV)/newest/bin/python $(PIP_INSTALL) --editable '.[fast]'
	$(VENV)/oldest/bin/python $(CODED) compress $(VENV)/oldest/compressed 10000
	$(VENV)/newest/bin/python $(CODED) decompress $(VENV)/oldest/compressed 10000
	$(VENV)/newest/bin/python $(CODED) compress $(VENV)/newest/compressed 10000
	$(VENV)/oldest/bin/python $(CODED) decompress $(VENV)/newest/compressed 10000

soak: $(VENV)/everything
	CHARTOK_SOAK_SECONDS=1800 $(BIN)/python -m pytest -s tests/promises/test_soak.py

tour: $(VENV)/everything
	$(BIN)/python tests/support/run_notebook.py examples/tour.ipynb

without-torch: $(VENV)/without-torch/bin/uv
	$(VENV)/$@/bin/uv pip install --quiet --python $(VENV)/$@ $(WITHOUT_TORCH) --editable '.[all]'
	$(VENV)/$@/bin/python -m pytest $(LIBRARY_TESTS)

lowest: $(VENV)/lowest/bin/uv
	$(VENV)/$@/bin/uv pip install --quiet --python $(VENV)/$@ $(WITHOUT_TORCH) --resolution lowest-direct --editable '.[all]'
	$(VENV)/$@/bin/python -m pytest $(OLD) $(LIBRARY_TESTS)

lowest-torch: $(VENV)/lowest-torch/bin/uv
	$(VENV)/$@/bin/uv pip install --quiet --python $(VENV)/$@ --torch-backend cpu --resolution lowest-direct --editable '.[all]'
	$(VENV)/$@/bin/python -m pytest $(OLD) $(LIBRARY_TESTS)

dist: export PYTHONPATH :=
dist: $(VENV)/releasing
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv --clear $(VENV)/counting
	$(VENV)/counting/bin/python $(PIP_INSTALL) numpy safetensors tqdm tyro pytest
	$(VENV)/counting/bin/python $(PIP_INSTALL) --no-deps dist/*.whl
	$(VENV)/counting/bin/python -m pytest $(ALONE) tests/support/released.py
	$(PYTHON) -m venv --clear $(VENV)/released
	$(VENV)/released/bin/python $(PIP_INSTALL) dist/*.whl
	$(VENV)/released/bin/python -m pip check
	$(VENV)/released/bin/python $(PIP_INSTALL) pytest
	$(VENV)/released/bin/python -m pytest $(ALONE) tests/support/released.py
	$(VENV)/released/bin/python $(PIP_INSTALL) "$$(echo dist/*.whl)[fast]"
	$(VENV)/released/bin/python -m pytest $(ALONE) tests/promises/test_public_api.py tests/support/released.py -k "public_api or compressed"

recipe: $(VENV)/releasing
	@$(BIN)/python packaging/conda/fill_in.py dist/*.tar.gz

$(VENV)/%/bin/uv: pyproject.toml  # pip takes neither the lowest releases nor all dependencies but one
	$(PYTHON) -m venv --clear $(VENV)/$*
	$(@D)/python $(PIP_INSTALL) 'pip>=25.1' 'uv>=0.7'
	$(@D)/python $(PIP_INSTALL) --group tests
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/library: $(VENV)/bin/python pyproject.toml
	$(INSTALL) --editable .
	touch $@

$(VENV)/everything: $(VENV)/bin/python pyproject.toml  # dependency groups are read by pip 25.1 and later
	$(INSTALL) 'pip>=25.1'
	$(INSTALL) --editable '.[all]' --group dev
	touch $@ $(VENV)/library

$(VENV)/releasing: $(VENV)/bin/python pyproject.toml
	$(INSTALL) 'pip>=25.1'
	$(INSTALL) --group release
	touch $@

# KenLM is compiled when it is installed, and pyctcdecode says that it needs an older NumPy.
$(VENV)/rivals: $(VENV)/bin/python
	for rival in $(RIVALS); do $(INSTALL) --no-deps $$rival || echo "$$rival cannot be installed here"; done
	touch $@

clean:
	rm -rf $(VENV) dist docs/_build mutants .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
