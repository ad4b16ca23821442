libplain_la_SOURCES += \
	src/green/overflow.c \
	src/green/overflow.h \
	src/green/stack.c \
	src/green/stack.h \
	src/green/switch_asm.S \
	src/green/switch.c \
	src/green/switch.h

libcore_la_SOURCES += \
	src/green/async_result.c \
	src/green/burial.c \
	src/green/callback.c \
	src/green/callback.h \
	src/green/chunks.c \
	src/green/chunks.h \
	src/green/fdwait.c \
	src/green/flag.c \
	src/green/fork.c \
	src/green/functions.c \
	src/green/green.h \
	src/green/greenlet.c \
	src/green/group.c \
	src/green/group.h \
	src/green/hub.c \
	src/green/internal.h \
	src/green/lock.c \
	src/green/lock.h \
	src/green/pystate.c \
	src/green/pystate.h \
	src/green/queue.c \
	src/green/sem.c \
	src/green/sem.h \
	src/green/semaphore.c \
	src/green/timeout.c \
	src/green/timeout.h \
	src/green/waitlist.c \
	src/green/watch.c \
	src/green/watch.h \
	src/green/watcher.c
