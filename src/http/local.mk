libplain_la_SOURCES += \
	src/http/caches.c \
	src/http/classify.c \
	src/http/cookie.c \
	src/http/cookie.h \
	src/http/engine.c \
	src/http/engine.h \
	src/http/exchange.c \
	src/http/exchange.h \
	src/http/internal.h \
	src/http/line.c \
	src/http/lookup.c \
	src/http/memory.c \
	src/http/memory.h \
	src/http/options.c \
	src/http/options.h \
	src/http/parsed.c \
	src/http/receive.c \
	src/http/redirect.c \
	src/http/setup.c \
	src/http/sources.c \
	src/http/stream.c \
	src/http/stream.h \
	src/http/transfer.c \
	src/http/upload.c \
	src/http/upload.h \
	src/http/url.c \
	src/http/url.h

libcore_la_SOURCES += \
	src/http/adopt.c \
	src/http/away.c \
	src/http/away.h \
	src/http/body.c \
	src/http/build.c \
	src/http/build_body.c \
	src/http/call.c \
	src/http/call.h \
	src/http/client.h \
	src/http/fast.h \
	src/http/fastagent.c \
	src/http/fastbuild.c \
	src/http/fastpool.c \
	src/http/fastresponse.c \
	src/http/fastsession.c \
	src/http/flow.c \
	src/http/flow.h \
	src/http/helpers.c \
	src/http/outcome.c \
	src/http/perform.c \
	src/http/pyengine.c \
	src/http/pyoptions.c \
	src/http/response.c \
	src/http/response.h \
	src/http/session.c \
	src/http/session_call.c \
	src/http/session_cookies.c \
	src/http/transport.c
