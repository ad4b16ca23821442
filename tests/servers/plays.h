/*
 * What the hostile server can do to a client, by path. A play is called when
 * its request has arrived, and again when what it sent is written and what it
 * waits for is over, until it says how the exchange ends.
 */
#ifndef LOCUST_TESTS_SERVERS_PLAYS_H
#define LOCUST_TESTS_SERVERS_PLAYS_H

#include "loop.h"
#include "request.h"

#include <zlib.h>

enum verdict {
    AGAIN, /* call me again after wait_ns */
    DONE,  /* the connection goes on to the next request */
    CLOSE,
    RESET, /* close with an RST */
    HANG   /* never again: the client has to give up */
};

/* A connection's state. */
struct stage {
    struct conn *conn;
    struct request request; /* points into conn->in while a play is on */
    enum verdict (*play)(struct stage *);
    enum verdict verdict; /* the last one, until it is carried out */
    int step;             /* of the play; 0 at its first call */
    int64_t wait_ns;
    int64_t due;     /* when the next call is; kept so that drips are even */
    z_stream *zip;   /* of a play that compresses; owned */
    int64_t idle_ns; /* close after so long without a request; 0: not */
    bool close_next; /* the next request is not answered */
    bool permitted;  /* 100 Continue has gone out for this request */
};

/* The play of a path; what is unknown is answered with 404. */
enum verdict (*play_of(struct slice path))(struct stage *);

/* Requests that arrived, on all connections; kept by the server. */
extern size_t requests_seen;

#endif
