# Wellrun. Two commands to begin with:
#   make demo    install what is missing, build, start the demo workload and tell its story (Ctrl-C ends it)
#   make test    build and run every test there is
# The rest:
#   make release | dev      build only (build/release/wellrun, build/dev/wellrun)
#   make test-long          also the second compiler, the sanitizers, fuzzing, more seeds
#   make bench              the figures in docs/, measured here
#   make lint               clang-format, clang-tidy, web lint, repository rules
#   make package            build/package/wellrun_VERSION_ARCHITECTURE.deb for Debian 12

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export PATH := $(CURDIR)/.tools/node/bin:$(PATH)
# Whom the system trusts, npm trusts: a Node.js that is not Debian's brings its own list, and fails behind a proxy that opens TLS.
export NODE_EXTRA_CA_CERTS ?= /etc/ssl/certs/ca-certificates.crt
JOBS ?= 2

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -9

setup:
	@scripts/setup

dev release asan tsan gcc gcc-asan: setup
	@scripts/build $@

demo: setup
	@scripts/build release wellrun
	@scripts/demo

test: setup
	@scripts/test

test-long: setup
	@scripts/test-long

bench: setup
	@scripts/bench

lint: setup
	@scripts/lint

package: setup
	@scripts/build release wellrun
	@packaging/build-deb

clean:
	rm -rf build

.PHONY: help setup dev release asan tsan gcc gcc-asan demo test test-long bench lint package clean
