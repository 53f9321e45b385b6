# Needs only Python 3.11 or later and make. PYTHON=python3.12 make test chooses another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bundle clean

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'CXR Desktop needs Python 3.11 or later; this is ' + sys.version.split()[0] + '. Set PYTHON=... to another one.')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: $(VENV)/ready
	@test -f demo/demo.cxr/runs/demo/report.html || $(BIN)/cxr-trainer demo demo
	$(BIN)/python -m cxr_desktop --if-display demo/demo.cxr

test: $(VENV)/ready
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

# The folder for computers without Python, and then the proof that it works there. See docs/bundle.md.
bundle: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[bundle]"
	$(BIN)/python -m PyInstaller --noconfirm --log-level WARN build.spec
	$(BIN)/python -m bundle.prove dist/cxr-desktop

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist demo
