# Bare `make` lists the verbs. Every verb does its own set-up.
PYTHON ?= python3
BIN := .venv/bin
quoted = '$(subst ','\'',$1)'
# Settings are no variables of make's, whose $ and # would bend them: `config.env` reads .env, which
# tests and measurements leave alone.
TESTING := check test test-all crash-test compare report bench rehearse container-test
$(TESTING): export ENV_FILES := /dev/null

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: run
run: .venv/run ## serve the site on this machine: web, worker, beat, Flower; Ctrl-C stops all
	@$(BIN)/python -m config.development run

.PHONY: demo
demo: .venv/run ## play an opening: 10,000 people, 1,000 coupons, a verdict
	@$(BIN)/python -m config.development demo

.PHONY: test
test: .venv/tests ## what a change can break, in minutes, on real servers that it starts and stops
	@sh tests/all.sh

.PHONY: test-all
test-all: .venv/tests ## the rest: slow tests, other databases, environments killed after every write
	@sh tests/all.sh rest

.PHONY: crash-test
crash-test: .venv/tests ## openings while everything dies in turn: make crash-test RUNS=300 [SEED=s]
	@$(BIN)/python -m tests.crash --runs $(or $(RUNS),20) $(if $(SEED),--seed $(SEED)) $(CRASH)

.PHONY: check
check: .venv/all ## ruff, mypy, Django's deployment checks, missing migrations
	@sh tests/check.sh

.PHONY: load
load: .venv/tools ## an opening by Locust, with a verdict: make load [HOST=http://127.0.0.1:8080]
	@$(BIN)/python -m locust -f locust/locustfile.py --headless $(if $(HOST),--host $(call quoted,$(HOST))) $(LOAD)

.PHONY: load-ui
load-ui: .venv/tools ## the same in Locust's web page
	@$(BIN)/python -m locust -f locust/locustfile.py --web-host 127.0.0.1 $(if $(HOST),--host $(call quoted,$(HOST))) $(LOAD)

.PHONY: compare
compare: .venv/tests .venv/peers ## direct, queued and three peers, measured in one run
	@$(BIN)/python -m tests.servers $(BIN)/python locust/compare/run.py $(COMPARE)

.PHONY: report
report: .venv/tests ## an opening on both roads, watched, as one page of pictures: build/report.html
	@$(BIN)/python -m tests.servers $(BIN)/python locust/report/report.py $(REPORT)

.PHONY: bench
bench: .venv/tests ## ratios of what a claim costs: make bench [BASELINE=file] [BENCH=names] [RECORD=yes]
	@$(BIN)/python -m tests.bench $(BENCH) $(if $(BASELINE),--baseline $(call quoted,$(BASELINE))) $(if $(RECORD),--record)

.PHONY: rehearse
rehearse: .venv/tests ## deploy it on this machine, for real: root on Linux [REHEARSE="--env hello"]
	@$(BIN)/python -m tests.rehearsal $(REHEARSE)

.PHONY: container-test
container-test: .venv/all ## build the images, start compose.yaml's services, play a sale on them: root on Linux
	@sh tests/packages.sh containers || true
	@$(BIN)/python -m tests.containers $(CONTAINERS)

.PHONY: plan
plan: .venv/tools ## what AWS lacks and what it would cost: COUPON_OPERATOR=198.51.100.7/32 make plan ENV=hello
	@$(BIN)/python -m provisioning plan --env $(or $(ENV),hello) $(PLAN) || [ $$? -eq 2 ]

.PHONY: licences
licences: .venv/all ## packages of others, with their licences: build/licences.md
	@$(BIN)/python -m requirements.third_party licences

.PHONY: sbom
sbom: .venv/all ## what a host installs, as CycloneDX: build/sbom.json
	@$(BIN)/python -m requirements.third_party sbom

.PHONY: update
update: .venv/all ## move the pins to the newest versions and test them: make update [UPDATE="--package django"]
	@PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/python -m requirements.update $(UPDATE)

.PHONY: fmt
fmt: .venv/all ## format the code
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format .

.PHONY: clean
clean: ## remove what the other verbs made here
	rm -rf .venv build var .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# What is installed for whom: a running site; who works with one; who looks at the code; who tests it,
# which alone needs packages of the system.
.venv/run: requirements/run.txt requirements/laptop.txt requirements/mysql.txt
	@sh requirements/install.sh $(call quoted,$(PYTHON)) run

.venv/tools: requirements/run.txt requirements/laptop.txt requirements/mysql.txt requirements/tools.txt requirements/collections.txt
	@sh requirements/install.sh $(call quoted,$(PYTHON)) tools

.venv/all: requirements.txt requirements/collections.txt
	@sh requirements/install.sh $(call quoted,$(PYTHON)) all

.venv/peers: requirements/peers.txt
	@sh requirements/install.sh $(call quoted,$(PYTHON)) peers

.venv/tests: requirements.txt requirements/collections.txt tests/packages.sh
	@sh tests/packages.sh
	@sh requirements/install.sh $(call quoted,$(PYTHON)) tests
