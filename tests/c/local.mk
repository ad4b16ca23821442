# Units in C: one program per file under test, tests/c/test_NAME.c, linked
# with what needs no Python. A new one is a line in C_TESTS.
C_TESTS = \
	tests/c/test_buckets \
	tests/c/test_cookie \
	tests/c/test_dispatch \
	tests/c/test_engine \
	tests/c/test_entry \
	tests/c/test_exchange \
	tests/c/test_footprint \
	tests/c/test_histogram \
	tests/c/test_html \
	tests/c/test_index \
	tests/c/test_json \
	tests/c/test_junit \
	tests/c/test_lag \
	tests/c/test_lines \
	tests/c/test_live \
	tests/c/test_mailbox \
	tests/c/test_memory \
	tests/c/test_options \
	tests/c/test_parsed \
	tests/c/test_row \
	tests/c/test_rowfile \
	tests/c/test_savefile \
	tests/c/test_seconds \
	tests/c/test_snapshots \
	tests/c/test_stats \
	tests/c/test_stream \
	tests/c/test_table \
	tests/c/test_threshold \
	tests/c/test_upload \
	tests/c/test_url

check_PROGRAMS += $(C_TESTS)
TESTS += $(C_TESTS)
LDADD = tests/c/libhelpers.la libplain.la $(CMOCKA_LIBS)

# What several of them share: a web server, the hub's side of the engine,
# samples for statistics; and in libgreens, green threads.
check_LTLIBRARIES = tests/c/libhelpers.la tests/c/libgreens.la
tests_c_libhelpers_la_SOURCES = \
	tests/c/caller.c \
	tests/c/caller.h \
	tests/c/samples.c \
	tests/c/samples.h \
	tests/c/servlet.c \
	tests/c/servlet.h \
	tests/c/unit.h
AM_CPPFLAGS += $(CMOCKA_CFLAGS)
