/*
 * What a session asks of its connections beyond the ordinary: proxies, whom to
 * trust, a certificate of its own, versions of TLS and HTTP, a unix socket,
 * limits on what a reply may bring.
 *
 * Options are immutable and counted, so exchanges and I/O threads share them
 * without locks. Equal ones are one object: asking for what is there already
 * gives it again, and certificates are loaded once however many sessions name
 * the same file. NULL stands for the ordinary ones everywhere and costs
 * nothing.
 *
 * A session's connections made with some options are never used for others.
 */
#ifndef LOCUST_HTTP_OPTIONS_H
#define LOCUST_HTTP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct http_options;

/* What to ask for. Zero-filled is the ordinary. Strings are copied. */
struct option_values {
    /* Proxies as URLs, "http://user:password@host:3128": http, https, socks4,
       socks4a, socks5 or socks5h (the h: the proxy looks names up). Without a
       scheme it is http. A redirect from one scheme to the other changes the
       proxy with it. NULL: none. */
    const char *http_proxy;     /* for http:// */
    const char *https_proxy;    /* for https:// */
    const char *no_proxy;       /* hosts reached directly: "a.org,.b.org", "*";
                                   NULL: none */

    /* Whom to trust instead of the usual authorities; used where the exchange
       verifies at all. Files are PEM; a directory is one made by c_rehash.
       What cannot be read fails the exchange (HTTP_TLS). */
    const char *ca_file;
    const char *ca_directory;
    const char *ca_pem;         /* the certificates themselves */
    bool any_host_name;         /* a certificate for another host is fine */

    /* Who we are. One file may hold both. */
    const char *cert_file;
    const char *key_file;       /* NULL: in cert_file */
    const char *cert_pem;       /* instead of files */
    const char *key_pem;
    const char *key_password;

    const char *ciphers;        /* OpenSSL's list, up to TLS 1.2 */
    const char *ciphers_13;     /* TLS 1.3 */
    int min_tls, max_tls;       /* 10, 11, 12, 13; 0: libcurl's */

    int http_version;           /* 10, 11; 20: HTTP/2, by ALPN for https and
                                   without asking for http (where libcurl
                                   before 8.0.0 needs a new connection for
                                   each request); 0: 11 */
    const char *unix_socket;    /* path: connects there, whatever the host */

    /* Bytes of a reply's body that is kept in memory; more fails the exchange
       (HTTP_TOO_BIG). 0: the engine's, negative: no limit. */
    int64_t max_body;
    int64_t max_decoded;        /* if it came compressed */
};

/* The options for these values: a reference for the caller. *made is NULL for
   the ordinary ones. False without memory. Any thread. */
bool options_get(const struct option_values *values,
                 const struct http_options **made);

/* One more reference, and one less. NULL is allowed. Any thread. */
const struct http_options *options_ref(const struct http_options *o);
void options_unref(const struct http_options *o);

/* The values as they were given; strings belong to the options. */
const struct option_values *options_values(const struct http_options *o);

#endif
