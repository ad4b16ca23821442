# Servers that tests and benchmarks run against. They need nothing of ours.
check_PROGRAMS += hostile-server truth-server

hostile_server_SOURCES = \
	tests/servers/hostile.c \
	tests/servers/loop.c \
	tests/servers/loop.h \
	tests/servers/plays.c \
	tests/servers/plays.h \
	tests/servers/request.c \
	tests/servers/request.h
hostile_server_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(ZLIB_CFLAGS)
hostile_server_LDADD = $(OPENSSL_LIBS) $(ZLIB_LIBS)

truth_server_SOURCES = \
	tests/servers/loop.c \
	tests/servers/loop.h \
	tests/servers/request.c \
	tests/servers/request.h \
	tests/servers/truth.c
truth_server_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
truth_server_LDADD = $(OPENSSL_LIBS) -lm

EXTRA_DIST += \
	tests/servers/README.md \
	tests/servers/test_demo_site.py \
	tests/servers/test_hostile.py \
	tests/servers/test_truth.py
