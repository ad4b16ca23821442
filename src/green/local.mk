libplain_la_SOURCES += \
	src/green/overflow.c \
	src/green/overflow.h \
	src/green/stack.c \
	src/green/stack.h \
	src/green/switch_asm.S \
	src/green/switch.c \
	src/green/switch.h

libcore_la_SOURCES += \
	src/green/fdwait.c \
	src/green/fork.c \
	src/green/green.h \
	src/green/greenlet.c \
	src/green/group.c \
	src/green/group.h \
	src/green/hub.c \
	src/green/internal.h \
	src/green/pystate.c \
	src/green/pystate.h
