# make test   set up what is missing and run every check
# make demo   run the main job on a phantom scan, or on SCAN=path, into OUTPUT=output/demo
# make model  train the demonstration model again, on a GPU if DEVICE=cuda; goes on where it was stopped

PYTHON ?= python3
VENV ?= .venv
OUTPUT ?= output/demo
SCAN ?=
AT ?=
DEVICE ?= auto
WORKERS ?= 2
PROCESSES ?= 2
RUN = $(VENV)/bin
STAMP = $(VENV)/.installed

.PHONY: setup test check demo model lists lock clean

setup: $(STAMP)

# What is installed is what the lock file pins. A failed or interrupted set-up leaves no stamp and is done again.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 10) <= sys.version_info < (3, 14); sys.exit(not ok and "Python 3.10 to 3.13 is needed; name one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(STAMP)

check: setup
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy

# Two at once: most of them use one core. A file's tests stay together, as they share what was costly to make.
test: check
	$(RUN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile

demo: setup
	$(RUN)/python -m LesionDetectionLib.app.demo --scan "$(SCAN)" --output "$(OUTPUT)"

MODEL = LesionDetection/Resources/Models/nodule-ct-phantom
model: setup
	$(RUN)/lesion train --method nodule-ct --name nodule-ct-phantom --config Resources/Training/nodule-ct-phantom.yaml \
		--cohort 'phantoms:chest?seeds=0-159&protocol=mixed' --validation 'phantoms:chest?seeds=5000-5019&protocol=mixed' \
		--device $(DEVICE) --workers $(WORKERS) --run output/model-run --output $(MODEL) --overwrite $(if $(wildcard output/model-run/run.json),--resume)
	$(RUN)/lesion model measure $(MODEL) --cohort 'phantoms:chest?seeds=9000-9099' --device $(DEVICE) --workers $(WORKERS) \
		--output $(MODEL) --overwrite

# After adding or removing a file: what CMakeLists.txt does not list, Slicer does not ship.
lists:
	$(PYTHON) Testing/write_file_lists.py

lock: setup
	$(RUN)/python -m pip install --quiet uv
	echo 'torch==2.12.1' > $(VENV)/constraints.txt
	$(RUN)/uv pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate --extra test --constraint $(VENV)/constraints.txt pyproject.toml --output-file requirements.lock

clean:
	rm -rf output .mypy_cache .pytest_cache .ruff_cache
