# Each target sets up everything it needs: a machine needs only Rust, Python 3.10 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := .venv-torch
JAXLEY := .venv-jaxley
BRIAN2 := .venv-brian2
NEST := .venv-nest
CABLES := .venv-cables
# maturin builds for the active environment: this one, whatever environment the caller's shell uses.
export VIRTUAL_ENV := $(abspath $(VENV))
unexport CONDA_PREFIX
# What the extension module is built from.
SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find crates -name '*.eqs' -o -name '*.rs' -path '*/src/*' -o -name Cargo.toml)

.PHONY: help demo test test-rust test-python test-levels test-torch test-sanitized fuzz
.PHONY: bench bench-gradient bench-peers bench-cables bench-counts bench-scaling docs dist clean

help: ## List the targets
	@echo "make demo    simulate 1,000 CA1 pyramidal cells and draw demo.png"
	@echo "make test    all tests: Rust, Python, PyTorch (which is a large download), examples in the docs, formatting, lints, types"
	@echo "make docs    the documentation, in site/: guides, tutorials that run, the API of Python and of Rust"
	@echo "make test-rust, test-python, test-levels, test-torch   parts of these"
	@echo "make test-sanitized   tests of dendrion-kernels, the crate with unsafe code, under AddressSanitizer (x86-64 Linux)"
	@echo "make fuzz    random inputs to the API and to all parsers, one minute each; ARGS=\"--only api --seconds 600\" for longer"
	@echo "make bench-gradient   speed of gradients compared with Jaxley, which it installs"
	@echo "make bench-peers   the same networks in Dendrion, Brian2 and NEST, which it installs (20 minutes; needs g++)"
	@echo "make bench-cables   detailed cells in Dendrion, Arbor, NEURON and Jaxley, which it installs"
	@echo "make bench   speed of the kernels, and of networks for each dtype and number of threads"
	@echo "make bench-scaling   tables of how time and memory grow with neurons and connections"
	@echo "make bench-counts   instruction counts of fixed programs compared with recorded ones (needs valgrind)"
	@echo "make dist    the wheel, the source distribution and the crates for publication, in dist/ and target/package/"
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

# Rust tests have no time limit of their own, so each test binary runs under one (s).
LIMITED = target."cfg(all())".runner = ["$(abspath $(BIN))/python", "$(abspath tests/time_limit.py)", "1800"]

# The bindings are linted too, which requires the environment's interpreter.
test-rust: $(BIN)/maturin
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	$(BIN)/python tools/check_imports.py
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

# PyTorch has its own environment, because it is large and nothing else needs it.
$(TORCH)/.ready: $(VENV)/.demo
	$(PYTHON) -m venv $(TORCH)
	VIRTUAL_ENV=$(abspath $(TORCH)) $(BIN)/maturin develop --release --quiet --extras torch
	$(TORCH)/bin/pip install --quiet --disable-pip-version-check "pytest>=8,<10" "pytest-timeout>=2.3,<3"
	@touch $@

test-torch: $(TORCH)/.ready
	$(TORCH)/bin/pytest tests/torch "tests/docs/test_examples.py::test_examples_run[docs/gradients.md]"

# Stable Rust ships the sanitizer's runtime, but lets only RUSTC_BOOTSTRAP link it. Naming a target excludes build
# scripts; debug assertions are off because they would catch some accesses first, with less information.
test-sanitized: $(BIN)/maturin
	RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address -Cdebug-assertions=off" \
		cargo --config '$(LIMITED)' test --quiet --package dendrion-kernels --tests --target x86_64-unknown-linux-gnu

# The readers are fuzzed with checks of overflow, as tests are. ARGS="--only api --inputs 200000 --jobs 2" does some of it. Failures go to fuzz-failures/, with the arguments that repeat them.
fuzz: $(VENV)/.dev
	cargo build --quiet --package dendrion-fuzz
	PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

# Jaxley is timed with the newest JAX and with the last one before XLA's thunk runtime, which can be slower on CPUs.
bench-gradient: $(VENV)/.demo
	test -x $(JAXLEY)/bin/python || $(PYTHON) -m venv $(JAXLEY)
	$(JAXLEY)/bin/pip install --quiet --disable-pip-version-check "jaxley==0.14.0"
	test -x $(JAXLEY)-older/bin/python || $(PYTHON) -m venv $(JAXLEY)-older
	$(JAXLEY)-older/bin/pip install --quiet --disable-pip-version-check "jaxley==0.14.0" "jax==0.4.31" "jaxlib==0.4.31"
	$(BIN)/python benchmarks/gradients.py $(JAXLEY)/bin/python $(JAXLEY)-older/bin/python

# The other simulators have separate environments, because they need different versions of NumPy.
$(BRIAN2)/.ready:
	$(PYTHON) -m venv $(BRIAN2)
	$(BRIAN2)/bin/pip install --quiet --disable-pip-version-check "brian2==2.9.0" "numpy<2" "cython>=3,<4" "setuptools<81"
	@touch $@

$(NEST)/.ready:
	$(PYTHON) -m venv $(NEST)
	$(NEST)/bin/pip install --quiet --disable-pip-version-check "nest-simulator==3.10.0"
	@touch $@

# ARGS="--only w1 --sizes 1000 --repeats 5" selects cases.
bench-peers: $(VENV)/.demo $(BRIAN2)/.ready $(NEST)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check "scipy>=1.10"
	$(BIN)/python benchmarks/peers/run.py --brian $(BRIAN2)/bin/python --nest $(NEST)/bin/python --out bench-peers/table.md $(ARGS)

$(CABLES)/.ready:
	$(PYTHON) -m venv $(CABLES)
	$(CABLES)/bin/pip install --quiet --disable-pip-version-check "arbor==0.12.2" "neuron==9.0.2" numpy
	@touch $@

# ARGS="--only passive --rounds 9" selects cases; "gradients" and "builds" are cases, too.
bench-cables: $(VENV)/.demo $(CABLES)/.ready
	test -x $(JAXLEY)/bin/python || $(PYTHON) -m venv $(JAXLEY)
	$(JAXLEY)/bin/pip install --quiet --disable-pip-version-check "jaxley==0.14.0"
	$(BIN)/python benchmarks/cables.py --peers $(CABLES)/bin/python --jaxley $(JAXLEY)/bin/python $(ARGS)

bench: $(VENV)/.demo
	cargo bench --package dendrion-kernels --quiet
	$(BIN)/python benchmarks/networks.py
	$(BIN)/python benchmarks/equations.py

bench-scaling: $(VENV)/.demo
	$(BIN)/python benchmarks/scaling.py $(ARGS)

bench-counts:
	$(PYTHON) benchmarks/counts.py

# Strict: warnings, for example about broken links, are errors. The variable silences an announcement of the theme's
# authors. target/doc is removed because it would keep the pages of crates that no longer exist.
docs: $(VENV)/.docs
	rm -rf target/doc
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open site/index.html"

# Builds everything that is published (a wheel for Python 3.10 and newer, the source distribution, the crates), and
# installs or builds each of them again.
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
	cargo package --workspace --exclude dendrion-python --exclude dendrion-fuzz

clean:
	rm -rf $(VENV) $(TORCH) $(JAXLEY) $(JAXLEY)-older $(BRIAN2) $(NEST) $(CABLES) bench-peers fuzz-failures dist site target *.png
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
