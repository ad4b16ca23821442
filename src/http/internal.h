/*
 * What the files of the engine share: the I/O thread, and one transfer of it.
 * Everything here belongs to one I/O thread.
 */
#ifndef LOCUST_HTTP_INTERNAL_H
#define LOCUST_HTTP_INTERNAL_H

#include <curl/curl.h>
#include <ev.h>
#include <pthread.h>

#include "http/engine.h"
#include "http/exchange.h"

struct lookup;

struct connections {
    struct letter letter;       /* the last one: close */
    struct io_thread *io;
    struct connections *next, **link;   /* those of io with a share */
    CURLSH *share;              /* the connection cache; NULL until needed */
    unsigned start;             /* of the engine, that io belongs to */
    int exchanges;              /* out on these connections */
    bool closing;               /* freed when nothing is out */
    bool dropping;              /* share closed when nothing is out */
};

/* A descriptor of libcurl's in our loop. The watcher stays when libcurl loses
   interest in an idle connection: the next request on it then costs no
   epoll_ctl. */
struct sock {
    ev_io io;
    struct io_thread *thread;
    ev_tstamp touched;          /* when it was last ready */
    bool ours;                  /* a connection; else libcurl's own, which it
                                   closes without a word: its resolver's */
    bool idle;                  /* libcurl does not watch it now */
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
    struct sock **socks;        /* by descriptor */
    int socks_size;
    struct transfer *pool;      /* idle transfers */
    struct transfer *active;    /* running ones */
    struct connections *open;   /* those with a share */
    struct lookup *lookups;     /* name lookups under way, and known names */
    struct letter *done_first, *done_last;  /* finished in this turn */
    const char *ca_file;
};

/* An easy handle and the exchange it carries at the moment. */
struct transfer {
    CURL *easy;
    struct io_thread *io;
    struct transfer *next, **link;      /* in pool or active */
    struct exchange *x;
    ev_timer timer;             /* connect and read time limits */
    int64_t last_read;
    curl_off_t uploaded;        /* when the timer last looked */
    int sends;                  /* times this hop's request went out */
    int fd;                     /* the socket in use, or -1 */
    int open_error;             /* errno of a socket that was not opened */
    int header_lines;           /* so far */
    bool header_done;
    bool sets_cookies;
    bool enough;                /* a HEAD that had a body: all is here */
    bool verify;                /* what the handle is set to */
    bool close_after;           /* the same: the connection is not kept */
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

/* Frees the pool. */
void transfer_free_pool(struct io_thread *io);

/* --- engine.c */

/* Sends an exchange back to the hub at the end of this turn. */
void engine_finish(struct io_thread *io, struct exchange *x);

/* Starts the current hop of an exchange: looks its host up first. */
void engine_start_hop(struct io_thread *io, struct exchange *x);

/* There will be free memory to give back soon. */
void engine_expect_garbage(struct io_thread *io);

/* For how many seconds a socket was not ready. */
double engine_socket_silence(struct io_thread *io, int fd);

/* libcurl's socket callbacks. */
curl_socket_t engine_open_socket(void *transfer, curlsocktype purpose,
                                 struct curl_sockaddr *address);
int engine_close_socket(void *io_thread, curl_socket_t fd);

/* --- redirect.c */

/* If the last reply is a redirect that is to be followed, makes the exchange
   ask for it and returns true. A bad or superfluous one fails the exchange. */
bool redirect_follow(struct exchange *x);

/* --- lookup.c */

/* Finds the addresses of the exchange's host, which may take a while, and then
   calls transfer_start(), or fails the exchange. Equal lookups are one. */
void lookup_host(struct io_thread *io, struct exchange *x);

/* The thread is stopping: fails whoever waits. */
void lookup_cancel_all(struct io_thread *io);

void lookup_free_all(struct io_thread *io);

/* Keeps lookups from ending, so that none holds the lock in a forked child. */
void lookup_lock(void);
void lookup_unlock(void);

#endif
