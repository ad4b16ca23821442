/*
 * The parking lot: where green threads wait for what has no room for a list of
 * those who wait, the locks and queues of Python's own modules. They are found
 * by its address.
 *
 * All of it is guarded by the GIL; any OS thread wakes.
 */
#include "config.h"
#include "coop/internal.h"

#include "base/fork.h"
#include "green/green.h"

#define BUCKETS 256             /* a power of 2 */

/* On the stack of whoever waits. */
struct parked {
    struct parked *next, *prev;         /* in its bucket, until woken */
    const void *key;
    struct green *green;
    bool woken;
};

/* Rings; only their links are used. Zero-filled until lot_init(). */
static struct parked buckets[BUCKETS];

size_t lot_waiting;

static struct parked *
bucket_of(const void *key)
{
    uintptr_t bits = (uintptr_t)key;
    return &buckets[(bits >> 4 ^ bits >> 12) & (BUCKETS - 1)];
}

static void
insert_after(struct parked *p, struct parked *before)
{
    p->prev = before;
    p->next = before->next;
    p->next->prev = p;
    before->next = p;
}

static void
take_out(struct parked *p)
{
    p->prev->next = p->next;
    p->next->prev = p->prev;
}

int
lot_park(const void *key, double timeout, bool again)
{
    if (!hub_is_here()) {
        return -1;
    }
    struct parked self = {.key = key, .green = green_current()};
    struct parked *head = bucket_of(key);
    insert_after(&self, again ? head : head->prev);
    lot_waiting++;
    hub_hold();                 /* another OS thread may wake it */
    int result = timeout < 0 ? green_park() : green_park_for(timeout);
    hub_release();
    if (!self.woken) {
        lot_waiting--;
        take_out(&self);
    }
    if (result < 0 && self.woken) {
        lot_wake_one(key);
    }
    return result < 0 ? -1 : !self.woken;
}

void
lot_wake_one(const void *key)
{
    if (lot_waiting == 0) {
        return;
    }
    struct parked *head = bucket_of(key);
    struct parked *p = head->next;
    while (p != head && p->key != key) {
        p = p->next;
    }
    if (p == head) {
        return;
    }
    take_out(p);
    p->woken = true;
    lot_waiting--;
    green_ready(p->green);
}

static void
empty_all(void)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        buckets[i].next = buckets[i].prev = &buckets[i];
    }
    lot_waiting = 0;
}

/* Who waited is dead in the child. */
static PyObject *
after_fork_in_child(PyObject *module, PyObject *unused)
{
    empty_all();
    Py_RETURN_NONE;
}

static PyMethodDef in_child = {"empty_parking_lot", after_fork_in_child,
                               METH_NOARGS,
                               "Forgets those who waited in the parent."};

int
lot_init(void)
{
    empty_all();
    return fork_register(NULL, NULL, &in_child);
}
