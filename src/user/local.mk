libcore_la_SOURCES += \
	src/user/choice.c \
	src/user/choice.h \
	src/user/collect.c \
	src/user/decorate.c \
	src/user/internal.h \
	src/user/note.c \
	src/user/taskrun.c \
	src/user/taskset.c \
	src/user/user.c \
	src/user/user.h \
	src/user/wait_time.c
