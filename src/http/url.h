/*
 * URLs, as far as native code must know them: whether one can be sent as it
 * stands, and what its parts are. Everything else is left to requests.
 */
#ifndef LOCUST_HTTP_URL_H
#define LOCUST_HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Whether an absolute http or https URL is one that requests would not change
   at all: lower-case scheme and host, a path, nothing to be quoted, no dot
   segments, no empty query, no fragment, no credentials. */
bool url_is_plain(const char *url, size_t length);

/* The offset of what follows the host: the path, or the end. 0 if it is no
   absolute URL. */
size_t url_path_offset(const char *url, size_t length);

/* The parts of an absolute URL; all within it. */
struct url_parts {
    const char *host;           /* without port, credentials and brackets */
    size_t host_length;
    const char *port;           /* digits, if it says one */
    size_t port_length;
    const char *path;           /* up to "?" or "#"; may be empty */
    size_t path_length;
    bool secure;                /* https */
    bool bracketed;             /* the host stands in brackets: IPv6 */
    bool has_credentials;
};

/* Splits it. False if it is no absolute http or https URL. */
bool url_split(const char *url, size_t length, struct url_parts *parts);

/* Whether it begins with http:// or https:// in any case. */
bool url_is_absolute(const char *url, size_t length);

#endif
