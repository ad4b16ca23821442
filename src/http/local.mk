libplain_la_SOURCES += \
	src/http/cookie.c \
	src/http/cookie.h \
	src/http/engine.c \
	src/http/engine.h \
	src/http/exchange.c \
	src/http/exchange.h \
	src/http/internal.h \
	src/http/lookup.c \
	src/http/options.h \
	src/http/redirect.c \
	src/http/stream.h \
	src/http/transfer.c \
	src/http/upload.h \
	src/http/url.c \
	src/http/url.h

libcore_la_SOURCES += \
	src/http/body.c \
	src/http/build.c \
	src/http/client.h \
	src/http/flow.h \
	src/http/helpers.c \
	src/http/outcome.c \
	src/http/perform.c \
	src/http/response.c \
	src/http/response.h \
	src/http/session.c \
	src/http/session_cookies.c
