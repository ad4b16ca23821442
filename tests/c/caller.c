/* The hub's side of the engine in tests without Python; see caller.h. */
#include "config.h"

#include "caller.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct mailbox inbox;
int came_back, cancels_back;

static void
on_back(struct letter *letter)
{
    came_back++;
    ((struct exchange *)letter)->finished = true;
}

static void
on_cancel_back(struct letter *letter)
{
    cancels_back++;
}

void
take_letters(void)
{
    struct letter *l = mailbox_take(&inbox);
    while (l != NULL) {
        struct letter *next = l->next;
        l->handle(l);
        l = next;
    }
}

struct exchange *
exchange_to(struct connections *c, const char *method, const char *path)
{
    struct exchange *x = exchange_new();
    assert_non_null(x);
    char url[300];
    if (strchr(path, ':') != NULL) {
        snprintf(url, sizeof(url), "%s", path);
    }
    else {
        snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", servlet.port,
                 path);
    }
    x->connections = c;
    x->method = method;
    x->url = strdup(url);
    x->reply = reply_new();
    assert_non_null(x->reply);
    x->reply->url = strdup(url);
    x->reply->method = method;
    x->cookie_at = -1;
    x->follow = x->verify = true;
    x->max_redirects = 30;
    x->letter.handle = on_back;
    return x;
}

void
add_line(struct exchange *x, const char *line)
{
    x->headers = x->lines = curl_slist_append(x->lines, line);
    assert_non_null(x->lines);
}

struct exchange *
submit(struct connections *c, const char *path)
{
    struct exchange *x = exchange_to(c, "GET", path);
    engine_submit(x);
    return x;
}

void
cancel(struct exchange *x)
{
    x->cancel_letter.handle = on_cancel_back;
    engine_cancel(x);
}

void
finish(struct exchange *x, enum http_error error)
{
    WAIT_UNTIL(x->finished);
    assert_int_equal(x->error, error);
}

void
wait_for(int count, int cancels)
{
    WAIT_UNTIL(came_back >= count && cancels_back >= cancels);
    assert_int_equal(came_back, count);
    assert_int_equal(cancels_back, cancels);
}

void
start(const struct engine_settings *settings, servlet_serve *serve)
{
    came_back = cancels_back = 0;
    servlet_open(serve);
    assert_int_equal(mailbox_init(&inbox), 0);
    assert_int_equal(engine_start(settings, &inbox), 0);
}

void
stop(void)
{
    engine_stop();
    take_letters();
    servlet_close();
    mailbox_close(&inbox);
}

size_t
resident(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*u %lu", &pages), 1);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

void
assert_small(size_t before)
{
#ifndef WITH_SANITIZERS
    assert_true(resident() < before + 20 * 1024 * 1024);
#else
    (void)before;
#endif
}
