# Needs Python 3.10 to 3.13 (with venv and pip) and make; everything else is installed into .venv.

PYTHON ?= python3
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
DEVICE := .venv-device
TFLITE := .venv-tflite-runtime
PROOF := build/device
PEERS := .venv-peers

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help env installs test fuzz test-resume demo lint types types-package types-tests format device docs site real-run bench-export bench-arm arm-costs bench-peers test-android test-web web rsna-size clean

help:
	@echo "make test     install into .venv and run the tests"
	@echo "make demo     install into .venv and run the whole path on synthetic slices"
	@echo "make lint     check style, types and the links of the documentation"
	@echo "make format   put the code into the style that lint checks"
	@echo "make device   prove that the install without extras works, without TensorFlow, on either interpreter"
	@echo "make env      only install into .venv"
	@echo "make installs try the source distribution with Python 3.10 to 3.13 (PYTHONS=...), minutes for each"
	@echo "make docs     write docs/commands.md anew"
	@echo "make site     make the documentation site in build/site, and check its links"
	@echo "make real-run DATA=folder               train, export and bench on real images, resumable"
	@echo "make bench-export RUN=run DATA=folder   our int8 against the stock converter's"
	@echo "make bench-peers RUN=run DATA=folder    beside stock TFLite, ONNX Runtime and OpenVINO"
	@echo "make bench-arm MODELS='a.tflite …'      instructions per inference on an emulated Arm processor"
	@echo "make arm-costs SIZE=160 FILE=arm.json   what parts of a DenseNet take there, for hemotk prune --costs"
	@echo "make test-resume                        kill commands at 20 moments each and compare; fill the disk at every write"
	@echo "make test-android                       the Android app, without a phone and without Google's SDK"
	@echo "make test-web                           the page in Node and in Chromium"
	@echo "make web                                bundle the page anew in toolkit/web/built"
	@echo "make rsna-size                          split a folder of the size of RSNA 2019, within a minute and a gigabyte"
	@echo "make fuzz     broken files into every reader for SECONDS=60 in all; reproducers in build/fuzz/findings"
	@echo "make clean    remove what make has made"
	@echo "Another Python: make PYTHON=python3.12 ..."

env: $(VENV)/.linked

# Remade only when what is installed may have changed.
$(VENV)/.installed: setup.cfg constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "$(PYTHON) is no Python 3.10 to 3.13; name one: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,dev,docs]'
	@touch $@ $(VENV)/.linked

# The editable install links every file, so that editors and type checkers see the package as it is imported. A file
# that was added, moved or removed changes its folder: then the links are made anew, which takes two seconds.
$(VENV)/.linked: $(VENV)/.installed $(shell find toolkit export benchmarks android_stub -type d -not -name '__pycache__' -not -path '*/build*')
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

test: env
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile $(ARGS)

# `make test` kills one to three times each, and fills the disk at a few writes.
test-resume: env
	HEMOTK_KILLS=$(or $(KILLS),20) $(BIN)/python -m pytest -q tests/resume $(ARGS)

# atheris has wheels for some versions of Python only; without one nothing is fuzzed, and what pip said is shown.
fuzz: env
	@$(BIN)/python -c 'import atheris' 2> /dev/null || $(BIN)/python -m pip install --quiet --only-binary atheris \
		--constraint constraints.txt atheris || true
	nice -n 10 $(BIN)/python tests/fuzz/run.py $(or $(SECONDS),60) $(ARGS)

demo: env
	$(BIN)/hemotk demo $(ARGS)

lint: env types site
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: types-package types-tests

types-package: env
	$(BIN)/mypy -p hemotk

types-tests: env
	$(BIN)/mypy --config-file tests/mypy.ini tests studies android_stub/tools

format: env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What is installed is the sdist, so that it is proven too, and some tests run in it, away from the repository. The second
# environment is for the older interpreter, whose wheels end with Python 3.11 and numpy 1; both must give the same scores.
SOURCE_TESTS := tests/toolkit/test_files.py tests/toolkit/cli/test_main.py tests/toolkit/artifacts/test_split.py
device: env
	@rm -rf build/lib $(PROOF) && mkdir -p $(PROOF)/source
	$(BIN)/python -W ignore -c "from setuptools import build_meta; build_meta.build_sdist('$(PROOF)/source')" > $(PROOF)/sdist.log 2>&1 \
		|| { cat $(PROOF)/sdist.log >&2; exit 1; }
	$(PYTHON) -m venv --clear $(DEVICE)
	$(DEVICE)/bin/python -m pip install --quiet --constraint constraints.txt $(PROOF)/source/*.tar.gz
	@for command in '' bench predict info; do $(DEVICE)/bin/hemotk $$command --help > /dev/null || exit; done
	$(DEVICE)/bin/python -m hemotk --version
	$(DEVICE)/bin/python -c 'import importlib.util as u, sys; \
		sys.exit("tensorflow came with the device install" if u.find_spec("tensorflow") else 0)'
	$(DEVICE)/bin/python tests/device_check.py size $(DEVICE)
	$(DEVICE)/bin/python tests/device_check.py make $(PROOF)
	$(DEVICE)/bin/python tests/device_check.py run $(PROOF) ai-edge-litert
	tar -xf $(PROOF)/source/*.tar.gz -C $(PROOF)/source
	$(DEVICE)/bin/python -m pip install --quiet --constraint constraints.txt pytest hypothesis jsonschema
	cd $(PROOF)/source/*/ && $(CURDIR)/$(DEVICE)/bin/python -m pytest -q -p no:cacheprovider $(SOURCE_TESTS)
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then $(MAKE) device-tflite-runtime; \
		else echo "tflite-runtime has no wheel for this Python: only ai-edge-litert was proven"; fi

# Minutes and 3 GB for each Python; what was made is removed.
installs: env
	@for python in $(or $(PYTHONS),python3.10 python3.11 python3.12 python3.13); do \
		rm -rf build/installs && $(BIN)/python tests/install_check.py $$python build/installs $(ARGS) || exit; \
	done; rm -rf build/installs

.PHONY: device-tflite-runtime
device-tflite-runtime:
	$(PYTHON) -m venv --clear $(TFLITE)
	$(TFLITE)/bin/python -m pip install --quiet --requirement requirements-tflite-runtime.txt
	$(TFLITE)/bin/python -m pip install --quiet --no-deps $(PROOF)/source/*.tar.gz
	$(TFLITE)/bin/python tests/device_check.py run $(PROOF) tflite-runtime
	$(TFLITE)/bin/python tests/device_check.py compare $(PROOF) ai-edge-litert tflite-runtime

# Trains, exports and benches on a folder of real images; goes on where it was when started again.
real-run: env
	@test -n "$(DATA)" || { echo "name the images: make real-run DATA=folder [OUT=real EPOCHS=100 SIZE=224 GROUPS=auto]" >&2; exit 2; }
	PATH="$(CURDIR)/$(BIN):$$PATH" studies/real_run.sh "$(DATA)" "$(or $(OUT),real)" $(or $(EPOCHS),100) $(or $(SIZE),224) $(or $(GROUPS),auto)

# Our int8 against the stock converter's, on a trained DenseNet run and its images.
bench-export: env
	@test -n "$(RUN)" -a -n "$(DATA)" || { echo "name them: make bench-export RUN=real/runs/densenet201 DATA=folder [OTHER=folder]" >&2; exit 2; }
	$(BIN)/python studies/export_study.py "$(RUN)" "$(DATA)" "$(or $(OUT),reports/export-study)" $(if $(OTHER),--other "$(OTHER)")

# Instructions per inference under qemu; skips, and says why, on a machine that cannot. ARGS=--scores compares outputs.
bench-arm: env
	@test -n "$(MODELS)" || { echo "name them: make bench-arm MODELS='a.tflite b.tflite' [IMAGES=testset] [ARGS=--scores]" >&2; exit 2; }
	PYTHONPATH=studies nice -n 10 $(BIN)/python -m arm $(MODELS) $(if $(IMAGES),--images "$(IMAGES)") $(ARGS)

# The table for `hemotk prune --costs`, in instructions of the same emulated processor.
arm-costs: env
	@test -n "$(SIZE)" -a -n "$(FILE)" || { echo "name them: make arm-costs SIZE=160 FILE=arm.json [ARGS='--blocks 4']" >&2; exit 2; }
	PYTHONPATH=studies nice -n 10 $(BIN)/python -m arm.costs "$(FILE)" --size $(SIZE) $(ARGS)

# hemotk beside other runtimes with the same weights and images; they need Python 3.11 and an environment of their own.
bench-peers: env $(PEERS)/.installed
	@test -n "$(RUN)" -a -n "$(DATA)" || { echo "name them: make bench-peers RUN=real/runs/densenet201 DATA=folder [BUNDLE=folder]" >&2; exit 2; }
	$(BIN)/python studies/peers.py "$(RUN)" "$(DATA)" "$(or $(OUT),reports/peers)" --peers $(PEERS)/bin/python \
		$(if $(BUNDLE),--bundle "$(BUNDLE)")

$(PEERS)/.installed: setup.cfg constraints.txt studies/peers.txt
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --constraint constraints.txt --requirement studies/peers.txt --editable .
	@touch $@

# The app's core, its inference, its screens and its .apk; skips, and says so, where Maven Central cannot be reached.
test-android: env
	PYTHON="$(CURDIR)/$(BIN)/python" android_stub/tools/test.sh

# The page's decoders in Node, the whole page in Chromium; skips, and says so, where one of them cannot be had.
test-web: env
	PYTHON="$(CURDIR)/$(BIN)/python" tests/web/test.sh

# What `hemotk web` puts together, from toolkit/web/page; `make test-web` fails where it is stale. Needs node and npm.
web: env
	mkdir -p build/web && cp toolkit/web/page/package.json toolkit/web/page/package-lock.json build/web/
	cd build/web && npm ci --no-audit --no-fund
	rm -rf build/web/page && cp -r toolkit/web/page build/web/page
	LICENSE="$(CURDIR)/LICENSE" node build/web/page/build.mjs toolkit/web/built
	$(BIN)/python studies/pack_web_runtime.py --check build/web/node_modules toolkit/web/built || \
		$(BIN)/python studies/pack_web_runtime.py build/web/node_modules toolkit/web/built

# Some 750,000 links to small files; what each command took is printed.
rsna-size: env
	HEMOTK_RSNA_SIZE=full $(BIN)/python -m pytest -q -s tests/test_rsna_size.py $(ARGS)

# docs/commands.md from the commands' own help; a test fails when it is stale.
docs: env
	$(BIN)/python -m hemotk.cli.reference > docs/commands.md

# Every warning is an error: a link or an anchor that leads nowhere, a docstring that cannot be read. (`--quiet` would hide
# the warnings from `--strict` too.)
site: env
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) $(DEVICE) $(PEERS) $(TFLITE) build dist hemotk.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf android_stub/build android_stub/*/build
	find toolkit export benchmarks tests -name __pycache__ -prune -exec rm -rf {} +
