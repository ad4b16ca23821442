libplain_la_SOURCES += \
	src/base/buf.c \
	src/base/buf.h \
	src/base/clock.h \
	src/base/mailbox.c \
	src/base/mailbox.h \
	src/base/prefetch.h \
	src/base/utf8.c \
	src/base/utf8.h

libcore_la_SOURCES += \
	src/base/attach.c \
	src/base/attach.h \
	src/base/fork.c \
	src/base/fork.h \
	src/base/lookup.c \
	src/base/lookup.h \
	src/base/names.c \
	src/base/names.h \
	src/base/pycompat.h
