/*
 * What comes in: header lines and the body, as libcurl hands them over.
 *
 * A reply's header lines, and its body, are kept in one buffer. The body of an
 * exchange with a stream goes into that instead, once the head has been handed
 * to the hub; those of redirects on the way never do.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/cookie.h"
#include "http/internal.h"

/* What http.client takes: longer lines, or more of them, fail the request. The
   empty line counts. */
#define LINE_MAX_BYTES 65536
#define HEADER_MAX_LINES 100

/* Stands at the beginning of a line that goes on with none. */
#define LOST '\1'

static struct reply *
reply_of(struct transfer *t)
{
    return t->x->reply;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool
is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

int
receive_guard(CURL *easy, curl_infotype type, char *data, size_t length,
              void *userp)
{
    struct transfer *t = userp;
    if (type != CURLINFO_HEADER_IN || !t->guarded) {
        return 0;
    }
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 0L);
    if (length > 0 && is_blank(data[0])) {
        data[0] = LOST;
    }
    return 0;
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
    t->encoded = false;
    if (t->guarded) {           /* until the first header line */
        curl_easy_setopt(t->easy, CURLOPT_VERBOSE, 1L);
    }
}

static size_t
tighter(size_t limit, int64_t own, int64_t general)
{
    int64_t n = own != 0 ? own : general;
    return n > 0 && (uint64_t)n < limit ? (size_t)n : limit;
}

/* How much of this body may be kept. */
static size_t
body_limit(const struct transfer *t)
{
    static const struct option_values none;
    const struct option_values *v =
        t->x->options != NULL ? options_values(t->x->options) : &none;
    size_t limit = tighter(SIZE_MAX, v->max_body, t->io->max_body);
    return t->encoded && !t->x->undecoded
               ? tighter(limit, v->max_decoded, t->io->max_decoded)
               : limit;
}

static void
end_header(struct transfer *t)
{
    struct reply *r = reply_of(t);
    r->body = r->raw.length;
    r->headed = clock_ns();
    t->header_done = true;
    t->max_body = body_limit(t);
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
    if ((t->x->body == NULL && t->x->upload == NULL) ||
        strcmp(t->x->method, "HEAD") != 0) {
        return false;
    }
    const struct buf *raw = &reply_of(t)->raw;
    const char *space = memchr(raw->data, ' ', raw->length);
    return space == NULL || space[1] != '1';    /* a line end follows */
}

/* HTTP/2: a whole reply is here though the body was not wanted to its end.
   libcurl would go on trying to send it. */
static bool
is_early_reply(struct transfer *t)
{
    const struct exchange *x = t->x;
    bool has_body = x->body != NULL || x->upload != NULL;
    if (!has_body || t->options == NULL ||
        options_values(t->options)->http_version != 20) {
        return false;
    }
    long version = 0;
    curl_off_t length = -1, got = 0, sent = 0;
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &got);
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    int64_t size = x->upload != NULL ? upload_length(x->upload)
                                     : (int64_t)x->body_length;
    bool all_sent = size >= 0 ? sent >= size : upload_is_sent(x->upload);
    return version == CURL_HTTP_VERSION_2_0 && length >= 0 && got >= length &&
           !all_sent;
}

void
receive_note(struct transfer *t)
{
    struct reply *r = reply_of(t);
    long status = 0, version = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    r->status = (int)status;
    r->http_version = version == CURL_HTTP_VERSION_1_0   ? 10
                      : version == CURL_HTTP_VERSION_1_1 ? 11
                                                         : 20;
    if (t->x->cookies != NULL && t->sets_cookies) {
        cookie_jar_store(t->x->cookies, r);
    }
}

/* The hub gets the head of an exchange with a stream, unless there is more to
   come before the body: after 1xx, and after redirects. */
static void
hand_over(struct transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (t->handed || status < 200 ||
        redirect_is_due(t->x, (int)status)) {
        return;
    }
    receive_note(t);
    receive_times(t, 0);
    reply_of(t)->lines = t->headers;
    t->headers = NULL;
    t->handed = true;
    stream_send_head(t->x->stream, t->io);
}

/* Whether libcurl can undo a coding. */
static bool
is_known_coding(const char *name, size_t length)
{
    static const char *const always[] = {"",     "identity", "none", "deflate",
                                         "gzip", "x-gzip"};
    long features = curl_version_info(CURLVERSION_NOW)->features;
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        if (strlen(always[i]) == length &&
            strncasecmp(always[i], name, length) == 0) {
            return true;
        }
    }
    return (length == 2 && strncasecmp(name, "br", 2) == 0 &&
            (features & CURL_VERSION_BROTLI)) ||
           (length == 4 && strncasecmp(name, "zstd", 4) == 0 &&
            (features & CURL_VERSION_ZSTD));
}

/* Whether it can undo all of those that a Content-Encoding names. */
static bool
are_known_codings(const char *value, const char *end)
{
    while (value < end) {
        const char *comma = memchr(value, ',', (size_t)(end - value));
        const char *next = comma != NULL ? comma : end, *stop = next;
        while (value < stop && is_blank(*value)) {
            value++;
        }
        while (stop > value && (is_blank(stop[-1]) || is_line_end(stop[-1]))) {
            stop--;
        }
        if (!is_known_coding(value, (size_t)(stop - value))) {
            return false;
        }
        value = next + 1;
    }
    return true;
}

/* A Content-Encoding: a body in a coding that nobody knows ("utf-8" is seen) is
   left as it came, as urllib3 leaves it. */
static void
note_encoding(struct transfer *t, const char *value, const char *end)
{
    if (are_known_codings(value, end)) {
        t->encoded = true;
    }
    else if (!t->undecoded &&
             curl_easy_setopt(t->easy, CURLOPT_HTTP_CONTENT_DECODING, 0L) ==
                 CURLE_OK) {
        t->undecoded = true;
    }
}

/* Notes what a header line says that matters here. */
static void
look_at(struct transfer *t, const char *line, size_t length)
{
    switch (line[0]) {
    case 'S':
    case 's':
        t->sets_cookies =
            t->sets_cookies || is_header(line, length, "set-cookie:");
        break;
    case 'C':
    case 'c':
        if (is_header(line, length, "content-encoding:")) {
            note_encoding(t, line + strlen("content-encoding:"),
                          line + length);
        }
        break;
    case '\r':
    case '\n':
        end_header(t);
        t->enough = is_head_with_body(t) || is_early_reply(t);
        if (t->x->stream != NULL) {
            hand_over(t);
        }
        break;
    }
}

/* Only time limits want to know. */
static void
note_read(struct transfer *t)
{
    if (t->x->read_timeout > 0) {
        t->last_read = clock_ns();
    }
}

/* A line that begins with a blank goes on with the one before: joined by one
   space, as RFC 9112 has it. */
static bool
keep_folded(struct transfer *t, const char *line, size_t length)
{
    struct buf *raw = &reply_of(t)->raw;
    while (raw->length > 0 && is_line_end(raw->data[raw->length - 1])) {
        raw->length--;
    }
    while (length > 0 && is_blank(*line)) {
        line++;
        length--;
    }
    return buf_append(raw, " ", 1) && buf_append(raw, line, length);
}

/* One that follows the status line means nothing. False without memory. */
static bool
keep_line(struct transfer *t, const char *line, size_t length)
{
    bool folded = length > 0 && is_blank(line[0]);
    if (length > 0 && (line[0] == LOST || (folded && t->header_lines <= 1))) {
        return true;
    }
    return folded ? keep_folded(t, line, length)
                  : buf_append(&reply_of(t)->raw, line, length);
}

size_t
receive_header(char *line, size_t one, size_t length, void *userp)
{
    struct transfer *t = userp;
    note_read(t);
    if (t->handed) {
        return length;          /* a trailer */
    }
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
    if (!keep_line(t, line, length)) {
        exchange_fail(t->x, HTTP_NO_MEMORY, 0, NULL);
        return 0;
    }
    look_at(t, line, length);
    return t->enough ? 0 : length;
}

/* --- The body. */

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
fail_too_big(struct transfer *t)
{
    char why[100];
    snprintf(why, sizeof(why), "the body %s more than %zu bytes",
             t->encoded ? "unpacks to" : "has", t->max_body);
    exchange_fail(t->x, HTTP_TOO_BIG, 2, why);
    return 0;
}

/* Into the queue that the hub reads; no more for now if it is full. */
static size_t
pass_on(struct transfer *t, const char *data, size_t length)
{
    bool full;
    if (!stream_put(t->x->stream, t->io, data, length, &full)) {
        exchange_fail(t->x, HTTP_NO_MEMORY, 0, NULL);
        return 0;
    }
    if (full && !t->receive_paused && !t->enough) {
        t->receive_paused = true;
        transfer_pause(t);
    }
    return t->enough ? 0 : length;
}

size_t
receive_body(char *data, size_t one, size_t length, void *userp)
{
    struct transfer *t = userp;
    struct buf *raw = &reply_of(t)->raw;
    note_read(t);
    if (!t->header_done) {
        fail_without_status(t, data, length);
        return 0;
    }
    t->enough = is_early_reply(t);
    if (t->handed) {
        return pass_on(t, data, length);
    }
    if (length > t->max_body - (raw->length - reply_of(t)->body)) {
        return fail_too_big(t);
    }
    if (!buf_append(raw, data, length)) {
        exchange_fail(t->x, HTTP_NO_MEMORY, 0, NULL);
        return 0;
    }
    return t->enough ? 0 : length;
}

/* --- Where the time went. */

static int64_t
phase(struct transfer *t, CURLINFO what)
{
    curl_off_t us = 0;
    curl_easy_getinfo(t->easy, what, &us);
    return (int64_t)us * 1000;
}

static void
format_place(CURL *easy, CURLINFO ip, CURLINFO port, char *text, size_t size)
{
    char *address = NULL;
    long number = 0;
    curl_easy_getinfo(easy, ip, &address);
    curl_easy_getinfo(easy, port, &number);
    if (address != NULL && address[0] != '\0') {
        bool six = strchr(address, ':') != NULL;
        snprintf(text, size, six ? "[%s]:%ld" : "%s:%ld", address, number);
    }
}

void
receive_times(struct transfer *t, int64_t ended)
{
    struct reply *r = reply_of(t);
    struct reply_times *times = r->times;
    long connects = 0;
    if (times == NULL) {
        return;
    }
    int64_t before = r->sent - times->begun;
    int64_t looked = phase(t, CURLINFO_NAMELOOKUP_TIME_T);
    int64_t connected = phase(t, CURLINFO_CONNECT_TIME_T);
    int64_t secured = phase(t, CURLINFO_APPCONNECT_TIME_T);
    int64_t first = phase(t, CURLINFO_STARTTRANSFER_TIME_T);
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    times->lookup = before;
    times->reused = connects == 0;
    if (!times->reused) {
        times->connect = connected > looked ? connected - looked : 0;
        times->tls = secured > connected ? secured - connected : 0;
    }
    times->first_byte = first > 0 ? before + first : 0;
    times->total = ended > 0 ? ended - times->begun : 0;
    format_place(t->easy, CURLINFO_LOCAL_IP, CURLINFO_LOCAL_PORT,
                 times->local, sizeof(times->local));
    format_place(t->easy, CURLINFO_PRIMARY_IP, CURLINFO_PRIMARY_PORT,
                 times->peer, sizeof(times->peer));
}
