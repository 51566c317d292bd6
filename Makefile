# What a newcomer types. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help up down test soak bench clean

HANEUL := target/release/haneul
# Where the region lives; empty for haneul's own default (see `haneul up --help`).
DATA ?=
DATA_FLAG := $(if $(DATA),--data $(DATA))
LOG := .haneul/log

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## build haneul, start the region in the background, say where it listens and what to do next
	@tests/prepare build
	cargo build --release --package haneul
	@$(HANEUL) status $(DATA_FLAG) >/dev/null 2>&1 || { \
		umask 077; mkdir -p .haneul; \
		setsid $(HANEUL) up $(DATA_FLAG) >>$(LOG) 2>&1 </dev/null & up=$$!; \
		for try in $$(seq 300); do \
			$(HANEUL) status $(DATA_FLAG) >/dev/null 2>&1 && exit 0; \
			kill -0 $$up 2>/dev/null || break; \
			sleep 0.1; \
		done; \
		echo "The region did not start. The end of $(LOG):"; tail -n 20 $(LOG); exit 1; }
	@echo; $(HANEUL) status $(DATA_FLAG)
	@echo
	@echo "Its log is $(CURDIR)/$(LOG). Next, in this shell:"
	@echo
	@echo "    export PATH=\"$(CURDIR)/target/release:\$$PATH\""
	@echo "    eval \"\$$(haneul env$(if $(DATA), --data $(DATA)))\""
	@echo "    aws sts get-caller-identity"
	@echo
	@echo "Stop it with \`make down\`; what you made stays."

down: ## stop the region; what was made in it stays
	@$(HANEUL) down $(DATA_FLAG)

test: ## install what the tests need, run every check and test; ends with `N passed, N failed`
	@tests/run

soak: ## the long forms of the crash, simulation and property tests
	tests/prepare
	HANEUL_SOAK=1 cargo test --workspace --no-fail-fast
	HANEUL_SOAK=1 RUSTFLAGS="--cfg shuttle" cargo test --package journal --lib --target-dir target/shuttle orders
	cargo build --package haneul --package lazydisk
	HANEUL_SOAK=1 .venv/bin/python -m pytest tests/test_survival.py tests/test_s3_survival.py \
		tests/test_s3_power_cut.py tests/test_s3_linearizable.py tests/test_terraform.py
	HANEUL_SOAK=1 .venv/bin/python -m pytest tests/test_s3_refusals.py -k idle_connections
	unshare --net .venv/bin/python -m pytest tests/ec2

bench: ## measure the figures that bench/README.md explains, into bench/RESULTS.md
	cargo build --release --workspace --bins --examples
	cargo run --release --quiet --package bench

clean: ## remove everything built or fetched; a region's data stays
	cargo clean
	rm -rf .venv .cache
