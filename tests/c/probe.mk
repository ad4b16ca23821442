# What tests in Python try the engine with, beside the API.
check_PROGRAMS += engine-probe
engine_probe_SOURCES = tests/c/engine_probe.c
engine_probe_LDADD = libplain.la
