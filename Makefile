# `make help` lists the targets. Everything that is made lies in bin/, .build/, node_modules/ and
# dashboards/web/dist/; nothing outside this folder is touched but the package managers' caches.

PYTHON  ?= python3
MODULES := schemas ingest consumers registry query dashboards deploy clients/go cmd
VERSION := $(shell sh build/version.sh)
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null)

VENV   := .build/venv
WEB    := dashboards/web
ENGINE := deploy/engine
WHEELS := .build/wheels
STAGE  := build/stage.sh
TESTS  := $(PYTHON) build/tests.py
PEERS  := .build/peers
SHOTS  := 12-runs-ticked-1440-light compare-1440-dark model-1440-light sql-chart-1440-light
BENCHMARKS := go run ./bench --bin ../bin/streamgauge --mlflow ../$(VENV)/bin/mlflow --python ../$(VENV)/bin/python \
	--peers ../$(PEERS)/bin/python --out ../docs/BENCHMARKS.md
CLI    := github.com/streamgauge/streamgauge/cmd/cli

# Each module stands by its own go.mod, and nothing needs a C compiler.
export GOWORK := off
export CGO_ENABLED := 0
export npm_config_update_notifier := false
export npm_config_loglevel := error

WEB_SOURCES := $(shell find $(WEB) -type d \( -name node_modules -o -name dist -o -name e2e -o -name preview \) -prune -o -type f -print)

.DEFAULT_GOAL := help
# A build that fails on its way leaves a page behind that is newer than its sources, and would be taken for one that is done.
.DELETE_ON_ERROR:

.PHONY: help preflight build engine web venv wheel demo grafana test test-unit test-compat test-library test-faults test-web screenshots bench bench-web growth lint proto clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

preflight: ## name everything that this machine lacks
	@sh build/preflight.sh

build: preflight web ## bin/streamgauge, web page embedded, no cgo
	@$(STAGE) "bin/streamgauge $(VERSION)" sh -c 'cd cmd && go build \
		-ldflags "-s -w -X $(CLI).version=$(VERSION) -X $(CLI).revision=$(COMMIT)" -o ../bin/streamgauge ./streamgauge'

# A target without commands of its own gets an empty one: make would say that nothing is to be done.
engine: preflight $(ENGINE)/node_modules/.package-lock.json ## the pinned ClickHouse engine, under deploy/engine/
	@:

# The engine's packages are optional to npm, one a platform: so look whether one came.
$(ENGINE)/node_modules/.package-lock.json: $(ENGINE)/package-lock.json
	@$(STAGE) "ClickHouse engine" sh -c 'cd $(ENGINE) && npm ci --silent && ls node_modules/@chdb/*/libchdb.* >/dev/null'
	@touch $@

web: preflight $(WEB)/dist/index.html ## the web page, under dashboards/web/dist/
	@:

# The page SQL offers the worked queries of docs/sql.md.
$(WEB)/dist/index.html: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES) docs/sql.md
	@$(STAGE) "web page" npm run --silent --prefix $(WEB) build -- --logLevel warn
	@touch $@

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	@$(STAGE) "web page's packages" sh -c 'cd $(WEB) && npm ci --silent --no-audit --no-fund'
	@touch $@

venv: preflight $(VENV)/.complete ## the Python of the examples and tests, under .build/venv
	@:

$(VENV)/.complete: clients/python/requirements.lock
	@rm -rf $(VENV)
	@$(STAGE) "Python packages" sh -c '$(PYTHON) -m venv $(VENV) && $(VENV)/bin/pip install --quiet \
		--disable-pip-version-check --no-deps --require-hashes --only-binary :all: --no-compile -r $<'
	@touch $@

wheel: build engine venv ## Python wheels of the library with the program, and of the engine, under .build/wheels/
	@$(STAGE) "wheels" $(VENV)/bin/python build/wheels.py $(WHEELS) $(VERSION)

demo: preflight ## all set-up, then a server and two real trainings against it; GRAFANA=DIR writes provisioning there
	@began=$$(date +%s); $(MAKE) --no-print-directory -j3 build engine venv && \
		DEMO_BEGAN=$$began $(VENV)/bin/python examples/demo.py

grafana: ## Streamgauge and a Grafana with its dashboards, in containers
	@docker compose -f deploy/compose.yaml up --build

test: preflight ## all set-up, then every test; the last line counts them
	@$(MAKE) --no-print-directory -j3 build engine venv
	@rm -rf .build/results
	@for part in unit compat faults web; do $(MAKE) --no-print-directory test-$$part || true; done
	@$(TESTS) total unit compat faults web

# What the tests of artifacts in buckets speak to. Where it cannot be built, they say so and are counted as skipped.
.PHONY: s3server kafka strace peers
s3server: preflight
	@$(STAGE) "S3 server of the tests" sh build/s3server.sh || true

# The Kafka broker of the tests; likewise.
kafka: preflight
	@$(STAGE) "Kafka broker of the tests" sh build/kafka.sh || true

# Other trackers, for make bench; where they cannot be installed it says so.
peers: preflight
	@[ -e $(PEERS)/.complete ] || $(STAGE) "other trackers" sh -c '$(PYTHON) -m venv $(PEERS) && $(PEERS)/bin/pip install --quiet \
		--disable-pip-version-check -r clients/python/bench_peers.txt && touch $(PEERS)/.complete' || true

test-unit: build engine s3server kafka ## the Go modules' own tests, and the scripts'
	@$(TESTS) unit $(MODULES)

test-compat: build engine venv wheel s3server ## the real MLflow client against the real server
	@$(TESTS) compat $(VENV)/bin/python

test-library: build engine venv ## the Python library alone, a part of test-compat
	@nice $(VENV)/bin/python -m pytest -q clients/python/tests/library

# What kills processes at exact system calls; likewise.
strace: preflight
	@$(STAGE) "strace of the fault tests" sh build/strace.sh || true

test-faults: build engine kafka strace ## kill -9, full disk, poison, overload: docs/RELIABILITY.md; SOAK=4h for hours of it
	@$(TESTS) faults cmd consumers

test-web: build engine venv ## the web page: its parts, and the page in a real browser
	@sh build/browser.sh
	@$(TESTS) web $(WEB)

screenshots: build engine venv ## the documentation's pictures, of the web page out of its tests and of the Grafana dashboards, into docs/images
	@sh build/browser.sh
	@cd $(WEB) && npm run -s e2e -- pages compare models sql
	@mkdir -p docs/images && for shot in $(SHOTS); do cp .build/screenshots/$$shot.png docs/images/; done
	@rm -rf .build/preview && mkdir -p .build/preview && $(VENV)/bin/python $(WEB)/preview/rows.py .build/preview/rows.json
	@node $(WEB)/preview/run.mjs .build/preview/rows.json .build/preview
	@cp .build/screenshots/sql-completion-1440-light.png .build/preview/
	@$(VENV)/bin/python $(WEB)/preview/shrink.py .build/preview docs/images

bench: build engine venv kafka peers ## every published figure beside its reference, into docs/BENCHMARKS.md; BENCH=--large takes more runs and points
	@cd cmd && $(BENCHMARKS) $(BENCH)

bench-web: build engine ## the web page in a real browser, timed, into docs/BENCHMARKS.md; BENCH="--points 1000000" as large as promised
	@sh build/browser.sh
	@cd cmd && go build -o ../.build/fill ./bench/fill
	@cd $(WEB) && node bench/run.mjs --fill ../../.build/fill --out ../../docs/BENCHMARKS.md $(BENCH)

growth: build engine ## what more writers, names and points cost, into docs/BENCHMARKS.md; BENCH=--large up to 10^9 points
	@cd cmd && $(BENCHMARKS) --growth $(BENCH)

lint: web venv ## formatters, vet, staticcheck, buf, module boundaries, Python and TypeScript checks
	@sh build/lint.sh $(MODULES)

proto: ## generate schemas/sgpb anew from schemas/proto
	@cd schemas && go tool -modfile=tools.mod buf generate

clean: ## remove everything that was made
	rm -rf bin .build $(WEB)/dist $(WEB)/node_modules $(ENGINE)/node_modules
