libplain_la_SOURCES += \
	src/report/lines.c \
	src/report/lines.h \
	src/report/table.c \
	src/report/table.h
