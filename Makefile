# The everyday commands; `make help` lists them.

TARGET := x86_64-unknown-linux-gnu
NEXTEST := 0.9.143

.DEFAULT_GOAL := help
.PHONY: help test lint packages nextest compare-builds fuzz release bench clean

MINUTES := 1

help: ## Lists these commands.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

test: packages nextest lint ## Installs what the tests need, then runs all of them (as root, on Debian).
	cargo nextest run --locked
	cargo test --locked --doc

lint: ## Checks format, lints, links of the documentation, and licences where cargo-deny is installed.
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
	@if cargo deny --version >/dev/null 2>&1; then cargo deny --offline check licenses bans; \
	else echo "cargo-deny is not installed: licences are not checked"; fi

packages: ## Installs the Debian packages that the tests need.
	.ci/packages

# Each test is a process of its own: that is how nextest runs them, and why it is required. A debug build of it runs as
# fast, and compiles in a fraction of the time.
nextest: ## Installs cargo-nextest where it is missing.
	@cargo nextest --version >/dev/null 2>&1 || \
	cargo install --locked --debug --no-default-features --features default-no-update --version $(NEXTEST) cargo-nextest

# Not position-independent: no relocations at start, and no page of them dirtied in each shim (420 to 175 kB of PSS).
STATIC := RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static"

release: ## Builds the static binary and prints its path.
	$(STATIC) cargo build --locked --release --target $(TARGET)
	@echo target/$(TARGET)/release/rcompose

bench: ## Measures containers, builds, names and logs beside the least that the kernel takes for them (as root).
	$(STATIC) cargo bench --locked --target $(TARGET) --bench start --bench build --bench network --bench dns --bench log
	@if command -v buildah >/dev/null; then RCOMPOSE=target/$(TARGET)/release/rcompose .ci/compare-builds --with buildah $(COMPARED); \
	else echo "buildah is not installed: no image is compared with one of it"; fi

kernel-tests: ## Packs the tests of what the kernel does, for another machine: docs/testing.md.
	.ci/kernel-tests pack

# Ten of the Dockerfiles, which need no base image: those that the bench compares.
COMPARED := add-compressed add-tar add-tar-over arg-stage-chosen copy-chown-own-accounts copy-directory-metadata \
	copy-from-links copy-hard-links env-quotes stage-of-a-stage
BASE :=

compare-builds: ## Builds Dockerfiles with docker and buildah too, where they are, and prints what differs, BASE=debian:12 (as root).
	cargo build --locked
	.ci/compare-builds $(if $(BASE),--base $(BASE))

fuzz: ## Feeds mutated files to the readers of Compose files and Dockerfiles, and packets to the name server, MINUTES=1 for each kind.
	cd fuzz && cargo build --target-dir ../target --bin mutate
	target/debug/mutate compose_yaml $(MINUTES)
	target/debug/mutate env_file $(MINUTES)
	target/debug/mutate dns $(MINUTES)
	target/debug/mutate dockerfile $(MINUTES)

clean: ## Removes what was built.
	cargo clean
