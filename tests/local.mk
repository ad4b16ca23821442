# Tests: units in C (tests/c), the API (tests/py), the program from outside
# (tests/cli), and the servers that they need (tests/servers).
include tests/servers/local.mk
include tests/lint.mk
include tests/pytest.mk
include tests/c/switch.mk
include tests/c/probe.mk
if HAVE_CMOCKA
include tests/c/local.mk
include tests/c/python.mk
endif

# A test in C that hangs is ended; tests/time_limit.py sees to those in Python.
LOG_COMPILER = timeout
if SANITIZERS
AM_LOG_FLAGS = --signal=ABRT 600
else
AM_LOG_FLAGS = --signal=ABRT 120
endif
