/*
 * Setting easy handles up: once for what never changes, for options when they
 * are others than before, and for each hop the rest.
 */
#include "config.h"

#include <openssl/ssl.h>
#include <string.h>
#include <strings.h>

#include "http/cookie.h"
#include "http/internal.h"

/* How long libcurl may keep an idle connection; its default of 118 s would
   make slow users reconnect. */
#define KEEP_SECONDS (10L * 365 * 24 * 3600)

/* A request has a buffer to read into for as long as it is out: where replies
   are small, a small one. libcurl's own are the large ones. */
#define SMALL_BUFFER 2048L
#define LARGE_BUFFER ((long)CURL_MAX_WRITE_SIZE)

/* After one that was not, so many replies of a session must be small before
   they are expected to be: a large one takes longer with a small buffer. */
#define SMALL_REPLIES 100

#define SET(option, value) \
    r = r != CURLE_OK ? r : curl_easy_setopt(e, option, value)

/* libcurl rewinds what it wants to send again; but it never comes to that. */
static int
on_rewind(void *userp, curl_off_t offset, int origin)
{
    return CURL_SEEKFUNC_OK;
}

bool
setup_handle(struct transfer *t)
{
    CURL *e = t->easy;
    CURLcode r = CURLE_OK;
    t->verify = true;
    t->close_after = t->undecoded = false;
    t->buffer_bytes = LARGE_BUFFER;
    unsigned libcurl = curl_version_info(CURLVERSION_NOW)->version_num;
    t->guarded = libcurl < 0x080101;
    t->forgets = libcurl < 0x080000;
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_ERRORBUFFER, t->error);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HEADERFUNCTION, receive_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, receive_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_DEBUGFUNCTION, receive_guard);
    SET(CURLOPT_DEBUGDATA, t);
    SET(CURLOPT_READFUNCTION, transfer_read);
    SET(CURLOPT_READDATA, t);
    SET(CURLOPT_SEEKFUNCTION, on_rewind);
    SET(CURLOPT_PREREQFUNCTION, transfer_on_request);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_OPENSOCKETFUNCTION, sockets_open);
    SET(CURLOPT_OPENSOCKETDATA, t);
    SET(CURLOPT_CLOSESOCKETFUNCTION, sockets_close);
    SET(CURLOPT_CLOSESOCKETDATA, t->io);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    /* What is not HTTP comes to receive_body, which reports it. */
    SET(CURLOPT_HTTP09_ALLOWED, 1L);
    SET(CURLOPT_ACCEPT_ENCODING, "");
    SET(CURLOPT_PATH_AS_IS, 1L);
    /* Who asks for "Expect: 100-continue" sends the line, but does not wait. */
    SET(CURLOPT_EXPECT_100_TIMEOUT_MS, 0L);
    /* Both, or libcurl asks the environment for each request. */
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "");
    /* Credentials in a URL are sent by whoever builds the header lines. */
    SET(CURLOPT_HTTPAUTH, 0L);
    SET(CURLOPT_MAXAGE_CONN, KEEP_SECONDS);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    if (t->io->ca_file != NULL) {
        /* A directory as well would switch off the cache of the store. */
        SET(CURLOPT_CAINFO, t->io->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    SET(CURLOPT_CA_CACHE_TIMEOUT, -1L);
    return r == CURLE_OK;
}

/* --- Options. */

/* A connection is about to begin its TLS: it trusts whom the options say. */
static CURLcode
on_ssl_context(CURL *easy, void *context, void *userp)
{
    struct transfer *t = userp;
    char why[OPTION_ERROR];
    if (!t->x->verify) {
        return CURLE_OK;
    }
    struct x509_store_st *store = options_trust(t->options, why);
    if (store == NULL) {
        exchange_fail(t->x, HTTP_TLS, CURLE_SSL_CACERT_BADFILE, why);
        return CURLE_SSL_CACERT_BADFILE;
    }
    SSL_CTX_set1_cert_store(context, store);
    return CURLE_OK;
}

static CURLcode
set_trust(struct transfer *t)
{
    CURL *e = t->easy;
    CURLcode r = CURLE_OK;
    if (options_have_trust(t->options)) {
        SET(CURLOPT_CAINFO, NULL);
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_PROXY_CAINFO, NULL);
        SET(CURLOPT_PROXY_CAPATH, NULL);
        /* The cache has room for one store: leave it to the ordinary. */
        SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
        SET(CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
        SET(CURLOPT_SSL_CTX_DATA, t);
    }
    else if (t->io->ca_file != NULL) {
        SET(CURLOPT_PROXY_CAINFO, t->io->ca_file);
        SET(CURLOPT_PROXY_CAPATH, NULL);
    }
    return r;
}

static CURLcode
set_blob(CURL *e, CURLoption option, const char *text)
{
    struct curl_blob blob = {(void *)text, strlen(text), CURL_BLOB_COPY};
    return curl_easy_setopt(e, option, &blob);
}

static CURLcode
set_identity(CURL *e, const struct option_values *v)
{
    CURLcode r = CURLE_OK;
    SET(CURLOPT_SSLCERT, v->cert_file);
    SET(CURLOPT_SSLKEY, v->key_file);
    SET(CURLOPT_KEYPASSWD, v->key_password);
    if (!r && v->cert_pem != NULL) {
        r = set_blob(e, CURLOPT_SSLCERT_BLOB, v->cert_pem);
    }
    if (!r && v->key_pem != NULL) {
        r = set_blob(e, CURLOPT_SSLKEY_BLOB, v->key_pem);
    }
    return r;
}

/* As CURLOPT_SSLVERSION wants them. */
static long
tls_versions(const struct option_values *v)
{
    static const long least[] = {
        CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_TLSv1_1,
        CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_TLSv1_3};
    static const long most[] = {
        CURL_SSLVERSION_MAX_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_1,
        CURL_SSLVERSION_MAX_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_3};
    bool from = v->min_tls >= 10 && v->min_tls <= 13;
    bool to = v->max_tls >= 10 && v->max_tls <= 13;
    return (from ? least[v->min_tls - 10] : CURL_SSLVERSION_DEFAULT) |
           (to ? most[v->max_tls - 10] : CURL_SSLVERSION_MAX_DEFAULT);
}

static CURLcode
set_tls(CURL *e, const struct option_values *v)
{
    CURLcode r = CURLE_OK;
    SET(CURLOPT_SSLVERSION, tls_versions(v));
    if (v->ciphers != NULL) {
        SET(CURLOPT_SSL_CIPHER_LIST, v->ciphers);
    }
    if (v->ciphers_13 != NULL) {
        SET(CURLOPT_TLS13_CIPHERS, v->ciphers_13);
    }
    return r;
}

/* libcurl would send "Proxy-Connection: Keep-Alive", which nobody else does;
   its lines for proxies are a list of their own. */
static struct curl_slist no_proxy_connection = {
    .data = (char[]){"Proxy-Connection:"},
};

static CURLcode
set_options(struct transfer *t)
{
    CURL *e = t->easy;
    const struct option_values *v = options_values(t->options);
    CURLcode r = set_trust(t);
    r = r ? r : set_identity(e, v);
    r = r ? r : set_tls(e, v);
    SET(CURLOPT_NOPROXY, v->no_proxy != NULL ? v->no_proxy : "");
    SET(CURLOPT_PROXYHEADER, &no_proxy_connection);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_UNIX_SOCKET_PATH, v->unix_socket);
    if (v->any_host_name) {
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (v->http_version == 20) {
        SET(CURLOPT_PIPEWAIT, 1L);      /* for a connection that is made */
    }
    return r;
}

bool
setup_options(struct transfer *t, const struct http_options *options)
{
    if (t->options == options) {
        return true;
    }
    if (t->options != NULL) {
        curl_easy_reset(t->easy);
        options_unref(t->options);
        t->options = NULL;
        if (!setup_handle(t)) {
            return false;
        }
    }
    t->options = options_ref(options);
    return options == NULL || set_options(t) == CURLE_OK;
}

static long
http_version(int asked, bool secure, bool proxied)
{
    switch (asked) {
    case 10:
        return CURL_HTTP_VERSION_1_0;
    case 20:
        return secure    ? CURL_HTTP_VERSION_2TLS
               : proxied ? CURL_HTTP_VERSION_1_1
                         : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    default:
        return CURL_HTTP_VERSION_1_1;
    }
}

/* libcurl before 8.0.0 fails on a connection that began as HTTP/2 without being
   asked when it is used a second time. */
static bool
can_share(long version)
{
    return version != CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE ||
           curl_version_info(CURLVERSION_NOW)->version_num >= 0x080000;
}

/* What of the options depends on the URL's scheme. */
static CURLcode
set_scheme(struct transfer *t, bool *close_after)
{
    CURL *e = t->easy;
    CURLcode r = CURLE_OK;
    bool secure = strncasecmp(t->x->url, "https:", 6) == 0;
    const struct option_proxy *proxy = options_proxy(t->options, secure);
    int asked = options_values(t->options)->http_version;
    long version = http_version(asked, secure, proxy != NULL);
    bool fresh = !can_share(version);
    SET(CURLOPT_PROXY, proxy != NULL ? proxy->url : "");
    SET(CURLOPT_HTTP_VERSION, version);
    SET(CURLOPT_FRESH_CONNECT, (long)fresh);
    *close_after = *close_after || fresh;
    return r;
}

#undef SET

/* --- A hop. */

/* The verb, and the body that goes with it. Each kind of request undoes what
   another one set. */
static CURLcode
set_method(CURL *e, const struct exchange *x)
{
    const char *custom = x->method;
    CURLcode r;
    if (x->body != NULL || x->upload != NULL) {
        curl_off_t length = x->upload != NULL ? upload_length(x->upload)
                                              : (curl_off_t)x->body_length;
        r = curl_easy_setopt(e, CURLOPT_POST, 1L);
        r = r ? r : curl_easy_setopt(e, CURLOPT_POSTFIELDS, x->body);
        r = r ? r : curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, length);
    }
    else if (strcmp(custom, "HEAD") == 0) {
        r = curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
        custom = NULL;
    }
    else {
        r = curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
        custom = strcmp(custom, "GET") == 0 ? NULL : custom;
    }
    return r ? r : curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, custom);
}

static bool
has_header(const struct curl_slist *list, const char *prefix)
{
    size_t n = strlen(prefix);
    while (list != NULL && strncasecmp(list->data, prefix, n) != 0) {
        list = list->next;
    }
    return list != NULL;
}

/* A copy of the lines with one more after so many (-1: after all), which is
   where requests puts the cookies. NULL without memory. */
static struct curl_slist *
insert_line(const struct curl_slist *list, int at, const char *line)
{
    struct curl_slist *copy = NULL;
    for (bool inserted = false; list != NULL || !inserted; at--) {
        bool now = !inserted && (list == NULL || at == 0);
        struct curl_slist *longer =
            curl_slist_append(copy, now ? line : list->data);
        if (longer == NULL) {
            curl_slist_free_all(copy);
            return NULL;
        }
        copy = longer;
        inserted = inserted || now;
        list = now ? list : list->next;
    }
    return copy;
}

/* Sets t->headers to the exchange's lines and a Cookie line, if there is
   something to send. */
static CURLcode
add_cookies(struct transfer *t, const struct exchange *x)
{
    static const char prefix[] = "Cookie: ";
    struct cookie_jar *jar = x->cookies;
    if (jar == NULL || (cookie_jar_version(jar) == 0 && x->jar == NULL) ||
        has_header(x->headers, "Cookie:")) {
        return CURLE_OK;
    }
    struct buf line = {0};
    bool ok = buf_append(&line, prefix, sizeof(prefix) - 1) &&
              (x->jar == NULL
                   ? cookie_jar_header(jar, x->url, &line)
                   : cookie_jar_header_of_both(jar, x->jar, x->url, &line));
    bool empty = line.length == sizeof(prefix) - 1;
    if (ok && !empty) {
        ok = buf_append(&line, "", 1);
        t->headers =
            ok ? insert_line(x->headers, x->cookie_at, line.data) : NULL;
        ok = t->headers != NULL;
    }
    buf_free(&line);
    return ok ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

/* Checks of certificates, which options may have loosened. */
static CURLcode
set_verify(struct transfer *t, bool verify)
{
    bool any = t->options != NULL && options_values(t->options)->any_host_name;
    long host = verify && !any ? 2 : 0;
    CURLcode r = curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER,
                                  (long)verify);
    r = r ? r : curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, host);
    if (!r && t->options != NULL) {
        r = curl_easy_setopt(t->easy, CURLOPT_PROXY_SSL_VERIFYPEER,
                             (long)verify);
        r = r ? r : curl_easy_setopt(t->easy, CURLOPT_PROXY_SSL_VERIFYHOST,
                                     host);
    }
    t->verify = verify;
    return r;
}

/* HTTP/2 shares its buffers with other requests; proxies use it for what they
   have to say. */
static bool
reads_little(const struct transfer *t)
{
    bool secure = strncasecmp(t->x->url, "https:", 6) == 0;
    return t->x->stream == NULL && t->x->connections->small_in == 0 &&
           (t->options == NULL ||
            (options_values(t->options)->http_version != 20 &&
             options_proxy(t->options, secure) == NULL));
}

/* libcurl refuses while a handle still has one: then that is used once more. */
static void
set_buffer(struct transfer *t)
{
    bool small = reads_little(t);
    long bytes = small ? SMALL_BUFFER : LARGE_BUFFER;
    if (t->buffer_bytes != bytes &&
        curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE, bytes) == CURLE_OK) {
        t->buffer_bytes = bytes;
    }
}

CURLcode
setup_hop(struct transfer *t)
{
    CURL *e = t->easy;
    struct exchange *x = t->x;
    set_buffer(t);
    CURLSH *share = cache_open(x);
    CURLcode r = share != NULL ? curl_easy_setopt(e, CURLOPT_URL, x->url)
                               : CURLE_OUT_OF_MEMORY;
    t->parsed = parsed_take(t->io, x->url);
    r = r ? r : curl_easy_setopt(e, CURLOPT_CURLU, parsed_handle(t->parsed));
    r = r ? r : add_cookies(t, x);
    r = r ? r : curl_easy_setopt(e, CURLOPT_SHARE, share);
    r = r ? r : curl_easy_setopt(e, CURLOPT_HTTPHEADER,
                                 t->headers ? t->headers : x->headers);
    r = r ? r : set_method(e, x);
    /* The server will close it: nobody else is to send on it. */
    bool close_after = x->lines && has_header(x->lines, "Connection: close");
    if (!r && t->options != NULL) {
        r = set_scheme(t, &close_after);
    }
    if (!r && t->verify != x->verify) {
        r = set_verify(t, x->verify);
    }
    if (!r && t->close_after != close_after) {
        t->close_after = close_after;
        r = curl_easy_setopt(e, CURLOPT_FORBID_REUSE, (long)close_after);
    }
    if (!r && t->undecoded != x->undecoded) {
        t->undecoded = x->undecoded;
        r = curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING,
                             (long)!x->undecoded);
    }
    if (!r && t->addresses != NULL) {
        r = curl_easy_setopt(e, CURLOPT_RESOLVE, t->addresses);
    }
    return r;
}

void
setup_expect(struct connections *c, size_t bytes)
{
    if (bytes > SMALL_BUFFER) {
        c->small_in = SMALL_REPLIES;
    }
    else if (c->small_in > 0) {
        c->small_in--;
    }
}
