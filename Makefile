# One command for each thing one does here. `make run` needs Python 3.11 with venv, nothing else.

.PHONY: run run-azure-local demo screenshots docs-site check check-az fix test test-all test-azure bench mutants wheel single-file azure-package sbom image lock licenses audit clean
.DEFAULT_GOAL := run

VENV := .venv
# An interpreter of your choice, for a new environment.
PYTHON ?=
export PYTHON

run: # Serve a registry on this machine (PORT, WORKERS and BALLROOM_* apply).
	@sh .ci/environment requirements.txt $(VENV)
	@exec $(VENV)/bin/ballroom serve

run-azure-local: tools # The same over a double of Cosmos DB and Azurite, as it is in the cloud; takes npm.
	@exec $(VENV)/bin/python -m tests.azure_local

demo: # Fill a registry with the releases of a real index, at real size, and serve it.
	@sh .ci/environment requirements.txt $(VENV)
	@exec $(VENV)/bin/python -m bench.demo

screenshots: tools # Write the pictures of README.md over the demo registry; takes Chromium.
	@exec $(VENV)/bin/python -m bench.screenshots

docs-site: # Write the whole documentation as a static site to .docs-site, in an environment of its own.
	@sh .ci/environment packaging/docs/requirements.txt .venvs/docs
	@NO_MKDOCS_2_WARNING=1 .venvs/docs/bin/mkdocs build --quiet --config-file packaging/docs/mkdocs.yml
	@echo "Open .docs-site/index.html"

check: tools # Style, types, direction of imports, spelling, locks, licenses; all of them, then the verdict.
	@failed=; \
	for step in "ruff check ." "ruff format --check ." pyright "lint-imports --no-logo" codespell "python .ci/lock.py check" "python .ci/licenses.py check"; do \
		echo "== $$step"; \
		$(VENV)/bin/$$step || failed="$$failed $${step%% *}"; \
	done; \
	test -z "$$failed" || { echo "Failed:$$failed" >&2; exit 1; }

check-az: # Parse every command of az and azd that we write; installs the Azure CLI, which is 700 MB.
	@sh .ci/environment tests/az/requirements.txt .venvs/az
	@.venvs/az/bin/python -m tests.az.check

fix: tools # What ruff can mend by itself.
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

test: tools # Each rule once; SUITES="unit contract" runs some.
	@$(VENV)/bin/python -u -m tests.run $(SUITES)

test-all: tools # Every test, with coverage and other Pythons (PYTHONS="" for none); TABLES=1: whole tables of faults over all stores, which takes hours.
	@$(VENV)/bin/python -u -m tests.run $(if $(TABLES),--tables,--all) $(SUITES)

test-azure: tools # The suites of the cloud; against real stores where BALLROOM_COSMOS_ENDPOINT is set.
	@$(VENV)/bin/python -u -m tests.run contract protocol-in-the-cloud protocol-of-four-instances in_the_cloud

BENCHMARKS := earlier_commit import_time first_after_start traffic hidden_packages throughput_beside_peers pushes search mirror worst_requests store_usage traces verify log drill shape
# Short names of benchmarks for ONLY.
MODULE_OF_beside := earlier_commit
MODULE_OF_first := first_requests
MODULE_OF_handling := request_processor_time
MODULE_OF_log := transparency_log
MODULE_OF_shape := code_size

bench: tools # Most benchmarks; ONLY=pushes runs one, REVISION=COMMIT compares with a commit, PACKAGES=N sets the size; docs/develop/benchmarks.md lists all.
	@for benchmark in $(foreach name,$(or $(ONLY),$(BENCHMARKS)),$(or $(MODULE_OF_$(name)),$(name))); do echo "== $$benchmark"; $(VENV)/bin/python -u -m bench.$$benchmark || exit 1; done

mutants: tools # Try small faults in the rules; ONLY=domain, MODULE=shared/domain/rate_limits.py, SAMPLE=10, OFFSET=3, LISTED=1, REFRESH=1, JOBS=2, FRESH=1.
	@exec $(VENV)/bin/python -u -m tests.mutants

wheel single-file azure-package sbom: # Build what people install into dist/: the wheel, a single file, the package for Azure, the bill of materials.
	@sh .ci/environment packaging/requirements.txt .venvs/packaging
	@.venvs/packaging/bin/python packaging/build.py $@ dist

image: # Build the image for one machine into dist/ballroom.tar; takes root, mmdebstrap and buildah.
	@sh .ci/environment packaging/requirements.txt .venvs/packaging
	@PYTHON=.venvs/packaging/bin/python packaging/image/build dist

lock: tools # Write all locks from pyproject.toml; UPGRADE=1 renews every pin.
	$(VENV)/bin/python .ci/lock.py $(if $(UPGRADE),upgrade)

licenses: tools # Write the list of the licenses of what the locks pin, docs/run/third-party.md.
	@$(VENV)/bin/python .ci/licenses.py

audit: # Look for known vulnerabilities of what the locks pin; asks the database of OSV.
	@python3 .ci/audit.py

clean: # Everything that can be made again; never a registry's data.
	rm -rf $(VENV) .venvs .package .test-results .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path "./node_modules/*" -prune -exec rm -rf {} +

.PHONY: tools
tools:
	@sh .ci/environment .ci/requirements.txt .venvs/lock
	@sh .ci/environment tests/requirements.txt $(VENV)
