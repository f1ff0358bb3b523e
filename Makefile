.DEFAULT_GOAL := help
SHELL := /bin/bash
# The first one that is recent enough and can create a virtual environment; the requirements are locked for 3.11.
PYTHON ?= $(firstword $(foreach name,python3.11 python3 python3.12 python3.13 python3.14,$(shell \
	$(name) -c 'import sys, ensurepip, venv; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: $(READY) ## Create .venv with exactly the locked requirements

$(READY): requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed (with venv: Debian's python3-venv), and none was found; name one with PYTHON=..." >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv .venv
	@echo "Installing the requirements into .venv (once; one to four minutes, 600 MB)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $(READY)

.PHONY: up
up: $(READY) ## Start everything on 127.0.0.1, with its own Valkey if REDIS_URL is unset; Ctrl-C stops it
	@exec $(QUIETLY) $(BIN)/python -m service.local.up

# Ctrl-C while Python starts would show a traceback. It waits until `up` listens, where `env` can hold it back (GNU's).
QUIETLY = $(shell env --block-signal=INT true 2>/dev/null && echo env --block-signal=INT)

.PHONY: demo-large
demo-large: $(READY) ## Start an installation of 5,000 jobs, 200,000 runs and 20,000 contacts in var/demo-large
	@exec $(BIN)/python -m tools.demo

.PHONY: test
test: $(READY) ## Run the whole test suite
	@$(COMPILE)
	@$(BIN)/python -m pytest

.PHONY: check
check: lint ## Run the quick check: lint, types, unit, store and API tests (about 90 s on two cores)
	@$(COMPILE)
	@$(BIN)/python -m pytest -m "not slow" tests/unit tests/store tests/api

# The tests start hundreds of processes. Where PYTHONDONTWRITEBYTECODE is set, each would compile the service again.
COMPILE := $(BIN)/python -m compileall -q bot_scheduler service examples

.PHONY: fuzz
fuzz: $(READY) ## Send every route FUZZ_CASES (2000) valid and invalid requests
	@FUZZ_CASES=$(or $(FUZZ_CASES),2000) $(BIN)/python -m pytest --dist load tests/api/test_schemathesis.py

.PHONY: chaos
chaos: $(READY) ## Kill everything at random for MINUTES (10), from SEED, then audit all runs and keys
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

.PHONY: machine
machine: $(READY) ## Try the engine's state machines from MACHINE_EXAMPLES (200) beginnings
	@MACHINE_EXAMPLES=$(or $(MACHINE_EXAMPLES),200) $(BIN)/python -m pytest -n 2 --timeout 7200 tests/machine

.PHONY: kills
kills: $(READY) ## Kill workers KILLS (50) times while they send MESSAGES (50) letters, and count who got two or none
	@$(BIN)/python -m tests.bots.kills --kills $(or $(KILLS),50) --messages $(or $(MESSAGES),50) $(if $(SEED),--seed $(SEED)) $(if $(FAMILIES),--families)

.PHONY: bench
bench: $(READY) ## Measure speed beside the peers, which it installs into var/bench (about an hour)
	@$(BIN)/python -m bench $(SUITE) $(if $(BEFORE),--before $(BEFORE))

.PHONY: bench-full
bench-full: $(READY) ## Measure with more rounds, up to a million jobs and gunicorn's worker classes (hours)
	@$(BIN)/python -m bench --full $(SUITE)

.PHONY: bench-soak
bench-soak: $(READY) ## Run 200 jobs a second for MINUTES (60) and watch memory, keys and lateness
	@$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),60)

.PHONY: screenshots
screenshots: $(READY) ## Take the pictures in docs/screenshots again (needs a Chromium)
	@$(BIN)/python -m tests.console.screenshots

# Installed apart: the generators want other versions of packages than we do. npm runs no scripts of packages.
.PHONY: generators
generators: $(READY) ## Install the generators of clients into var/generators, whose clients are then tested (needs Node.js)
	@"$(PYTHON)" -m venv --without-pip var/generators/python
	@$(BIN)/pip --python var/generators/python/bin/python $(PIP) --require-hashes -r tests/clients/requirements.txt
	@mkdir -p var/generators/typescript && cp tests/clients/typescript/package*.json var/generators/typescript/
	@npm ci --silent --ignore-scripts --no-audit --no-fund --prefix var/generators/typescript

.PHONY: lint
lint: $(READY) ## Check style, types, the direction of imports, and spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/codespell

.PHONY: format
format: $(READY) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: settings-docs
settings-docs: $(READY) ## Write docs/settings.md and .env.example from service/settings.py
	@$(BIN)/python -m tools.settings_docs

.PHONY: users-acl
users-acl: $(READY) ## Write deploy/redis/users.acl from what the processes need of Redis
	@$(BIN)/python -m tools.users_acl

.PHONY: access-docs
access-docs: $(READY) ## Write docs/access.md from the declarations of the routes
	@$(BIN)/python -m tools.access_docs

.PHONY: wheel
wheel: $(READY) ## Build the wheel and the source archive into dist
	@rm -rf dist
	@$(BIN)/python -m hatchling build -d dist

# cyclonedx-py reads pyproject.toml and does not ask the build backend for the version, so it gets a copy that has it.
.PHONY: sbom
sbom: wheel ## Write the bill of materials of that wheel with its locked requirements into dist (needs the package index)
	@rm -rf var/sbom && "$(PYTHON)" -m venv --without-pip var/sbom
	@$(BIN)/pip --python var/sbom/bin/python $(PIP) --require-hashes -r requirements.txt
	@$(BIN)/pip --python var/sbom/bin/python $(PIP) --no-index --no-deps dist/*.whl
	@version=$$($(BIN)/python -m hatchling version) && \
	sed "s/^dynamic = .*/version = \"$$version\"/" pyproject.toml >var/sbom/pyproject.toml && \
	$(BIN)/python -m cyclonedx_py environment var/sbom --pyproject var/sbom/pyproject.toml --output-reproducible \
		--output-file "dist/bot_scheduler-$$version.cdx.json" && rm -r var/sbom

.PHONY: release
release: $(READY) ## Release what is committed: changelog, tag, wheel, source, bill of materials; VERSION=... names a new version
	@$(BIN)/python -m tools.release $(VERSION)
	@$(MAKE) --no-print-directory sbom

.PHONY: lock
lock: $(READY) ## Compile pyproject.toml and requirements-dev.in to the locked requirements*.txt
	@$(BIN)/pip-compile $(LOCK) --strip-extras --output-file requirements.txt pyproject.toml
	@$(BIN)/pip-compile $(LOCK) --no-strip-extras --extra local --extra traces --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml requirements-dev.in
	@$(BIN)/pip-compile $(LOCK) --strip-extras --output-file tests/clients/requirements.txt tests/clients/requirements.in
	@npm install --silent --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --prefix tests/clients/typescript

.PHONY: wheels-check
wheels-check: $(READY) ## Check that all that is locked has wheels for Linux x86-64 and aarch64 and macOS arm64 (asks the package index)
	@$(BIN)/python -m tools.wheels_check

# A file of constraints may name no extras. The other must: Debian 12's pip takes no `coverage` where `coverage[toml]` is needed.
PIP := install --quiet --disable-pip-version-check
LOCK := --quiet --generate-hashes --allow-unsafe --no-header --annotation-style line \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links
