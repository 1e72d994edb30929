# Short names for `python3 -m dev <command>`, which does the work and needs only Python 3.11.
# DEMO=no, PORT=8001, PUBLIC_URL=…, DATABASE_URL=…, REDIS_URL=… may follow a target: make run PORT=8001

PYTHON ?= python3
ARGS ?=
DEV = $(PYTHON) -m dev

.DEFAULT_GOAL := help
.PHONY: help run test lint bench attack chaos mutants shots servers stop assets words lock sbom security clean

run: ## install what is missing, start everything, print `ready: http://localhost:8000`; DEMO=no begins empty
	@$(DEV) run

test: ## prove everything; ARGS="tests/kernel -k name" runs only those tests
	@$(DEV) test $(ARGS)

lint: ## the static checks alone: rules, format, types, import contracts, secrets, known weaknesses
	@$(DEV) lint

bench: ## measure the program beside its floors
	@$(DEV) bench $(ARGS)

attack: ## attack the running program, thousands of ways; ARGS="rights csrf --sample 200" for some
	@$(DEV) attack $(ARGS)

chaos: ## drive orders while the program is killed and frozen; SAGAS=10000 SEED=7
	@$(DEV) chaos $(if $(SAGAS),--sagas $(SAGAS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

mutants: ## put one deliberate bug after the other into a copy, and see that each is seen
	@$(DEV) mutants $(ARGS)

shots: ## take pictures of every page
	@$(DEV) shots $(ARGS)

servers: ## bring up only the private PostgreSQL and Redis, and print their addresses
	@$(DEV) servers $(ARGS)

stop: ## end what runs from this checkout, in whatever window
	@$(DEV) stop

assets: ## fetch the browser libraries into static/vendor
	@$(DEV) assets

words: ## collect the texts to translate; ARGS=ar begins a language
	@$(DEV) words $(ARGS)

lock: ## note the hashes of all packages, after a change of a requirement file
	@$(DEV) lock

sbom: ## write the software bill of materials (CycloneDX) to .local/sbom.json
	@$(DEV) sbom

security: ## write the list of docs/security.md from docs/security/asvs.tsv
	@$(DEV) security

clean: ## remove what can be made again; DATA=1 removes the databases too
	@$(DEV) clean $(if $(DATA),data)

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
