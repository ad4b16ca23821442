/*
 * What the files of the engine share: the I/O thread, and one transfer of it.
 * Everything here belongs to one I/O thread.
 */
#ifndef LOCUST_HTTP_INTERNAL_H
#define LOCUST_HTTP_INTERNAL_H

#include <curl/curl.h>
#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "http/engine.h"
#include "http/exchange.h"
#include "http/footprint.h"
#include "http/options.h"
#include "http/stream.h"
#include "http/upload.h"

struct lookup;
struct parsed;
struct parsed_table;
struct place;
struct cache;
struct x509_store_st;           /* OpenSSL's X509_STORE */

struct connections {
    struct letter letter;       /* the last one: close */
    struct io_thread *io;
    struct connections *next, **link;   /* those of io with a cache */
    CURLSH *share;              /* the connection cache; NULL until needed */
    struct cache *caches;       /* those for options */
    struct place *places;       /* hosts, if their requests are counted */
    int limit;                  /* requests at a time to one of them; 0: any */
    unsigned source;            /* counts local addresses */
    unsigned start;             /* of the engine, that io belongs to */
    int exchanges;              /* out on these connections */
    int small_in;               /* so many small replies from now, small ones
                                   are expected */
    int fd;                     /* that was last used, or -1; may be another's
                                   now */
    bool closing;               /* freed when nothing is out */
    bool dropping;              /* share closed when nothing is out */
};

/* A descriptor of libcurl's in our loop. The watcher stays when libcurl loses
   interest in an idle connection: the next request on it then costs no
   epoll_ctl. */
struct sock {
    ev_io io;
    struct io_thread *thread;
    ev_tstamp touched;          /* when something last came */
    struct sock *fresh, **fresh_link;   /* those that the loop does not know
                                   yet as they are now */
    ino_t inode;                /* of ours: which socket it is */
    bool ours;                  /* a connection; else libcurl's own, which it
                                   closes without a word: its resolver's */
    bool idle;                  /* libcurl does not watch it now */
    int what;                   /* has come: CURL_CSELECT_... */
    struct sock *ready, **ready_link;   /* those that something has come for */

    /* What will be needed then, to be loaded ahead. Addresses only: by then
       all of it may be somebody else's, or gone. */
    const void *transfer, *easy, *exchange;
    struct footprint footprint; /* of a connection that is used again */
    bool sought;                /* the footprint was looked for */
};

struct io_thread {
    pthread_t thread;
    struct ev_loop *loop;
    CURLM *multi;
    struct mailbox inbox;
    struct mailbox *completions;
    struct letter pause;        /* before a fork */
    ev_io bell;
    ev_timer timer;             /* libcurl's next deadline */
    ev_timer trim;              /* runs while memory may be given back */
    bool kick;                  /* libcurl wants to be called at once */
    bool stopping;
    atomic_bool ending;         /* it will be stopping soon: begins no more */
    struct sock **socks;        /* by descriptor */
    struct sock *fresh;
    struct sock *ready, **ready_end;
    int socks_size;
    size_t easy_bytes;          /* of an easy handle */
    struct transfer *unused;    /* transfers that were just made */
    struct transfer *pool;      /* idle ones, set up for nothing special */
    struct transfer *special;   /* those that were set up for options */
    struct transfer *active;    /* running ones */
    struct connections *open;   /* those with a share */
    struct lookup *lookups;     /* name lookups under way, and known names */
    struct parsed_table *parsed;        /* NULL until needed */
    struct letter *done_first, *done_last;  /* finished, not yet sent */
    const char *ca_file;
    int64_t max_body, max_decoded;      /* 0: no limit */
};

/* An easy handle and the exchange it carries at the moment. */
struct transfer {
    CURL *easy;
    struct io_thread *io;
    struct transfer *next, **link;      /* in pool or active */
    struct exchange *x;
    ev_timer timer;             /* looks at the time limits; may run in vain */
    int64_t due;                /* clock_ns() when one is over; 0: none */
    int64_t last_read;
    curl_off_t uploaded;        /* when the timer last looked */
    int sends;                  /* times this hop's request went out */
    int fd;                     /* the socket in use, or -1 */
    bool opened;                /* a connection, which takes its time */
    int open_error;             /* errno of a socket that was not opened */
    int header_lines;           /* so far */
    size_t max_body;            /* bytes of this one that may be kept */
    bool header_done;
    bool sets_cookies;
    bool encoded;               /* the body is compressed */
    bool handed;                /* the hub has the head: bodies flow */
    bool receive_paused, send_paused;
    bool enough;                /* all is here, whatever libcurl waits for */

    /* What the handle is set to. */
    const struct http_options *options; /* a reference, or NULL */
    bool verify;
    bool close_after;           /* the connection is not kept */
    bool undecoded;
    long buffer_bytes;          /* that libcurl reads into */
    bool guarded;               /* see receive_guard() */
    bool forgets;               /* see transfer_done() */

    struct parsed *parsed;      /* its URL, or NULL: libcurl parses it */
    struct curl_slist *addresses;       /* given to this transfer, or NULL */
    struct curl_slist *headers;         /* with cookies; of this hop, or NULL */
    char error[CURL_ERROR_SIZE];
};

/* --- transfer.c */

/* Starts the current hop of an exchange, whose name is resolved. */
void transfer_start(struct io_thread *io, struct exchange *x,
                    struct curl_slist *addresses);

/* libcurl is done with it. Starts the next hop or finishes the exchange. */
void transfer_done(struct transfer *t, CURLcode result);

/* Ends it now, as cancelled. */
void transfer_abort(struct transfer *t);

/* Tells libcurl what is paused. */
void transfer_pause(struct transfer *t);

/* The hub has read what came, or has made more to be sent: goes on. */
void transfer_receive_again(struct transfer *t);
void transfer_send_again(struct transfer *t);

/* libcurl's callback for what is sent. */
size_t transfer_read(char *to, size_t size, size_t count, void *transfer);

/* ... and the one before a request goes out. */
int transfer_on_request(void *transfer, char *ip, char *local_ip, int port,
                        int local_port);

/* Frees the pools. */
void transfer_free_pool(struct io_thread *io);

/* --- setup.c */

/* Sets a new handle, or a reset one, up for what holds for every request. */
bool setup_handle(struct transfer *t);

/* Makes the handle one for these options, which may be NULL. */
bool setup_options(struct transfer *t, const struct http_options *options);

/* Sets what this hop of the transfer's exchange needs. */
CURLcode setup_hop(struct transfer *t);

/* A reply has come whole, with so many bytes: what will the next one need? */
void setup_expect(struct connections *c, size_t bytes);

/* --- receive.c */

/* libcurl's callbacks for header lines and for the body. */
size_t receive_header(char *line, size_t one, size_t length, void *transfer);
size_t receive_body(char *data, size_t one, size_t length, void *transfer);

/* libcurl's callback for what it is about to do. libcurl before 8.1.1 takes a
   first header line that is folded for the rest of the last one of the transfer
   before, which it has freed: this takes away the blank that makes it one. */
int receive_guard(CURL *easy, curl_infotype type, char *data, size_t length,
                  void *transfer);

/* What libcurl knows of a reply whose header is complete. */
void receive_note(struct transfer *t);

/* Where the time went, of a timed exchange. */
void receive_times(struct transfer *t, int64_t ended);

/* --- classify.c */

/* Says how the exchange failed, unless one of our callbacks knew better. */
void classify(struct transfer *t, CURLcode result);

/* --- line.c */

/* Counts a hop of the exchange as one more to its host. False: it is too many;
   the exchange waits in line and will be started. Without memory it is not
   counted. */
bool line_enter(struct exchange *x);

/* The hop is over: starts whoever was next in line. */
void line_leave(struct io_thread *io, struct exchange *x);

/* Takes one that waits out of the line. */
void line_quit(struct exchange *x);

void line_free(struct connections *c);

/* --- engine.c */

/* Sends an exchange back to the hub, soon, with others. */
void engine_finish(struct io_thread *io, struct exchange *x);

/* Sends any letter of an exchange to whom it belongs: to the hub soon, with
   others, to another thread at once. */
void engine_send(struct io_thread *io, const struct exchange *x,
                 struct letter *letter);

/* From the hub to the thread that has the exchange; or to one of an engine's
   start. False: that engine has stopped. */
bool engine_post(const struct exchange *x, struct letter *letter);
bool engine_post_to(struct io_thread *io, unsigned start,
                    struct letter *letter);

/* Starts the current hop of an exchange: looks its host up first. */
void engine_start_hop(struct io_thread *io, struct exchange *x);

/* The same for one that is counted, if that is to be. */
void engine_begin_hop(struct io_thread *io, struct exchange *x);

/* There will be free memory to give back soon. */
void engine_expect_garbage(struct io_thread *io);

/* To be called after every action of libcurl's, which looks through all
   messages not yet read whenever a handle is removed: there must never be
   many. */
void engine_check_done(struct io_thread *io);

/* --- sockets.c */

/* The multi handle's sockets are watched by the thread's loop from now on. */
void sockets_init(struct io_thread *io);

/* Acts on those that are ready, at most so many; io->ready are those left. */
void sockets_act(struct io_thread *io, int most);

/* Whether what libcurl waits for, on this descriptor or any other number, has
   come, or can be written, and was not yet acted on. */
bool sockets_is_ready(const struct io_thread *io, int fd);

/* To be called before the loop polls. */
void sockets_drop_closed(struct io_thread *io);

/* For how many seconds nothing came on a socket. */
double sockets_silence(struct io_thread *io, int fd);

/* The one that was last used, or another one that is where that was, or
   NULL. */
const struct sock *sockets_last(const struct connections *c);

/* libcurl's callbacks. */
curl_socket_t sockets_open(void *transfer, curlsocktype purpose,
                           struct curl_sockaddr *address);
int sockets_close(void *io_thread, curl_socket_t fd);

/* After a fork: closes the descriptors, and nothing else. */
void sockets_close_all(struct io_thread *io);

/* Once libcurl has closed them. */
void sockets_free(struct io_thread *io);

/* --- parsed.c */

/* A URL that is parsed already, until it is given back. NULL: there is no
   place for it, or it is malformed. */
struct parsed *parsed_take(struct io_thread *io, const char *url);

/* NULL is allowed. */
void parsed_give_back(struct parsed *p);

/* For CURLOPT_CURLU; NULL for NULL. */
CURLU *parsed_handle(const struct parsed *p);

/* Once no transfer is left. */
void parsed_free_all(struct io_thread *io);

/* --- caches.c: a session's connection caches. */

/* The one for an exchange, opened if need be. NULL without memory. */
CURLSH *cache_open(struct exchange *x);

/* Closes all. */
void cache_drop_all(struct connections *c);

/* After a fork: forgets them. */
void cache_forget_all(struct connections *c);

/* --- sources.c: local addresses. */

/* Copies them, instead of any before. 0, or -1 with errno set. */
int sources_set(const char *const *addresses);
void sources_clear(void);

/* Binds a socket of this family to the n-th address of it, counting round and
   round; does nothing if there is none. 0, or -1 with errno set. */
int sources_bind(int fd, int family, unsigned n);

/* --- redirect.c */

/* If the last reply is a redirect that is to be followed, makes the exchange
   ask for it and returns true. A bad or superfluous one fails the exchange. */
bool redirect_follow(struct exchange *x);

/* Whether the last reply, of this status, is one: what comes of it is not yet
   said. */
bool redirect_is_due(const struct exchange *x, int status);

/* --- lookup.c */

/* Finds the addresses of the exchange's host, which may take a while, and then
   calls transfer_start(), or fails the exchange. Equal lookups are one. */
void lookup_host(struct io_thread *io, struct exchange *x);

/* Notes names that are not to be looked up. 0, or -1 with errno set. */
int lookup_set(struct io_thread *io, const char *const *entries);

/* The thread is stopping: fails whoever waits. */
void lookup_cancel_all(struct io_thread *io);

void lookup_free_all(struct io_thread *io);

/* Keeps lookups from ending, so that none holds the lock in a forked child. */
void lookup_lock(void);
void lookup_unlock(void);

/* --- options.c */

#define OPTION_ERROR 512

/* A proxy: its whole URL, and where it is. */
struct option_proxy {
    char *url;
    char *host;                 /* NULL if the URL is none; IPv6 in brackets */
    char port[8];
};

/* The proxy for one scheme, or NULL. */
const struct option_proxy *options_proxy(const struct http_options *o,
                                         bool secure);

/* Whether they say whom to trust. */
bool options_have_trust(const struct http_options *o);

/* The certificates to trust, loaded once; belongs to the options. NULL: why
   says why. Any I/O thread. */
struct x509_store_st *options_trust(const struct http_options *o,
                                    char why[OPTION_ERROR]);

/* --- stream.c */

/* The transfer that fills it from now on, or NULL. */
void stream_attach(struct stream *s, struct transfer *t);

void stream_send_head(struct stream *s, struct io_thread *io);

/* Appends what came. Sets *full if no more is to come now. False without
   memory. */
bool stream_put(struct stream *s, struct io_thread *io, const char *bytes,
                size_t length, bool *full);

/* --- upload.c */

/* What upload_read() returns besides a number of bytes. */
#define UPLOAD_WAITS (-1)       /* for the hub: transfer_send_again() follows */
#define UPLOAD_FAILED (-2)      /* with errno set; 0: the feed failed */
#define UPLOAD_SHORT (-3)       /* there was less than was said */

/* The next bytes; 0: that was all. */
ssize_t upload_read(struct upload *u, char *to, size_t most);

/* Whether all was read. */
bool upload_is_sent(const struct upload *u);

/* The next read begins at the beginning. */
void upload_rewind(struct upload *u);

/* The transfer that sends it from now on, or NULL. */
void upload_attach(struct upload *u, struct transfer *t);

#endif
