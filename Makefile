# Rollcall. `make demo` to see it, `make test` to check it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME ?= cpu
MINUTES ?= 60
ROUNDS ?= 20
AWAY ?= 60
# Where whole servers and browsers are tested, and what else takes the machine to itself: a house rule looks that no mark
# stands elsewhere. To collect all ten thousand tests for a few of them takes most of a minute.
WHOLE := tests/browser tests/clients tests/conformance tests/docs tests/events tests/journeys
ALONE := tests/e2e tests/media
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: help demo test check e2e chaos outage bench soak clients constraints clean

help:  ## what there is
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Rollcall needs Python 3.11 or later." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e '.[$(RUNTIME),demo]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml clients/python/pyproject.toml constraints.txt
	$(PIP) -e '.[$(RUNTIME),demo,dev]' -e clients/python
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo  ## install and run with two demo cameras on 127.0.0.1:8000
	$(BIN)/rollcall demo

check: $(VENV)/.dev  ## lint, types and house rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy server tests bench clients
	$(BIN)/pytest -q tests/house

test: $(VENV)/.dev  ## the suite (12 minutes on 2 cores)
	.ci/tools
	.ci/suite -m 'not slow and not journey and not browser' -n 3 --dist loadfile

e2e: $(VENV)/.dev  ## what takes long: whole servers, the browser, and the routes once more on PostgreSQL and Redis
	.ci/tools
	.ci/suite -m slow -n 3 tests/e2e/test_fuzzing.py tests/routes
	.ci/suite -m '(journey or browser) and not slow' -n 3 --dist loadfile $(WHOLE)
	.ci/suite -m slow --deselect tests/e2e/test_fuzzing.py $(WHOLE) $(ALONE)

chaos: $(VENV)/.dev  ## kill servers, workers, Redis and PostgreSQL at random, ROUNDS=20
	.ci/tools
	ROLLCALL_CHAOS_ROUNDS=$(ROUNDS) $(BIN)/pytest -q -s tests/e2e/test_chaos.py

outage: $(VENV)/.dev  ## Redis and PostgreSQL away, AWAY=60 seconds each
	.ci/tools
	ROLLCALL_OUTAGE_S=$(AWAY) $(BIN)/pytest -q tests/e2e/test_outage.py

bench: $(VENV)/.dev  ## every benchmark, one line a figure
	$(PIP) -e '.[$(RUNTIME),demo,dev,bench]'
	@status=0; for file in bench/[a-z]*.py; do $(BIN)/python $$file || status=1; done; exit $$status

soak: $(VENV)/.dev  ## ten cameras for MINUTES=60: how memory and latency grow
	$(BIN)/python bench/soak.py --minutes $(MINUTES)

clients: $(VENV)/.dev  ## write the event types of the Python and JavaScript clients from the server's
	PYTHONPATH=. $(BIN)/python clients/generate.py

constraints: $(VENV)/.dev  ## pin what is installed now
	$(PIP) -e '.[$(RUNTIME),demo,dev,bench]'
	$(BIN)/python -m pip freeze --exclude-editable | grep -v '^-e' > constraints.txt

clean:  ## remove the virtual environment and the demo's state
	rm -rf $(VENV) .rollcall .rollcall-demo
