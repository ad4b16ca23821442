/*
 * One hop of an exchange on an easy handle.
 *
 * Easy handles are pooled, and set up once for what never changes; a hop sets
 * only the rest. The connection cache is lent to the handle for the hop, so
 * that a user's connections can be closed when none is out.
 *
 * libcurl would silently send a request again when a kept-alive connection
 * breaks under it. A load generator must report that: the second attempt is
 * refused (on_request_start, engine_open_socket) and the break is the result.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http/cookie.h"
#include "http/internal.h"

/* How long libcurl may keep an idle connection; its default of 118 s would
   make slow users reconnect. */
#define KEEP_SECONDS (10L * 365 * 24 * 3600)

/* What http.client takes: longer lines, or more of them, fail the request. The
   empty line counts. */
#define LINE_MAX_BYTES 65536
#define HEADER_MAX_LINES 100

/* --- What comes in. */

static struct reply *
reply_of(struct transfer *t)
{
    return t->x->reply;
}

/* A status line begins a header block: of the reply, or of another one after
   1xx. Anything else before it is not HTTP. */
static void
begin_header(struct transfer *t)
{
    struct reply *r = reply_of(t);
    r->raw.length = 0;
    r->body = 0;
    t->header_lines = -1;       /* the status line is none */
    t->header_done = false;
    t->sets_cookies = false;
}

static void
end_header(struct transfer *t)
{
    struct reply *r = reply_of(t);
    r->body = r->raw.length;
    r->headed = clock_ns();
    t->header_done = true;
}

static bool
is_header(const char *line, size_t length, const char *name)
{
    size_t n = strlen(name);
    return length > n && strncasecmp(line, name, n) == 0;
}

/* libcurl would wait for the body of a HEAD that it sends like a POST. */
static bool
is_head_with_body(struct transfer *t)
{
    if (t->x->body == NULL || strcmp(t->x->method, "HEAD") != 0) {
        return false;
    }
    const struct buf *raw = &reply_of(t)->raw;
    const char *space = memchr(raw->data, ' ', raw->length);
    return space == NULL || space[1] != '1';    /* a line end follows */
}

static size_t
on_header(char *line, size_t one, size_t length, void *userp)
{
    struct transfer *t = userp;
    t->last_read = clock_ns();
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        begin_header(t);
    }
    else if (t->header_done) {
        return length;          /* a trailer */
    }
    if (length > LINE_MAX_BYTES || ++t->header_lines > HEADER_MAX_LINES) {
        exchange_fail(t->x, HTTP_TOO_BIG, length <= LINE_MAX_BYTES, NULL);
        return 0;
    }
    if (!buf_append(&reply_of(t)->raw, line, length)) {
        exchange_fail(t->x, HTTP_NO_MEMORY, 0, NULL);
        return 0;
    }
    if (is_header(line, length, "set-cookie:")) {
        t->sets_cookies = true;
    }
    if (line[0] == '\r' || line[0] == '\n') {
        end_header(t);
        t->enough = is_head_with_body(t);
    }
    return t->enough ? 0 : length;
}

/* What came instead of a status line, up to its end. */
static void
fail_without_status(struct transfer *t, const char *data, size_t length)
{
    const char *end = memchr(data, '\n', length);
    size_t n = end != NULL ? (size_t)(end - data) + 1 : length;
    exchange_fail_with(t->x, HTTP_BAD_STATUS_LINE, data,
                       n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES);
}

static size_t
on_body(char *data, size_t one, size_t length, void *userp)
{
    struct transfer *t = userp;
    t->last_read = clock_ns();
    if (!t->header_done) {
        fail_without_status(t, data, length);
        return 0;
    }
    if (!buf_append(&reply_of(t)->raw, data, length)) {
        exchange_fail(t->x, HTTP_NO_MEMORY, 0, NULL);
        return 0;
    }
    return length;
}

/* --- Time limits. */

static void
arm(struct transfer *t, double seconds)
{
    ev_timer_stop(t->io->loop, &t->timer);
    if (seconds > 0) {
        ev_now_update(t->io->loop);
        ev_timer_set(&t->timer, seconds, 0);
        ev_timer_start(t->io->loop, &t->timer);
    }
}

/* Ends a transfer that libcurl still runs, with a result of our own. */
static void
end_early(struct transfer *t, enum http_error error, int code)
{
    exchange_fail(t->x, error, code, NULL);
    transfer_done(t, CURLE_ABORTED_BY_CALLBACK);
}

static void
on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct transfer *t = w->data;
    if (t->sends == 0) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof(peer);
        if (t->fd >= 0 &&
            getpeername(t->fd, (struct sockaddr *)&peer, &size) == 0) {
            end_early(t, HTTP_READ_TIMEOUT, 2);
        }
        else {
            end_early(t, HTTP_CONNECT_TIMEOUT, 0);
        }
        return;
    }
    curl_off_t uploaded = 0;
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    if (uploaded != t->uploaded) {
        t->uploaded = uploaded; /* a request on its way is no silence */
        t->last_read = clock_ns();
    }
    double silent = (double)(clock_ns() - t->last_read) * 1e-9;
    double untouched = engine_socket_silence(t->io, t->fd);
    silent = untouched < silent ? untouched : silent;
    if (silent >= t->x->read_timeout) {
        end_early(t, HTTP_READ_TIMEOUT, t->header_done);
    }
    else {
        arm(t, t->x->read_timeout - silent);
    }
}

/* The connection stands and the request is about to be written. */
static int
on_request_start(void *userp, char *ip, char *local_ip, int port,
                 int local_port)
{
    struct transfer *t = userp;
    if (t->sends++ > 0) {
        return CURL_PREREQFUNC_ABORT;
    }
    if (t->x->connect_timeout > 0 || t->x->read_timeout > 0) {
        t->last_read = clock_ns();
        arm(t, t->x->read_timeout);
    }
    return CURL_PREREQFUNC_OK;
}

/* --- The pool of easy handles. */

static void
link_into(struct transfer **list, struct transfer *t)
{
    t->next = *list;
    t->link = list;
    if (t->next != NULL) {
        t->next->link = &t->next;
    }
    *list = t;
}

static void
unlink_from(struct transfer *t)
{
    *t->link = t->next;
    if (t->next != NULL) {
        t->next->link = t->link;
    }
}

/* What holds for every request. */
static bool
set_up(struct transfer *t)
{
    CURL *e = t->easy;
    CURLcode r = CURLE_OK;
#define SET(option, value) \
    r = r != CURLE_OK ? r : curl_easy_setopt(e, option, value)
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_ERRORBUFFER, t->error);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_PREREQFUNCTION, on_request_start);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_OPENSOCKETFUNCTION, engine_open_socket);
    SET(CURLOPT_OPENSOCKETDATA, t);
    SET(CURLOPT_CLOSESOCKETFUNCTION, engine_close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, t->io);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    /* What is not HTTP comes to on_body, which reports it. */
    SET(CURLOPT_HTTP09_ALLOWED, 1L);
    SET(CURLOPT_ACCEPT_ENCODING, "");
    SET(CURLOPT_PATH_AS_IS, 1L);
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
#undef SET
    return r == CURLE_OK;
}

static struct transfer *
transfer_new(struct io_thread *io)
{
    struct transfer *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return NULL;
    }
    t->io = io;
    t->verify = true;
    ev_timer_init(&t->timer, on_timer, 0, 0);
    t->timer.data = t;
    t->easy = curl_easy_init();
    if (t->easy == NULL || !set_up(t)) {
        curl_easy_cleanup(t->easy);
        free(t);
        return NULL;
    }
    return t;
}

static struct transfer *
transfer_take(struct io_thread *io)
{
    struct transfer *t = io->pool;
    if (t != NULL) {
        io->pool = t->next;
    }
    else {
        t = transfer_new(io);
    }
    return t;
}

static void
transfer_give_back(struct transfer *t)
{
    ev_timer_stop(t->io->loop, &t->timer);
    curl_easy_setopt(t->easy, CURLOPT_SHARE, NULL);
    if (t->addresses != NULL) {
        curl_easy_setopt(t->easy, CURLOPT_RESOLVE, NULL);
        curl_slist_free_all(t->addresses);
        t->addresses = NULL;
    }
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    unlink_from(t);
    t->x->transfer = NULL;
    t->x = NULL;
    t->next = t->io->pool;
    t->io->pool = t;
}

void
transfer_free_pool(struct io_thread *io)
{
    while (io->pool != NULL) {
        struct transfer *t = io->pool;
        io->pool = t->next;
        curl_easy_cleanup(t->easy);
        free(t);
    }
}

/* --- Starting. */

/* The verb, and the body that goes with it. Each kind of request undoes what
   another one set. */
static CURLcode
set_method(CURL *e, const struct exchange *x)
{
    const char *custom = x->method;
    CURLcode r;
    if (x->body != NULL) {
        r = curl_easy_setopt(e, CURLOPT_POST, 1L);
        r = r ? r : curl_easy_setopt(e, CURLOPT_POSTFIELDS, x->body);
        r = r ? r : curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
                                     (curl_off_t)x->body_length);
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

static CURLcode
set_hop(struct transfer *t, const struct exchange *x)
{
    CURL *e = t->easy;
    CURLcode r = curl_easy_setopt(e, CURLOPT_URL, x->url);
    r = r ? r : add_cookies(t, x);
    r = r ? r : curl_easy_setopt(e, CURLOPT_SHARE, x->connections->share);
    r = r ? r : curl_easy_setopt(e, CURLOPT_HTTPHEADER,
                                 t->headers ? t->headers : x->headers);
    r = r ? r : set_method(e, x);
    if (!r && t->verify != x->verify) {
        t->verify = x->verify;
        r = curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, (long)x->verify);
        r = r ? r : curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST,
                                     x->verify ? 2L : 0L);
    }
    /* The server will close it: nobody else is to send on it. */
    bool close_after = x->lines && has_header(x->lines, "Connection: close");
    if (!r && t->close_after != close_after) {
        t->close_after = close_after;
        r = curl_easy_setopt(e, CURLOPT_FORBID_REUSE, (long)close_after);
    }
    if (!r && t->addresses != NULL) {
        r = curl_easy_setopt(e, CURLOPT_RESOLVE, t->addresses);
    }
    return r;
}

void
transfer_start(struct io_thread *io, struct exchange *x,
               struct curl_slist *addresses)
{
    struct transfer *t = transfer_take(io);
    if (t == NULL) {
        curl_slist_free_all(addresses);
        exchange_fail(x, HTTP_NO_MEMORY, 0, NULL);
        engine_finish(io, x);
        return;
    }
    t->x = x;
    x->transfer = t;
    x->reply->sent = clock_ns();
    t->addresses = addresses;
    t->sends = 0;
    t->uploaded = 0;
    t->header_done = false;
    t->enough = false;
    t->fd = -1;
    t->open_error = 0;
    t->error[0] = '\0';
    link_into(&io->active, t);
    engine_expect_garbage(io);
    if (x->connect_timeout > 0) {
        arm(t, x->connect_timeout);
    }
    if (set_hop(t, x) != CURLE_OK ||
        curl_multi_add_handle(io->multi, t->easy) != CURLM_OK) {
        exchange_fail(x, HTTP_NO_MEMORY, 0, NULL);
        transfer_give_back(t);
        engine_finish(io, x);
    }
}

/* --- Ending. */

/* A connection that broke: how, and where in the exchange. */
static void
fail_broken(struct transfer *t, int error)
{
    struct exchange *x = t->x;
    if (t->header_done) {
        exchange_fail(x, HTTP_BROKEN_BODY, error, t->error);
    }
    else if (error != 0) {
        exchange_fail(x, HTTP_RESET, error, NULL);
    }
    else {
        exchange_fail(x, HTTP_CLOSED, 0, NULL);
    }
}

static void
fail_tls(struct transfer *t, CURLcode result)
{
    exchange_fail(t->x, HTTP_TLS, (int)result,
                  t->error[0] ? t->error : curl_easy_strerror(result));
}

static bool
is_tls_error(CURLcode result)
{
    switch (result) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
        return true;
    default:
        return false;
    }
}

/* libcurl reports bad chunks, bad headers and broken connections with one
   code; its text tells them apart. */
static void
fail_receiving(struct transfer *t, int error)
{
    if (strstr(t->error, "outstanding read data") != NULL) {
        exchange_fail(t->x, HTTP_TRUNCATED, -1, t->error);
    }
    else if (strstr(t->error, "chunk") != NULL) {
        exchange_fail(t->x, HTTP_BAD_CHUNK, 0, t->error);
    }
    else if (strcasestr(t->error, "header") != NULL) {
        exchange_fail(t->x, HTTP_BAD_HEADER, 0, t->error);
    }
    else {
        fail_broken(t, error);
    }
}

/* The server closed before its Content-Length. */
static void
fail_truncated(struct transfer *t)
{
    long missing = -1;
    if (strstr(t->error, "outstanding") == NULL) {
        const char *digits = strpbrk(t->error, "0123456789");
        missing = digits != NULL ? strtol(digits, NULL, 10) : -1;
    }
    exchange_fail(t->x, HTTP_TRUNCATED,
                  missing <= INT_MAX ? (int)missing : -1, t->error);
}

static void
classify(struct transfer *t, CURLcode result)
{
    struct exchange *x = t->x;
    long error = 0;
    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &error);
    if (x->error != HTTP_OK) {
        return;                 /* one of our callbacks knew better */
    }
    if (t->sends > 1 || (t->sends == 1 && result == CURLE_COULDNT_CONNECT)) {
        /* The second attempt hides how the first one ended; not its text. */
        fail_broken(t, strstr(t->error, "reset") != NULL         ? ECONNRESET
                       : strstr(t->error, "Broken pipe") != NULL ? EPIPE
                                                                 : 0);
        return;
    }
    if (is_tls_error(result)) {
        fail_tls(t, result);
        return;
    }
    switch (result) {
    case CURLE_COULDNT_CONNECT:
        exchange_fail(x, HTTP_CONNECT,
                      t->open_error ? t->open_error
                      : error       ? (int)error
                                    : ECONNREFUSED,
                      NULL);
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
        exchange_fail(x, HTTP_RESOLVE, EAI_NONAME, NULL);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        exchange_fail(x, HTTP_CONNECT, ETIMEDOUT, NULL);
        break;
    case CURLE_GOT_NOTHING:
        fail_broken(t, 0);
        break;
    case CURLE_SEND_ERROR:
        fail_broken(t, error ? (int)error : EPIPE);
        break;
    case CURLE_RECV_ERROR:
        fail_receiving(t, error ? (int)error : ECONNRESET);
        break;
    case CURLE_PARTIAL_FILE:
        fail_truncated(t);
        break;
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR:
        exchange_fail(x, HTTP_BAD_ENCODING, 0, t->error);
        break;
    case CURLE_WEIRD_SERVER_REPLY:
        exchange_fail(x, HTTP_BAD_HEADER, 0, t->error);
        break;
    case CURLE_UNSUPPORTED_PROTOCOL:
        exchange_fail(x, HTTP_BAD_STATUS_LINE, 0, t->error);
        break;
    case CURLE_OUT_OF_MEMORY:
        /* libcurl says so of a header line above 100 KB, too. */
        exchange_fail(x, t->sends > 0 && !t->header_done ? HTTP_TOO_BIG
                                                         : HTTP_NO_MEMORY,
                      0, NULL);
        break;
    default:
        exchange_fail(x, HTTP_OTHER, (int)result,
                      t->error[0] ? t->error : curl_easy_strerror(result));
    }
}

static void
keep_reply(struct transfer *t)
{
    struct reply *r = reply_of(t);
    long status = 0, version = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    r->status = (int)status;
    r->http_version = version == CURL_HTTP_VERSION_1_0   ? 10
                      : version == CURL_HTTP_VERSION_1_1 ? 11
                                                         : 20;
    if (t->sets_cookies && t->x->cookies != NULL) {
        cookie_jar_store(t->x->cookies, r);
    }
}

void
transfer_done(struct transfer *t, CURLcode result)
{
    struct io_thread *io = t->io;
    struct exchange *x = t->x;
    x->ended = clock_ns();
    if (result != CURLE_OK && !(t->enough && result == CURLE_WRITE_ERROR)) {
        classify(t, result);
    }
    if (t->header_done) {
        keep_reply(t);
    }
    reply_of(t)->lines = t->headers;
    t->headers = NULL;
    curl_multi_remove_handle(io->multi, t->easy);
    transfer_give_back(t);
    if (x->error == HTTP_OK && redirect_follow(x)) {
        x->ended = 0;
        engine_start_hop(io, x);
        return;
    }
    engine_finish(io, x);
}

void
transfer_abort(struct transfer *t)
{
    end_early(t, HTTP_CANCELLED, 0);
}
