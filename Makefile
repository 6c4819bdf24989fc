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
AUDIT := $(VENV)/.audit-$(FILES)
DOCS := $(VENV)/.docs-$(FILES)
SHIP := $(VENV)/.ship-$(FILES)
LOCK := requirements-dev.lock

# CI sets LOCKED=1: what the lock names is installed first, and all ranges of pyproject.toml are met by it. Users get the ranges.
ifdef LOCKED
INSTALL_LOCKED := $(BIN)/python -m pip install --quiet --require-hashes --requirement $(LOCK)
INSTALL += --no-build-isolation
endif

# Development data with OpenFace's AU files, where they lie beside the project. Nobody else needs them: `make demo` looks where the bare command looks.
ifneq ($(wildcard ../shared/weights),)
test release-tests quick faults docs wheels frozen bench bench-open soak host-sessions train-open fuzz: export FACE_MIRROR_AU_WEIGHTS ?= $(abspath ../shared/weights)
SAY_WEIGHTS = @echo "using the models in $(FACE_MIRROR_AU_WEIGHTS)"
endif

.PHONY: help
help: ## List what there is to make.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: $(BASE) ## Fetch the open models and a face clip, run it, show rows and where the files are.
	$(BIN)/face-mirror-au weights fetch open demo-clip
	$(BIN)/face-mirror-au demo -o demo-out

.PHONY: demo-clip
demo-clip: $(DEV) ## Fetch the real face clip that one test and the benchmarks look at, too.
	$(BIN)/face-mirror-au weights fetch demo-clip

# These tests fork; they have a process of their own, in which no other test has started threads of ONNX Runtime or FFmpeg.
FORKING := tests/loop tests/devices/test_probe.py
# All others, a file at a time in as many processes as there are cores; more than four gain little, since many tests start workers of their own.
OTHERS := --numprocesses auto --maxprocesses 4 --dist loadfile $(FORKING:%=--ignore %)

.PHONY: test
test: lint $(DEV) ## Lint, then all tests but those of a release.
	$(SAY_WEIGHTS)
	$(BIN)/pytest $(FORKING)
	$(BIN)/pytest -m 'not release' $(OTHERS)

.PHONY: release-tests
release-tests: $(DEV) ## The tests that a release waits for: training, its renders, the soak in its short form.
	$(SAY_WEIGHTS)
	$(BIN)/pytest -m release $(OTHERS)

.PHONY: quick
quick: $(DEV) ## The tests that take no more than a second or two each.
	$(SAY_WEIGHTS)
	$(BIN)/pytest -m 'not slow' $(FORKING)
	$(BIN)/pytest -m 'not slow and not release' $(OTHERS)

.PHONY: faults
faults: $(DEV) ## The fault tests with every step and many moments, not a sample: some ten minutes.
	$(SAY_WEIGHTS)
	FACE_MIRROR_AU_LONG=1 $(BIN)/pytest tests/faults

.PHONY: lint
lint: $(DEV) ## ruff, mypy, import-linter.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p face_mirror_au -p face_mirror_hooks -p face_mirror_weights -p training
	$(BIN)/lint-imports --no-cache

.PHONY: audit
audit: $(AUDIT) ## Known weaknesses of what is installed (asks an advisory service), and ruff's security rules on our code.
	$(BIN)/ruff check --select S face_mirror_au hooks weights
	$(BIN)/python -m pip freeze --exclude-editable > $(VENV)/audited.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement $(VENV)/audited.txt

.PHONY: sbom
sbom: $(AUDIT) ## Bill of materials of what runs (CycloneDX), to dist/.
	$(BIN)/python .make/sbom.py dist/sbom.cdx.json

.PHONY: format
format: $(DEV) ## Put the code into ruff's form.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(DEV) ## Agreement with C++ OpenFace, and timings. Needs ../shared.
	$(BIN)/python -m benchmarks.truth
	$(BIN)/python -m benchmarks.landmarks_truth
	$(BIN)/python -m benchmarks.end_to_end
	$(BIN)/python -m benchmarks.stages

.PHONY: soak
soak: $(DEV) ## 200,000 frames, 60 videos and 199 killed workers in one process: half an hour on 2 idle cores. Needs ../shared.
	$(BIN)/python -m benchmarks.soak

.PHONY: host-sessions
host-sessions: $(DEV) ## 200 sessions of the host double with random names, failures and cancellations: 20 minutes. Needs ../shared.
	$(BIN)/python -m benchmarks.host_sessions

MESH ?= ../shared/faces3d/ict.npz

.PHONY: train-open
train-open: $(DEV) ## Train the open AU bank anew: under two hours on 2 cores. MESH=ict.npz says where ICT-FaceKit is.
	$(BIN)/python -m training --mesh $(MESH)

.PHONY: bench-open
bench-open: $(DEV) ## How good the open AU bank is. Needs ../shared.
	$(BIN)/face-mirror-au weights fetch demo-clip
	$(BIN)/python -m benchmarks.open_bank

.PHONY: docs
docs: $(DOCS) ## Build the documentation to site/, run its notebooks, try the pages in a browser. Warnings are errors.
	$(SAY_WEIGHTS)
	$(BIN)/face-mirror-au weights fetch open
	$(BIN)/mkdocs build --strict
	FACE_MIRROR_AU_SITE=site $(BIN)/pytest -p no:cacheprovider tests/docs/test_docs_site.py

.PHONY: lock
lock: $(SHIP) ## Pin what development and CI install, for all Pythons and systems, with hashes. UPGRADE=1 takes what is new.
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.10 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links --quiet $(if $(UPGRADE),--upgrade) --output-file $(LOCK)

.PHONY: wheels
wheels: $(SHIP) ## Build sdist and a wheel for every Python found, try each in a fresh environment. PYTHONS="python3.12 /other/python" names them.
	$(SAY_WEIGHTS)
	PYTHONS="$(PYTHONS)" $(BIN)/python packaging/wheels.py

.PHONY: frozen
frozen: $(DEV) ## Freeze the program into dist/face-mirror-au, a folder that needs no Python, and try it.
	$(SAY_WEIGHTS)
	$(BIN)/python packaging/frozen.py
	FACE_MIRROR_AU_FROZEN=dist/face-mirror-au $(BIN)/pytest tests/packaging/test_frozen.py

.PHONY: fuzz
fuzz: $(DEV) ## Fuzz every parser, each for 1,000,000 inputs or 20 minutes: up to eight hours. TARGETS="pdm image" are some of them.
	$(BIN)/python -c 'import atheris' 2>/dev/null || $(INSTALL) --editable '.[dev,fuzz]' --config-settings editable_mode=strict
	$(BIN)/python -m fuzz $(TARGETS)

.PHONY: clean
clean: ## Remove the virtual environment and what was built.
	rm -rf $(VENV) build dist *.egg-info demo-out site fuzz/grown

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(BASE): $(VENV)/bin/python pyproject.toml setup.py $(wildcard face_mirror_au/numerics/_kernels/*.pyx)
	@echo "Packages are installed, once: this takes some minutes."
	$(INSTALL_LOCKED)
	$(INSTALL) --editable . --config-settings editable_mode=strict
	$(BIN)/python .make/usable_opencv.py
	rm -f $(VENV)/.base-* $(VENV)/.dev-* $(VENV)/.audit-* $(VENV)/.docs-* $(VENV)/.ship-*
	touch $@

$(DEV): $(BASE)
	$(INSTALL) --editable '.[dev]' --config-settings editable_mode=strict
	$(BIN)/python .make/usable_opencv.py
	touch $@

$(AUDIT): EXTRA := audit
$(DOCS): EXTRA := docs
$(SHIP): EXTRA := ship
$(AUDIT) $(DOCS) $(SHIP): $(DEV)
	$(INSTALL) --editable '.[dev,$(EXTRA)]' --config-settings editable_mode=strict
	$(BIN)/python .make/usable_opencv.py
	touch $@
