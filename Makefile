# Each of these sets up what it needs on a fresh Debian machine with Rust; see ops/dev/setup.
#   make demo   a mine on your screen
#   make test   everything that must hold before a change is taken
#   make bench  figures of this machine, into target/bench.json
#   make soak   the long runs; writes a report under docs/soak/

VENV := target/venv
PYTHON := $(abspath $(VENV))/bin/python
REQUIREMENTS := crates/drivers/tests/py/requirements.txt
DENY := target/tools/bin/cargo-deny
DENY_VERSION := 0.20.2
FUZZ := target/tools/bin/cargo-fuzz
FUZZ_VERSION := 0.13.2
# The profile of our own dependencies would be wasted on a tool: build it small and fast.
INSTALL := CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
  cargo install --locked --quiet --root target/tools --target-dir target/tools/build
export OFFPEAK_PYTHON := $(PYTHON)
# The web UI: a Node.js new enough for it (ops/dev/node finds or installs one), its packages, its built files.
NPM = PATH="$$(ops/dev/node):$$PATH" npm --prefix ui
UI_FILES := $(shell find ui/src ui/public -type f) ui/index.html $(wildcard ui/*.config.*) ui/tsconfig.json

.PHONY: all demo test lint deny unit bench soak setup clean ui ui-lint ui-test ui-browser screenshots
all: test

setup:
	@ops/dev/setup

demo: ui
	cargo build --release -p offpeak
	target/release/offpeak demo $(ARGS)

# The order is from cheap to dear, so that a slip shows soon.
test: setup ui-lint ui-test lint deny unit ui-browser

lint: ui
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

deny: $(DENY)
	$(DENY) --workspace --locked check licenses bans sources

$(DENY): | setup
	$(INSTALL) cargo-deny --version $(DENY_VERSION)
	rm -rf target/tools/build

$(FUZZ): | setup
	$(INSTALL) cargo-fuzz --version $(FUZZ_VERSION)
	rm -rf target/tools/build

unit: ui $(VENV)/.ready
	cargo test --workspace --locked

$(VENV)/.ready: $(REQUIREMENTS) | setup
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $(REQUIREMENTS)
	touch $@

bench: ui $(VENV)/.ready
	cargo build --release --locked -p offpeak
	target/release/offpeak bench --out target/bench.json
	ops/dev/setup chromium
	OFFPEAK=$(abspath target/release/offpeak) OFFPEAK_BENCH=$(abspath target/bench.json) $(NPM) run --silent bench

soak: setup $(VENV)/.ready $(FUZZ)
	ops/dev/setup c++
	ops/dev/soak

# The pages, built from the packages that package-lock.json names and put into the binary by its build.
ui: ui/dist/index.html

ui/node_modules/.ready: ui/package.json ui/package-lock.json ui/.npmrc | setup
	$(NPM) ci --no-audit --no-fund
	touch $@

ui/dist/index.html: ui/node_modules/.ready $(UI_FILES)
	$(NPM) run --silent build

ui-lint: ui/node_modules/.ready
	$(NPM) run --silent lint
	$(NPM) run --silent check

ui-test: ui/node_modules/.ready
	$(NPM) run --silent test

# Chromium against a real site and its twin.
ui-browser: ui
	ops/dev/setup chromium
	cargo build --locked -p offpeak
	OFFPEAK=$(abspath target/debug/offpeak) $(NPM) run --silent browser

screenshots: ui
	ops/dev/setup chromium
	cargo build --locked -p offpeak
	OFFPEAK=$(abspath target/debug/offpeak) $(NPM) run --silent screenshots

clean:
	rm -rf ui/node_modules ui/dist/assets ui/dist/index.html*
	cargo clean
