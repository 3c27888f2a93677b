# Quanyu 全域. `make` alone explains itself; `make run` is all that is needed to see the suite work.

# The first that fits makes the environment; PYTHON=/path/to/python3 names another one.
PYTHON ?=
VENV   ?= .venv
BIN    := $(VENV)/bin
PORT   ?= 8000
PYTHONS := $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3)
FITS   := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))
PYTEST := $(BIN)/pytest -n auto --dist worksteal --durations=10

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run tour test test-all coverage mutants check hooks format full migrate bench docs lock clean

help: ## Show this list
	@echo "Quanyu 全域 - what you can make:"
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Needs Python 3.11 to 3.14 and nothing else; takes the first that it finds, or make run PYTHON=/path/to/python3"

setup: $(BIN)/.installed ## Make the virtual environment with everything pinned (done once, then instant)

setup-dev: $(BIN)/.installed-dev ## The same with the tools for tests and checks

run: $(BIN)/.installed ## Start the suite, load the sample shop, play the tour once, stay up (PORT=8000)
	@$(BIN)/quanyu serve --demo --port $(PORT)

tour: $(BIN)/.installed ## Play the tour again on a suite that runs here
	@$(BIN)/quanyu tour --url http://127.0.0.1:$(PORT)

# Without a path and outside of CI `--quick` leaves out, and counts, what takes long or repeats on a second database.
test: $(BIN)/.installed-dev ## Run the tests that take minutes (T=path: all of that path; CI=true: everything)
	$(PYTEST) $(if $(T),$(T),$(if $(filter true,$(CI)),,--quick))

test-all: $(BIN)/.installed-dev ## Run every test; says aloud which were skipped because a server is missing
	HYPOTHESIS_PROFILE=ci $(PYTEST)

coverage: $(BIN)/.installed-dev ## Run the quick tests and say how much of the code they reach, in percent
	$(PYTEST) --quick --cov --cov-report=term

mutants: $(BIN)/.installed-dev ## Change the pure rules in many small ways; each change that no unit test notices is listed
	HYPOTHESIS_PROFILE=ci $(BIN)/mutmut run $(RULES)
	$(BIN)/mutmut results

check: $(BIN)/.installed-dev ## Style, types and the rules of who may import whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy shared gateway services suite bench tests
	$(BIN)/lint-imports

hooks: $(BIN)/.installed-dev ## Look at each commit as `make check` does
	$(BIN)/pre-commit install

format: $(BIN)/.installed-dev ## Rewrite the code in the house's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

full: $(BIN)/.installed ## Each service and the gateway as its own process (needs QUANYU_DATABASE_URL, QUANYU_BROKER_URL)
	@$(BIN)/quanyu full --port $(PORT)

migrate: $(BIN)/.installed ## Create or update tables and queues of the configured servers
	$(BIN)/quanyu migrate

bench: $(BIN)/.installed-dev ## Run the benchmarks and write bench/RESULTS.md
	$(BIN)/python -m bench

docs: $(BIN)/.installed-dev ## Write what is made from the code again (events, settings, endpoints, coupons)
	$(BIN)/python -m shared.contracts.catalogue --write
	$(BIN)/python -m suite.reference --write

lock: ## Renew both lock files after a change of pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-emit-index-url --no-header -o requirements-dev.lock

clean: ## Remove the virtual environment and caches; data stays
	rm -rf $(VENV) mutants .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist

# What Debian's Python leaves without its venv package, or a set-up that was broken off, has a python but no pip: it is made anew.
$(VENV)/.whole:
	@if [ -x $(BIN)/pip ] && $(BIN)/python -m pip --version >/dev/null 2>&1; then touch $@; exit; fi; \
	fitting=; able=; \
	for python in $(PYTHONS); do \
	  $$python -c '$(FITS)' >/dev/null 2>&1 || continue; \
	  fitting=$${fitting:-$$python}; \
	  $$python -c 'import ensurepip, venv' >/dev/null 2>&1 && able=$$python && break; \
	done; \
	if [ -z "$$fitting" ]; then \
	  echo "Quanyu needs Python 3.11, 3.12, 3.13 or 3.14, and $(or $(PYTHON),your PATH) has none of them. Install one, or say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; \
	elif [ -z "$$able" ]; then \
	  echo "$$fitting can make no environment: its venv package is missing. On Debian and Ubuntu: apt install $$($$fitting -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'). Then again: make $(MAKECMDGOALS)"; exit 1; \
	fi; \
	echo "Making $(VENV) with $$able ($$($$able -V)) 创建虚拟环境"; \
	$$able -m venv --clear $(VENV) && touch $@

# Our own package is installed without looking at its dependencies (the lock has them all), and editable: a change of the
# code needs no new installation.
$(BIN)/.installed: requirements.lock pyproject.toml | $(VENV)/.whole
	@$(BIN)/python -P suite/installation.py requirements.lock
	@touch $@

$(BIN)/.installed-dev: requirements-dev.lock pyproject.toml | $(VENV)/.whole
	@$(BIN)/python -P suite/installation.py requirements-dev.lock
	@touch $@ $(BIN)/.installed
