# Renzheng (认证). Needs Python 3.11 and make; everything else is fetched by hash into .venv.

.DEFAULT_GOAL := help
.PHONY: conformance docs help demo demo-stop serve test test-long check bench servers lock clean

# Compiled modules are kept, whatever the shell says: they are what makes a worker start in a second.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
READY := .venv/.ready
ROOMS := foundation idp certs_catalog adapters gateway
SOURCES := $(wildcard $(ROOMS) loadtests tests)
# Two workers suit two cores; a larger machine may say `make test WORKERS=8`.
WORKERS ?= 2
# Handed out in order, so that on every worker a test follows the same ones: those of one module share what is dear to start.
SPREAD := -n $(WORKERS) --dist load

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## Bring up the whole product with simulators and sample apps on 127.0.0.1:8000-8014
	@$(BIN)/renzheng demo

demo-stop: $(READY) ## Stop the demo
	@$(BIN)/renzheng demo --stop

serve: $(READY) ## Serve the product with the settings of the environment
	@$(BIN)/renzheng serve

test: $(READY) servers ## Run every test that is not marked long
	@$(BIN)/pytest $(SPREAD) -m "not long" $(PYTEST_ARGS)

test-long: $(READY) servers ## Run the tests marked long
	@$(BIN)/pytest $(SPREAD) -m long $(PYTEST_ARGS) || { status=$$?; [ $$status = 5 ] && echo "no test is marked long" || exit $$status; }

check: $(READY) ## Format, lint, types, import arrows, pinned versions, documents up to date
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q $(wildcard tests/test_architecture.py tests/test_versions.py tests/test_docs.py)

docs: $(READY) ## Renew the generated pages under docs/
	$(BIN)/renzheng reference --write
	$(BIN)/python -m tests.conformance_table

conformance: $(READY) servers ## Run the whole conformance port and record its results for the page under docs/
	@$(BIN)/pytest -q $(SPREAD) tests/conformance --ignore tests/conformance/test_mutations.py --ignore tests/conformance/test_plans.py --record-conformance $(PYTEST_ARGS); \
	  status=$$?; $(BIN)/python -m tests.conformance_table; exit $$status

bench: $(READY) servers ## Measure the hot paths against the floor and write bench.json
	@$(BIN)/python -m loadtests.bench

lock: $(READY) ## Renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --group dev --group bench \
	  --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean: ## Remove the environment and everything that was generated
	rm -rf .venv .demo .conformance .peers bench.json build dist test-artefacts *.egg-info \
	  .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment, compiled once: a process that compiles what it imports starts three times slower. uv is installed by the hash in the lock, then installs the rest; where it finds no package
# index (pip may be configured otherwise than uv), pip itself installs the same lock.
$(READY): requirements.lock pyproject.toml
	@set -e; \
	for python in python3.11 python3 ""; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && break; \
	done; \
	[ -n "$$python" ] || { echo "Python 3.11 is needed: no python3.11 or python3 of that version was found" >&2; exit 1; }; \
	if ! $(BIN)/pip --version >/dev/null 2>&1; then \
	  echo "[1/4] making .venv with $$("$$python" -V)"; \
	  "$$python" -m venv --clear .venv \
	    || { echo "Python lacks venv; on Debian: apt-get install python3.11-venv" >&2; exit 1; }; \
	fi; \
	awk '/^uv==/ {on = 1} on {print} on && !/\\$$/ {exit}' requirements.lock > .venv/uv.lock.txt; \
	echo "[2/4] installing $$(awk 'NR == 1 {print $$1}' .venv/uv.lock.txt) by its hash"; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.lock.txt; \
	echo "[3/4] installing the packages of requirements.lock"; \
	VIRTUAL_ENV="$$PWD/.venv" $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements.lock \
	  || { echo "      uv could not; trying pip"; \
	       $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock; }; \
	echo "[4/4] installing Renzheng itself"; \
	VIRTUAL_ENV="$$PWD/.venv" $(BIN)/uv pip install --quiet --offline --no-deps --no-build-isolation \
	  --config-setting editable_mode=compat --editable .; \
	$(BIN)/python -m compileall -q $(SOURCES); \
	touch $@

# The programs that tests and benchmarks start. RUNLEVEL=1 keeps Debian from starting them as services.
servers:
	@missing=""; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="$$missing postgresql"; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || missing="$$missing chromium"; \
	command -v nginx >/dev/null || test -x /usr/sbin/nginx || missing="$$missing nginx-light"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	fc-list :lang=zh 2>/dev/null | grep -q . || missing="$$missing fontconfig fonts-noto-cjk"; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing$$missing"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
	      apt-get install -y -qq --no-install-recommends $$missing >/dev/null; } \
	    || echo "left out, as they could not be installed:$$missing"; \
	elif [ -n "$$missing" ]; then \
	  echo "left out, as they are not installed:$$missing"; \
	fi
