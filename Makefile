# One command each; uv is brought if it is missing.
export PATH := $(HOME)/.local/bin:$(PATH)
UV := $(shell command -v uv 2>/dev/null || echo $(HOME)/.local/bin/uv)
WORKERS ?= 3

SEED ?= 1
HOURS ?= 0

.PHONY: help setup up demo bench test faults faults-proof faults-long check lint types imports contracts golden docs pictures
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(UV):
	python3 -m venv .uv && .uv/bin/pip install --quiet uv && mkdir -p $(HOME)/.local/bin && ln -sf $(CURDIR)/.uv/bin/uv $(UV)

ASSETS := shared/chassis/assets
STATIC := shared/chassis/chassis/web/pages/static/index.json

setup: $(STATIC) | $(UV) ## everything a fresh machine needs
	$(UV) sync --quiet --locked

# What the pages are dressed in, from its packages by lock file; node comes from a wheel, so that no machine needs one.
NODE := $(UV) run --quiet --isolated --locked --only-group assets
$(STATIC): $(ASSETS)/package-lock.json $(ASSETS)/pages.scss $(ASSETS)/pages.js $(ASSETS)/icon.svg $(ASSETS)/build.mjs | $(UV)
	$(NODE) npm --prefix $(ASSETS) ci --silent --ignore-scripts --omit=optional
	$(NODE) node $(ASSETS)/build.mjs

up: setup ## the whole platform on this machine, until Ctrl-C
	$(UV) run --no-sync naungan up

demo: setup ## two hundred invented households through the whole platform, in minutes
	$(UV) run --no-sync naungan demo

bench: setup ## the platform beside the tutorial pipeline, in one run
	$(UV) run --no-sync naungan bench

test: setup ## all tests but the faults, on testcontainers where Docker answers and on the embedded servers otherwise
	@# Those with servers of their own come after the others: beside them whatever waits for a moment waits too long.
	@failed=0; $(UV) run --no-sync pytest -n $(WORKERS) --dist worksteal --ignore tests/faults -m "not servers" || failed=1; \
	$(UV) run --no-sync pytest -n 2 --dist worksteal --ignore tests/faults -m servers || failed=1; exit $$failed

faults: setup ## every fault once, on the whole platform under load: SEED=1 makes it again
	$(UV) run --no-sync python -m tests.faults --seed $(SEED) --cases 300 --seconds 150 --kills 20

faults-proof: setup ## whether the harness sees bugs on purpose, full disks, and three brokers under fault
	$(UV) run --no-sync pytest -n $(WORKERS) tests/faults

faults-long: setup ## 10,000 cases, 200 kills, every fault; HOURS=8 goes on with the next seeds
	$(UV) run --no-sync python -m tests.faults --seed $(SEED) --hours $(HOURS) --cases 10000 --seconds 1200 --kills 200 --intake-down 620 --report faults.jsonl

check: setup lint types imports contracts test faults ## what CI runs

lint: setup ## ruff, typos, dependencies, lock file
	$(UV) run --no-sync ruff check
	$(UV) run --no-sync ruff format --check
	$(UV) run --no-sync typos
	$(UV) lock --check --quiet

types: setup ## mypy --strict
	$(UV) run --no-sync mypy

imports: setup ## who may import whom
	$(UV) run --no-sync lint-imports

docs: setup ## write docs/generated anew
	$(UV) run --no-sync python -m ops.docs

pictures: setup ## take docs/images anew: the main pages of each role, of invented people, in Indonesian and English
	NAUNGAN_PICTURES=$(CURDIR)/docs/images $(UV) run --no-sync pytest -q tests/pages/test_census.py

contracts: setup ## whether a contract changed so that it breaks a reader or a writer
	$(UV) run --no-sync python -m contracts.golden --check

golden: setup ## write the contracts' golden schemas and samples anew; refused where it would break somebody
	$(UV) run --no-sync python -m contracts.golden
