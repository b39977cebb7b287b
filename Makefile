.DEFAULT_GOAL := help
.PHONY: help setup demo test test-steps test-promise test-runs test-commands test-platform test-slow coverage lint format bench bench-recall bench-diffusion bench-variants bench-gate bench-cutout bench-search bench-platform bench-million bench-storage check check-compose check-kubernetes fuzz fuzz-pictures forget crash race lock audit-supply samples clean

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
READY := $(VENV)/.ready
export HF_HUB_OFFLINE ?= 1

help:  ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv with the tested versions, and install OpenGL where it is missing

$(READY): pyproject.toml constraints.txt infra/opengl.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Partsight needs Python 3.11 or newer; set PYTHON=/path/to/it.")'
	test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	sh infra/opengl.sh $(BIN)/python
	@touch $@

demo: setup  ## onboard the sample catalogue, then search it with a picture and with words
	$(BIN)/partsight onboard demo
	$(BIN)/partsight search demo --image infra/samples/queries/bracket.jpg --top 5
	$(BIN)/partsight search demo --text 'hex bolt M8 stainless steel' --top 5

# two suites on two cores: more threads than cores wait for each other, actively
test-steps test-promise test-runs test-commands test-platform test-slow coverage: export OMP_NUM_THREADS ?= 1

test: setup lint  ## everything that CI runs: lint, types, contracts, tests
	sh infra/browser.sh
	$(MAKE) --jobs=3 --output-sync=target test-platform test-runs test-steps test-commands test-promise

test-steps: setup  ## the tests of every step
	$(BIN)/pytest --durations=15 tests/tasks tests/blocks tests/test_*.py

test-promise: setup  ## hostile files, stops, races, customers apart, a small million
	$(BIN)/pytest --durations=15 tests/hostile tests/crash tests/race tests/isolation tests/bench

test-runs: setup  ## the tests of whole runs
	$(BIN)/pytest --durations=15 tests/flows

test-commands: setup  ## the tests of the command
	$(BIN)/pytest --durations=15 tests/infra --ignore tests/infra/platform

test-platform: setup  ## the tests of server, workers and browser together: they mostly wait
	$(BIN)/pytest --durations=5 tests/infra/platform

test-slow: setup  ## the tests that CI has no time for
	$(BIN)/pytest -m slow --durations=0

coverage: setup  ## how much of the code the tests of steps and runs reach: a table
	$(BIN)/pytest --cov --cov-report=term:skip-covered --ignore tests/infra/platform

lint: setup  ## ruff, mypy --strict, the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## put all files in the house's form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup  ## speed against the naive script, overheads, memory: a table and build/bench.json
	$(BIN)/python tests/bench/onboard.py

bench-recall: setup  ## recall and embedding speed against baselines: a table and build/recall.json
	$(BIN)/python tests/bench/recall.py

bench-diffusion: setup  ## pictures per second of the stage diffuse against the plain loop: build/diffusion.json
	$(BIN)/python tests/bench/diffusion.py

bench-variants: setup  ## variants of real parts in all ways, the gate's verdicts, recall with and without: build/variants.png
	$(BIN)/python tests/bench/variants.py

bench-gate: setup  ## planted faults and sound pictures before the gate: a table and build/gate.json
	$(BIN)/python tests/bench/gate.py

bench-cutout: setup  ## query pictures cut out by the network and without learning: a table and build/cutout.json
	$(BIN)/python tests/bench/cutout.py

check: check-compose check-kubernetes  ## both of the following; not in CI, since they need more than make setup brings

check-compose: setup  ## compose.yaml's commands and settings for real, without containers (apt: postgresql redis-server)
	$(BIN)/python tests/infra/compose.py

check-kubernetes:  ## what Prefect's Kubernetes worker makes of infra/k8s, against Kubernetes' own schema
	$(PYTHON) -m venv build/kubernetes
	build/kubernetes/bin/pip install --quiet --constraint constraints.txt prefect prefect-kubernetes kubernetes-validate pyyaml
	build/kubernetes/bin/python tests/infra/jobs.py

bench-search: setup  ## a search among 10,000 parts on one core, step by step: a table and build/search.json
	$(BIN)/python tests/bench/search_speed.py

bench-million: setup  ## a million vectors written, indexed, searched beside numpy and faiss: build/million.json
	$(BIN)/python tests/bench/million.py

bench-storage: setup  ## a catalogue on the disk and on an S3-compatible server: a table and build/storage.json
	$(BIN)/python tests/bench/bucket.py

bench-platform: setup  ## what runs, tasks and workers cost beside the work itself: a table and build/platform.json
	$(BIN)/python tests/bench/workers.py

fuzz: setup  ## 6,000 hostile files and archives: loaded, quarantined, or (never) brought down; a table and build/fuzz.json
	$(BIN)/python tests/hostile/fuzz.py --count 400

fuzz-pictures: setup  ## damaged pictures of every kind, opened or refused: a table and build/fuzz-pictures.json
	$(BIN)/python tests/hostile/pictures.py

crash: setup  ## kill -9, rivals, two workers, full disks, failing storage; the next run completes it: build/crash.json
	$(BIN)/python tests/crash/campaign.py

forget: setup  ## forgetting stopped at every write, killed at twenty moments, and with tuned weights
	PARTSIGHT_EVERY_STOP=1 $(BIN)/pytest --durations=5 tests/tasks/forget tests/flows/test_forget.py

race: setup  ## eight processes write to one catalogue at once, on a disk and on S3 (ARGS="--count 20 --rounds 3")
	$(BIN)/python tests/race/writers.py $(ARGS)

lock: setup  ## hashes of all tested versions, from constraints.txt: infra/lock/requirements.txt
	$(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv
	$(BIN)/python -m infra.supply build/lock/bin/uv

audit-supply: setup  ## known holes in the tested versions (needs an advisory database, so it is not in CI)
	$(PYTHON) -m venv build/audit && build/audit/bin/pip install --quiet pip-audit
	build/audit/bin/pip-audit --strict --disable-pip --no-deps --require-hashes --requirement infra/lock/requirements.txt

samples: setup  ## make the sample catalogue anew (needs the dev extra's CAD kernel)
	$(BIN)/python -m infra.samples.make

clean:  ## remove .venv, .partsight and what tools left behind
	rm -rf $(VENV) .partsight build *.egg-info .mypy_cache .ruff_cache .pytest_cache .coverage
