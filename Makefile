# Shortcuts; everything they do is plain CMake (docs/building.md).
PREFIX ?= /usr/local
SECONDS_EACH ?= 60

.PHONY: help demo test build api-docs bench asan tsan coverage fuzz format tidy install package container-root clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

demo: build  ## a synthetic patient from end to end, with the shipped bundle
	scripts/demo

test:  ## build and run all tests
	scripts/setup --test
	$(MAKE) build
	scripts/test release

build:  ## install missing packages and build (build/release)
	scripts/setup
	cmake --preset release
	cmake --build --preset release

api-docs: build  ## the pages of the C++ interface (build/release/api-docs/index.html)
	cmake --build --preset release --target api_docs

bench: build  ## run the benchmarks
	@for program in build/release/benchmarks/bench_*; do $$program || exit 1; done

asan:  ## unit tests under the address and undefined-behaviour sanitizers
	cmake --preset asan
	cmake --build --preset asan
	scripts/test asan --exclude-regex '^conformance\.'

tsan:  ## unit tests under the thread sanitizer
	cmake --preset tsan
	cmake --build --preset tsan
	scripts/test tsan --exclude-regex '^conformance\.'

coverage:  ## line coverage of the library (build/coverage/report.html)
	cmake --preset coverage
	cmake --build --preset coverage
	scripts/test coverage --exclude-regex '^conformance\.'
	gcovr --root . --filter src/ --exclude-throw-branches --print-summary \
	  --html-details build/coverage/report.html build/coverage

fuzz:  ## run every fuzzer for SECONDS_EACH (60)
	scripts/fuzz $(SECONDS_EACH)

format:  ## format all sources
	scripts/check-format --fix

tidy: build  ## clang-tidy over library and program
	run-clang-tidy -quiet -p build/release -extra-arg=-include$(CURDIR)/cmake/itk_with_clang.hpp \
	  '/(src|apps)/twintrack/.*\.cpp$$'

install: build  ## install below PREFIX (/usr/local)
	cmake --install build/release --prefix $(PREFIX)

package: build  ## Debian packages of what was built (build/release/package)
	cd build/release && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) cpack -G DEB

container-root:  ## what the container image holds, as a folder (build/container/root); needs root
	scripts/setup --no-training
	scripts/container-build build/container/image
	rm -rf build/container/root
	scripts/container-root build/container/root build/container/image/twintrack.deb

clean:  ## remove everything that was built
	rm -rf build demo-output
