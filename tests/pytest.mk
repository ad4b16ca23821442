# The tests in Python: the API (tests/py), the program from outside (tests/cli),
# other people's drivers with their servers (tests/drivers), the test servers
# (tests/servers), and pages in a real browser (tests/web).
PYTEST_DIRS = tests/cli tests/drivers tests/web tests/servers tests/py
PYTEST_ENV = BUILDDIR="$(abs_builddir)" PYTHONPATH="$(abs_builddir)/python" \
	PYTHONPYCACHEPREFIX="$(abs_builddir)/pycache"

# Most of their time goes by in waiting, so that several run at once where
# pytest-xdist is installed: each takes the next file when it is done with one.
# The longest files are in the directories that come first.
PYTEST_JOBS = 2

EXTRA_DIST += tests/browser.py tests/certificates.py tests/conftest.py \
	tests/nginx.py tests/proxies.py tests/real_thread.py tests/reference.py tests/reports.py \
	tests/serving.py tests/lsan.supp tests/main_thread.py tests/pytest.ini \
	tests/time_limit.py tests/cli tests/drivers tests/py tests/runs tests/web

# A build with sanitizers: python3 must load their library first, and its own
# allocations at exit are not ours to judge. The program is judged.
if SANITIZERS
SAN_OPTIONS = abort_on_error=0:allocator_may_return_null=1
PYTEST_SAN_ENV = LOCUST_SANITIZERS=yes PYTHONMALLOC=malloc \
	LOCUST_BIN="$(abs_builddir)/locust-sanitized" \
	LD_PRELOAD="`$(CC) -print-file-name=libasan.so`" \
	ASAN_OPTIONS=$(SAN_OPTIONS):detect_leaks=0 \
	UBSAN_OPTIONS=print_stacktrace=1
check_SCRIPTS = locust-sanitized
CLEANFILES += locust-sanitized

locust-sanitized: Makefile
	$(AM_V_GEN){ echo '#!/bin/sh' && \
	echo 'unset LD_PRELOAD' && \
	echo 'export PYTHONMALLOC=malloc' && \
	echo 'export ASAN_OPTIONS=$(SAN_OPTIONS):detect_leaks=1' && \
	echo 'export LSAN_OPTIONS=print_suppressions=0:suppressions="$(abs_srcdir)/tests/lsan.supp"' && \
	echo 'exec "$(abs_builddir)/locust" "$$@"'; } >$@ && chmod +x $@
else
PYTEST_SAN_ENV = LOCUST_BIN="$(abs_builddir)/locust"
endif

check-local:
	@if ! $(PYTHON) -c 'import pytest' 2>/dev/null; then \
	  echo "tests in Python are skipped: $(PYTHON) has no pytest (Debian: python3-pytest)"; \
	  exit 0; \
	fi; \
	jobs=; if $(PYTHON) -c 'import xdist' 2>/dev/null; then \
	  jobs="-n $(PYTEST_JOBS) --dist loadfile"; \
	fi; \
	cd $(srcdir) && $(PYTEST_ENV) $(PYTEST_SAN_ENV) \
	$(PYTHON) -m pytest $$jobs $(PYTEST_FLAGS) $(PYTEST_DIRS)
