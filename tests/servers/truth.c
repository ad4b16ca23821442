/*
 * truth-server: answers every request after exactly --delay-ms, and knows how
 * long each one really took: from its last byte read to its reply written.
 * What a load generator reports beyond that, it has added itself.
 *
 * GET /report (or SIGUSR1, to stdout) gives the true times as JSON, GET /reset
 * forgets them; neither is counted or delayed. Any other path is answered with
 * the same 34 bytes.
 */
#include "config.h"
#include "loop.h"
#include "request.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A histogram of nanoseconds: for each power of two 512 buckets of equal
   width, so that a value is known to 0.2 %. */
#define SUB_BITS 9
#define SUBS     (1 << SUB_BITS)
#define BUCKETS  ((64 - SUB_BITS) * SUBS)

static const char reply[] = "HTTP/1.1 200 OK\r\n"
                            "Content-Type: text/plain\r\n"
                            "Content-Length: 34\r\n"
                            "\r\n"
                            "The truth, and nothing but it, ok\n";

static struct {
    uint64_t buckets[BUCKETS];
    uint64_t count;
    int64_t min;
    int64_t max;
} times;

static int64_t delay_ns = 10 * NS_PER_MS;

/* One request at a time: the next one is read when this one is answered. */
struct exchange {
    int64_t read_at; /* 0: none is being answered */
    size_t size;     /* the request's, in the input */
    bool close;
};

static size_t
bucket_of(uint64_t ns)
{
    int shift = ns < SUBS ? 0 : 63 - __builtin_clzll(ns) - SUB_BITS;
    return (size_t)shift * SUBS + (size_t)(ns >> shift);
}

/* The middle of a bucket, in nanoseconds. */
static double
bucket_value(size_t bucket)
{
    if (bucket < 2 * SUBS) {
        return (double)bucket;
    }
    int shift = (int)(bucket / SUBS) - 1;
    return ldexp((double)(bucket - (size_t)shift * SUBS) + 0.5, shift);
}

static void
record(int64_t ns)
{
    times.buckets[bucket_of((uint64_t)ns)]++;
    times.min = times.count == 0 || ns < times.min ? ns : times.min;
    times.max = ns > times.max ? ns : times.max;
    times.count++;
}

/* The smallest time that a share of the requests did not exceed, in ms. */
static double
percentile(double share)
{
    uint64_t rank = (uint64_t)ceil(share * (double)times.count), seen = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        seen += times.buckets[i];
        if (seen >= rank && seen > 0) {
            double value = fmax(bucket_value(i), (double)times.min);
            return fmin(value, (double)times.max) / NS_PER_MS;
        }
    }
    return 0;
}

static int
report(char *text, size_t size)
{
    return snprintf(text, size,
                    "{\"count\": %llu, \"p50_ms\": %.4f, \"p99_ms\": %.4f, "
                    "\"min_ms\": %.4f, \"max_ms\": %.4f}\n",
                    (unsigned long long)times.count, percentile(0.50),
                    percentile(0.99), (double)times.min / NS_PER_MS,
                    (double)times.max / NS_PER_MS);
}

static void
print_report(void)
{
    char text[256];
    report(text, sizeof(text));
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
        die("printing the report");
    }
}

static void
send_json(struct conn *c, const char *body, int length)
{
    char text[512];
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                     "Content-Length: %d\r\n\r\n%s",
                     length, body);
    conn_send(c, text, (size_t)n);
}

/* Done with a request, its reply being written or on its way. */
static void
finish(struct conn *c, struct exchange *x)
{
    x->read_at = 0;
    conn_consume(c, x->size);
    if (x->close && conn_is_drained(c)) {
        conn_close(c);
    }
}

static void
answer(struct conn *c)
{
    struct exchange *x = c->data;
    if (conn_send(c, reply, sizeof(reply) - 1)) {
        record(now_ns() - x->read_at);
        finish(c, x);
    }
}

/* /report and /reset. Returns whether it was one of them. */
static bool
answer_about_us(struct conn *c, const struct request *r)
{
    char text[256];
    if (slice_is(r->path, "/report")) {
        send_json(c, text, report(text, sizeof(text)));
    }
    else if (slice_is(r->path, "/reset")) {
        memset(&times, 0, sizeof(times));
        send_json(c, "{}\n", 3);
    }
    else {
        return false;
    }
    finish(c, c->data);
    return true;
}

static void
received(struct conn *c)
{
    struct exchange *x = c->data;
    int64_t now = now_ns();
    while (c->fd >= 0 && x->read_at == 0 && c->in.len > 0) {
        struct request r;
        int found = request_parse(&r, c->in.data, c->in.len);
        if (found == 0) {
            return;
        }
        if (found < 0) {
            conn_close(c);
            return;
        }
        *x = (struct exchange){now, r.size, r.close};
        if (answer_about_us(c, &r)) {
            continue;
        }
        if (delay_ns > 0) {
            conn_set_due(c, now + delay_ns);
        }
        else {
            answer(c);
        }
    }
}

static void
due(struct conn *c)
{
    answer(c);
    received(c);
}

/* A reply that the socket would not take at once is written now. */
static void
drained(struct conn *c)
{
    struct exchange *x = c->data;
    if (x->read_at != 0 && c->due == 0) {
        record(now_ns() - x->read_at);
        finish(c, x);
    }
    else if (x->close) {
        conn_close(c);
    }
    received(c);
}

static int
opened(struct conn *c)
{
    c->data = calloc(1, sizeof(struct exchange));
    if (c->data == NULL) {
        die("a new connection");
    }
    return 0;
}

static void
closed(struct conn *c)
{
    free(c->data);
}

static const struct handlers handlers = {
    .opened = opened,
    .received = received,
    .drained = drained,
    .due = due,
    .closed = closed,
    .usr1 = print_report,
};

static const char usage[] =
    "Usage: truth-server [--port N] [--delay-ms N]\n"
    "  --port N      listen on 127.0.0.1:N (default 0: a free port)\n"
    "  --delay-ms N  answer after N ms (default 10; 0 to 3600000)\n";

/* The number an option was given; ends the program if it is none. */
static double
number(const char *text, double max)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0 && value <= max)) {
        fprintf(stderr, "truth-server: '%s' is not a number from 0 to %g\n",
                text, max);
        exit(2);
    }
    return value;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"delay-ms", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int port = 0, option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            port = (int)number(optarg, 65535);
            break;
        case 'd':
            delay_ns = (int64_t)(number(optarg, 3600000) * NS_PER_MS);
            break;
        default:
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    loop_init(&handlers);
    loop_listen("127.0.0.1", port, NULL);
    loop_run();
    return 0;
}
