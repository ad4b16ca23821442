libplain_la_SOURCES += \
	src/report/csv.c \
	src/report/csv.h \
	src/report/html.c \
	src/report/html.h \
	src/report/json.c \
	src/report/json.h \
	src/report/lines.c \
	src/report/lines.h \
	src/report/page.S \
	src/report/row.c \
	src/report/row.h \
	src/report/rowfile.c \
	src/report/rowfile.h \
	src/report/savefile.c \
	src/report/savefile.h \
	src/report/table.c \
	src/report/table.h

libcore_la_SOURCES += \
	src/report/pycsv.c \
	src/report/pyhtml.c \
	src/report/pyreport.h
