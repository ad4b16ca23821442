libplain_la_SOURCES += \
	src/report/csv.c \
	src/report/csv.h \
	src/report/html.c \
	src/report/html.h \
	src/report/json.c \
	src/report/json.h \
	src/report/junit.c \
	src/report/junit.h \
	src/report/lines.c \
	src/report/lines.h \
	src/report/live.c \
	src/report/live.h \
	src/report/page.S \
	src/report/row.c \
	src/report/row.h \
	src/report/rowfile.c \
	src/report/rowfile.h \
	src/report/savefile.c \
	src/report/savefile.h \
	src/report/screen.c \
	src/report/screen.h \
	src/report/table.c \
	src/report/table.h \
	src/report/threshold.c \
	src/report/threshold.h

libcore_la_SOURCES += \
	src/report/pycsv.c \
	src/report/pyhtml.c \
	src/report/pylive.c \
	src/report/pyreport.h \
	src/report/pythreshold.c
