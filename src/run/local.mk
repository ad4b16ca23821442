libplain_la_SOURCES += \
	src/run/dispatch.c \
	src/run/dispatch.h
libplain_la_LIBADD += -lm

libcore_la_SOURCES += \
	src/run/choices.c \
	src/run/dispatcher.c \
	src/run/dispatcher.h \
	src/run/internal.h \
	src/run/local.c \
	src/run/messages.c \
	src/run/monitor.c \
	src/run/patience.c \
	src/run/roster.c \
	src/run/roster.h \
	src/run/runner.c \
	src/run/runner.h \
	src/run/settings.c \
	src/run/shape.c \
	src/run/spread.c \
	src/run/stop.c \
	src/run/support.c \
	src/run/users.c
