/*
 * Waiting for descriptors.
 *
 * Those who wait for one descriptor are in a list that is found by its
 * number, so that whoever closes it can tell them: the kernel would not.
 */
#include "config.h"
#include "green/green.h"

#include <fcntl.h>

#include "green/internal.h"

/* On the stack of whoever waits. */
struct fd_wait {
    ev_io io;
    struct fd_wait *next, **link;       /* in hub.fd_waits */
    struct green *green;
    int revents;
};

static void
on_fd(struct ev_loop *loop, ev_io *w, int revents)
{
    struct fd_wait *wait = (struct fd_wait *)w;
    wait->revents |= revents;
    green_ready(wait->green);
}

/* Makes hub.fd_waits have a place for it. The places are links that others
   point to: they are only moved while they are told. 0 or -1. */
static int
make_place(int fd)
{
    if (fd < hub.fd_count) {
        return 0;
    }
    int count = fd < 64 ? 128 : fd * 2;
    struct fd_wait **places =
        PyMem_RawRealloc(hub.fd_waits, (size_t)count * sizeof(*places));
    if (places == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < count; i++) {
        if (i >= hub.fd_count) {
            places[i] = NULL;
        }
        else if (places[i] != NULL) {
            places[i]->link = &places[i];
        }
    }
    hub.fd_waits = places;
    hub.fd_count = count;
    return 0;
}

static void
fd_wait_begin(struct fd_wait *wait)
{
    wait->link = &hub.fd_waits[wait->io.fd];
    wait->next = *wait->link;
    if (wait->next != NULL) {
        wait->next->link = &wait->next;
    }
    *wait->link = wait;
    ev_io_start(hub.loop, &wait->io);
}

static void
fd_wait_end(struct fd_wait *wait)
{
    ev_io_stop(hub.loop, &wait->io);
    *wait->link = wait->next;
    if (wait->next != NULL) {
        wait->next->link = wait->link;
    }
}

int
green_wait_fd(int fd, int events, double timeout)
{
    if (!hub_may_park()) {
        return -1;
    }
    if (fcntl(fd, F_GETFD) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (make_place(fd) < 0) {
        return -1;
    }
    struct fd_wait wait = {.green = hub.current};
    ev_io_init(&wait.io, on_fd, fd, events);
    fd_wait_begin(&wait);
    int result = timeout < 0 ? green_park() : green_park_for(timeout);
    fd_wait_end(&wait);
    return result < 0 ? -1 : wait.revents;
}

int
green_cancel_fd(int fd, PyObject *exception)
{
    struct fd_wait *next, *wait =
        fd >= 0 && fd < hub.fd_count ? hub.fd_waits[fd] : NULL;
    for (; wait != NULL; wait = next) {
        next = wait->next;
        ev_io_stop(hub.loop, &wait->io);
        if (green_throw(wait->green, exception) < 0) {
            return -1;
        }
    }
    return 0;
}

void
hub_end_fd_waits(const struct green *survivor)
{
    for (int fd = 0; fd < hub.fd_count; fd++) {
        struct fd_wait *next;
        for (struct fd_wait *w = hub.fd_waits[fd]; w != NULL; w = next) {
            next = w->next;
            if (w->green != survivor) {
                fd_wait_end(w);
            }
        }
    }
}
