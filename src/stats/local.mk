libplain_la_SOURCES += \
	src/stats/buckets.c \
	src/stats/buckets.h \
	src/stats/entry.c \
	src/stats/entry.h \
	src/stats/error.c \
	src/stats/histogram.c \
	src/stats/histogram.h \
	src/stats/index.c \
	src/stats/index.h \
	src/stats/lag.c \
	src/stats/lag.h \
	src/stats/names.c \
	src/stats/names.h \
	src/stats/seconds.c \
	src/stats/seconds.h \
	src/stats/snapshots.c \
	src/stats/snapshots.h \
	src/stats/stats.c \
	src/stats/stats.h

libplain_la_LIBADD += -lm

libcore_la_SOURCES += \
	src/stats/internal.h \
	src/stats/pycollection.c \
	src/stats/pycopy.c \
	src/stats/pydict.c \
	src/stats/pyentry.c \
	src/stats/pyerror.c \
	src/stats/pylistener.c \
	src/stats/pymaps.c \
	src/stats/pymerge.c \
	src/stats/pyserialize.c \
	src/stats/pystats.c \
	src/stats/pystats.h \
	src/stats/pytables.c \
	src/stats/pyview.c
