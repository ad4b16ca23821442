/*
 * Waiting in line: at most so many requests of a session at a time to one
 * host and port. Only sessions that have a limit are counted.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "http/internal.h"
#include "http/url.h"

struct place {
    struct place *next;
    int running;
    struct letter *first, *last;        /* exchanges in line */
    size_t length;
    char key[];                 /* of a URL, what comes before its path */
};

static struct place *
find(struct connections *c, const char *url)
{
    size_t length = url_path_offset(url, strlen(url));
    struct place *p = c->places;
    while (p != NULL &&
           (p->length != length || memcmp(p->key, url, length) != 0)) {
        p = p->next;
    }
    if (p == NULL && (p = calloc(1, sizeof(*p) + length)) != NULL) {
        p->length = length;
        memcpy(p->key, url, length);
        p->next = c->places;
        c->places = p;
    }
    return p;
}

bool
line_enter(struct exchange *x)
{
    struct connections *c = x->connections;
    struct place *p = c->limit > 0 ? find(c, x->url) : NULL;
    x->place = p;
    if (p == NULL) {
        return true;
    }
    if (p->running < c->limit) {
        p->running++;
        return true;
    }
    x->in_line = true;
    x->letter.next = NULL;
    if (p->first != NULL) {
        p->last->next = &x->letter;
    }
    else {
        p->first = &x->letter;
    }
    p->last = &x->letter;
    return false;
}

/* The thread is stopping: none of them will begin. */
static void
end_line(struct io_thread *io, struct place *p)
{
    struct letter *l = p->first;
    p->first = NULL;
    while (l != NULL) {
        struct exchange *x = (struct exchange *)l;
        l = l->next;
        x->in_line = false;
        x->place = NULL;
        engine_begin_hop(io, x);
    }
}

void
line_leave(struct io_thread *io, struct exchange *x)
{
    struct place *p = x->place;
    if (p == NULL) {
        return;
    }
    x->place = NULL;
    struct exchange *next = (struct exchange *)p->first;
    if (next == NULL || io->stopping) {
        p->running--;
        end_line(io, p);
        return;
    }
    p->first = next->letter.next;
    next->in_line = false;
    engine_begin_hop(io, next); /* in the place of the other */
}

void
line_quit(struct exchange *x)
{
    struct place *p = x->place;
    struct letter **link = &p->first, *before = NULL;
    while (*link != &x->letter) {
        before = *link;
        link = &(*link)->next;
    }
    *link = x->letter.next;
    if (p->last == &x->letter) {
        p->last = before;
    }
    x->in_line = false;
    x->place = NULL;
}

void
line_free(struct connections *c)
{
    while (c->places != NULL) {
        struct place *p = c->places;
        c->places = p->next;
        free(p);
    }
}
