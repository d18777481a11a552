# Each target does all its own set-up: a machine needs Rust, Python 3.10 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := .venv-torch
JAXLEY := .venv-jaxley
BRIAN2 := .venv-brian2
NEST := .venv-nest
# maturin builds for the environment it finds active: this one, whatever the caller's shell has.
export VIRTUAL_ENV := $(abspath $(VENV))
unexport CONDA_PREFIX
# What the extension module is built from.
SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find crates -name '*.eqs' -o -name '*.rs' -path '*/src/*' -o -name Cargo.toml)

.PHONY: help demo test test-rust test-python test-levels test-torch test-sanitized fuzz
.PHONY: bench bench-gradient bench-peers bench-counts bench-scaling docs dist clean

help: ## What there is
	@echo "make demo    simulate 1,000 CA1 pyramidal cells and draw demo.png"
	@echo "make test    all tests: Rust, Python, PyTorch (which is a large download), examples in the docs, formatting, lints, types"
	@echo "make docs    the documentation, in site/: guides, tutorials that run, the API of Python and of Rust"
	@echo "make test-rust, test-python, test-levels, test-torch   a part of these"
	@echo "make test-sanitized   tests of the lanes, the crate with unsafe code, under AddressSanitizer (x86-64 Linux)"
	@echo "make fuzz    random inputs to the API and to all parsers, one minute each; ARGS=\"--only api --seconds 600\" for longer"
	@echo "make bench-gradient   speed of gradients beside Jaxley's, which it installs"
	@echo "make bench-peers   the same networks in Brian2 and NEST, which it installs (20 minutes; needs g++)"
	@echo "make bench   speed of the lanes, and of networks by type and threads"
	@echo "make bench-scaling   how time and memory grow with neurons and connections, in tables"
	@echo "make bench-counts   instructions of fixed programs beside those on record, which needs valgrind"
	@echo "make dist    the wheel, the source and the crates as they would be published, in dist/ and target/package/"
	@echo "make clean   remove everything built"

$(BIN)/maturin:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check "maturin>=1.16,<2"

# The package, built for release into the virtual environment; Python files are used in place.
$(VENV)/.demo: $(BIN)/maturin $(SOURCES)
	$(BIN)/maturin develop --release --quiet --extras plot,progress
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/maturin develop --release --quiet --extras dev
	@touch $@

$(VENV)/.docs: $(VENV)/.demo
	$(BIN)/maturin develop --release --quiet --extras docs
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

test: test-rust test-python test-levels test-torch

# Tests of Rust have no time limit of their own, so each test binary runs under one (s).
LIMITED = target."cfg(all())".runner = ["$(abspath $(BIN))/python", "$(abspath tests/time_limit.py)", "1800"]

# The bindings are linted too, and their build asks the environment's interpreter.
test-rust: $(BIN)/maturin
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo --config '$(LIMITED)' test --quiet
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet

test-python: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

# Results on the levels of instructions that the other tests do not use on this processor.
test-levels: $(VENV)/.dev
	for level in $$($(BIN)/python -c "from dendrion._core import LEVELS; print(*LEVELS[:-1])"); do \
		echo "level $$level" && DENDRION_LEVEL=$$level $(BIN)/pytest tests/golden tests/identical || exit 1; \
	done

# PyTorch lives in an environment of its own: it is large, and nothing else needs it.
$(TORCH)/.ready: $(VENV)/.demo
	$(PYTHON) -m venv $(TORCH)
	VIRTUAL_ENV=$(abspath $(TORCH)) $(BIN)/maturin develop --release --quiet --extras torch
	$(TORCH)/bin/pip install --quiet --disable-pip-version-check "pytest>=8,<10" "pytest-timeout>=2.3,<3"
	@touch $@

test-torch: $(TORCH)/.ready
	$(TORCH)/bin/pytest tests/torch "tests/docs/test_examples.py::test_examples_run[docs/gradients.md]"

# Stable Rust ships the sanitizer's runtime, but lets only RUSTC_BOOTSTRAP link it. Naming a target keeps it out of build
# scripts; debug assertions are off because they would find some accesses first, and say less.
test-sanitized: $(BIN)/maturin
	RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address -Cdebug-assertions=off" \
		cargo --config '$(LIMITED)' test --quiet --package dendrion-kernels --tests --target x86_64-unknown-linux-gnu

# ARGS="--only api --inputs 200000 --jobs 2" does some of it. Failures go to fuzz-failures/, with the arguments that repeat them.
fuzz: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

bench-gradient: $(VENV)/.demo
	test -x $(JAXLEY)/bin/python || $(PYTHON) -m venv $(JAXLEY)
	$(JAXLEY)/bin/pip install --quiet --disable-pip-version-check "jaxley==0.14.0"
	$(BIN)/python benchmarks/gradients.py $(JAXLEY)/bin/python

# Peers have environments of their own, so that no two packages dispute over NumPy.
$(BRIAN2)/.ready:
	$(PYTHON) -m venv $(BRIAN2)
	$(BRIAN2)/bin/pip install --quiet --disable-pip-version-check "brian2==2.9.0" "numpy<2" "cython>=3,<4" "setuptools<81"
	@touch $@

$(NEST)/.ready:
	$(PYTHON) -m venv $(NEST)
	$(NEST)/bin/pip install --quiet --disable-pip-version-check "nest-simulator==3.10.0"
	@touch $@

# ARGS="--only w1 --sizes 1000 --repeats 5" does some of it.
bench-peers: $(VENV)/.demo $(BRIAN2)/.ready $(NEST)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check "scipy>=1.10"
	$(BIN)/python benchmarks/peers/run.py --brian $(BRIAN2)/bin/python --nest $(NEST)/bin/python --out bench-peers/table.md $(ARGS)

bench: $(VENV)/.demo
	cargo bench --package dendrion-kernels --quiet
	$(BIN)/python benchmarks/networks.py
	$(BIN)/python benchmarks/equations.py

bench-scaling: $(VENV)/.demo
	$(BIN)/python benchmarks/scaling.py $(ARGS)

bench-counts:
	$(PYTHON) benchmarks/counts.py

# Strict: a warning, such as of a link that leads nowhere, is an error. The variable silences an announcement of the
# theme's authors. Crates that are gone would stay in target/doc.
docs: $(VENV)/.docs
	rm -rf target/doc
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open site/index.html"

# What would be published: a wheel for all Pythons from 3.10 on, the source, and the crates; each is installed or built again.
dist: $(VENV)/.demo
	rm -rf dist
	$(BIN)/maturin build --release --quiet --out dist
	$(BIN)/maturin sdist --out dist
	$(PYTHON) -m venv --clear dist/.venv
	for file in dist/*.whl dist/*.tar.gz; do \
		dist/.venv/bin/pip install --quiet --disable-pip-version-check --force-reinstall $$file && \
		dist/.venv/bin/dendrion --version && \
		dist/.venv/bin/python -c "import dendrion; dendrion.channels.KA" || exit 1; \
	done
	rm -rf dist/.venv
	cargo package --workspace --exclude dendrion-python

clean:
	rm -rf $(VENV) $(TORCH) $(JAXLEY) $(BRIAN2) $(NEST) bench-peers fuzz-failures dist site target *.png
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
