# Examples. The demo site is built with the program, so that there is something
# to aim a first test at.
noinst_PROGRAMS += demo-site
demo_site_SOURCES = examples/quickstart/site.c
demo_site_LDADD = $(CIVETWEB_LIBS) -lpthread

dist_doc_DATA = examples/quickstart/locustfile.py
