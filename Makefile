# Go, git and make are all that this needs; every other program is built from a
# pinned Go module: the lab's from lab/*/go.mod, the tools from tools/go.mod.

.DEFAULT_GOAL := help
.NOTPARALLEL:

GO      ?= go
VERSION := $(shell git describe --always --dirty --tags 2>/dev/null || echo dev)
STAMP   := -X github.com/flyball-dev/flyball/internal/cli/version.stamp=$(VERSION)
LINTER  := bin/tools/golangci-lint
ARCHES  ?= $(shell $(GO) env GOARCH)
TOOLS   := $(foreach a,$(ARCHES),linux-$(a) darwin-$(a))

# A command that may be silent for minutes says every 10 s that it is alive.
patiently = (while sleep 10 >/dev/null 2>&1; do echo "still building $(1)"; done) & alive=$$!; trap "kill $$alive" EXIT;

# The race detector needs cgo, which Go turns off where there is no C compiler.
RACE = $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)

# Packages in which nothing runs concurrently, tests included (internal/archtest looks): there the race
# detector finds nothing, and makes hours of simulated time ten times slower.
SEQUENTIAL := decide plant promsim record scenario scenario/hindsight comparison/learning law/catalog law/promise capacity

ORACLES  := hpa kpa
FUZZTIME ?= 30s
COUNT    ?= 20
SOAK     ?= 54m
FOR      ?= 24h

##@ Run

.PHONY: help
help: ## print this
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: build lab ## a local cluster with simulated GPUs, the guide applied, under a gentle load, until Ctrl-C
	bin/flyball up --guide examples/guide

.PHONY: rehearse
rehearse: build lab ## run the guide step by step on a local cluster and check what must be seen
	bin/flyball rehearse examples/guide --up

.PHONY: rehearse-objective
rehearse-objective: build lab ## likewise with promised latencies, by KEDA triggers that state objectives
	bin/flyball rehearse examples/objective --up

##@ Build

.PHONY: build
build: ## bin/flyball
	@[ -x bin/flyball ] || echo "building bin/flyball, about 3 min on 2 cores with nothing cached"
	@$(call patiently,bin/flyball) $(GO) build -trimpath -ldflags "$(STAMP)" -o bin/flyball ./cmd/flyball

.PHONY: lab
lab: build ## bin/lab: Kubernetes, KEDA, KServe and Prometheus, what is missing or out of date
	@bin/flyball lab

.PHONY: image
image: $(foreach a,$(ARCHES),server-$(a)) ## dist/flyball-image.tar for ARCHES="amd64 arm64" (default: this machine's); PUSH=REGISTRY/flyball:TAG pushes it
	@$(GO) run -C tools/image . -version $(VERSION) $(if $(PUSH),-push $(PUSH),-out $(CURDIR)/dist/flyball-image.tar) \
		$(foreach a,$(ARCHES),$(a)=$(CURDIR)/bin/linux-$(a)/flyball-server)

# What the image holds: static, for Linux.
server-%:
	@CGO_ENABLED=0 GOOS=linux GOARCH=$* $(GO) build -trimpath -ldflags "-s -w $(STAMP)" -o bin/linux-$*/flyball-server ./cmd/flyball-server

.PHONY: release
release: clean-dist image $(foreach p,$(TOOLS),cli-$(p)) ## dist/ for ARCHES: command line tools (Linux, macOS), image, chart, kustomizations, krew manifest, SBOM, notices, checksums
	@$(GO) run -C tools/chart . -chart $(CURDIR)/charts/flyball -version $(VERSION) -pack $(CURDIR)/dist
	@git archive --format=tar.gz --prefix=flyball/ -o dist/flyball-config.tar.gz HEAD config LICENSE
	@$(GO) run -C tools/release . -version $(VERSION) -modules $(shell $(GO) env GOMODCACHE) -goroot $(shell $(GO) env GOROOT) \
		-licence $(CURDIR)/LICENSE -dist $(CURDIR)/dist \
		$(foreach p,$(TOOLS),$(CURDIR)/bin/$(p)/flyball) $(foreach a,$(ARCHES),$(CURDIR)/bin/linux-$(a)/flyball-server)
	@ls -l dist

# A platform's name is GOOS-GOARCH.
cli-%:
	@CGO_ENABLED=0 GOOS=$(word 1,$(subst -, ,$*)) GOARCH=$(word 2,$(subst -, ,$*)) \
		$(GO) build -trimpath -ldflags "-s -w $(STAMP)" -o bin/$*/flyball ./cmd/flyball

.PHONY: push-chart
push-chart: ## the chart to a registry in the OCI form: TO=oci://REGISTRY/charts, with the credentials of helm or docker login
	@$(GO) run -C tools/chart . -chart $(CURDIR)/charts/flyball -version $(VERSION) -push $(TO)

.PHONY: clean-dist
clean-dist:
	@rm -rf dist

.PHONY: vulncheck
vulncheck: ## known faults in what the programs call; needs the network
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./cmd/...

.PHONY: clean
clean: ## remove what was built, but not bin/lab and bin/compat, which take half an hour and hours
	rm -rf bin/flyball bin/linux-* bin/darwin-* bin/tools bin/oracle bin/comparison.jsonl dist

##@ Test

.PHONY: test
test: lab race release-test oracle-live e2e ## everything: unit tests, archtest and the race detector, live oracles, then e2e on the lab

.PHONY: check
check: tidy unit ## before a commit: tidy, then the unit tests

.PHONY: tidy
tidy: $(LINTER) ## format, lint, generate, and none of it changed a file
	@set -e; before=$$($(snapshot)); \
	$(MAKE) --no-print-directory format lint lint-proof generate; \
	after=$$($(snapshot)); \
	git --no-pager diff --exit-code --stat "$$before" "$$after" || { \
		echo "make tidy changed the files above: look at them and add them" >&2; exit 1; }

.PHONY: unit
unit: ## unit tests and archtest
	$(GO) test -shuffle=on ./...

.PHONY: race
race: ## the same, and what runs concurrently under the race detector
	@[ -n "$(RACE)" ] || echo "NO C COMPILER: the race detector is off"
	$(GO) test -shuffle=on $(SEQUENTIAL:%=./internal/%)
	$(GO) test $(RACE) -shuffle=on $(filter-out $(addprefix $(shell $(GO) list -m)/internal/,$(SEQUENTIAL)),$(shell $(GO) list ./...))

.PHONY: release-test
release-test: ## the programs that make a release; one pushes an image to a registry within the test
	$(GO) test -C tools/image ./...
	$(GO) test -C tools/release ./...
	$(GO) test -C tools/chart ./...
	$(GO) test -C tools/compat ./...
	$(GO) test -C tools/crd ./...

.PHONY: page-test
page-test: ## clicks through the live page and a report in headless Chromium, which must be installed
	$(GO) test -C tools/page -count=1 -v .

.PHONY: e2e
e2e: lab ## tests on the real chain in bin/lab
	$(GO) test -tags e2e -count=1 -p 1 -timeout 60m -v -skip '^(TestCompare|TestHelm|TestBenchCluster)$$' ./api/... ./config/... ./internal/cli/serve ./internal/kube/... ./internal/manifest/... ./e2e/...

.PHONY: rehearse-helm
rehearse-helm: lab bin/lab/helm ## Helm takes an installation over, upgrades, rolls back and uninstalls it on a local cluster
	$(GO) test -tags e2e -count=1 -timeout 30m -v -run '^TestHelm$$' ./e2e

bin/lab/helm: lab/helm/go.mod lab/helm/go.sum
	@echo "building helm, about 4 min on 2 cores with nothing cached"
	@$(call patiently,bin/lab/helm) $(GO) build -C lab/helm -trimpath -ldflags "-s -w" -o $(CURDIR)/bin/lab/helm helm.sh/helm/v3/cmd/helm

.PHONY: readme
readme: ## run README.md's commands as a script and print how long each took
	@.ci/readme

.PHONY: compat
compat: lab ## both rehearsals on other versions of KEDA and Kubernetes (CELLS="keda=2.20.2 kubernetes=1.36.3"), hours; then docs/compat.md
	$(GO) run -C tools/compat . -root $(CURDIR) $(CELLS)

.PHONY: soak
soak: lab ## delete pods in every way for SOAK=54m under load and count the losses
	$(GO) test -tags e2e -count=1 -timeout 150m -v -run '^TestSoak$$' ./e2e -soak $(SOAK)

.PHONY: compare
compare: lab ## data/lab: what the real chain makes of the guide under three loads, about 13 min; then make validate
	$(GO) test -tags e2e -count=1 -timeout 30m -v -run '^TestCompare$$' ./e2e -record data/lab

.PHONY: oracle-live
oracle-live: bin/oracle ## the laws against the real HPA and KPA on 500 sequences that nobody has seen
	@seed=$$(date +%s); echo "oracle-live: seed $$seed"; \
	for law in $(ORACLES); do \
		bin/oracle/$$law -test.run TestGenerate -n 500 -seed $$seed -out $(CURDIR)/bin/oracle/$$law.json.gz || exit 1; \
	done; \
	$(GO) test -count=1 -v -run AsTheRealOne ./internal/law $(foreach l,$(ORACLES),-$(l) $(CURDIR)/bin/oracle/$(l).json.gz)

.PHONY: deflake
deflake: ## unit tests COUNT=20 times, shuffled, under the race detector
	$(GO) test $(RACE) -shuffle=on -count=$(COUNT) ./internal/...

.PHONY: fuzz
fuzz: ## each fuzz test for FUZZTIME=30s
	@set -e; for file in $$(grep -rlE '^func Fuzz' --include='*_test.go' internal); do \
		for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/p' $$file); do \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file); \
		done; \
	done

.PHONY: bench
bench: ## benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./internal/...

.PHONY: bench-gateway
bench-gateway: ## the gateway's CPU, latency and memory against a bare httputil.ReverseProxy, about 1 min
	$(GO) test -run '^$$' -bench AgainstBareProxy -benchtime 1x ./internal/gateway

.PHONY: bench-cluster
bench-cluster: lab ## docs/bench-cluster.md: what objective mode costs and how fast it reacts, on a real API server, about 15 min
	$(GO) test -tags e2e -count=1 -timeout 1h -v -run '^TestBenchCluster$$' ./e2e/bench -record $(CURDIR)/docs/bench-cluster.md

.PHONY: bench-kills
bench-kills: lab ## the leader killed 50 times under load, against a law that was not interrupted, about 1 h
	$(GO) test -tags e2e -count=1 -timeout 4h -v -run '^TestBenchCluster$$' ./e2e/bench -parts kills

.PHONY: bench-page
bench-page: ## the live page in headless Chromium: first paint, bytes, and an update of 500 services, about 1 min
	$(GO) test -C tools/page -run '^$$' -bench . -benchtime 1x .

.PHONY: validate
validate: build ## docs/validation.md: how far the simulator is off; fails if a bound does not hold
	bin/flyball validate --out docs/validation.md

.PHONY: law-study
law-study: ## docs/laws-study.md: Flyball's law and the published ones on workloads that it was made on and others, about 10 min
	$(GO) test -tags study -count=1 -timeout 3h -v -run '^TestLawStudy$$' ./internal/simulate -record $(CURDIR)/docs/laws-study.md

.PHONY: comparison
comparison: ## docs/comparison.md and .svg: attained against promised, for all laws; goes on where it was stopped, writes what there is after FOR=24h
	@mkdir -p bin
	$(GO) test -tags study -count=1 -timeout 25h -v -run '^TestComparison$$' ./internal/comparison \
		-ledger $(CURDIR)/bin/comparison.jsonl -record $(CURDIR)/docs -within $(FOR)

.PHONY: learning
learning: ## docs/learning.md and .svg: how fast the law learns what a replica serves, what misses and how long a start takes, about 1 min
	$(GO) test -tags study -count=1 -timeout 1h -v -run '^TestLearning$$' ./internal/comparison/learning -record $(CURDIR)/docs

.PHONY: comparison-short
comparison-short: ## the same of one seed of two workloads, printed
	$(GO) test -tags study -count=1 -short -v -run '^TestComparison$$' ./internal/comparison -within 3m

.PHONY: nightly
nightly: lab ## what takes hours: README's commands, full soak, an installation by Helm, comparison with the real chain, study of the laws, repetition, long fuzz, benchmarks
	@set -e; for target in readme soak rehearse-helm compare validate law-study learning comparison deflake fuzz bench bench-gateway bench-cluster; do \
		echo "== make $$target"; $(MAKE) --no-print-directory $$target FUZZTIME=10m; \
	done

##@ Write

.PHONY: pictures
pictures: ## docs/page-*.webp: the live page of a made-up cluster, and a report, in headless Chromium
	$(GO) test -C tools/page -count=1 -run '^TestPictures$$' . -pictures $(CURDIR)/docs

.PHONY: format
format: $(LINTER) ## format all Go files
	$(LINTER) fmt

.PHONY: lint
lint: $(LINTER) ## golangci-lint
	$(LINTER) run ./...

.PHONY: lint-proof
lint-proof: $(LINTER) ## plant a violation for each linter and see that it is reported
	$(GO) test -tags lintproof -count=1 -run TestLintBites ./internal/archtest

.PHONY: generate
generate: crd chart proto ## docs/invariants.md, from each package's doc.go, docs/flags.md, from the commands, docs/metrics.md, docs/compat.md, the dashboards, the custom resource, the chart and the Go of .proto files
	$(GO) test -count=1 -run TestInvariantsPage ./internal/archtest -rewrite
	$(GO) test -count=1 -run TestFlagsPage ./internal/cli -rewrite
	$(GO) test -count=1 -run TestMetricsPage ./internal/cli/serve -rewrite
	$(GO) test -count=1 -run TestBoards ./internal/dashboard -rewrite
	$(GO) run -C tools/compat . -root $(CURDIR) -write

.PHONY: crd
crd: ## config/crd's custom resource and api/'s deep copies, from api/
	$(GO) run -C tools/crd . -root $(CURDIR)

.PHONY: chart
chart: ## charts/flyball's template, from config/complete
	$(GO) test -C tools/chart -count=1 -run TestTemplateIsWritten . -rewrite

.PHONY: proto
proto: ## internal/scaler/externalscaler's Go, from KEDA's .proto
	$(GO) run -C tools/proto . -in $(CURDIR)/internal/scaler/externalscaler/externalscaler.proto

.PHONY: schemas
schemas: ## internal/manifest/schemas: those of KServe's and KEDA's custom resources, from the modules that the lab pins
	$(GO) test -tags e2e -count=1 -run TestShippedSchemas ./internal/manifest -rewrite

.PHONY: golden
golden: ## rewrite golden files; then read the diff
	$(GO) test -count=1 $$(grep -rlE '"rewrite"|cockroachdb/datadriven"' --include='*_test.go' internal | \
		xargs -n1 dirname | sort -u | sed 's,^,./,') -rewrite

.PHONY: oracle
oracle: bin/oracle ## internal/law/testdata: what the real HPA and KPA decided on 10,000 sequences each
	@for law in $(ORACLES); do \
		bin/oracle/$$law -test.run TestGenerate -out $(CURDIR)/internal/law/testdata/$$law.json.gz || exit 1; \
	done

# Built again when go says so, which takes it a second.
.PHONY: bin/oracle
bin/oracle:
	@[ -x bin/oracle/hpa ] || echo "building the oracles, about 4 min on 2 cores with nothing cached"
	@$(call patiently,bin/oracle) for law in $(ORACLES); do \
		$(GO) test -C lab/oracle/$$law -trimpath -c -o $(CURDIR)/bin/oracle/$$law . || exit 1; \
	done

$(LINTER): tools/go.mod tools/go.sum
	@echo "building golangci-lint, about 3 min on 2 cores with nothing cached"
	@$(call patiently,bin/tools) $(GO) build -C tools -trimpath -ldflags "-s -w" -o ../bin/tools/ tool

# The working tree as a git tree, untracked files too, without touching the index:
# so that check sees what it changed itself, also when the tree was not clean.
snapshot = index=$$(mktemp -u) && GIT_INDEX_FILE=$$index git add -A && GIT_INDEX_FILE=$$index git write-tree && rm -f $$index
