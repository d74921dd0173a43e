# Bare `make` lists the verbs. Every verb does its own set-up.
PYTHON ?= python3
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE := 1
-include .env
export

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: run
run: .venv/run ## serve the site on this machine: web, worker, beat, Flower; Ctrl-C stops all
	@$(BIN)/python -m config.local run

.PHONY: demo
demo: .venv/run ## play an opening: 10,000 people, 1,000 coupons, a verdict
	@$(BIN)/python -m config.local demo

.PHONY: test
test: .venv/all ## run every test on real servers, which it starts and stops itself
	@sh tests/all.sh

.PHONY: check
check: .venv/all ## ruff, mypy, Django's deployment checks, missing migrations
	@sh tests/check.sh

.PHONY: fmt
fmt: .venv/all ## format the code
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format .

.PHONY: clean
clean: ## remove what the other verbs made here
	rm -rf .venv build var .mypy_cache .ruff_cache .pytest_cache

# The requirements of a running site; of tests and tools as well.
.venv/run: requirements/run.txt requirements/laptop.txt requirements/mysql.txt
	@sh requirements/install.sh $(PYTHON) run

.venv/all: requirements.txt tests/packages.sh
	@sh tests/packages.sh
	@sh requirements/install.sh $(PYTHON) all
