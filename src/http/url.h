/*
 * URLs, as far as the fast path must know them: whether one can be sent as it
 * stands, and where its path begins. Everything else is left to requests.
 */
#ifndef LOCUST_HTTP_URL_H
#define LOCUST_HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Whether an absolute http or https URL is one that requests would not change
   at all: lower-case scheme and host, a path, nothing to be quoted, no dot
   segments, no fragment, no credentials. */
bool url_is_plain(const char *url, size_t length);

/* The offset of what follows the host: the path, or the end. 0 if it is no
   absolute URL. */
size_t url_path_offset(const char *url, size_t length);

/* Whether it begins with http:// or https:// in any case. */
bool url_is_absolute(const char *url, size_t length);

#endif
