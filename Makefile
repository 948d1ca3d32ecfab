# The front door for staff and CI. `make help` lists the targets; each works on a fresh machine with
# Python 3.11 or newer and creates .venv/ when it is missing. Students need none of this: see README.md.
#
# PyTorch: pip's own environment variables are honoured, so Linux without a GPU can point pip at PyTorch's
# index of CPU wheels before the first `make` (README.md says how).

# The first Python that is new enough; `make PYTHON=…` names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)
LAB ?= lab4
SEEDS ?= 1 2 3 4 5
OUT ?= out
PYTEST_FLAGS ?= -q

VENV := .venv
BIN := $(VENV)/bin
# One stamp per content of the two files that say what is installed: a change installs again, no change is instant.
READY := $(VENV)/.ready-$(shell cat requirements.lock pyproject.toml | cksum | tr ' ' '-')
CODE := labkit solutions grading tests

.DEFAULT_GOAL := help
.PHONY: help demo test verify lab build release grade gradescope lecture effects bench sandbox

help:  ## this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /\1\t/' | while IFS="$$(printf '\t')" read -r name text; do \
	  printf '  make %-11s %s\n' "$$name" "$$text"; done

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$(command -v $(PYTHON) >/dev/null && $(PYTHON) --version 2>&1 || echo missing)."; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "venv could not be created; on Debian: apt-get install python3-venv"; rm -rf $(VENV); exit 2; }
	@echo "installing into $(VENV) (minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.lock)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.ready-*
	@touch $@

sandbox:
	@command -v bwrap >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "installing bubblewrap, the sandbox for submissions"; \
	    { apt-get install -qq -y bubblewrap || { apt-get update -qq && apt-get install -qq -y bubblewrap; }; } \
	      >/dev/null 2>&1 || echo "bubblewrap could not be installed; another sandbox is used if one works"; \
	  else \
	    echo "no bubblewrap: another sandbox is used if one works (Debian: sudo apt-get install bubblewrap)"; \
	  fi; }

demo: $(READY) sandbox  ## set up, build the release, grade four submissions of every lab, run one notebook
	$(BIN)/grading demo --out $(OUT)/demo

# OMP_NUM_THREADS=1: two test processes on two cores, each with its own thread.
test: export OMP_NUM_THREADS = 1
test: $(READY) sandbox  ## lint, rebuild and leak checks, stubs and mutants, one notebook, all tests
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/grading lint
	$(BIN)/grading build --check
	$(BIN)/grading verify --only ids,solution,stubs,mutants,release
	$(BIN)/grading verify --only notebook --lab lab1
	$(BIN)/python -m pytest tests --against solutions -n 2 $(PYTEST_FLAGS)
	$(BIN)/python -m pytest grading/tests -n 2 $(PYTEST_FLAGS)

verify: $(READY) sandbox  ## prove every invariant of DESIGN, for all labs
	$(BIN)/grading verify

lab: $(READY)  ## JupyterLab on the students' notebooks
	$(BIN)/jupyter lab

build: $(READY)  ## solutions/ to starter/ and notebooks/
	$(BIN)/grading build

release: $(READY)  ## dist/student.zip, scanned for leaks
	$(BIN)/grading release --out dist/student.zip

grade: $(READY) sandbox  ## grade one submission: make grade SUBMISSION=work.zip LAB=lab4
	@test -n "$(SUBMISSION)" || { echo "name the submission: make grade SUBMISSION=work.zip LAB=lab4"; exit 2; }
	$(BIN)/grading run "$(SUBMISSION)" --lab $(LAB) --out "$(OUT)/$(LAB)"

gradescope: $(READY)  ## the autograder zip of one lab: make gradescope LAB=lab4
	$(BIN)/grading gradescope --lab $(LAB) --out dist

lecture: $(READY)  ## JupyterLab on one lab's notebook with the answers in
	$(BIN)/grading lecture --lab $(LAB)

effects: $(READY)  ## retrain all arms on nano over seeds: make effects [LAB=lab4] [SEEDS="1 2 3"]
	$(BIN)/grading effects --seeds "$(SEEDS)" $(if $(filter command line environment,$(origin LAB)),--lab $(LAB))

bench: $(READY)  ## what benchmarks/ measures
	$(BIN)/grading bench
