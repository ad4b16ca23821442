/*
 * HTTP/1.1 requests as the test servers read them: found in a buffer, not
 * copied. Lenient on purpose: the tests look at what a client sends, and
 * /echo tells them.
 */
#ifndef LOCUST_TESTS_SERVERS_REQUEST_H
#define LOCUST_TESTS_SERVERS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* A piece of somebody else's buffer; not terminated. */
struct slice {
    const char *data; /* borrowed */
    size_t len;
};

struct request {
    struct slice line; /* the request line, without its end */
    struct slice method;
    struct slice path;
    struct slice query;   /* without '?' */
    struct slice headers; /* the header lines, each with its CRLF */
    struct slice body;    /* as on the wire: chunks are not joined */
    bool chunked;
    bool close; /* the client wants the connection closed afterwards */
    bool expects_continue;
    bool has_head; /* the above are known, though the body is not there */
    size_t size;   /* in the buffer, all in all */
};

/* Returns 1 if data starts with a whole request, 0 if more must come, -1 if
   it is none. */
int request_parse(struct request *r, const char *data, size_t len);

/* Takes the first header line off rest. Returns whether there was one. */
bool next_header(struct slice *rest, struct slice *name, struct slice *value);

/* Takes the first chunk's data off rest, a chunked body as on the wire.
   Returns false at the last chunk. */
bool next_chunk(struct slice *rest, struct slice *data);

/* Takes name=value off rest, a query, and decodes both; what does not fit is
   cut off. Returns whether there was one. */
bool next_parameter(struct slice *rest, char *name, size_t name_size,
                    char *value, size_t value_size);

/* The value of a parameter of the query, or "". */
void query_text(const struct request *r, const char *name, char *value,
                size_t size);
double query_number(const struct request *r, const char *name,
                    double otherwise);

bool slice_is(struct slice slice, const char *text);

#endif
