/*
 * I/O threads: a libev loop around a curl multi handle.
 *
 * One turn of a thread: take some letters (new exchanges, cancels), let libcurl
 * act on them at once, poll, let libcurl act on all that became ready, and send
 * what finished back in chains, with one wake-up each.
 *
 * A reply that lies in the kernel while new requests are begun looks slower
 * than it was. So of those that the hub sends few are begun between two polls;
 * while they wait they add to the generator's lag instead.
 */
#include "config.h"
#include "http/engine.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/prefetch.h"
#include "http/internal.h"
#include "http/memory.h"

/* libcurl closes idle connections above this number per multi handle; every
   user keeps its own for as long as it lives. */
#define MAX_CONNECTIONS 1000000L

/* Letters that are handled between two polls, and ready sockets that are served
   before the hub is told what finished, which it then finds in the caches. Far
   fewer cost more with 100 users, more are no cheaper with 1,000. */
#define GROUP 32

/* Seconds between two looks at whether unused memory can be given back. */
#define TRIM_SECONDS 2.0

static_assert(sizeof(struct exchange) <= LETTER_BYTES + CACHE_LINE,
              "mailboxes load a letter's exchange ahead");

static struct {
    struct io_thread *threads;
    int count;
    int next;                   /* round robin for new sessions */
    unsigned sources;           /* the same, for their local addresses */
    unsigned start;             /* counts the starts */
    unsigned forgotten;         /* the last of those that a fork left behind */
    bool stopped;
    struct mailbox *completions;
} engine;

/* --- What libcurl has to say. */

void
engine_check_done(struct io_thread *io)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(io->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            char *t;
            CURLcode result = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
            transfer_done((struct transfer *)t, result);
        }
    }
}

static void
on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct io_thread *io = w->data;
    int running;
    curl_multi_socket_action(io->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    engine_check_done(io);
}

static int
on_curl_timer(CURLM *multi, long ms, void *userp)
{
    struct io_thread *io = userp;
    io->kick = ms == 0;
    ev_timer_stop(io->loop, &io->timer);
    if (ms > 0) {
        ev_timer_set(&io->timer, (double)ms * 1e-3, 0);
        ev_timer_start(io->loop, &io->timer);
    }
    return 0;
}

/* --- Letters. */

static void
drop_share(struct connections *c)
{
    c->dropping = false;
    cache_drop_all(c);
}

static void
free_connections(struct connections *c)
{
    drop_share(c);
    line_free(c);
    free(c);
}

void
engine_send(struct io_thread *io, const struct exchange *x,
            struct letter *letter)
{
    if (x->home != NULL) {
        mailbox_post(x->home, letter);
        return;
    }
    letter->next = NULL;
    if (io->done_last != NULL) {
        io->done_last->next = letter;
    }
    else {
        io->done_first = letter;
    }
    io->done_last = letter;
}

void
engine_finish(struct io_thread *io, struct exchange *x)
{
    struct connections *c = x->connections;
    x->ended = x->ended != 0 ? x->ended : clock_ns();
    line_leave(io, x);
    engine_send(io, x, &x->letter);
    c->exchanges--;
    if (c->exchanges == 0 && c->dropping) {
        drop_share(c);
    }
    if (c->exchanges == 0 && c->closing) {
        free_connections(c);
    }
}

static void
send_finished(struct io_thread *io)
{
    if (io->done_first != NULL) {
        mailbox_post_chain(io->completions, io->done_first, io->done_last);
        io->done_first = io->done_last = NULL;
    }
}

/* A timed exchange notes when its hop began. False without memory. */
static bool
begin_times(struct exchange *x)
{
    if (!x->timed) {
        return true;
    }
    x->reply->times = calloc(1, sizeof(*x->reply->times));
    if (x->reply->times == NULL) {
        return false;
    }
    x->reply->times->begun = clock_ns();
    return true;
}

void
engine_begin_hop(struct io_thread *io, struct exchange *x)
{
    if (atomic_load_explicit(&io->ending, memory_order_relaxed) ||
        x->aborted) {
        exchange_fail(x, HTTP_CANCELLED, 0, NULL);
    }
    else if (!begin_times(x)) {
        exchange_fail(x, HTTP_NO_MEMORY, 0, NULL);
    }
    else {
        lookup_host(io, x);
        return;
    }
    engine_finish(io, x);
}

void
engine_start_hop(struct io_thread *io, struct exchange *x)
{
    if (line_enter(x)) {
        engine_begin_hop(io, x);
    }
}

/* Begins to load its connection. libcurl gets to that only when the requests of
   this turn are set up. */
static void
load_connection(const struct exchange *x)
{
    const struct sock *s = sockets_last(x->connections);
    if (s != NULL) {
        footprint_load(&s->footprint);
    }
}

static void
handle_submit(struct letter *letter)
{
    struct exchange *x = (struct exchange *)letter;
    struct io_thread *io = x->connections->io;
    load_connection(x);
    letter->handle = x->on_finish;
    x->taken = clock_ns();
    x->connections->exchanges++;
    engine_start_hop(io, x);
}

static struct exchange *
exchange_of_cancel(struct letter *letter)
{
    return (struct exchange *)((char *)letter -
                               offsetof(struct exchange, cancel_letter));
}

static void
handle_cancel(struct letter *letter)
{
    struct exchange *x = exchange_of_cancel(letter);
    struct io_thread *io = x->io;
    x->aborted = true;
    if (x->transfer != NULL) {
        transfer_abort(x->transfer);
    }
    else if (x->in_line) {
        line_quit(x);
        exchange_fail(x, HTTP_CANCELLED, 0, NULL);
        engine_finish(io, x);
    }
    /* The answer follows the exchange itself. */
    letter->handle = x->on_cancelled;
    letter->next = NULL;
    send_finished(io);
    mailbox_post(x->home != NULL ? x->home : io->completions, letter);
}

static void
handle_close(struct letter *letter)
{
    struct connections *c = (struct connections *)letter;
    c->closing = true;
    if (c->exchanges == 0) {
        free_connections(c);
    }
}

/* What new exchanges need of others. */
static void
look_at_letters(const struct letter *next, const struct letter *after)
{
    if (next->handle == handle_submit) {
        const struct exchange *x = (const struct exchange *)next;
        prefetch(sockets_last(x->connections), sizeof(struct sock));
    }
    if (after != NULL && after->handle == handle_submit) {
        const struct exchange *x = (const struct exchange *)after;
        prefetch(x->connections, sizeof(*x->connections));
        prefetch(x->url, CACHE_LINE);
        prefetch(x->reply, sizeof(*x->reply));
    }
}

struct drop_letter {
    struct letter letter;
    struct connections *connections;
};

static void
handle_drop(struct letter *letter)
{
    struct connections *c = ((struct drop_letter *)letter)->connections;
    c->dropping = true;
    if (c->exchanges == 0) {
        drop_share(c);
    }
    free(letter);
}

/* --- Memory. */

/* Transfers and handshakes need far more memory while they run than what they
   leave behind, and what they leave lies among what they freed. When nothing
   is out, so that no response time can suffer, the free pages go back. */
static void
on_trim_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct io_thread *io = w->data;
    if (io->active == NULL) {
        ev_timer_stop(loop, w);
        memory_give_back();
        malloc_trim(0);
    }
}

void
engine_expect_garbage(struct io_thread *io)
{
    if (!ev_is_active(&io->trim)) {
        ev_timer_again(io->loop, &io->trim);
    }
}

/* --- The thread. */

static void
on_bell(struct ev_loop *loop, ev_io *w, int revents)
{
    struct io_thread *io = w->data;
    mailbox_hush(&io->inbox);
}

static void
act_on_letters(struct io_thread *io)
{
    mailbox_open(&io->inbox, GROUP, look_at_letters);
    while (io->kick) {
        int running;
        io->kick = false;
        curl_multi_socket_action(io->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        engine_check_done(io);
    }
}

static void
poll_sockets(struct io_thread *io)
{
    sockets_drop_closed(io);
    bool sleep = !io->stopping && mailbox_may_sleep(&io->inbox);
    ev_run(io->loop, sleep ? EVRUN_ONCE : EVRUN_NOWAIT);
    mailbox_awake(&io->inbox);
}

static void *
run_thread(void *argument)
{
    struct io_thread *io = argument;
    memory_keep();
    while (!io->stopping) {
        act_on_letters(io);
        send_finished(io);
        poll_sockets(io);
        do {
            sockets_act(io, GROUP);
            send_finished(io);
        } while (io->ready != NULL);
    }
    memory_keep_no_more();
    return NULL;
}

static int
open_thread(struct io_thread *io, const struct engine_settings *settings,
            struct mailbox *completions)
{
    io->completions = completions;
    io->inbox.fd = -1;
    io->ca_file = settings->ca_file;
    io->max_body = settings->max_body;
    io->max_decoded = settings->max_decoded;
    io->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    io->multi = curl_multi_init();
    if (io->loop == NULL || io->multi == NULL ||
        mailbox_init(&io->inbox) < 0 ||
        lookup_set(io, settings->resolve) < 0) {
        errno = errno ? errno : ENOMEM;
        return -1;
    }
    sockets_init(io);
    curl_multi_setopt(io->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(io->multi, CURLMOPT_TIMERDATA, io);
    curl_multi_setopt(io->multi, CURLMOPT_MAXCONNECTS, MAX_CONNECTIONS);
    ev_timer_init(&io->timer, on_timer, 0, 0);
    io->timer.data = io;
    ev_timer_init(&io->trim, on_trim_timer, 0, TRIM_SECONDS);
    io->trim.data = io;
    ev_io_init(&io->bell, on_bell, io->inbox.fd, EV_READ);
    io->bell.data = io;
    ev_io_start(io->loop, &io->bell);
    return 0;
}

static void
close_thread(struct io_thread *io)
{
    transfer_free_pool(io);
    parsed_free_all(io);
    lookup_free_all(io);
    /* Of lookups that ended meanwhile. */
    mailbox_open(&io->inbox, INT_MAX, look_at_letters);
    while (io->open != NULL) {
        drop_share(io->open);
    }
    if (io->multi != NULL) {
        curl_multi_cleanup(io->multi);
    }
    sockets_free(io);
    if (io->loop != NULL) {
        ev_loop_destroy(io->loop);
    }
    mailbox_close(&io->inbox);
}

/* Signals are the hub's: an I/O thread takes none. */
static int
create_thread(struct io_thread *io)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&io->thread, NULL, run_thread, io);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return 0;
}

int
engine_start(const struct engine_settings *settings,
             struct mailbox *completions)
{
    if (memory_init() != CURLE_OK) {
        errno = ENOMEM;
        return -1;
    }
    engine.start++;
    engine.stopped = false;
    engine.completions = completions;
    engine.threads = calloc((size_t)settings->threads,
                            sizeof(*engine.threads));
    if (engine.threads == NULL || sources_set(settings->sources) < 0) {
        free(engine.threads);
        engine.threads = NULL;
        return -1;
    }
    for (int i = 0; i < settings->threads; i++) {
        struct io_thread *io = &engine.threads[i];
        if (open_thread(io, settings, completions) < 0 ||
            create_thread(io) < 0) {
            int error = errno;
            close_thread(io);
            engine_stop();
            errno = error;
            return -1;
        }
        engine.count++;
    }
    return 0;
}

struct stop_letter {
    struct letter letter;
    struct io_thread *io;
};

static void
handle_stop(struct letter *letter)
{
    struct io_thread *io = ((struct stop_letter *)letter)->io;
    io->stopping = true;
    while (io->active != NULL) {
        transfer_abort(io->active);
    }
    lookup_cancel_all(io);
    send_finished(io);
}

void
engine_stop(void)
{
    for (int i = 0; i < engine.count; i++) {
        struct io_thread *io = &engine.threads[i];
        struct stop_letter stop = {{.handle = handle_stop}, io};
        atomic_store(&io->ending, true);
        mailbox_post(&io->inbox, &stop.letter);
        pthread_join(io->thread, NULL);
        mailbox_open(&io->inbox, INT_MAX, look_at_letters);
        send_finished(io);
        close_thread(io);
    }
    engine.stopped = engine.stopped || engine.count > 0;
    free(engine.threads);
    engine.threads = NULL;
    engine.count = 0;
    sources_clear();
}

bool
engine_is_running(void)
{
    return engine.count > 0;
}

bool
engine_was_stopped(void)
{
    return engine.stopped;
}

bool
engine_has_begun(void)
{
    return engine.start > 0;
}

bool
engine_is_forgotten(const struct exchange *x)
{
    return x->start != 0 && x->start <= engine.forgotten;
}

/* --- Forks. */

/* The lock is held by whoever forks, from before to after. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int held;                   /* threads that wait */
    bool on;
} pause_state = {.lock = PTHREAD_MUTEX_INITIALIZER,
                 .changed = PTHREAD_COND_INITIALIZER};

static void
handle_pause(struct letter *letter)
{
    pthread_mutex_lock(&pause_state.lock);
    pause_state.held++;
    pthread_cond_broadcast(&pause_state.changed);
    while (pause_state.on) {
        pthread_cond_wait(&pause_state.changed, &pause_state.lock);
    }
    pause_state.held--;
    pthread_cond_broadcast(&pause_state.changed);
    pthread_mutex_unlock(&pause_state.lock);
}

/* Waits until so many threads are held. */
static void
wait_for_held(int count)
{
    while (pause_state.held != count) {
        pthread_cond_wait(&pause_state.changed, &pause_state.lock);
    }
}

void
engine_pause(void)
{
    lookup_lock();
    pthread_mutex_lock(&pause_state.lock);
    pause_state.on = true;
    for (int i = 0; i < engine.count; i++) {
        struct io_thread *io = &engine.threads[i];
        io->pause.handle = handle_pause;
        mailbox_post(&io->inbox, &io->pause);
    }
    wait_for_held(engine.count);
}

void
engine_resume(void)
{
    pause_state.on = false;
    pthread_cond_broadcast(&pause_state.changed);
    wait_for_held(0);           /* their letters may be used again */
    pthread_mutex_unlock(&pause_state.lock);
    lookup_unlock();
}

/* Closes what the child must not keep open. libcurl and OpenSSL are not asked:
   they would say goodbye on connections that are the parent's. */
static void
forget_thread(struct io_thread *io)
{
    sockets_close_all(io);
    for (struct connections *c = io->open; c != NULL; c = c->next) {
        cache_forget_all(c);
    }
    ev_loop_destroy(io->loop);
    mailbox_close(&io->inbox);
}

void
engine_forget(void)
{
    for (int i = 0; i < engine.count; i++) {
        forget_thread(&engine.threads[i]);
    }
    engine.threads = NULL;
    if (engine.count > 0) {
        engine.forgotten = engine.start;
    }
    engine.count = 0;
    pthread_cond_init(&pause_state.changed, NULL);
    pthread_mutex_init(&pause_state.lock, NULL);
    pause_state.held = 0;
    pause_state.on = false;
    lookup_unlock();
}

/* --- For the hub. */

/* Whether the engine of this start still runs. */
static bool
is_running(unsigned start)
{
    return engine.count > 0 && start == engine.start;
}

/* Gives connections a thread and a local address. */
static void
settle(struct connections *c)
{
    c->io = &engine.threads[engine.next++ % engine.count];
    c->start = engine.start;
    c->source = engine.sources++;
    c->fd = -1;
}

struct connections *
connections_new(void)
{
    struct connections *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    settle(c);
    c->small_in = 1;
    return c;
}

void
connections_limit(struct connections *c, int per_host)
{
    c->limit = per_host;
}

/* Whether the threads that they were made for still run. */
static bool
have_thread(const struct connections *c)
{
    return is_running(c->start);
}

bool
connections_are_alive(const struct connections *c)
{
    return have_thread(c);
}

void
connections_revive(struct connections *c)
{
    settle(c);
    line_free(c);
    c->exchanges = 0;
    c->closing = c->dropping = false;
}

void
connections_close(struct connections *c)
{
    if (!have_thread(c)) {
        free_connections(c);
        return;
    }
    c->letter.handle = handle_close;
    mailbox_post(&c->io->inbox, &c->letter);
}

bool
connections_drop_idle(struct connections *c)
{
    if (!have_thread(c)) {
        return true;            /* closed with the engine */
    }
    struct drop_letter *drop = malloc(sizeof(*drop));
    if (drop == NULL) {
        return false;
    }
    *drop = (struct drop_letter){{.handle = handle_drop}, c};
    mailbox_post(&c->io->inbox, &drop->letter);
    return true;
}

static struct mailbox *
home_of(const struct exchange *x)
{
    return x->home != NULL ? x->home : engine.completions;
}

void
engine_submit(struct exchange *x)
{
    x->submitted = clock_ns();
    x->io = x->connections->io;
    x->start = x->connections->start;
    if (!is_running(x->start)) {
        x->taken = x->ended = x->submitted;
        exchange_fail(x, HTTP_CANCELLED, 0, NULL);
        mailbox_post(home_of(x), &x->letter);
        return;
    }
    x->on_finish = x->letter.handle;
    x->letter.handle = handle_submit;
    mailbox_post(&x->io->inbox, &x->letter);
}

/* The connections may be gone, if the exchange is on its way back. */
void
engine_cancel(struct exchange *x)
{
    if (!is_running(x->start)) {
        mailbox_post(home_of(x), &x->cancel_letter);
        return;
    }
    x->on_cancelled = x->cancel_letter.handle;
    x->cancel_letter.handle = handle_cancel;
    mailbox_post(&x->io->inbox, &x->cancel_letter);
}

bool
engine_post_to(struct io_thread *io, unsigned start, struct letter *letter)
{
    bool running = is_running(start);
    if (running) {
        mailbox_post(&io->inbox, letter);
    }
    return running;
}

bool
engine_post(const struct exchange *x, struct letter *letter)
{
    return engine_post_to(x->io, x->start, letter);
}
