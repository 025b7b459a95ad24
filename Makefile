# Parlor's tasks. Each is one line here and one readable script in scripts/; settings (PARLOR_*, OPENAI_*, DATABASE_URL …)
# are passed on: `PARLOR_BIND=127.0.0.1:9000 make run`.

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench demo fmt

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install everything that building and testing needs
	@scripts/install-packages test

run: ## Build, fetch the local models, serve on http://127.0.0.1:8080
	@scripts/run

test: ## Run every test: SQLite, PostgreSQL, browser
	@scripts/test

check: ## Format, lints and unit tests: quick, before every commit
	@scripts/check

bench: ## Measure GET /api/v1/me beside a bare server
	@bench/me.sh

demo: ## Watch a scripted person be remembered, on the local model
	@scripts/demo $(URL)

fmt: ## Format the code
	@cargo fmt --all
