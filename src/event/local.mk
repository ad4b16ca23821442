libcore_la_SOURCES += \
	src/event/event.h \
	src/event/exceptions.c \
	src/event/exceptions.h \
	src/event/hook.c \
	src/event/internal.h \
	src/event/log.c \
	src/event/log.h \
	src/event/measure.c \
	src/event/request.c
