# make setup | reproduce | reproduce-all | test | bench | docs | rocq | notebooks
#      coverage | lowest | wheel | lock
# Everything runs from .venv, which is made on first use and made again when the lock file changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
UV := build/uv/bin/uv
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

unexport PYTHONDONTWRITEBYTECODE  # each process that a test starts would compile the package

.DEFAULT_GOAL := help
.PHONY: help setup reproduce reproduce-all test test-full bench docs rocq notebooks coverage lowest wheel lock clean

help:
	@echo "make setup          create $(VENV) from requirements.lock (Python 3.11 or newer)"
	@echo "make reproduce      proofs, studies, notebooks, claims: paper_figures/report.html and all"
	@echo "make reproduce-all  the long studies too, for hours; goes on where it was interrupted"
	@echo "make test           lint, types, tests and notebooks"
	@echo "make test-full      the same with thousands of random examples a property"
	@echo "make bench          measure: the loss, the running time of every method, the targets"
	@echo "make docs           the documentation site, into build/docs; broken links fail"
	@echo "make rocq           check the theorems for every N with Rocq, where it is installed"
	@echo "make notebooks      execute the notebooks and store what came out"
	@echo "make coverage       the tests again, and which lines of the package they run"
	@echo "make lowest         the tests with the oldest versions that pyproject.toml allows"
	@echo "make wheel          sdist, the wheel made from it, both kinds of installation tried"
	@echo "make lock           resolve requirements.lock again from pyproject.toml"

setup: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "gar_verify needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Use make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

reproduce: $(INSTALLED)
	$(BIN)/gar-verify reproduce

reproduce-all: $(INSTALLED)
	$(BIN)/gar-verify reproduce --all

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p build
	@$(BIN)/mypy > build/mypy.txt 2>&1 & types=$$!; \
	$(PYTEST); tests=$$?; \
	wait $$types; types=$$?; cat build/mypy.txt; \
	exit $$((tests || types))

test-full: $(INSTALLED)
	GAR_VERIFY_HYPOTHESIS=full $(PYTEST) --timeout 3600

bench: $(INSTALLED)
	$(BIN)/gar-verify bench

docs: $(INSTALLED)
	$(BIN)/python -m sphinx -W --keep-going -q -d build/doctrees docs build/docs
	@echo "open build/docs/index.html"

rocq: $(INSTALLED)
	$(BIN)/python -m proofs --rocq

notebooks: $(INSTALLED)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace notebooks/*.ipynb

coverage: $(INSTALLED)
	rm -rf build/coverage
	$(BIN)/coverage run -m pytest -n 2 --dist loadscope
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# Old packages warn of new ones that they import: here, warnings are no errors.
lowest: $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) build/lowest
	$(UV) pip install --quiet --python build/lowest --resolution lowest-direct \
		--editable ".[fast,proofs,sklearn,studies]"
	$(UV) pip install --quiet --python build/lowest hypothesis pytest pytest-timeout pytest-xdist pyyaml
	build/lowest/bin/python -m pytest -n 2 --dist loadscope tests \
		--override-ini addopts="--strict-markers" --override-ini filterwarnings= \
		--ignore tests/docs --ignore tests/reproduce/test_notebooks_executed.py

$(UV):
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet --disable-pip-version-check uv

wheel: $(INSTALLED)
	rm -rf build/dist build/core build/all
	$(BIN)/python -m build --no-isolation --outdir build/dist
	for extras in core all; do \
		$(PYTHON) -m venv build/$$extras && \
		build/$$extras/bin/python -m pip install --quiet --disable-pip-version-check \
			--constraint requirements.lock \
			"$$(ls build/dist/*.whl)$$(test $$extras = all && echo '[all]')" && \
		build/$$extras/bin/python -I tools/try_wheel.py $$extras || exit 1; \
	done

lock:
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .[all]
	$(BIN)/python tools/write_lock.py > requirements.lock.new && mv requirements.lock.new requirements.lock
	@touch $(INSTALLED)

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
