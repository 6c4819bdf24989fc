# What a developer can do. `make` alone lists it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Setuptools' strict editable mode links every file once: a file that is added or removed asks for a new install, a changed one does not.
FILES := $(shell find face_mirror_au hooks weights -name '*.py' -o -name '*.pyx' -o -name '*.toml' -o -name '*.txt' -o -name '*.j2' -o -name '*.css' 2>/dev/null | LC_ALL=C sort | cksum | cut -d' ' -f1)
# Of all that pip says, only the reminder that strict mode lives in build/ is left out.
INSTALL := PYTHONWARNINGS='ignore:Editable installation' $(BIN)/python -m pip install --quiet
BASE := $(VENV)/.base-$(FILES)
DEV := $(VENV)/.dev-$(FILES)

# Development data with OpenFace's AU files, where they lie beside the project. Nobody else needs them.
ifneq ($(wildcard ../shared/weights),)
export FACE_MIRROR_AU_WEIGHTS ?= $(abspath ../shared/weights)
SAY_WEIGHTS := @echo "using the models in $(FACE_MIRROR_AU_WEIGHTS)"
endif

.PHONY: help
help: ## List what there is to make.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: $(BASE) ## Fetch the open models and a face clip, run it, show rows and where the files are.
	$(SAY_WEIGHTS)
	$(BIN)/face-mirror-au weights fetch open demo-clip
	$(BIN)/face-mirror-au demo -o demo-out

.PHONY: demo-clip
demo-clip: $(DEV) ## Fetch the real face clip that one test and the benchmarks look at, too.
	$(BIN)/face-mirror-au weights fetch demo-clip

# These tests fork; they have a process of their own, in which no other test has started threads of ONNX Runtime or FFmpeg.
FORKING := tests/loop tests/models/test_probe.py

.PHONY: test
test: lint $(DEV) ## Lint, then all tests.
	$(SAY_WEIGHTS)
	$(BIN)/pytest $(FORKING)
	$(BIN)/pytest $(FORKING:%=--ignore %)

.PHONY: quick
quick: $(DEV) ## The tests that take no more than a second or two each.
	$(SAY_WEIGHTS)
	$(BIN)/pytest -m 'not slow' $(FORKING)
	$(BIN)/pytest -m 'not slow' $(FORKING:%=--ignore %)

.PHONY: lint
lint: $(DEV) ## ruff, mypy, import-linter.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p face_mirror_au -p face_mirror_hooks -p face_mirror_weights
	$(BIN)/lint-imports --no-cache

.PHONY: format
format: $(DEV) ## Put the code into ruff's form.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(DEV) ## Agreement with C++ OpenFace, and timings. Needs ../shared.
	$(BIN)/python -m benchmarks.truth
	$(BIN)/python -m benchmarks.end_to_end
	$(BIN)/python -m benchmarks.stages

MESH ?= ../shared/faces3d/ict.npz

.PHONY: train-open
train-open: $(DEV) ## Train the open AU bank anew: under two hours on 2 cores. MESH=ict.npz says where ICT-FaceKit is.
	$(BIN)/python -m face_mirror_au.training --mesh $(MESH)

.PHONY: bench-open
bench-open: $(DEV) ## How good the open AU bank is. Needs ../shared.
	$(BIN)/face-mirror-au weights fetch demo-clip
	$(BIN)/python -m benchmarks.open_bank

.PHONY: fuzz
fuzz: $(DEV) ## Fuzz every parser, each for 1,000,000 inputs or 20 minutes: up to seven hours. TARGETS="pdm image" are some of them.
	$(BIN)/python -c 'import atheris' 2>/dev/null || $(INSTALL) --editable '.[dev,fuzz]' --config-settings editable_mode=strict
	$(BIN)/python -m fuzz $(TARGETS)

.PHONY: clean
clean: ## Remove the virtual environment and what was built.
	rm -rf $(VENV) build dist *.egg-info demo-out fuzz/grown

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(BASE): $(VENV)/bin/python pyproject.toml setup.py $(wildcard face_mirror_au/numerics/_kernels/*.pyx)
	$(INSTALL) --editable . --config-settings editable_mode=strict
	$(BIN)/python .make/usable_opencv.py
	rm -f $(VENV)/.base-* $(VENV)/.dev-*
	touch $@

$(DEV): $(BASE)
	$(INSTALL) --editable '.[dev]' --config-settings editable_mode=strict
	$(BIN)/python .make/usable_opencv.py
	touch $@
