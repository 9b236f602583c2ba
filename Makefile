# `make reports` and `make test` set up what is missing; nothing else has to be done first.
VENV := .venv
BIN := $(VENV)/bin
PRESET ?= demo
# As many as this process may use; asked when .venv is there.
CORES ?= $(shell $(BIN)/python -c 'from vreid.params.cores import available_cores as cores; print(cores())')
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := 1
# The certificates of the system, as pip is often set to use them; the second is the name in older versions.
export UV_SYSTEM_CERTS := true
export UV_NATIVE_TLS := true

.PHONY: help setup setup-cluster reports crate test test-processors test-faults test-slurm lint mlflow-server ui lock clean

help:  ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.compiled  ## Create .venv and install everything that requirements.lock names

# Made anew when the lock or the package's description is newer.
$(VENV)/.ready: requirements.lock pyproject.toml
	@python="$(PYTHON)"; \
	for candidate in $${python:-python3.12 python3.11 python3.13 python3}; do \
	  if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	  then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "Python 3.11, 3.12 or 3.13 is needed and none was found; name one with PYTHON=…"; exit 1; fi; \
	[ -x $(BIN)/python ] || $$found -m venv $(VENV)
	@echo "Setting up $(VENV) with $$($(BIN)/python --version)"
	@awk '/^[^ #]/ { wanted = /^uv==/ } wanted' requirements.lock > $(VENV)/uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@[ -e .git ] || $(BIN)/dvc config --local core.no_scm true
	@touch $@

# Where Python may write no bytecode (PYTHONDONTWRITEBYTECODE, a read-only folder), each process of the pipeline would
# compile what it imports. Some packages hold files that are no Python and cannot be compiled; nothing imports those.
COMPILE = $(BIN)/python -m compileall -q -j $(CORES)
COMPILE_PACKAGES = $(COMPILE) -q -x '/tests?/' $(VENV)/lib || true

$(VENV)/.packages-compiled: $(VENV)/.ready
	@$(COMPILE_PACKAGES)
	@touch $@

$(VENV)/.compiled: $(VENV)/.packages-compiled $(shell find src -name '*.py')
	@$(COMPILE) src
	@touch $@

setup-cluster: setup  ## Add Snakemake's executor for SLURM (requirements-cluster.lock)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-cluster.lock
	@$(COMPILE_PACKAGES)

reports: setup  ## Run the pipeline of the demo preset (PRESET=… for another) and say where the tables are
	snakemake --cores $(CORES) --resources gpu=2 --config preset=$(PRESET)
	@echo "Everything on one page, for a browser: $(CURDIR)/reports/index.html"
	@echo "All tables: $(CURDIR)/reports/all_tables.md (also .tex, .csv, .json); each paper with its figures and"
	@echo "claims: reports/papers/*.md; all verdicts: reports/claims.md"

crate: setup  ## Pack the reports and their provenance into dist/vreid-PRESET.crate.zip (docs/crate.md)
	vreid crate --preset $(PRESET)

test: setup lint  ## Check style, types and imports, and run all tests
	pytest -n 2 --dist loadgroup

# Of torch, its oneDNN and NumPy's BLAS each can be told to do without what the processor has.
test-processors: setup  ## Run the tests of numbers as lesser processors (PROCESSORS="default avx2 avx512", or other)
	@own=$$(env -u ATEN_CPU_CAPABILITY python -c 'import torch; print(torch.backends.cpu.get_cpu_capability())'); \
	case $$own in AVX512*) can="default avx2 avx512" ;; AVX2) can="default avx2" ;; *) can="default" ;; esac; \
	wanted="$(or $(PROCESSORS),$$can)"; [ "$$wanted" != other ] || wanted=default; \
	[ "$$can" != default ] || echo "torch computes with $$own here: there is no lesser processor to pretend"; \
	for kind in $$wanted; do \
	  case " $$can " in *" $$kind "*) ;; *) \
	    echo "torch computes with $$own here and cannot pretend $$kind: name some of $$can in PROCESSORS"; exit 1 ;; esac; \
	  case $$kind in default) set SSE41 Nehalem ;; avx2) set AVX2 Haswell ;; avx512) set AVX512_CORE SkylakeX ;; esac; \
	  echo "ATEN_CPU_CAPABILITY=$$kind ONEDNN_MAX_CPU_ISA=$$1 OPENBLAS_CORETYPE=$$2"; \
	  ATEN_CPU_CAPABILITY=$$kind ONEDNN_MAX_CPU_ISA=$$1 OPENBLAS_CORETYPE=$$2 \
	    pytest -n 2 --dist loadgroup $(addprefix tests/,training models losses evaluation synthetic) || exit 1; \
	done

test-faults: setup  ## Kill a small pipeline 30 times and compare its tables (KILLS=…, SEED=…, FAULTS=demo)
	pytest -m faults -s tests/faults --kills $(or $(KILLS),30) --seed $(or $(SEED),1) --preset $(or $(FAULTS),micro)

test-slurm: setup  ## Run a small pipeline through a SLURM started here (slurm-wlm, munge, root, setup-cluster)
	pytest -m slurm tests/workflow/test_slurm.py

lint: setup
	ruff check
	ruff format --check
	mypy
	lint-imports
	snakefmt --check Snakefile workflow
	snakemake --lint

mlflow-server: setup  ## Start MLflow's server that checkouts on this machine sync into (loopback only)
	vreid track serve

ui: setup  ## Open MLflow's pages of all runs on this machine (loopback only)
	vreid ui

# One version for all Pythons wherever one fits all: NumPy's is part of the names of runs.
lock: setup  ## Resolve requirements.in anew into requirements.lock
	uv pip compile --universal --generate-hashes --python-version 3.11 --fork-strategy fewest --quiet \
	  --no-emit-index-url --no-emit-find-links --upgrade requirements.in --output-file requirements.lock
	uv pip compile --universal --generate-hashes --python-version 3.11 --fork-strategy fewest --quiet \
	  --no-emit-index-url --no-emit-find-links --upgrade requirements-cluster.in \
	  --output-file requirements-cluster.lock

clean:  ## Remove what the pipeline wrote (not .venv, not data/raw/real)
	rm -rf .snakemake .vreid logs runs tries mlflow.db* data/raw/synthetic data/index data/splits data/packed data/baselines
	find reports -mindepth 1 -maxdepth 1 -not -name reference -exec rm -rf {} +
