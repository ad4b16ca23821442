/*
 * One hop of an exchange on an easy handle.
 *
 * Easy handles are pooled, and set up once for what never changes; a hop sets
 * only the rest. The connection cache is lent to the handle for the hop, so
 * that a user's connections can be closed when none is out.
 *
 * libcurl would silently send a request again when a kept-alive connection
 * breaks under it. A load generator must report that: the second attempt is
 * refused (transfer_on_request, sockets_open), and the break is the result.
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
#include "http/memory.h"

/* How many idle handles to look at for one that needs no new set-up. */
#define MOST_LOOKS 16

/* A limit that is looked at so much later than it was over has passed while
   this thread was busy. */
#define LATE_NS (10 * (int64_t)1000000)

/* How many handles are made when there is none. */
#define AT_A_TIME 16

/* --- Time limits. */

/* Has the timer look at the transfer after so many seconds at the latest. One
   that will look sooner is left alone: so most requests never touch it. */
static void
look_within(struct transfer *t, double seconds)
{
    struct ev_loop *loop = t->io->loop;
    if (!ev_is_active(&t->timer) ||
        ev_timer_remaining(loop, &t->timer) > seconds) {
        ev_timer_stop(loop, &t->timer);
        ev_timer_set(&t->timer, seconds, 0);
        ev_timer_start(loop, &t->timer);
    }
}

/* The limit that counts from now on; 0: none. */
static void
arm(struct transfer *t, int64_t now, double seconds)
{
    t->due = seconds > 0 ? now + (int64_t)(seconds * 1e9) : 0;
    if (seconds > 0) {
        look_within(t, seconds);
    }
}

static void finish(struct transfer *t, CURLcode result);

/* Ends a transfer that libcurl still runs, with a result of our own. */
static void
end_early(struct transfer *t, enum http_error error, int code)
{
    exchange_fail(t->x, error, code, NULL);
    finish(t, CURLE_ABORTED_BY_CALLBACK);
}

/* If the limit passed while this thread was busy, and what libcurl waits for is
   there, the delay is ours: moves the limit by as much, for all that is still
   to come, and returns true. */
static bool
give_time_back(struct transfer *t, int64_t now)
{
    int64_t late = now - t->due;
    if (late < LATE_NS || !sockets_is_ready(t->io, t->fd)) {
        return false;
    }
    arm(t, now, (double)late * 1e-9);
    return true;
}

static void
on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct transfer *t = w->data;
    int64_t now = clock_ns();
    if (t->due == 0) {
        return;                 /* idle, or without limits */
    }
    if (now < t->due) {
        look_within(t, (double)(t->due - now) * 1e-9);
        return;
    }
    if (t->receive_paused || t->send_paused) {
        return;                 /* go_on() sets it again */
    }
    if (t->sends == 0) {
        if (give_time_back(t, now)) {
            return;
        }
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
        t->last_read = now;
    }
    double silent = (double)(now - t->last_read) * 1e-9;
    double untouched = sockets_silence(t->io, t->fd);
    silent = untouched < silent ? untouched : silent;
    if (silent >= t->x->read_timeout && give_time_back(t, now)) {
        return;
    }
    if (silent >= t->x->read_timeout) {
        end_early(t, HTTP_READ_TIMEOUT, t->header_done);
    }
    else {
        arm(t, now, t->x->read_timeout - silent);
    }
}

/* The connection stands and the request is about to be written. */
int
transfer_on_request(void *userp, char *ip, char *local_ip, int port,
                    int local_port)
{
    struct transfer *t = userp;
    if (t->sends++ > 0 && !t->x->resend) {
        return CURL_PREREQFUNC_ABORT;
    }
    if (t->x->connect_timeout > 0 || t->x->read_timeout > 0) {
        t->last_read = t->opened ? clock_ns() : t->x->reply->sent;
        arm(t, t->last_read, t->x->read_timeout);
    }
    return CURL_PREREQFUNC_OK;
}

/* --- Pauses. */

void
transfer_pause(struct transfer *t)
{
    curl_easy_pause(t->easy, (t->receive_paused ? CURLPAUSE_RECV : 0) |
                                 (t->send_paused ? CURLPAUSE_SEND : 0));
}

/* What was paused took no time of the server's. */
static void
go_on(struct transfer *t)
{
    t->last_read = clock_ns();
    if (t->sends > 0 && !t->receive_paused && !t->send_paused) {
        arm(t, t->last_read, t->x->read_timeout);
    }
    transfer_pause(t);
}

void
transfer_receive_again(struct transfer *t)
{
    if (t->receive_paused) {
        t->receive_paused = false;
        go_on(t);
    }
}

void
transfer_send_again(struct transfer *t)
{
    if (t->send_paused) {
        t->send_paused = false;
        go_on(t);
    }
}

size_t
transfer_read(char *to, size_t size, size_t count, void *userp)
{
    struct transfer *t = userp;
    ssize_t n = upload_read(t->x->upload, to, size * count);
    if (n >= 0) {
        return (size_t)n;
    }
    if (n == UPLOAD_WAITS) {
        t->send_paused = true;
        return CURL_READFUNC_PAUSE;
    }
    int error = n == UPLOAD_FAILED ? errno : 0;
    exchange_fail(t->x, HTTP_BAD_UPLOAD, error,
                  error != 0           ? strerror(error)
                  : n == UPLOAD_SHORT ? "the body is shorter than was said"
                                      : "the body could not be had");
    return CURL_READFUNC_ABORT;
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

static struct transfer *
transfer_new(struct io_thread *io)
{
    struct transfer *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return NULL;
    }
    t->io = io;
    ev_timer_init(&t->timer, on_timer, 0, 0);
    t->timer.data = t;
    t->easy = curl_easy_init();
    if (t->easy == NULL || !setup_handle(t)) {
        curl_easy_cleanup(t->easy);
        free(t);
        return NULL;
    }
    io->easy_bytes = memory_bytes(t->easy);
    return t;
}

static void
transfer_free(struct transfer *t)
{
    ev_timer_stop(t->io->loop, &t->timer);
    curl_easy_cleanup(t->easy);
    options_unref(t->options);
    free(t);
}

static struct transfer *
pop(struct transfer **list)
{
    struct transfer *t = *list;
    if (t != NULL) {
        *list = t->next;
    }
    return t;
}

/* A new one, or NULL without memory. They are made several at a time, so that
   they lie side by side: libcurl makes such a handle for each connection cache
   as well, which it hardly ever uses. */
static struct transfer *
take_new(struct io_thread *io)
{
    for (int i = 0; i < AT_A_TIME && (i > 0 || io->unused == NULL); i++) {
        struct transfer *t = transfer_new(io);
        if (t == NULL) {
            break;
        }
        t->next = io->unused;
        io->unused = t;
    }
    return pop(&io->unused);
}

/* One that is set up for these options, if it is found soon; else any. */
static struct transfer *
take_special(struct io_thread *io, const struct http_options *options)
{
    struct transfer **link = &io->special;
    for (int i = 0; *link != NULL && i < MOST_LOOKS; i++) {
        if ((*link)->options == options) {
            return pop(link);
        }
        link = &(*link)->next;
    }
    struct transfer *t = pop(&io->special);
    t = t != NULL ? t : take_new(io);
    if (t != NULL && !setup_options(t, options)) {
        transfer_free(t);
        return NULL;
    }
    return t;
}

static struct transfer *
transfer_take(struct io_thread *io, const struct http_options *options)
{
    if (options != NULL) {
        return take_special(io, options);
    }
    struct transfer *t = pop(&io->pool);
    return t != NULL ? t : take_new(io);
}

static void
transfer_give_back(struct transfer *t)
{
    t->due = 0;                 /* the timer may go on */
    curl_easy_setopt(t->easy, CURLOPT_SHARE, NULL);
    if (t->addresses != NULL) {
        curl_easy_setopt(t->easy, CURLOPT_RESOLVE, NULL);
        curl_slist_free_all(t->addresses);
        t->addresses = NULL;
    }
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    parsed_give_back(t->parsed);
    t->parsed = NULL;
    unlink_from(t);
    if (t->x->upload != NULL) {
        upload_attach(t->x->upload, NULL);
    }
    if (t->x->stream != NULL) {
        stream_attach(t->x->stream, NULL);
    }
    t->x->transfer = NULL;
    t->x = NULL;
    struct transfer **pool =
        t->options == NULL ? &t->io->pool : &t->io->special;
    t->next = *pool;
    *pool = t;
}

void
transfer_free_pool(struct io_thread *io)
{
    struct transfer *t;
    while ((t = pop(&io->pool)) != NULL || (t = pop(&io->special)) != NULL ||
           (t = pop(&io->unused)) != NULL) {
        transfer_free(t);
    }
}

/* --- Starting. */

void
transfer_start(struct io_thread *io, struct exchange *x,
               struct curl_slist *addresses)
{
    struct transfer *t = transfer_take(io, x->options);
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
    t->opened = false;
    t->uploaded = 0;
    t->header_done = t->enough = false;
    t->handed = t->receive_paused = t->send_paused = false;
    t->fd = -1;
    t->open_error = 0;
    t->error[0] = '\0';
    link_into(&io->active, t);
    engine_expect_garbage(io);
    if (x->upload != NULL) {
        upload_attach(x->upload, t);
    }
    if (x->stream != NULL) {
        stream_attach(x->stream, t);
    }
    if (x->connect_timeout > 0) {
        arm(t, x->reply->sent, x->connect_timeout);
    }
    if (setup_hop(t) != CURLE_OK ||
        curl_multi_add_handle(io->multi, t->easy) != CURLM_OK) {
        exchange_fail(x, HTTP_NO_MEMORY, 0, NULL);
        transfer_give_back(t);
        engine_finish(io, x);
    }
}

/* --- Ending. */

/* libcurl sends again what a kept connection has lost, if it may; but it
   counts over all requests of a handle, and every sixth time it gives up. */
static bool
is_given_up(const struct transfer *t)
{
    return t->x->resend && t->x->error == HTTP_OK && !t->header_done &&
           strncmp(t->error, "Connection died", 15) == 0;
}

/* On to the next hop, or once more to the same one. */
static void
start_hop(struct io_thread *io, struct exchange *x)
{
    line_leave(io, x);
    x->ended = 0;
    engine_start_hop(io, x);
}

static void
finish(struct transfer *t, CURLcode result)
{
    struct io_thread *io = t->io;
    struct exchange *x = t->x;
    x->ended = clock_ns();
    if (result != CURLE_OK && is_given_up(t)) {
        x->resend = false;
        curl_multi_remove_handle(io->multi, t->easy);
        transfer_give_back(t);
        start_hop(io, x);
        return;
    }
    if (result != CURLE_OK && !(t->enough && result == CURLE_WRITE_ERROR)) {
        classify(t, result);
    }
    if (!t->handed) {
        if (t->header_done) {
            receive_note(t);
        }
        if (x->timed) {
            receive_times(t, x->ended);
        }
        x->reply->lines = t->headers;
        t->headers = NULL;
        if (x->error == HTTP_OK) {
            setup_expect(x->connections, x->reply->raw.length);
        }
    }
    curl_multi_remove_handle(io->multi, t->easy);
    transfer_give_back(t);
    if (x->error == HTTP_OK && redirect_follow(x)) {
        start_hop(io, x);
        return;
    }
    engine_finish(io, x);
}

/* Whenever a handle is removed that has used a connection, libcurl before 8.0.0
   looks through its whole connection cache for some that nobody else may use.
   Asked for that connection where there is none, it forgets that there was
   one. */
static void
forget_connection(struct transfer *t)
{
    curl_socket_t none;
    curl_easy_setopt(t->easy, CURLOPT_SHARE, NULL);
    curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &none);
}

void
transfer_done(struct transfer *t, CURLcode result)
{
    if (t->forgets) {
        forget_connection(t);
    }
    finish(t, result);
}

void
transfer_abort(struct transfer *t)
{
    end_early(t, HTTP_CANCELLED, 0);
}
