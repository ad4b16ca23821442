libcore_la_SOURCES += \
	src/coop/coop.c \
	src/coop/coop.h \
	src/coop/internal.h \
	src/coop/lock.c \
	src/coop/lot.c \
	src/coop/offload.c \
	src/coop/poll.c \
	src/coop/replace.c \
	src/coop/resolve.c \
	src/coop/select.c \
	src/coop/sock.c \
	src/coop/squeue.c \
	src/coop/thread.c \
	src/coop/tls.c
