libplain_la_SOURCES += \
	src/report/csv.c \
	src/report/csv.h \
	src/report/lines.c \
	src/report/lines.h \
	src/report/row.c \
	src/report/row.h \
	src/report/rowfile.c \
	src/report/rowfile.h \
	src/report/table.c \
	src/report/table.h

libcore_la_SOURCES += \
	src/report/pycsv.c \
	src/report/pyreport.h
