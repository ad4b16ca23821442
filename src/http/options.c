/*
 * Options: one object for equal values, and what is made of them once: the
 * store of trusted certificates, and where the proxies are.
 *
 * The list of all options is locked. A reference is given back without the
 * lock unless it is the last one, so that nobody finds options in the list
 * that are being freed.
 *
 * The store is loaded by the first I/O thread that connects with it; others
 * wait meanwhile. libcurl's own way would read the file again for each
 * connection, or for each change between two files.
 */
#include "config.h"
#include "http/options.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

struct http_options {
    struct option_values values;        /* strings owned */
    struct option_proxy proxies[2];     /* for http and https; strings owned */
    struct http_options *next;          /* in the list */
    atomic_int references;
    pthread_mutex_t lock;               /* over the rest */
    X509_STORE *store;                  /* NULL until needed */
    char store_error[OPTION_ERROR];     /* why there is none; "" */
};

static struct http_options *all;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;

/* The fields that are strings. */
static const size_t strings[] = {
#define STRING(name) offsetof(struct option_values, name)
    STRING(http_proxy),   STRING(https_proxy), STRING(no_proxy),
    STRING(ca_file),      STRING(ca_directory), STRING(ca_pem),
    STRING(cert_file),    STRING(key_file),    STRING(cert_pem),
    STRING(key_pem),      STRING(key_password), STRING(ciphers),
    STRING(ciphers_13),   STRING(unix_socket),
#undef STRING
};

#define STRINGS (sizeof(strings) / sizeof(strings[0]))

static const char **
string_at(const struct option_values *v, size_t i)
{
    return (const char **)((char *)v + strings[i]);
}

static bool
are_equal(const struct option_values *a, const struct option_values *b)
{
    for (size_t i = 0; i < STRINGS; i++) {
        const char *x = *string_at(a, i), *y = *string_at(b, i);
        if (x != y && (x == NULL || y == NULL || strcmp(x, y) != 0)) {
            return false;
        }
    }
    return a->any_host_name == b->any_host_name && a->min_tls == b->min_tls &&
           a->max_tls == b->max_tls && a->http_version == b->http_version &&
           a->max_body == b->max_body && a->max_decoded == b->max_decoded;
}

/* --- Proxies. */

static const char *
default_port(const char *scheme)
{
    return strncmp(scheme, "socks", 5) == 0   ? "1080"
           : strcmp(scheme, "https") == 0     ? "443"
                                              : "80";
}

/* The parts of a proxy's URL, which gets the scheme and port that it does not
   say. One that is none is kept as it is, for libcurl to refuse. False without
   memory. */
static bool
parse_proxy(struct option_proxy *p, const char *text)
{
    bool whole = strstr(text, "://") != NULL;
    size_t size = strlen(text) + 8;
    p->url = malloc(size);
    CURLU *u = curl_url();
    char *scheme = NULL, *port = NULL;
    bool ok = p->url != NULL && u != NULL;
    if (ok) {
        snprintf(p->url, size, "%s%s", whole ? "" : "http://", text);
    }
    if (ok && curl_url_set(u, CURLUPART_URL, p->url,
                           CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
        if (curl_url_get(u, CURLUPART_PORT, &port, 0) != CURLUE_OK) {
            curl_url_set(u, CURLUPART_PORT, default_port(scheme), 0);
            curl_url_get(u, CURLUPART_PORT, &port, 0);
        }
        free(p->url);
        p->url = NULL;
        ok = curl_url_get(u, CURLUPART_URL, &p->url, 0) == CURLUE_OK &&
             curl_url_get(u, CURLUPART_HOST, &p->host, 0) == CURLUE_OK &&
             port != NULL && strlen(port) < sizeof(p->port);
        if (ok) {
            strcpy(p->port, port);
        }
    }
    curl_free(scheme);
    curl_free(port);
    curl_url_cleanup(u);
    return ok;
}

const struct option_proxy *
options_proxy(const struct http_options *o, bool secure)
{
    const struct option_proxy *p = &o->proxies[secure];
    return p->url != NULL ? p : NULL;
}

/* --- Making and finding them. */

static void
options_free(struct http_options *o)
{
    for (size_t i = 0; i < STRINGS; i++) {
        free((char *)*string_at(&o->values, i));
    }
    for (int i = 0; i < 2; i++) {
        curl_free(o->proxies[i].url);
        curl_free(o->proxies[i].host);
    }
    X509_STORE_free(o->store);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

static struct http_options *
options_new(const struct option_values *values)
{
    struct http_options *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return NULL;
    }
    o->values = *values;
    pthread_mutex_init(&o->lock, NULL);
    bool ok = true;
    for (size_t i = 0; i < STRINGS; i++) {
        const char *given = *string_at(values, i);
        char *copy = given != NULL ? strdup(given) : NULL;
        *string_at(&o->values, i) = copy;
        ok = ok && (copy != NULL) == (given != NULL);
    }
    const char *proxies[] = {o->values.http_proxy, o->values.https_proxy};
    for (int i = 0; ok && i < 2; i++) {
        ok = proxies[i] == NULL || parse_proxy(&o->proxies[i], proxies[i]);
    }
    if (!ok) {
        options_free(o);
        return NULL;
    }
    return o;
}

bool
options_get(const struct option_values *values,
            const struct http_options **made)
{
    static const struct option_values none;
    struct option_values v = *values;
    if (v.http_version == 11) {
        v.http_version = 0;
    }
    *made = NULL;
    if (are_equal(&v, &none)) {
        return true;
    }
    pthread_mutex_lock(&all_lock);
    struct http_options *o = all;
    while (o != NULL && !are_equal(&o->values, &v)) {
        o = o->next;
    }
    if (o == NULL && (o = options_new(&v)) != NULL) {
        o->next = all;
        all = o;
    }
    if (o != NULL) {
        atomic_fetch_add(&o->references, 1);
    }
    pthread_mutex_unlock(&all_lock);
    *made = o;
    return o != NULL;
}

/* References are not what makes options const. */
static struct http_options *
own(const struct http_options *o)
{
    return (struct http_options *)o;
}

const struct http_options *
options_ref(const struct http_options *o)
{
    if (o != NULL) {
        atomic_fetch_add(&own(o)->references, 1);
    }
    return o;
}

void
options_unref(const struct http_options *options)
{
    struct http_options *o = own(options);
    if (o == NULL) {
        return;
    }
    int n = atomic_load(&o->references);
    while (n > 1) {
        if (atomic_compare_exchange_weak(&o->references, &n, n - 1)) {
            return;
        }
    }
    pthread_mutex_lock(&all_lock);
    bool last = atomic_fetch_sub(&o->references, 1) == 1;
    if (last) {
        struct http_options **link = &all;
        while (*link != o) {
            link = &(*link)->next;
        }
        *link = o->next;
    }
    pthread_mutex_unlock(&all_lock);
    if (last) {
        options_free(o);
    }
}

const struct option_values *
options_values(const struct http_options *o)
{
    return &o->values;
}

/* --- Trust. */

bool
options_have_trust(const struct http_options *o)
{
    const struct option_values *v = &o->values;
    return v->ca_file != NULL || v->ca_directory != NULL || v->ca_pem != NULL;
}

/* Adds the certificates of a text. False if there is none, or a broken one. */
static bool
add_pem(X509_STORE *store, const char *pem)
{
    BIO *text = BIO_new_mem_buf(pem, -1);
    X509 *certificate;
    int count = 0;
    bool ok = text != NULL;
    while (ok && (certificate = PEM_read_bio_X509_AUX(text, NULL, NULL,
                                                      NULL)) != NULL) {
        ok = X509_STORE_add_cert(store, certificate) == 1;
        X509_free(certificate);
        count++;
    }
    BIO_free(text);
    return ok && count > 0;
}

static X509_STORE *
load_store(const struct option_values *v, const char **what)
{
    X509_STORE *store = X509_STORE_new();
    bool ok = store != NULL;
    *what = "the store";
    if (ok && v->ca_file != NULL) {
        *what = v->ca_file;
        ok = X509_STORE_load_file(store, v->ca_file) == 1;
    }
    if (ok && v->ca_directory != NULL) {
        *what = v->ca_directory;
        ok = X509_STORE_load_path(store, v->ca_directory) == 1;
    }
    if (ok && v->ca_pem != NULL) {
        *what = "the certificates given as text";
        ok = add_pem(store, v->ca_pem);
    }
    if (!ok) {
        X509_STORE_free(store);
        store = NULL;
    }
    return store;
}

struct x509_store_st *
options_trust(const struct http_options *options, char why[OPTION_ERROR])
{
    struct http_options *o = own(options);
    pthread_mutex_lock(&o->lock);
    if (o->store == NULL && o->store_error[0] == '\0') {
        const char *what;
        ERR_clear_error();
        o->store = load_store(&o->values, &what);
        if (o->store == NULL) {
            const char *reason = ERR_reason_error_string(ERR_peek_error());
            snprintf(o->store_error, sizeof(o->store_error),
                     "trusted certificates cannot be read from %s: %s", what,
                     reason != NULL ? reason : "there is none");
        }
        ERR_clear_error();
    }
    struct x509_store_st *store = o->store;
    memcpy(why, o->store_error, OPTION_ERROR);
    pthread_mutex_unlock(&o->lock);
    return store;
}
