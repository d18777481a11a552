# Each target does all its own set-up: a machine needs Rust, Python 3.10 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# maturin builds for the environment it finds active: this one, whatever the caller's shell has.
export VIRTUAL_ENV := $(abspath $(VENV))
unexport CONDA_PREFIX
# What the extension module is built from.
SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find crates -name '*.rs' -path '*/src/*' -o -name Cargo.toml)

.PHONY: help demo test test-rust test-python bench clean

help: ## What there is
	@echo "make demo    simulate 1,000 CA1 pyramidal cells and draw demo.png"
	@echo "make test    all tests: Rust, Python, examples in the docs, formatting, lints, types"
	@echo "make bench   speed of the lanes, and of networks by type and threads"
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

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

test: test-rust test-python

# The bindings are linted too, and their build asks the environment's interpreter.
test-rust: $(BIN)/maturin
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo test --quiet
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet

test-python: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

bench: $(VENV)/.demo
	cargo bench --package dendrion-lanes --quiet
	$(BIN)/python benchmarks/networks.py

clean:
	rm -rf $(VENV) target demo.png
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
