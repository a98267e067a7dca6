# Commands for development. Packages are installed in .venv; data is stored in var/.
#
#   make run    serve Harmonic on http://localhost:8000 (HARMONIC_HOST, HARMONIC_PORT, HARMONIC_BIND)
#               and run its background jobs
#   make dev    the same, reloading changed code and templates
#   make test   all checks, stopping at the first failure
#   make lint   style, format and architecture      make types   mypy
#   make mutants  mutation tests (ONLY=room or path), takes hours; docs/mutants.md
#   make lock   update the pinned packages      make clean   remove caches (keeps var/)

.DEFAULT_GOAL := run
.NOTPARALLEL:
.PHONY: run dev test lint types mutants lock clean venv-run venv-dev

BIN := .venv/bin
SERVE = $(BIN)/python -m harmonic.server.supervisor

run: venv-run
	@$(BIN)/python manage.py prepare
	@exec $(SERVE)

dev: venv-run
	@$(BIN)/python manage.py prepare
	@HARMONIC_RELOAD=1 exec $(SERVE)

test: venv-dev
	@bin/check

lint: venv-dev
	@bin/check lint

types: venv-dev
	@bin/check types

mutants: export HARMONIC_VAR = $(CURDIR)/var/mutants/site
mutants: venv-dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'mutmut>=3.8.1,<3.9'
	@$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@$(BIN)/python bin/mutants.py $(ONLY)

lock: venv-dev
	@bin/lock

clean:
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -path ./.venv -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

venv-run:
	@bin/venv run

venv-dev:
	@bin/venv dev
