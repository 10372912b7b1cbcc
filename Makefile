# One command sets up and runs: `make demo`. One command tests: `make test`.
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench bench-http bench-fleet catalog evidence train conformance live hosts bundle clean

help: ## Show these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# The stamp is inside .venv, so removing the folder starts afresh.
.venv/.installed: pyproject.toml
ifneq ($(UV),)
	@test -d .venv || $(UV) venv --quiet --python ">=3.11" .venv
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --editable . --group dev
else
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
endif
	@touch $@

demo: .venv/.installed ## Set up, then route sample prompts and show what a newcomer should see
	@$(BIN)/mcp-router demo

test: .venv/.installed ## Run the tests (no network, no key)
	@$(BIN)/python -m pytest -q

check: .venv/.installed ## Run every checker: ruff, mypy, pyright, generated files up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/pyright
	@$(BIN)/python -m mcp_router.catalog.compile --check
	@$(BIN)/python -m mcp_router.catalog.weighing --check
	@$(BIN)/python -m mcp_router.storage.schema --check
	@$(BIN)/python -m cogapp --check --verbosity=0 README.md docs/*.md

docs: .venv/.installed ## Rebuild the generated parts of README.md and docs/
	@$(BIN)/python -m cogapp -r --verbosity=1 README.md docs/*.md

catalog: .venv/.installed ## Recompile catalog.json from models.toml and genai-prices, then evidence.json
	@$(BIN)/python -m mcp_router.catalog.compile
	@$(BIN)/python -m mcp_router.catalog.weighing

evidence: .venv/.installed ## Weigh public results into evidence.json
	@$(BIN)/python -m mcp_router.catalog.weighing

bench: .venv/.installed ## Measure, each figure beside its bound and a baseline of the same run
	@$(BIN)/python -m tests.benchmarks

bench-http: .venv/.installed ## Measure the HTTP server beside LiteLLM's proxy and Portkey's gateway, where installed
	@$(BIN)/python tests/benchmarks/bench_http.py

bench-fleet: .venv/.installed ## Measure two replicas on one PostgreSQL while things go wrong, then fit the model of a fleet
	@$(BIN)/python tests/benchmarks/bench_fleet.py
	@$(BIN)/python tests/benchmarks/fleet_model.py

train: .venv/.installed ## Retrain the task types: make train DATA=folder (needs numpy); CHECK=--report judges them
	@$(BIN)/python -m tests.training $(DATA) $(CHECK)

conformance: .venv/.installed ## Run the MCP Inspector and the official conformance suites, over stdio and HTTP (needs npm)
	@bash tests/conformance/run.sh

live: .venv/.installed ## Call every real provider whose key is set (a fraction of a cent)
	@MCP_ROUTER_LIVE=1 $(BIN)/python -m pytest tests/live -q -rs

hosts: .venv/.installed ## Let the agent hosts judge what is written for them (needs npm)
	@bash tests/hosts/run.sh

bundle: ## Pack dist/*.mcpb for Claude Desktop (needs npm)
	@bash packaging/bundle.sh

clean: ## Remove what the targets above made
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
