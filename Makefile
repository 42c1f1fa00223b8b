# The front door: a few lines over meson. `make` shows what there is.

PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR    ?= $(SYSCONFDIR)/systemd/system
ZSHDIR     ?= $(PREFIX)/share/zsh/site-functions
BUILD      ?= build
ARGS       ?=

.DEFAULT_GOAL := help
.PHONY: help deps build run test test-rest interop bench soak fuzz fresh install clean

help:
	@echo 'make run      install what is missing, build, start the server     (ARGS="-o sip.listen=udp:127.0.0.1:5060")'
	@echo 'make test     install what the tests need, run what a change must pass: 15 to 20 minutes on two processors'
	@echo 'make test-rest  what CI runs besides: flows and phones under sanitizers, leaks, clang-tidy'
	@echo 'make interop  only the real phones, at full size                  (INTEROP_ARGS="room-mixed calls-")'
	@echo 'make build    only build: $(BUILD)/tutti'
	@echo 'make install  binaries, completion, sample config, unit, man pages, fail2ban filter (PREFIX, DESTDIR)'
	@echo 'make fuzz     run the fuzz targets                                (FUZZ_SECONDS=3600 each)'
	@echo 'make bench    measure what is promised about sound               (QUICK=1: three minutes; DOCS=1: into docs/)'
	@echo 'make soak     an hour of a room on a simulated clock          (MINUTES=60: and as long of a real server; BAND=60: of players in JACK)'
	@echo 'make fresh    try make run and make test in a bare Debian          (RELEASE=trixie)'
	@echo 'make clean    remove the build folders'

deps:
	@sh tools/install-deps.sh build

build: deps
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --buildtype=release -Dtests=false >$(BUILD).log 2>&1 || \
		{ cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@ninja -C $(BUILD) --quiet

run: build
	@exec ./$(BUILD)/tutti $(ARGS)

test:
	@sh tools/install-deps.sh test
	@sh tests/run-all.sh

test-rest:
	@sh tools/install-deps.sh test
	@sh tests/run-all.sh rest

interop:
	@sh tools/install-deps.sh test
	@INTEROP_ARGS='$(INTEROP_ARGS)' sh tests/run-all.sh interop

fuzz:
	@sh tools/install-deps.sh fuzz
	@sh tests/fuzz/run.sh

bench:
	@sh tools/install-deps.sh bench
	@QUICK='$(QUICK)' OUT='$(OUT)' ONLY='$(ONLY)' DOCS='$(DOCS)' tests/bench/run.sh

soak:
	@sh tools/install-deps.sh test
	@MINUTES='$(MINUTES)' BAND='$(BAND)' sh tests/soak/run.sh

fresh:
	@bash tests/fresh/run.sh $(RELEASE)

# Below DESTDIR nothing is changed but files: users and services are the packager's to make.
install: build
	install -D -m 755 $(BUILD)/tutti $(DESTDIR)$(PREFIX)/sbin/tutti
	for p in tuttictl tutti-join tutti-load; do \
		test ! -x $(BUILD)/$$p || install -D -m 755 $(BUILD)/$$p $(DESTDIR)$(PREFIX)/bin/$$p; done
	if test -x $(BUILD)/tuttictl; then \
		$(BUILD)/tuttictl completion bash >$(BUILD)/tuttictl.bash && $(BUILD)/tuttictl completion zsh >$(BUILD)/tuttictl.zsh && \
		install -D -m 644 $(BUILD)/tuttictl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/tuttictl && \
		install -D -m 644 $(BUILD)/tuttictl.zsh $(DESTDIR)$(ZSHDIR)/_tuttictl; fi
	for m in man/*.1; do \
		test ! -f $$m || install -D -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man1/$${m#man/}; done
	install -D -m 644 man/tutti.8 $(DESTDIR)$(PREFIX)/share/man/man8/tutti.8
	for f in $(BUILD)/sounds/*/*.flac; do \
		test ! -f $$f || install -D -m 644 $$f $(DESTDIR)$(PREFIX)/share/tutti/$${f#$(BUILD)/}; done
	$(BUILD)/tutti --man-page >$(BUILD)/tutti.conf.5
	install -D -m 644 $(BUILD)/tutti.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/tutti.conf.5
	$(BUILD)/tutti --sample-config >$(BUILD)/tutti.conf
	install -D -m 644 $(BUILD)/tutti.conf $(DESTDIR)$(PREFIX)/share/doc/tutti/tutti.conf.sample
	test -e $(DESTDIR)$(SYSCONFDIR)/tutti/tutti.conf || \
		install -D -m 644 $(BUILD)/tutti.conf $(DESTDIR)$(SYSCONFDIR)/tutti/tutti.conf
	sed 's|@SBINDIR@|$(PREFIX)/sbin|; s|@SYSCONFDIR@|$(SYSCONFDIR)|' packaging/tutti.service >$(BUILD)/tutti.service
	install -D -m 644 $(BUILD)/tutti.service $(DESTDIR)$(UNITDIR)/tutti.service
	install -D -m 644 packaging/sysusers.conf $(DESTDIR)/usr/lib/sysusers.d/tutti.conf
	install -D -m 644 packaging/fail2ban/filter.d/tutti.conf $(DESTDIR)$(SYSCONFDIR)/fail2ban/filter.d/tutti.conf
	install -D -m 644 packaging/grafana/tutti.json $(DESTDIR)$(PREFIX)/share/doc/tutti/grafana-dashboard.json
	install -D -m 644 packaging/fail2ban/jail.d/tutti.conf $(DESTDIR)$(PREFIX)/share/doc/tutti/fail2ban-jail.conf
	@if test -z '$(DESTDIR)' && command -v systemd-sysusers >/dev/null; then \
		systemd-sysusers tutti.conf && chgrp tutti $(SYSCONFDIR)/tutti/tutti.conf && \
		chmod 640 $(SYSCONFDIR)/tutti/tutti.conf; \
		test ! -d /run/systemd/system || systemctl daemon-reload; fi

clean:
	rm -rf build build-bench build-release build-asan build-tsan build-rtguard build-fuzz
