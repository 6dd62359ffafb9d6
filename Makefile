# The public commands. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/bin/salesops
LOCKED := $(VENV)/.installed
REFEREES := $(VENV)/.referees

# Settings of a run; each may be given on the command line, as in `make run COMPANY=acme.yml`.
COMPANY ?=
AS_OF ?=
KNOWN_AT ?=
FORCE ?=
FRESH ?=
FULL ?=
DAYS ?=
SCALE ?=
SEED ?=
METRIC ?=
VARIANT ?=
PERIOD ?=
CUT ?=
KEY ?=
ALL ?=
FORMAT ?=
Q ?=
PORT ?= 3000
PAGES ?=
HOSTS ?=
ARGS ?=

# Packages are compiled when they are first imported: each process would do so, were that not kept.
unexport PYTHONDONTWRITEBYTECODE

company = $(if $(COMPANY),--company '$(COMPANY)')
# The statuses of make are its own: that of a command is said in words.
or_say = || $(PY) -m dagster_project.commands.statuses $$?

.PHONY: help run check explain metrics docs ui bench connector contract graph tour monday pictures test faults referees lint clean

help:  ## List the commands
	@echo 'Usage: make <command> [VARIABLE=value]'
	@echo
	@sed -nE 's/^([a-z]+):.*## (.*)$$/\1\t\2/p' Makefile | while IFS=$$'\t' read -r name text; do \
	  printf '  %-10s %s\n' "$$name" "$$text"; done
	@echo
	@echo 'Variables of run, check, explain, metrics, docs, ui and bench:'
	@echo '  COMPANY=path/to/company.yml   the company (default: company.yml)'
	@echo 'Variables of run:'
	@echo '  AS_OF=2024-03-31              the business moment, the end of that day: later events do not exist'
	@echo '  KNOWN_AT=2024-04-15           the knowledge moment, likewise: later loads do not exist'
	@echo '  FORCE=1                       accept an export that shrank below 80% of the last one'
	@echo '  FRESH=1                       start the company anew; its old warehouse is kept aside'
	@echo '  FULL=1                        build everything anew, not only what has changed'
	@echo '  DAYS=7                        let a simulated company go on for a week first'
	@echo '  SCALE=0.1 SEED=8              size and choice of a simulated company, when it is founded'
	@echo 'Variables of explain:'
	@echo '  METRIC=win_rate VARIANT=…     which number; VARIANT is default unless said'
	@echo '  PERIOD=2026-09                or 2026-Q3 and 2026 (fiscal), 2026-W37, all (the default)'
	@echo '  CUT=rep KEY=…                 of a part of the company, by its key or name'
	@echo '  ALL=1                         list all records, however many'
	@echo '  FORMAT=csv                    the records as CSV, for a pipe'
	@echo 'Variables of metrics:'
	@echo '  Q="--metrics win_rate --group-by metric_time__month,member__team"   the question; all metrics without one'
	@echo 'Variables of connector:'
	@echo '  NAME=forms LABEL=Forms        the type as company.yml will write it, and the vendor as messages say it'
	@echo '  ENTITY=surveys                the entity of the contract that it gives first (default: surveys)'
	@echo 'Variables of ui:'
	@echo '  PORT=3000                     where it listens, on this machine only'
	@echo '  PAGES=3001                    where dashboards and documents are served (default: PORT + 1)'
	@echo '  HOSTS="sales.acme.com"        further names by which browsers reach it, as they show them'
	@echo 'Variables of test: ARGS="tests/kpis -k name"'

run: $(INSTALLED)  ## Ingest, build, audit and publish a company; print its KPIs
	@$(PY) -m dagster_project.cli run $(company) \
	  $(if $(AS_OF),--as-of '$(AS_OF)') $(if $(KNOWN_AT),--known-at '$(KNOWN_AT)') \
	  $(if $(filter-out 0 no false,$(FORCE)),--force) $(if $(filter-out 0 no false,$(FRESH)),--fresh) \
	  $(if $(filter-out 0 no false,$(FULL)),--full) \
	  $(if $(DAYS),--days '$(DAYS)') $(if $(SCALE),--scale '$(SCALE)') $(if $(SEED),--seed '$(SEED)') \
	  $(or_say)

check: $(INSTALLED)  ## Tell all that is wrong with a company file and its sources; write nothing
	@$(PY) -m dagster_project.cli check $(company) $(if $(filter-out 0 no false,$(FORCE)),--force) $(or_say)

# A name may have an apostrophe: make puts what is given to it into the environment as it is.
explain: $(INSTALLED)  ## Show what a published number follows from: METRIC=win_rate PERIOD=2026-09
	@$(PY) -m dagster_project.cli explain $(company) \
	  $(if $(METRIC),--metric="$$METRIC") $(if $(VARIANT),--variant="$$VARIANT") \
	  $(if $(PERIOD),--period="$$PERIOD") $(if $(CUT),--cut="$$CUT") $(if $(KEY),--key="$$KEY") \
	  $(if $(filter-out 0 no false,$(ALL)),--all) $(if $(FORMAT),--format="$$FORMAT")

metrics: $(INSTALLED)  ## Ask the semantic layer for any cut: Q="--metrics win_rate --group-by metric_time__month"
	@$(PY) -m dagster_project.cli metrics $(company) $(if $(Q),--question="$$Q")

docs: $(INSTALLED)  ## Write what every table and column means, and its lineage, as one page
	@$(PY) -m dagster_project.cli docs $(company) $(or_say)

ui: $(INSTALLED)  ## Serve the Dagster UI and, beside it, dashboards and documents on 127.0.0.1
	@$(PY) -m dagster_project.cli ui $(company) --port '$(PORT)' \
	  $(if $(PAGES),--pages '$(PAGES)') $(if $(HOSTS),--hosts '$(HOSTS)')

bench: $(INSTALLED)  ## Time a warm run beside the bare tools; SCALE="1 10 50": how cost grows, and what a day costs
	@$(PY) -m dagster_project.bench $(company) $(if $(SCALE),--scales $(SCALE))

connector: $(INSTALLED)  ## Begin the connector of another vendor: NAME=forms LABEL=Forms ENTITY=surveys
	@$(PY) -m dagster_project.cli connector '$(NAME)' $(if $(LABEL),--label '$(LABEL)') \
	  $(if $(ENTITY),--entity '$(ENTITY)')

contract: $(INSTALLED)  ## Write what follows from the contract and the models: staging, unions, docs/kpis.md, lists of README
	@$(PY) -m ingestion.contract.dbt_files
	@$(PY) -m dagster_project.commands.kpi_dictionary
	@$(PY) -m dagster_project.commands.front_page

graph: $(INSTALLED)  ## Record the asset graph that a test compares with
	@$(PY) -m tests.orchestration.record_graph

tour: $(INSTALLED)  ## Write docs/tour.md anew, from a company of its own
	@$(PY) -m tests.docs.tour

monday: $(INSTALLED)  ## Write docs/monday.md anew, from the default company: takes some minutes
	@$(PY) -m tests.docs.monday

pictures: $(INSTALLED)  ## Take the pictures in docs/pictures anew, in Chromium: takes some minutes
	@$(PY) -m tests.docs.pictures

# One more than there are cores: a third of the time tests wait, for servers and for each other.
test: $(INSTALLED)  ## Run the tests on all cores
	@$(PY) -m pytest -n $$(( $$($(PY) -c 'import os; print(os.cpu_count())') + 1 )) \
	  --dist loadgroup --no-loadscope-reorder --durations 10 $(ARGS)

faults: $(INSTALLED)  ## Attack a company in every known way; print what was held
	@SALESOPS_THOROUGH=1 $(PY) -m pytest -n auto --dist loadgroup tests/faults $(ARGS)

referees: $(INSTALLED) $(REFEREES)  ## Install the vendors' own SDKs, 180 MB that some tests need and else skip

lint: $(INSTALLED)  ## Check style, types and SQL
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(PY) -m mypy
	@$(PY) -m sqlfmt --quiet --check dbt

clean:  ## Remove .venv and everything that runs have made (data/)
	@rm -rf $(VENV) data dbt/target dbt/logs *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A link leads to the .venv of another checkout, which is that one's to fill and to empty.
ifneq ($(shell test -L $(VENV) && echo linked),)
$(INSTALLED): $(LOCKED) ;

$(LOCKED): requirements.lock
	@test -x $(PY) || { echo '$(VENV) is a link that leads to no installation: remove it (rm $(VENV)), or run make where it leads to' >&2; exit 2; }
	@echo '$(VENV) is a link and stays as it is; if a package is missing, run make where it leads to, or rm $(VENV)' >&2

$(REFEREES): requirements-referees.lock $(LOCKED) ;
else
# The command `salesops`, which runs this checkout from any folder: its dbt project is no package's data.
$(INSTALLED): $(LOCKED) pyproject.toml
	@$(PY) -m pip install --disable-pip-version-check --no-input --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Made anew when the lock changes and after an interrupted installation: the stamp comes last.
# The lock is complete, and pip up to 23 cannot resolve extras in hash mode: hence --no-deps.
$(LOCKED): requirements.lock
	@command -v $(PYTHON) > /dev/null || { echo '$(PYTHON) was not found: install Python 3.11, 3.12 or 3.13, or name one: make $(MAKECMDGOALS) PYTHON=python3.12' >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed, but $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@echo 'Installing the locked dependencies into $(VENV) (once, a minute or two) …'
	@$(PYTHON) -m venv --clear $(VENV)
	@total=$$(grep -c '^[a-z0-9]' requirements.lock); \
	$(PY) -m pip install --disable-pip-version-check --no-input --progress-bar off --no-compile --no-deps \
	  --require-hashes -r requirements.lock | awk -v total="$$total" \
	  '/^Collecting/ {if (++n % 25 == 0) {printf "  %d of %d packages\n", n, total; fflush()}} \
	   /^Installing/ {print "  unpacking"; fflush()}'
	@touch $@

# What both locks name is of the same version and stays: this adds, and replaces nothing.
$(REFEREES): requirements-referees.lock $(LOCKED)
	@echo 'Installing the referees of the tests into $(VENV) …'
	@$(PY) -m pip install --disable-pip-version-check --no-input --quiet --progress-bar off --no-compile \
	  --no-deps --require-hashes -r requirements-referees.lock
	@touch $@
endif
