# Everything sets itself up: `make run` and `make test` work on a fresh machine with Python 3.11 or later.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two processes on the two cores that the suite is sized for; each keeps one warm judge.
JOBS ?= 2

.PHONY: run test test-matrix check format bench clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[kernels]" --group dev
	touch $(READY)

run: $(READY)
	$(BIN)/prep

test: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

# The judge with the oldest and the newest triton that it supports, beside the pinned one; torch stays.
MATRIX ?= 3.6.0 3.9.0

test-matrix: $(READY) $(MATRIX:%=$(VENV)/triton-%)
	for version in $(MATRIX); do \
	  echo "triton $$version"; \
	  PYTHONPATH=$(abspath $(VENV))/triton-$$version $(BIN)/python -m pytest -n $(JOBS) --dist worksteal \
	    tests/grading tests/exercises $(ARGS) || exit 1; \
	done

$(VENV)/triton-%: | $(READY)
	$(BIN)/python -m pip install --quiet --no-deps --target $@ triton==$*

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/prep check

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
