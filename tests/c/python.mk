# Units of C code that needs Python: linked with the whole core.
PYTHON_C_TESTS = tests/c/test_flow tests/c/test_request_event \
	tests/c/test_sem \
	tests/c/test_sizes tests/c/test_user_describe tests/c/test_waitlist
check_PROGRAMS += $(PYTHON_C_TESTS)
TESTS += $(PYTHON_C_TESTS)
tests_c_libgreens_la_SOURCES = \
	tests/c/embed.h \
	tests/c/greens.c \
	tests/c/greens.h
python_c_ldadd = tests/c/libhelpers.la tests/c/libgreens.la libcore.la \
	$(PYTHON_EMBED_LIBS) $(PYTHON_RPATH) $(CMOCKA_LIBS)
tests_c_test_flow_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_c_test_flow_LDADD = $(python_c_ldadd)
tests_c_test_request_event_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_c_test_request_event_LDADD = $(python_c_ldadd)
tests_c_test_user_describe_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_c_test_user_describe_LDADD = $(python_c_ldadd)
tests_c_test_sem_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_c_test_sem_LDADD = $(python_c_ldadd)
tests_c_test_sizes_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_c_test_sizes_LDADD = $(CMOCKA_LIBS)
tests_c_test_waitlist_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_c_test_waitlist_LDADD = $(python_c_ldadd)
