# The switching of stacks, which is the part that differs between processors.
# make check runs its test as it is; make check-aarch64 compiles it for
# aarch64 and runs it under an emulator, where both are installed.
check_PROGRAMS += tests/c/test_switch
TESTS += tests/c/test_switch
tests_c_test_switch_CFLAGS = $(AM_CFLAGS) -frounding-math
tests_c_test_switch_LDADD = libplain.la -lm

AARCH64_CC = aarch64-linux-gnu-gcc
AARCH64_RUN = qemu-aarch64
AARCH64_FILES = tests/c/test_switch.c src/green/overflow.c \
	src/green/stack.c src/green/switch.c src/green/switch_asm.S

.PHONY: check-aarch64
check-aarch64:
	@for tool in $(AARCH64_CC) $(AARCH64_RUN); do \
	  command -v $$tool >/dev/null || { \
	    echo "check-aarch64 is skipped: no $$tool (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)"; \
	    exit 0; }; \
	done; \
	set -e; \
	$(AARCH64_CC) -static -std=gnu17 -O2 $(WARN_CFLAGS) -frounding-math \
	  -I. -I$(srcdir)/src $(AARCH64_FILES:%=$(srcdir)/%) -lm \
	  -o tests/c/test_switch-aarch64; \
	$(AARCH64_RUN) tests/c/test_switch-aarch64

clean-local: clean-aarch64
.PHONY: clean-aarch64
clean-aarch64:
	rm -f tests/c/test_switch-aarch64
