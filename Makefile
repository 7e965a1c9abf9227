# Each of these sets up what it needs on a fresh Debian machine with Rust; see ops/dev/setup.
#   make demo   a mine on your screen
#   make test   everything that must hold before a change is taken
#   make query  the engine behind `offpeak sql`
#   make horizon  the solver behind the plan for the hours ahead
#   make bench  figures of this machine, into target/bench.json
#   make node   the tests that read a real Bitcoin node, which it builds first
#   make soak   the long runs; writes a report under docs/soak/
#   make tarball  the release to install, into target/

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
UI_FILES := $(shell find ui/src ui/public -type f) ui/index.html ui/outlines.ts $(wildcard ui/*.config.*) ui/tsconfig.json

.PHONY: all demo test lint deny unit query test-query horizon test-horizon node bench soak setup clean tarball ui ui-lint ui-test ui-browser \
  screenshots
all: test

setup:
	@ops/dev/setup

demo: ui
	cargo build --release -p offpeak
	target/release/offpeak demo $(ARGS)

# The order is from cheap to dear, so that a slip shows soon.
test: setup ui-lint ui-test lint deny unit test-query test-horizon ui-browser

lint: ui
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

deny: $(DENY)
	$(DENY) --workspace --locked check licenses bans sources
	$(DENY) --manifest-path query/Cargo.toml --config deny.toml --locked check licenses bans sources
	$(DENY) --manifest-path horizon/Cargo.toml --config deny.toml --locked check licenses bans sources

$(DENY): | setup
	$(INSTALL) cargo-deny --version $(DENY_VERSION)
	rm -rf target/tools/build

$(FUZZ): | setup
	$(INSTALL) cargo-fuzz --version $(FUZZ_VERSION)
	rm -rf target/tools/build

unit: ui $(VENV)/.ready
	ops/dev/setup promtool
	cargo test --workspace --locked

# The query engine is a package of its own; its program stands beside offpeak.
query: setup
	cargo build --release --locked --manifest-path query/Cargo.toml --target-dir target

test-query: setup $(VENV)/.ready
	cargo fmt --check --manifest-path query/Cargo.toml
	cargo clippy --manifest-path query/Cargo.toml --target-dir target --all-targets --locked -- -D warnings
	cargo test --manifest-path query/Cargo.toml --target-dir target --locked

# So is the solver of the hours ahead. HiGHS is built once, some minutes of one core, for program and tests alike.
horizon: setup
	ops/dev/setup c++ cmake clang
	cargo build --release --locked --manifest-path horizon/Cargo.toml --target-dir target

test-horizon: setup
	ops/dev/setup c++ cmake clang
	cargo fmt --check --manifest-path horizon/Cargo.toml
	cargo clippy --release --manifest-path horizon/Cargo.toml --target-dir target --all-targets --locked -- -D warnings
	cargo test --release --manifest-path horizon/Cargo.toml --target-dir target --locked

$(VENV)/.ready: $(REQUIREMENTS) | setup
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $(REQUIREMENTS)
	touch $@

# Bitcoin Core is built once, some minutes; Debian has no package of it.
node: setup
	ops/dev/bitcoind
	OFFPEAK_BITCOIND=$(abspath target/bitcoind/bitcoind) cargo test --locked -p offpeak-drivers -p offpeak --test it -- --ignored real_node

bench: ui query horizon $(VENV)/.ready
	ops/dev/setup psql
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

# What an operator installs: the programs, the unit, rules and dashboards, docs and example sites.
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
NAME = offpeak-$(VERSION)-$(shell uname -m)-linux

tarball: ui query horizon
	cargo build --release --locked -p offpeak
	rm -rf target/$(NAME)
	mkdir -p target/$(NAME)/bin
	cp target/release/offpeak target/release/offpeak-query target/release/offpeak-horizon target/$(NAME)/bin/
	cp -r docs sites README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT target/$(NAME)/
	cp -r ops/systemd ops/prometheus ops/grafana target/$(NAME)/
	tar --sort=name --owner=0 --group=0 --numeric-owner -C target -czf target/$(NAME).tar.gz $(NAME)
	rm -rf target/$(NAME)
	@echo target/$(NAME).tar.gz
