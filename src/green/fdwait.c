/*
 * Waiting for descriptors.
 *
 * Each wait lives on the stack of the green thread that waits; its watches,
 * one per descriptor, are also found by descriptor, so that whoever closes one
 * can wake those who wait for it: libev must not watch what is closed, and
 * what is opened next gets the same number.
 */
#include "config.h"
#include "green/green.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>

#include "green/internal.h"

#define BUCKETS 1024            /* a power of 2 */

/* One descriptor of a wait. */
struct fd_watch {
    ev_io io;
    struct fd_watch *next, **link;      /* in its bucket */
    struct fd_wait *wait;
};

struct fd_wait {
    struct green *green;
    int revents;
    bool closed;                /* somebody closes the descriptor */
};

static struct fd_watch *buckets[BUCKETS];

static struct fd_watch **
bucket_of(int fd)
{
    return &buckets[(unsigned)fd & (BUCKETS - 1)];
}

static void
on_fd(struct ev_loop *loop, ev_io *w, int revents)
{
    struct fd_watch *watch = (struct fd_watch *)w;
    watch->wait->revents |= revents;
    green_ready(watch->wait->green);
}

static void
watch_begin(struct fd_watch *watch, struct fd_wait *wait, int fd, int events)
{
    struct fd_watch **head = bucket_of(fd);
    watch->wait = wait;
    watch->link = head;
    watch->next = *head;
    if (watch->next != NULL) {
        watch->next->link = &watch->next;
    }
    *head = watch;
    ev_io_init(&watch->io, on_fd, fd, events);
    ev_io_start(hub.loop, &watch->io);
}

/* May be called twice. */
static void
watch_end(struct fd_watch *watch)
{
    if (watch->link == NULL) {
        return;
    }
    ev_io_stop(hub.loop, &watch->io);
    *watch->link = watch->next;
    if (watch->next != NULL) {
        watch->next->link = watch->link;
    }
    watch->link = NULL;
}

void
green_fd_closing(int fd)
{
    if (green_current() == NULL || fd < 0) {
        return;
    }
    struct fd_watch *next;
    for (struct fd_watch *w = *bucket_of(fd); w != NULL; w = next) {
        next = w->next;
        if (w->io.fd == fd) {
            w->wait->closed = true;
            green_ready(w->wait->green);
            watch_end(w);
        }
    }
}

void
hub_end_fd_waits(const struct green *survivor)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct fd_watch *next;
        for (struct fd_watch *w = buckets[i]; w != NULL; w = next) {
            next = w->next;
            if (w->wait->green != survivor) {
                watch_end(w);
            }
        }
    }
}

static int
raise_bad_descriptor(const char *why)
{
    PyObject *args = Py_BuildValue("(is)", EBADF, why);
    if (args != NULL) {
        PyErr_SetObject(PyExc_OSError, args);
        Py_DECREF(args);
    }
    return -1;
}

/* libev takes as much memory as the highest number needs, and calls abort() if
   there is none: what is higher than any before must exist. Others that do not
   exist are found out when they are watched. 0 or -1. */
static int
check_number(int fd)
{
    static int highest;
    if (fd >= 0 && fd <= highest) {
        return 0;
    }
    if (fd < 0 || fcntl(fd, F_GETFD) < 0) {
        return raise_bad_descriptor("Bad file descriptor");
    }
    highest = fd;
    return 0;
}

/* Parks; the watches run. 0, or -1 with an exception set. */
static int
fd_wait_park(struct fd_wait *wait, double timeout)
{
    int result = timeout < 0 ? green_park() : green_park_for(timeout);
    if (result < 0) {
        return -1;
    }
    if (wait->closed) {
        return raise_bad_descriptor(
            "File descriptor was closed in another greenlet");
    }
    if (wait->revents & EV_ERROR) {
        return raise_bad_descriptor("Bad file descriptor");
    }
    return 0;
}

int
green_wait_fd(int fd, int events, double timeout)
{
    if (!hub_is_here()) {
        return -1;
    }
    if (check_number(fd) < 0) {
        return -1;
    }
    struct fd_wait wait = {.green = hub.current};
    struct fd_watch watch;
    watch_begin(&watch, &wait, fd, events);
    int result = fd_wait_park(&wait, timeout);
    watch_end(&watch);
    return result < 0 ? -1 : wait.revents & (EV_READ | EV_WRITE);
}

int
green_wait_fds(const struct pollfd *fds, size_t n, double timeout)
{
    if (!hub_is_here()) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (fds[i].fd >= 0 && check_number(fds[i].fd) < 0) {
            return -1;
        }
    }
    struct fd_wait wait = {.green = hub.current};
    struct fd_watch *watches = PyMem_Calloc(n + 1, sizeof(*watches));
    if (watches == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        int events = (fds[i].events & POLLOUT ? EV_WRITE : 0) |
                     (fds[i].events & (POLLIN | POLLPRI) ? EV_READ : 0);
        if (events != 0 && fds[i].fd >= 0) {
            watch_begin(&watches[i], &wait, fds[i].fd, events);
        }
    }
    int result = fd_wait_park(&wait, timeout);
    for (size_t i = 0; i < n; i++) {
        watch_end(&watches[i]);
    }
    PyMem_Free(watches);
    return result < 0 ? -1 : wait.revents != 0;
}
