# Tests: units in C (tests/c), the API (tests/py), the program from outside
# (tests/cli), and the servers that they need (tests/servers).
include tests/servers/local.mk
include tests/lint.mk
include tests/pytest.mk
include tests/c/switch.mk
if HAVE_CMOCKA
include tests/c/local.mk
include tests/c/python.mk
endif
