# Everything that is done to this repository. CI calls `make check`, and nothing else.
# A fresh machine needs Rust (`rust-version` in Cargo.toml) and a C compiler; what a target needs beyond that, it says and installs.

CARGO ?= cargo
# More arguments for `make run`, say ARGS="--public 127.0.0.1:0 --data /var/tmp/demo".
ARGS ?=
# Seeds of the simulation; each is a history of its own, and is printed where it fails.
SIM_SEEDS ?= 200
NIGHTLY_SEEDS ?= 10000
# Of fuzzing for each target.
FUZZ_SECONDS ?= 120

BENCHES := $(basename $(notdir $(wildcard benches/*.rs)))

.DEFAULT_GOAL := help
.PHONY: help run build test fmt lint check bench sim alerts conformance schemas fuzz mutants nightly interop smpp-interop doc deny config clean

help: ## What can be made (this list)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build, optimised but quickly, and start everything: gateway, SMS stand-in, demo data (ARGS=...)
	$(CARGO) run --profile quick --locked -- dev $(ARGS)

build: ## Build the release: target/release/countersign
	$(CARGO) build --release --locked

test: ## Everything that must pass (the tests that set clocks need libfaketime, Debian package faketime; they skip without)
	$(CARGO) test --workspace --all-features --locked

fmt: ## Format all code
	$(CARGO) fmt --all

lint: ## Formatting and lints, without changing anything
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings

check: lint test ## What CI runs: formatting, lints, tests

bench: ## Measure: the store beside a raw log, and everything in benches/
	$(CARGO) run --release --locked -p storage --example throughput
	$(CARGO) bench --locked -p smpp --bench throughput
	$(if $(BENCHES),$(CARGO) bench --locked $(addprefix --bench ,$(BENCHES)))

sim: ## Seeded histories with crashes (SIM_SEEDS=200)
	SIM_SEEDS=$(SIM_SEEDS) $(CARGO) test --profile quick --locked -p actors --features testing --test simulation -- --nocapture
	SIM_SEEDS=$(SIM_SEEDS) $(CARGO) test --profile quick --locked -p actors --features testing --test register lives

alerts: ## Check the alert rules and run their tests (needs promtool, Debian package prometheus; skips without)
	@if command -v promtool >/dev/null; then \
	  promtool check rules deploy/prometheus/countersign.rules.yml && cd deploy/prometheus && promtool test rules countersign.test.yml; \
	else echo "promtool is not here (Debian: apt install prometheus); the alert rules were not tested"; fi

conformance: ## Try a running gateway against its own descriptions, three seeds (needs python3; installs schemathesis)
	CARGO=$(CARGO) scripts/conformance.sh

schemas: ## Every kind of fiscal document against the official schemas (needs xmllint; installs it)
	CARGO=$(CARGO) fiscal/scripts/schemas.sh

fuzz: ## Fuzz every parser, two minutes each (FUZZ_SECONDS=120; installs cargo-fuzz if missing)
	@command -v cargo-fuzz >/dev/null || $(CARGO) install cargo-fuzz --locked
	scripts/fuzz.sh $(FUZZ_SECONDS)
	dstu/scripts/fuzz.sh $(FUZZ_SECONDS)
	fiscal/scripts/fuzz.sh $(FUZZ_SECONDS)

mutants: ## Change the rules in actors/src/machines one by one; the tests must notice (installs cargo-mutants if missing)
	@command -v cargo-mutants >/dev/null || $(CARGO) install cargo-mutants --locked
	scripts/mutants.sh

nightly: ## The long run: all tests with 100 kills of each kind and 40 rounds of faults (some 600 kills of registers), the simulation with NIGHTLY_SEEDS=10000, fuzzing and timing of signatures
	CRASH_CYCLES=100 FAULT_ROUNDS=40 $(MAKE) test
	$(MAKE) sim SIM_SEEDS=$(NIGHTLY_SEEDS)
	scripts/fuzz.sh 600
	fiscal/scripts/fuzz.sh 600
	dstu/scripts/nightly.sh

interop: ## Signatures against BouncyCastle, both ways (Debian; installs Java's libraries)
	dstu/scripts/interop.sh

smpp-interop: ## The SMPP client against npm's smpp and Kannel's drive_smpp (installs both; skips what cannot be had)
	smpp/scripts/interop.sh

doc: ## Reference of all packages in target/doc; a broken link fails
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features --locked

deny: ## Licences, bans, sources and advisories of all dependencies (needs cargo-deny; installs it if missing)
	@command -v cargo-deny >/dev/null || $(CARGO) install cargo-deny --locked
	$(CARGO) deny --locked check

config: ## Check config/countersign.toml with the environment, and print what is in force
	$(CARGO) run --profile quick --locked -- check-config

clean: ## Remove what was built
	$(CARGO) clean
