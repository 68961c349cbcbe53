# SPDX-License-Identifier: MIT OR Apache-2.0
# Thin: every target installs what it needs, then calls meson or a script.
BUILD ?= build
JOBS ?= $(shell nproc)
export JOBS

.PHONY: all deps build console demo test test-vm test-uml test-fresh test-trixie lint asan tsan fuzz bench bench-native lighthouse linerate loss-harness coverage install clean help

all: build

help:
	@echo 'make demo        install what is missing, build, stream a headless desktop, print figures'
	@echo 'make test        install what is missing, build, run all tests'
	@echo 'make build       build into $(BUILD)/'
	@echo 'make console     only the web console, into $(BUILD)/web/console/'
	@echo 'make test-vm     gamepads, touch and pen as programs read them, in a virtual machine'
	@echo 'make test-uml    pf-impair against the kernel'"'"'s netem, in a user-mode kernel'
	@echo 'make lint        format, structure and clang warnings'
	@echo 'make asan tsan   the tests under sanitizers'
	@echo 'make fuzz SECONDS=180   all fuzz targets share the time'
	@echo 'make bench       kernels and stages, as ratios (a minute); PEERS="a.so b.so"'
	@echo 'make loss-harness   frames lost and parity sent, scheme by scheme (a minute)'
	@echo 'make bench-native   starts, changes of mode and latency of the native plane (3 min)'
	@echo 'make lighthouse  the web console by Lighthouse, which npm fetches (a minute)'
	@echo 'make linerate    the transport at 1.4 Gbit/s and 2 % loss, then until it breaks (8 min)'
	@echo 'make test-fresh  install, build and unit tests in a minimal Debian 12 root (as root)'
	@echo 'make test-trixie the same and contract and e2e tests in a Debian 13 root, with labwc'
	@echo 'make coverage    which lines of core/ its tests run; below 90 % it fails'

deps:
	@scripts/install-deps

build: deps
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD) -j$(JOBS)

console: deps
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD) web/console

demo: build
	@python3 scripts/demo.py --build $(BUILD)

test: build
	@scripts/run-tests $(BUILD)

test-vm: build
	@tests/vm/run $(BUILD)

test-uml: build
	@tests/uml/run $(BUILD)

lint: deps
	@scripts/lint

asan: deps
	@test -f build-asan/build.ninja || meson setup build-asan -Db_sanitize=address,undefined >/dev/null
	@ninja -C build-asan -j$(JOBS)
	@ASAN_OPTIONS=handle_segv=2:handle_sigbus=2 scripts/run-tests build-asan --timeout-multiplier 4

tsan: deps
	@test -f build-tsan/build.ninja || meson setup build-tsan -Db_sanitize=thread >/dev/null
	@ninja -C build-tsan -j$(JOBS)
	@$(TSAN_TEST) --suite unit --no-suite pure
	@$(TSAN_TEST) --logbase testlog-e2e $(TSAN_E2E)

# Desk, stream and session with all their threads, end to end.
TSAN_E2E = e2e_host_native e2e_host_knocks e2e_host_desk
# cmocka must not catch a bad access before the sanitizer has shown where it was.
TSAN_TEST = TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:handle_segv=2:handle_sigbus=2 scripts/run-tests build-tsan \
	--timeout-multiplier 6

SECONDS ?= 180
fuzz: deps
	@scripts/fuzz.sh $(SECONDS)

# PEERS="a.so b.so": other libraries behind tools/bench/peer.h, beside ours; BENCH_ARGS:
# more options of pf-bench.
bench: build
	@mkdir -p $(BUILD)/bench
	@$(BUILD)/tools/bench/pf-bench --out $(BUILD)/bench/report.json \
		$(addprefix --peer ,$(PEERS)) $(BENCH_ARGS)
	@meson test -C $(BUILD) --no-rebuild --benchmark --verbose

lighthouse: build
	@PF_SOURCE_ROOT=$(CURDIR) PF_BUILD_ROOT=$(CURDIR)/$(BUILD) python3 tests/browser/lighthouse.py \
		$(addprefix $(BUILD)/,host/punktfunk-host clients/probe/punktfunk-probe tools/pattern/pf-pattern \
		web/console browser)

loss-harness: build
	@$(BUILD)/tools/loss-harness/pf-loss-harness --real 100 --csv $(BUILD)/loss-harness.csv \
		--svg $(BUILD)/loss-harness.svg

bench-native: build
	@python3 scripts/bench_native.py --build $(BUILD)

linerate: build
	@python3 scripts/linerate.py --build $(BUILD)

test-fresh:
	@scripts/test-fresh

test-trixie:
	@scripts/test-fresh trixie labwc

# Counts of a run before would hide lines that nothing runs any more.
coverage: deps
	@test -f build-cov/build.ninja || \
		meson setup build-cov -Db_coverage=true -Dhost=false -Dclients=false >/dev/null
	@ninja -C build-cov -j$(JOBS)
	@find build-cov -name '*.gcda' -delete
	@meson test -C build-cov --no-rebuild --print-errorlogs --no-suite structure
	@scripts/coverage.py build-cov --least 90

install: build
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build build-asan build-tsan build-fuzz build-clang build-bare build-cov
