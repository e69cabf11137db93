# `make help` lists what can be done here.

PYTHON ?= python3
BIN := .venv/bin
PAYMENTS ?= 1000
SEED ?= 7
# Checks and documents need no .env: they run with the tests' settings.
MANAGE := DJANGO_SETTINGS_MODULE=konektika.settings_test $(BIN)/python manage.py
COMPILE := CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile --quiet --upgrade --generate-hashes \
	--allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

.DEFAULT_GOAL := help
.PHONY: help run demo test model chaos mutants check check-types check-all-else format openapi messages setup requirements clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

run: ## Start everything on this machine: PORT=8000 SIMULATOR_PORT=8100
	@$(PYTHON) -m deploy.local.virtualenv
	@$(BIN)/python -m deploy.local.run

demo: ## Buy one bundle by each provider from the server that `make run` started
	@$(BIN)/python -m deploy.local.demo

test: ## All tests on MariaDB and Redis, then the main path on SQLite: ARGS="-k name"
	@$(PYTHON) -m deploy.local.virtualenv --dev
	@$(BIN)/python -m deploy.local.test $(ARGS)

model: ## The money machine for hours, by chance: what money may do, and every crash
	@$(PYTHON) -m deploy.local.virtualenv --dev
	$(BIN)/python -m pytest tests/model --hypothesis-profile=long $(ARGS)

chaos: ## Payments while everything breaks, then compare the books: PAYMENTS=1000 SEED=7
	@$(PYTHON) -m deploy.local.virtualenv --dev
	@$(BIN)/python -m tests.chaos.run --payments $(PAYMENTS) --seed $(SEED)

mutants: ## Change the money's code in small ways, each must fail a test: ONLY=settle
	@$(PYTHON) -m deploy.local.virtualenv --dev
	@$(BIN)/python -m tests.mutation.run --only "$(ONLY)"

check: ## Everything that is not a test: style, types, imports, migrations, API document
	@$(PYTHON) -m deploy.local.virtualenv --dev
	@$(MAKE) --no-print-directory --jobs --output-sync check-types check-all-else

check-types:
	$(BIN)/mypy .

check-all-else:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(MANAGE) check --fail-level WARNING
	$(MANAGE) makemigrations --check --dry-run
	@mkdir -p var
	$(MANAGE) spectacular --validate --fail-on-warn --file var/openapi.yaml
	@diff -u docs/openapi.yaml var/openapi.yaml || { echo "docs/openapi.yaml is out of date: make openapi"; exit 1; }

format: ## Put the code into its agreed form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: ## Write docs/openapi.yaml anew
	$(MANAGE) spectacular --validate --fail-on-warn --file docs/openapi.yaml

setup: ## Development environment in .venv, with the checks before each commit
	@$(PYTHON) -m deploy.local.virtualenv --dev
	$(BIN)/pre-commit install

messages: ## Find new sentences for customers and compile their Swahili; needs gettext
	$(MANAGE) makemessages --locale sw
	$(MANAGE) compilemessages --locale sw --ignore .venv

requirements: ## Choose and pin the newest versions that the .in files allow
	$(COMPILE) --output-file requirements.txt requirements.in
	$(COMPILE) --output-file requirements-dev.txt requirements-dev.in
	$(COMPILE) --output-file vpn/agent/requirements.txt vpn/agent/requirements.in
	$(COMPILE) --output-file benchmarks/requirements-peers.txt benchmarks/requirements-peers.in

clean: ## Remove the environment, the demo's data and all caches; .env stays
	rm -rf .venv mutants var .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
