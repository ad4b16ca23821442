/*
 * An exchange: one call of the user's client, from the first byte of the
 * request to the last byte of the reply, redirects on the way included.
 *
 * Ownership. The hub builds an exchange, hands it to engine_submit() and must
 * not touch it again until it comes back through its letter; in between it
 * belongs to the I/O thread. Some fields are the hub's at all times, and marked
 * so. If the body is to be read while it arrives, the hub may look at the reply
 * earlier: see stream.h.
 */
#ifndef LOCUST_HTTP_EXCHANGE_H
#define LOCUST_HTTP_EXCHANGE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mailbox.h"

/* How an exchange failed; what Python makes of each is in locust.clients. */
enum http_error {
    HTTP_OK,
    HTTP_RESOLVE,           /* code: EAI_... */
    HTTP_CONNECT,           /* code: errno */
    HTTP_CONNECT_TIMEOUT,
    HTTP_READ_TIMEOUT,      /* code: 1 within the body, 2 within the TLS
                               handshake, where the connect limit counts */
    HTTP_TLS,               /* certificate or handshake; message says which */
    HTTP_CLOSED,            /* the peer closed before the status line */
    HTTP_RESET,             /* code: errno; broken while sending or before
                               the status line */
    HTTP_BROKEN_BODY,       /* code: errno; broken inside the reply */
    HTTP_TRUNCATED,         /* closed before the body's end; code: what is
                               missing, or -1 */
    HTTP_BAD_CHUNK,
    HTTP_BAD_STATUS_LINE,   /* message: the line */
    HTTP_BAD_HEADER,
    HTTP_BAD_ENCODING,
    HTTP_TOO_BIG,           /* a header line; code 1: too many of them; code 2:
                               the body, message says by what measure */
    HTTP_TOO_MANY_REDIRECTS,
    HTTP_BAD_REDIRECT,      /* message: the Location */
    HTTP_PROXY,             /* no message: code is the errno of reaching it;
                               else code is the status that it refused with,
                               or 0 */
    HTTP_BAD_UPLOAD,        /* code: errno of reading a file; or 0: it became
                               shorter, or a feed failed; message */
    HTTP_CANCELLED,
    HTTP_NO_MEMORY,
    HTTP_OTHER,             /* message: libcurl's */
};

/* Whose way of following redirects. */
enum redirect_rules {
    REDIRECTS_OF_REQUESTS,
    REDIRECTS_OF_FAST_HTTP,     /* FastHttpUser's: 301 keeps method and body,
                                   a relative path is appended */
};

/* Where the time of one request on the wire went, in ns. What did not happen
   took 0. */
struct reply_times {
    int64_t begun;              /* clock_ns() */
    int64_t lookup;             /* of the host's name */
    int64_t connect;            /* TCP, and what a proxy takes */
    int64_t tls;
    int64_t first_byte;         /* from the beginning to the reply's first */
    int64_t total;              /* ... to its last; 0 with a stream, where only
                                   exchange.ended tells */
    bool reused;                /* the connection stood already */
    char local[64], peer[64];   /* "address:port", "[address]:port" or "" */
};

/* What came back for one request on the wire. */
struct reply {
    struct reply *previous;     /* the redirect that led here, or NULL */
    char *url;                  /* owned: what was asked for, fragment too */
    const char *method;         /* static, or the exchange's */
    int status;
    int http_version;           /* 10, 11, 20 */
    struct buf raw;             /* header block, empty line, then the body */
    size_t body;                /* offset of the body in raw */
    int64_t sent;               /* clock_ns() when the I/O thread took it */
    int64_t headed;             /* ... when the header was complete */
    struct curl_slist *lines;   /* owned: what was sent, or NULL: shared, or
                                   for the last one the exchange's */
    struct curl_slist *shared;  /* borrowed */
    bool body_ends;             /* the next hop went without it; */
    char *body_sent;            /* owned: then it is here */
    size_t body_sent_length;
    struct reply_times *times;  /* owned; NULL unless the exchange is timed */
};

struct header {
    const char *name;           /* both within line */
    const char *value;
    size_t name_length, value_length;
};

struct connections;             /* see engine.h */
struct cookie_jar;
struct feed;
struct http_options;
struct stream;
struct upload;

struct exchange {
    struct letter letter;       /* to the I/O thread, and back to the hub */
    struct letter cancel_letter;
    struct connections *connections;

    /* The request. */
    const char *method;         /* static, or own_method */
    char *own_method;           /* owned: one that is not among the usual */
    char *url;                  /* absolute, percent-encoded; owned */
    struct curl_slist *headers; /* borrowed from lines, or shared */
    struct curl_slist *lines;   /* owned: made for this exchange, or NULL */
    int cookie_at;              /* lines that come before Cookie; -1: all */
    struct cookie_jar *cookies; /* a reference: the session's, which replies
                                   add to; NULL: cookies are not looked at */
    struct cookie_jar *jar;     /* owned: cookies of this call; or NULL */
    char *body;                 /* owned; NULL: none */
    size_t body_length;
    struct upload *upload;      /* owned: the body if it is none of memory; then
                                   body is NULL */
    struct stream *stream;      /* a reference; NULL: the reply keeps the
                                   body */
    const struct http_options *options; /* a reference; NULL: the ordinary */
    bool body_is_text;          /* it was str, in UTF-8 now */
    bool follow;                /* redirects */
    enum redirect_rules rules;
    unsigned not_followed;      /* redirect_bit()s of statuses */
    bool verify;                /* certificates */
    bool resend;                /* once more, on another connection, if a kept
                                   one breaks before anything has come */
    bool undecoded;             /* leaves a compressed body as it came */
    bool timed;                 /* fills in reply->times */
    int max_redirects;
    double connect_timeout;     /* seconds; 0: none */
    double read_timeout;        /* between two reads; 0: none */

    /* The hub's at all times. */
    struct feed *feed;          /* the hub's reference, if it feeds the body */
    void *source;               /* owned: what the feed is fed from; or NULL */
    void (*free_source)(void *);
    struct io_thread *io;       /* where it was handed to, in the engine's */
    unsigned start;             /* ... start of that number */
    int letters;                /* of its own, on their way */
    void *owner;                /* who waits for it now; or NULL */
    struct mailbox *home;       /* where its letters come back to, if another OS
                                   thread sends it; NULL: to the hub */
    bool finished;              /* it has come back */
    bool cancelled;             /* it was asked to */
    bool released;              /* nobody wants it: freed when it is back */

    /* The engine's. */
    void (*on_finish)(struct letter *);         /* what the hub asked for */
    void (*on_cancelled)(struct letter *);
    struct transfer *transfer;  /* carries it now, or NULL */
    struct place *place;        /* counts it, or has it in line; or NULL */
    bool aborted;               /* a cancel has come */
    bool in_line;               /* it has not begun: others are before it */

    /* The result. */
    struct reply *reply;        /* owned; the last one */
    enum http_error error;
    int code;
    char *message;              /* owned, or NULL; any bytes */
    size_t message_length;
    int redirects;
    int64_t submitted;          /* clock_ns() of the call */
    int64_t taken;              /* ... of the I/O thread starting it */
    int64_t ended;              /* ... of the last byte, or of the failure */
};

/* The bit that stands for a status that can redirect; 0 for all others. */
unsigned redirect_bit(int status);

/* An empty exchange, or NULL without memory. */
struct exchange *exchange_new(void);

/* Makes one that has come back ready to be submitted once more: it asks again
   for what its last reply answers. False without memory. */
bool exchange_again(struct exchange *x);
void exchange_free(struct exchange *x);

/* An empty reply with room for an ordinary one, or NULL. */
struct reply *reply_new(void);
/* Frees it and all those that led to it. */
void reply_free(struct reply *reply);

/* The next header line of a reply. *at is 0 for the first call and is moved
   on. Continuation lines are joined already. */
bool reply_next_header(const struct reply *reply, size_t *at,
                       struct header *header);

/* The header lines and the body that a reply of the exchange answers. */
const struct curl_slist *exchange_sent_lines(const struct exchange *x,
                                             const struct reply *reply);
const char *exchange_sent_body(const struct exchange *x,
                               const struct reply *reply, size_t *length);

/* The first header of a name, ignoring case. */
bool reply_find_header(const struct reply *reply, const char *name,
                       struct header *header);

/* Remembers how it failed. message may be NULL and is copied. */
void exchange_fail(struct exchange *x, enum http_error error, int code,
                   const char *message);
void exchange_fail_with(struct exchange *x, enum http_error error,
                        const char *bytes, size_t length);

#endif
