# On a fresh machine with Python 3.11+, make and a package registry:
#   make demo    environment, install, simulate, harmonize, analyse, render
#   make test    everything the project promises, checked

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
N ?= 15000

.PHONY: demo test check format install docs benchmark coverage clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[report,dev]"
	touch $@

demo: install
	$(BIN)/dermcohort demo --n $(N)

test: install
	$(BIN)/python -m pytest -n auto --dist loadfile

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/dermcohort dict check data-dictionary

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: install
	$(BIN)/python docs/reference.py
	$(BIN)/dermcohort report docs --to _docs

benchmark: install
	$(BIN)/python benchmarks/harmonize.py
	$(BIN)/python benchmarks/prevalence.py
	$(BIN)/python benchmarks/regression.py
	$(BIN)/python benchmarks/survival.py

coverage: install
	$(BIN)/python validation/coverage.py

clean:
	rm -rf $(VENV) raw harmonized results _site _docs docs/reference
