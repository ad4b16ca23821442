# make lint: what cppcheck, clang-tidy and shellcheck have to say. One that is
# not installed is skipped, and that is said.
CPPCHECK = cppcheck
CLANG_TIDY = clang-tidy
SHELLCHECK = shellcheck
LINT_FLAGS = $(DEFS) $(AM_CPPFLAGS) $(PYTHON_EMBED_CFLAGS) $(CURL_CFLAGS)

EXTRA_DIST += .clang-tidy tests/cppcheck.supp

# clang-tidy counts on stderr what it found in other people's headers; that is
# kept for the case that it fails.
.PHONY: lint
lint:
	@status=0; \
	has() { command -v $$1 >/dev/null || { \
	  echo "lint: $$1 is not installed: skipped"; return 1; }; }; \
	if has $(CPPCHECK); then \
	  echo "  cppcheck"; \
	  $(CPPCHECK) -q --std=c11 --library=posix,gnu,python \
	    --enable=warning,performance,portability --error-exitcode=1 \
	    --suppressions-list=$(srcdir)/tests/cppcheck.supp \
	    -I$(srcdir)/src -I. $(srcdir)/src || status=1; \
	fi; \
	if has $(CLANG_TIDY); then \
	  echo "  clang-tidy"; \
	  find $(srcdir)/src -name '*.c' | sort | \
	    xargs -P "`nproc`" -I{} $(CLANG_TIDY) --quiet {} -- \
	      -std=gnu17 $(LINT_FLAGS) 2>clang-tidy.log || \
	    { cat clang-tidy.log >&2; status=1; }; \
	  rm -f clang-tidy.log; \
	fi; \
	if has $(SHELLCHECK); then \
	  echo "  shellcheck"; \
	  $(SHELLCHECK) $(srcdir)/bootstrap.sh $(srcdir)/.ci/run || status=1; \
	fi; \
	exit $$status
