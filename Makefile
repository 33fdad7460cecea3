# make test   set up what is missing and run every check
# make demo   run the main job on a phantom scan, or on SCAN=path, into OUTPUT=output/demo
# make view   open the viewer in a browser, with a phantom scan, or with SCAN=path
# make model  train the demonstration model of METHOD again, on a GPU if DEVICE=cuda; goes on where it was stopped

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

.PHONY: setup test lint types tests check demo view model lists lock clean

setup: $(STAMP)

# What is installed is what the lock file pins. A failed or interrupted set-up leaves no stamp and is done again.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 10) <= sys.version_info < (3, 14); sys.exit(not ok and "Python 3.10 to 3.13 is needed; name one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(STAMP)

lint: setup
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .

types: setup
	$(RUN)/mypy

check: lint types

# Types are looked at beside the tests: alone they keep one core busy, for more than a minute on a new machine.
test: lint
	@$(MAKE) --no-print-directory --jobs=2 types tests

# Two at once, of one thread each: more threads than cores only wait for each other. A file's tests stay together, as
# they share what was costly to make. Compiled files are kept, whatever the machine's habit: hundreds of tests start a process.
tests: setup
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(RUN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile

demo: setup
	$(RUN)/python -m LesionDetectionLib.app.demo --scan "$(SCAN)" --output "$(OUTPUT)"

view: setup
	$(RUN)/lesion view $(if $(SCAN),"$(SCAN)",--phantom)

# What each demonstration model learns from, has its thresholds set on, and is measured on: none of them a patient.
METHOD ?= nodule-ct
MODEL = LesionDetection/Resources/Models/$(METHOD)-phantom
MODEL_RUN = output/model-run-$(METHOD)
LEARN_nodule-ct = phantoms:chest?seeds=0-159&protocol=mixed
CHECK_nodule-ct = phantoms:chest?seeds=5000-5019&protocol=mixed
MEASURE_nodule-ct = phantoms:chest?seeds=9000-9099
LEARN_high-uptake-ct = phantoms:pet-ct?seeds=0-199&protocol=chest
CHECK_high-uptake-ct = phantoms:pet-ct?seeds=5000-5023&protocol=chest
MEASURE_high-uptake-ct = phantoms:pet-ct?seeds=9000-9019&protocol=chest
LEARN_universal-ct = phantoms:body?seeds=0-299&protocol=slab
CHECK_universal-ct = phantoms:body?seeds=5000-5029&protocol=slab
MEASURE_universal-ct = phantoms:body?seeds=9000-9099&protocol=slab
LEARN_liver-ct = phantoms:body?seeds=0-299&protocol=liver
CHECK_liver-ct = phantoms:body?seeds=5000-5029&protocol=liver
MEASURE_liver-ct = phantoms:body?seeds=9000-9039&protocol=abdomen
LEARN_pet-weak = phantoms:pet?seeds=0-299&protocol=mixed
CHECK_pet-weak = phantoms:pet?seeds=5000-5039&protocol=mixed
MEASURE_pet-weak = phantoms:pet?seeds=9000-9059&protocol=mixed
model: setup
	@test -n '$(LEARN_$(METHOD))' || { echo 'There is no demonstration model for METHOD=$(METHOD).'; exit 1; }
	$(RUN)/lesion train --method $(METHOD) --name $(METHOD)-phantom --config Resources/Training/$(METHOD)-phantom.yaml \
		--cohort '$(LEARN_$(METHOD))' --validation '$(CHECK_$(METHOD))' \
		--device $(DEVICE) --workers $(WORKERS) --run $(MODEL_RUN) --output $(MODEL) --overwrite $(if $(wildcard $(MODEL_RUN)/run.json),--resume)
	$(RUN)/lesion model measure $(MODEL) --cohort '$(MEASURE_$(METHOD))' --device $(DEVICE) --workers $(WORKERS) \
		--output $(MODEL) --overwrite

# After adding or removing a file: what CMakeLists.txt does not list, Slicer does not ship.
lists:
	$(PYTHON) Testing/write_file_lists.py

lock: setup
	$(RUN)/python -m pip install --quiet uv
	echo 'torch==2.12.1' > $(VENV)/constraints.txt
	$(RUN)/uv pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate --extra test --extra radiomics --extra viewer --constraint $(VENV)/constraints.txt pyproject.toml --output-file requirements.lock

clean:
	rm -rf output .mypy_cache .pytest_cache .ruff_cache
