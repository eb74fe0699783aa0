# `make` lists what there is. Everything is set up in .venv on first use, with the python3 found on PATH, or:
#     make lab PYTHON=python3.13

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready

NBVAL  := --nbval --nbval-current-env --nbval-cell-timeout=60
# Every core is used. A notebook's cells must stay on one kernel: loadfile.
SPREAD := -n auto --dist loadfile
COVER  := --cov --cov-branch --cov-report=term

.DEFAULT_GOAL := help
.PHONY: help lab test lint browser nbval unit live contract engines coverage chaos notebooks bench measure clean

help: ## list these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: $(READY) ## set everything up and open JupyterLab on the notebooks
	@$(BIN)/python scripts/open_lab.py

# Engines are off in `make test`, installed or not, and the tests that need one are skipped with that reason; where
# they are required, as in CI, `make contract` runs those tests at the end.
REQUIRED := $(MQLEARN_REQUIRE_ENGINES)

test: lint browser nbval unit $(if $(REQUIRED),live contract) ## set everything up, then lint, types, browser, unit tests and every notebook

lint: $(READY) ## only ruff, its formatter and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

browser: $(READY) ## only the notebooks in a real browser (apart from the others, since it times a slider)
	MQLEARN_ENGINES=off $(BIN)/python -m pytest -n auto --dist worksteal tests/browser

nbval: $(READY) ## only run the notebooks and compare what they print
	MQLEARN_ENGINES=off $(BIN)/python -m pytest $(SPREAD) $(NBVAL) notebooks

unit: $(READY) ## only the unit tests
	MQLEARN_ENGINES=off $(BIN)/python -m pytest $(SPREAD) --ignore=tests/browser $(if $(REQUIRED),--ignore=tests/engines) tests

# ONLY="redis or sqs" chooses among its tests, as pytest's -k does.
# More processes than cores, since most of the time goes by in waiting for a lease or a server. A rule that only fails
# because everything is busy passes when it is tried alone.
contract: $(READY) ## only the tests on genuine engines, those that `make engines` has installed
	$(BIN)/python -m pytest -n 5 --dist loadgroup $(if $(ONLY),-k "$(ONLY)") tests/engines || { echo "What failed is tried once more, alone:"; \
	    $(BIN)/python -m pytest --last-failed --last-failed-no-failures none tests/engines; }

live: $(READY) ## only run the notebooks that use genuine engines, live on those that are installed
	$(BIN)/python -m pytest $(SPREAD) --nbval --nbval-current-env --nbval-cell-timeout=300 \
	    notebooks/03_delivery_guarantees.ipynb notebooks/14_choosing_a_technology.ipynb

engines: $(READY) ## install genuine engines: Valkey, RabbitMQ, Kafka, ElasticMQ (and WITH=pulsar)
	@$(BIN)/python -m mqlearn.engines.servers.install $(if $(WITH),--with $(WITH))

# Apart from `make test`, since tracing every simulated task more than doubles the time the tests take; and apart
# from the notebooks, since nbval would start coverage inside each kernel, which fails.
coverage: $(READY) ## the unit tests again, with the branches that they cover
	MQLEARN_ENGINES=off $(BIN)/python -m pytest $(SPREAD) $(COVER) --ignore=tests/browser tests

# Other days: make chaos FIRST=2000 DAYS=10000. A few hundred of them are among the unit tests.
DAYS  ?= 2000
FIRST ?= 0
chaos: $(READY) ## live through 2,000 random days on which everything goes wrong, and check every rule
	$(BIN)/python -m tests.chaos --days $(DAYS) --first $(FIRST)
	$(BIN)/python -m tests.streaming --count $(DAYS) --first $(FIRST)
	$(BIN)/python -m tests.replication --count $(DAYS) --first $(FIRST)
	$(BIN)/python -m tests.replication --count $(DAYS) --first $(FIRST) --acks 1

notebooks: $(READY) ## run every notebook afresh and write it with its outputs
	$(BIN)/python scripts/write_notebooks.py

bench: $(READY) ## print the measurements of speed, as ratios
	$(BIN)/python -m bench

measure: $(READY) ## measure the genuine engines that are installed, and write notebooks/data/engine*.csv anew
	$(BIN)/python -m bench.engines

clean: ## remove what make and the tools have made
	rm -rf $(VENV) build dist .cache .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache \
	    tests/browser/shots
	find . -name __pycache__ -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@$(PYTHON) scripts/check_python.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@
