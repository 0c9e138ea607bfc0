# Two commands for a fresh clone: `make demo` and `make test`. Each makes the environment that it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
export INTONE_CORPORA ?= $(wildcard ../shared/corpora)
export INTONE_BACKBONES ?= $(wildcard ../shared/backbones)
export TF_CPP_MIN_LOG_LEVEL ?= 2

# A target whose recipe failed is not left behind as if it were made.
.DELETE_ON_ERROR:
.PHONY: help demo test soak test-reference lint bench results clean
help:            ## Say what can be made
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: $(VENV)/.hear  ## Hear the emotion in the recordings of examples/
	$(BIN)/intone predict examples

test: $(VENV)/.dev  ## Run the whole suite
	@# A worker that crashed is not replaced: pytest-xdist 3.8 can wait for ever on the replacement (its issue 1327).
	$(BIN)/python -m pytest -n 2 --dist loadgroup --max-worker-restart 0

soak: $(VENV)/.dev  ## Hours of sound through one stream, and an archive whose runs are killed a hundred times
	@# Each in a process of its own, or what one left on the heap would count as the other's memory.
	for soak in tests/soak/soak_*.py; do $(BIN)/python -m pytest -q $$soak || exit 1; done

test-reference: $(VENV)/.reference  ## Compare the encoder with Hugging Face's, on real speech
	$(BIN)/python -m pytest -s tests/learn/whisper_reference.py

lint: $(VENV)/.dev  ## Style, types, spelling and the arrows between the modules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## Print the speed tables
	missed=0; for table in benchmarks/*.py; do $(BIN)/python $$table || missed=1; done; exit $$missed

results: $(VENV)/.dev  ## Carry out the recipes that have no stored run, and write docs/results.md
	$(BIN)/python -c 'from intone.learn.ledger import main; main()'

clean:           ## Remove the environment
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Intone needs Python 3.11 to 3.13; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "No environment was made; on Debian and Ubuntu Python's ensurepip is in the package python3-venv." >&2; exit 1; }

$(VENV)/.hear: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Intone into $(VENV) ..."
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Intone and its development tools into $(VENV) (about 2 GB, once) ..."
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.hear

$(VENV)/.reference: $(VENV)/.dev
	@echo "Installing PyTorch and transformers into $(VENV) ..."
	$(PIP) install --constraint constraints.txt --editable '.[dev,reference]'
	@touch $@
