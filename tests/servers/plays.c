/*
 * The plays of the hostile server. README.md beside this file lists them with
 * their parameters.
 */
#include "config.h"
#include "plays.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 65536

size_t requests_seen;

/* --- Sending ------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void
sendf(struct stage *s, const char *format, ...)
{
    char text[16384];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        die("a reply that is too long");
    }
    conn_send(s->conn, text, (size_t)n);
}

/* A proper reply: headers are lines with CRLF, or "". */
static enum verdict
reply_with(struct stage *s, const char *status, const char *headers,
           const void *body, size_t size)
{
    char head[1024];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status,
                     size, headers);
    /* One piece on the wire, as ordinary servers send it. */
    conn_queue(s->conn, head, (size_t)n);
    conn_send(s->conn, body, slice_is(s->request.method, "HEAD") ? 0 : size);
    return DONE;
}

static enum verdict
reply(struct stage *s, const char *status, const char *type, const char *body)
{
    char headers[128];
    snprintf(headers, sizeof(headers), "Content-Type: %s\r\n", type);
    return reply_with(s, status, headers, body, strlen(body));
}

static enum verdict
again_after(struct stage *s, double ms)
{
    s->wait_ns = (int64_t)(ms * NS_PER_MS);
    return AGAIN;
}

/* A parameter that is a number, kept within what a test may mean. */
static double
number(const struct stage *s, const char *name, double otherwise)
{
    double value = query_number(&s->request, name, otherwise);
    return value >= 0 && value <= 1e9 ? value : otherwise;
}

static enum verdict
play_ok(struct stage *s)
{
    return reply(s, "200 OK", "text/plain", "ok\n");
}

static enum verdict
play_unknown(struct stage *s)
{
    return reply(s, "404 Not Found", "text/plain", "no such play\n");
}

/* --- The connection breaks ---------------------------------------------- */

static enum verdict
play_close_before_reply(struct stage *s)
{
    return CLOSE;
}

static enum verdict
play_reset_before_reply(struct stage *s)
{
    return RESET;
}

/* An RST overtakes what the client has not read yet: give it time. */
static enum verdict
send_and_reset(struct stage *s, const char *text)
{
    if (s->step > 0) {
        return RESET;
    }
    sendf(s, "%s", text);
    return again_after(s, 30);
}

static enum verdict
play_reset_in_header(struct stage *s)
{
    return send_and_reset(s, "HTTP/1.1 200 OK\r\nContent-Type: text/pl");
}

static enum verdict
play_reset_in_body(struct stage *s)
{
    return send_and_reset(s, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
                             "only the beginning");
}

static enum verdict
play_truncated(struct stage *s)
{
    sendf(s, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
             "only the beginning");
    return CLOSE;
}

static enum verdict
play_silent(struct stage *s)
{
    return HANG;
}

static enum verdict
play_close_on_second(struct stage *s)
{
    s->close_next = true;
    return play_ok(s);
}

static enum verdict
play_keepalive_then_close(struct stage *s)
{
    s->idle_ns = (int64_t)(number(s, "ms", 100) * NS_PER_MS);
    return play_ok(s);
}

/* --- Not HTTP ----------------------------------------------------------- */

#define CHUNKED_HEAD                                                           \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"                          \
    "Transfer-Encoding: chunked\r\n"

static enum verdict
play_short_chunk(struct stage *s)
{
    sendf(s, CHUNKED_HEAD "\r\n14\r\nshort");
    return CLOSE;
}

static enum verdict
play_bad_chunk_size(struct stage *s)
{
    sendf(s, CHUNKED_HEAD "\r\nzz\r\nhello\r\n0\r\n\r\n");
    return CLOSE;
}

static enum verdict
play_garbage(struct stage *s)
{
    static const char garbage[] = "\x16\x03\x01 this is\0 not\xff HTTP\r\n\r\n";
    conn_send(s->conn, garbage, sizeof(garbage) - 1);
    return CLOSE;
}

static enum verdict
play_bad_status_line(struct stage *s)
{
    sendf(s, "HTTP/1.1 abc Whatever\r\nContent-Length: 3\r\n\r\nok\n");
    return CLOSE;
}

static enum verdict
play_endless_headers(struct stage *s)
{
    char lines[PIECE];
    size_t n = 0;
    while (n + 64 < sizeof(lines)) {
        n += (size_t)snprintf(lines + n, sizeof(lines) - n,
                              "X-Endless-%d: %zu\r\n", s->step, n);
    }
    if (s->step == 0) {
        sendf(s, "HTTP/1.1 200 OK\r\n");
    }
    conn_send(s->conn, lines, n);
    return again_after(s, 0);
}

/* Sends size times 'x', without building it first. */
static void
send_filler(struct stage *s, size_t size)
{
    char piece[PIECE];
    memset(piece, 'x', sizeof(piece));
    while (size > 0) {
        size_t n = size < sizeof(piece) ? size : sizeof(piece);
        conn_send(s->conn, piece, n);
        size -= n;
    }
}

static enum verdict
play_huge_header(struct stage *s)
{
    sendf(s, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Huge: ");
    send_filler(s, (size_t)number(s, "n", 100000));
    sendf(s, "\r\n\r\nok\n");
    return DONE;
}

static enum verdict
play_head_with_body(struct stage *s)
{
    sendf(s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody\n");
    return DONE;
}

static enum verdict
play_204_with_body(struct stage *s)
{
    sendf(s, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nbody\n");
    return DONE;
}

/* --- Slow --------------------------------------------------------------- */

static enum verdict
play_delay(struct stage *s)
{
    return s->step == 0 ? again_after(s, number(s, "ms", 100)) : play_ok(s);
}

static enum verdict
play_slow_header(struct stage *s)
{
    if (s->step == 0) {
        sendf(s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n");
        return again_after(s, number(s, "ms", 100));
    }
    sendf(s, "Content-Length: 3\r\n\r\nok\n");
    return DONE;
}

static enum verdict
play_slow_body(struct stage *s)
{
    int n = (int)number(s, "n", 5);
    if (s->step == 0) {
        sendf(s, "HTTP/1.1 200 OK\r\nContent-Length: %" PRId64 "\r\n\r\n",
              (int64_t)n * 6);
    }
    else {
        sendf(s, "piece\n");
    }
    return s->step < n ? again_after(s, number(s, "ms", 100)) : DONE;
}

static enum verdict
play_drip(struct stage *s)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
                               "ok\n";
    conn_send(s->conn, text + s->step, 1);
    return s->step + 2 < (int)sizeof(text) ? again_after(s, number(s, "ms", 10))
                                           : DONE;
}

/* --- Redirects and statuses --------------------------------------------- */

static enum verdict
redirect(struct stage *s, int code, const char *target)
{
    sendf(s,
          "HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
          code, target);
    return DONE;
}

static enum verdict
play_redirect(struct stage *s)
{
    char target[4096];
    query_text(&s->request, "to", target, sizeof(target));
    if (target[0] == '\0' || strpbrk(target, "\r\n") != NULL) {
        return reply(s, "400 Bad Request", "text/plain", "to=URL, please\n");
    }
    return redirect(s, (int)number(s, "code", 302), target);
}

static enum verdict
play_redirect_loop(struct stage *s)
{
    return redirect(s, 302, "/redirect-loop");
}

static enum verdict
play_redirect_chain(struct stage *s)
{
    char target[64];
    int n = (int)number(s, "n", 3);
    if (n == 0) {
        return play_ok(s);
    }
    snprintf(target, sizeof(target), "/redirect-chain?n=%d", n - 1);
    return redirect(s, 302, target);
}

static enum verdict
play_status(struct stage *s)
{
    char status[32], body[32];
    int code = (int)number(s, "code", 200);
    if (code < 200 || code > 999) {
        return reply(s, "400 Bad Request", "text/plain", "200 to 999\n");
    }
    snprintf(status, sizeof(status), "%d Status", code);
    snprintf(body, sizeof(body), "status %d\n", code);
    if (code == 204 || code == 304) {
        sendf(s, "HTTP/1.1 %s\r\n\r\n", status);
        return DONE;
    }
    return reply(s, status, "text/plain", body);
}

static enum verdict
play_continue(struct stage *s)
{
    sendf(s, "HTTP/1.1 100 Continue\r\n\r\n");
    return play_ok(s);
}

static enum verdict
play_set_cookie(struct stage *s)
{
    struct slice rest = s->request.query;
    char name[256], value[4096];
    sendf(s, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n");
    while (next_parameter(&rest, name, sizeof(name), value, sizeof(value))) {
        if (strpbrk(name, "\r\n") == NULL && strpbrk(value, "\r\n") == NULL) {
            sendf(s, "Set-Cookie: %s=%s; Path=/\r\n", name, value);
        }
    }
    sendf(s, "\r\n%s", slice_is(s->request.method, "HEAD") ? "" : "ok\n");
    return DONE;
}

/* --- Bodies ------------------------------------------------------------- */

static enum verdict
play_bytes(struct stage *s)
{
    size_t n = (size_t)number(s, "n", 1000);
    sendf(s, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
    send_filler(s, slice_is(s->request.method, "HEAD") ? 0 : n);
    return DONE;
}

static enum verdict
play_no_length(struct stage *s)
{
    sendf(s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
             "until the end\n");
    return CLOSE;
}

static enum verdict
play_chunked(struct stage *s)
{
    sendf(s, CHUNKED_HEAD "\r\n6\r\nhello \r\n6\r\nworld\n\r\n0\r\n\r\n");
    return DONE;
}

static enum verdict
play_chunked_trailers(struct stage *s)
{
    sendf(s, CHUNKED_HEAD "Trailer: X-Trailer\r\n\r\n"
                          "6\r\nhello \r\n6;ext=1\r\nworld\n\r\n"
                          "0\r\nX-Trailer: after all\r\n\r\n");
    return DONE;
}

static const char text_to_zip[] = "Compressed by hand, read by many.\n";

/* Replies with text_to_zip as deflate makes it with these window bits (see
   zlib.h: + 16 gzip, negative raw). */
static enum verdict
reply_zipped(struct stage *s, int window_bits, const char *headers)
{
    unsigned char zipped[256];
    z_stream zip = {.next_in = (unsigned char *)text_to_zip,
                    .avail_in = sizeof(text_to_zip) - 1,
                    .next_out = zipped,
                    .avail_out = sizeof(zipped)};
    if (deflateInit2(&zip, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        die("deflateInit2");
    }
    if (deflate(&zip, Z_FINISH) != Z_STREAM_END) {
        die("deflate");
    }
    deflateEnd(&zip);
    return reply_with(s, "200 OK", headers, zipped, zip.total_out);
}

static enum verdict
play_gzip(struct stage *s)
{
    return reply_zipped(s, 15 + 16, "Content-Encoding: gzip\r\n");
}

static enum verdict
play_deflate(struct stage *s)
{
    return reply_zipped(s, number(s, "raw", 0) == 0 ? 15 : -15,
                        "Content-Encoding: deflate\r\n");
}

/* text_to_zip as one uncompressed meta-block (RFC 7932, section 9.2): window
   size 16 bits, length - 1 in 16 bits, the text, an empty last block. */
static enum verdict
play_br(struct stage *s)
{
    enum { LEN = sizeof(text_to_zip) - 1 };
    unsigned char body[LEN + 4];
    /* Bits from the lowest: WBITS 0, ISLAST 0, MNIBBLES 00, MLEN - 1 in 16
       bits, ISUNCOMPRESSED 1; padded to a byte. */
    uint32_t head = (uint32_t)(LEN - 1) << 4 | 1u << 20;
    body[0] = (unsigned char)head;
    body[1] = (unsigned char)(head >> 8);
    body[2] = (unsigned char)(head >> 16);
    memcpy(body + 3, text_to_zip, LEN);
    body[3 + LEN] = 3; /* ISLAST 1, ISLASTEMPTY 1 */
    return reply_with(s, "200 OK", "Content-Encoding: br\r\n", body,
                      sizeof(body));
}

static enum verdict
play_bad_gzip(struct stage *s)
{
    static const char body[] = "this was never compressed";
    return reply_with(s, "200 OK", "Content-Encoding: gzip\r\n", body,
                      sizeof(body) - 1);
}

static void
start_bomb(struct stage *s)
{
    s->zip = calloc(1, sizeof(*s->zip));
    if (s->zip == NULL || deflateInit2(s->zip, 9, Z_DEFLATED, 15 + 16, 8,
                                       Z_DEFAULT_STRATEGY) != Z_OK) {
        die("deflateInit2");
    }
    sendf(s, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
             "Transfer-Encoding: chunked\r\n\r\n");
}

/* Compresses size zeros, or what is left at the end, into one chunk. */
static void
send_zipped_zeros(struct stage *s, size_t size, bool last)
{
    static unsigned char zeros[1 << 20];
    unsigned char zipped[PIECE];
    s->zip->next_in = zeros;
    s->zip->avail_in = (unsigned)size;
    s->zip->next_out = zipped;
    s->zip->avail_out = sizeof(zipped);
    int outcome = deflate(s->zip, last ? Z_FINISH : Z_SYNC_FLUSH);
    if (outcome != (last ? Z_STREAM_END : Z_OK)) {
        die("deflate");
    }
    size_t n = sizeof(zipped) - s->zip->avail_out;
    sendf(s, "%zx\r\n", n);
    conn_send(s->conn, zipped, n);
    sendf(s, "\r\n");
}

static enum verdict
play_gzip_bomb(struct stage *s)
{
    if (s->step == 0) {
        start_bomb(s);
    }
    if (s->step < (int)number(s, "mb", 100)) {
        send_zipped_zeros(s, 1 << 20, false);
        return again_after(s, 0);
    }
    send_zipped_zeros(s, 0, true);
    sendf(s, "0\r\n\r\n");
    return DONE;
}

/* --- What the server knows ---------------------------------------------- */

static enum verdict
play_count(struct stage *s)
{
    char body[128];
    snprintf(body, sizeof(body),
             "{\"connections\": %zu, \"open\": %zu, \"requests\": %zu}\n",
             loop_accepted(), loop_open(), requests_seen);
    return reply(s, "200 OK", "application/json", body);
}

/* Appends text as part of a JSON string; bytes above 0x7f as \u0080 to
   \u00ff, so that encoding it as Latin-1 gives back what was received. */
static void
add_json(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char escaped[8];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            snprintf(escaped, sizeof(escaped), "\\u%04x", c);
            buffer_add(out, escaped, 6);
        }
        else {
            buffer_add(out, &c, 1);
        }
    }
}

static void
add_text(struct buffer *out, const char *text)
{
    buffer_add(out, text, strlen(text));
}

static void
add_headers(struct buffer *out, struct slice headers)
{
    struct slice name, value;
    const char *before = "";
    while (next_header(&headers, &name, &value)) {
        add_text(out, before);
        add_text(out, "[\"");
        add_json(out, name);
        add_text(out, "\", \"");
        add_json(out, value);
        add_text(out, "\"]");
        before = ", ";
    }
}

static void
add_body(struct buffer *out, const struct request *r)
{
    struct slice rest = r->body, chunk;
    if (!r->chunked) {
        add_json(out, rest);
        return;
    }
    while (next_chunk(&rest, &chunk)) {
        add_json(out, chunk);
    }
}

static enum verdict
play_echo(struct stage *s)
{
    struct buffer out = {0};
    add_text(&out, "{\"line\": \"");
    add_json(&out, s->request.line);
    add_text(&out, "\", \"headers\": [");
    add_headers(&out, s->request.headers);
    add_text(&out, "], \"body\": \"");
    add_body(&out, &s->request);
    add_text(&out, "\"}\n");
    reply_with(s, "200 OK", "Content-Type: application/json\r\n", out.data,
               out.len);
    free(out.data);
    return DONE;
}

/* --- The programme ------------------------------------------------------ */

static const struct {
    const char *path;
    enum verdict (*play)(struct stage *);
} plays[] = {
    {"/ok", play_ok},
    {"/bytes", play_bytes},
    {"/echo", play_echo},
    {"/count", play_count},
    {"/status", play_status},
    {"/delay", play_delay},
    {"/close-before-reply", play_close_before_reply},
    {"/reset-before-reply", play_reset_before_reply},
    {"/reset-in-header", play_reset_in_header},
    {"/reset-in-body", play_reset_in_body},
    {"/truncated", play_truncated},
    {"/silent", play_silent},
    {"/close-on-second", play_close_on_second},
    {"/keepalive-then-close", play_keepalive_then_close},
    {"/short-chunk", play_short_chunk},
    {"/bad-chunk-size", play_bad_chunk_size},
    {"/garbage", play_garbage},
    {"/bad-status-line", play_bad_status_line},
    {"/endless-headers", play_endless_headers},
    {"/huge-header", play_huge_header},
    {"/head-with-body", play_head_with_body},
    {"/204-with-body", play_204_with_body},
    {"/slow-header", play_slow_header},
    {"/slow-body", play_slow_body},
    {"/drip", play_drip},
    {"/redirect", play_redirect},
    {"/redirect-loop", play_redirect_loop},
    {"/redirect-chain", play_redirect_chain},
    {"/continue", play_continue},
    {"/set-cookie", play_set_cookie},
    {"/no-length", play_no_length},
    {"/chunked", play_chunked},
    {"/chunked-trailers", play_chunked_trailers},
    {"/gzip", play_gzip},
    {"/deflate", play_deflate},
    {"/br", play_br},
    {"/bad-gzip", play_bad_gzip},
    {"/gzip-bomb", play_gzip_bomb},
};

enum verdict (*play_of(struct slice path))(struct stage *)
{
    for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
        if (slice_is(path, plays[i].path)) {
            return plays[i].play;
        }
    }
    return play_unknown;
}
