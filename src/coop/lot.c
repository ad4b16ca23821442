/*
 * The parking lot: where green threads wait for what has no room for a list of
 * those who wait, the locks and queues of Python's own modules. They are found
 * by its address.
 *
 * All of it is guarded by the GIL. An OS thread that is not the hub's cannot make
 * green threads ready: those that it wakes go into a list, and a letter to the
 * hub says that there is one.
 */
#include "config.h"
#include "coop/internal.h"

#include "base/fork.h"
#include "green/green.h"

#define BUCKETS 256             /* a power of 2 */

/* On the stack of whoever waits. */
struct parked {
    struct parked *next, *prev;         /* in its bucket, or among the called */
    const void *key;
    struct green *green;
    bool woken;
};

/* Rings; only their links are used. Zero-filled until lot_init(). */
static struct parked buckets[BUCKETS];
static struct parked called;            /* woken by another OS thread */
static struct letter call;
static bool call_is_posted;

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
    }
    take_out(&self);
    if (result < 0 && self.woken) {
        lot_wake_one(key);
    }
    return result < 0 ? -1 : !self.woken;
}

static void
handle_call(struct letter *letter)
{
    call_is_posted = false;
    struct parked *next;
    for (struct parked *p = called.next; p != &called; p = next) {
        next = p->next;
        take_out(p);
        p->next = p->prev = p;
        green_ready(p->green);
    }
}

static void
call_from_outside(struct parked *p)
{
    insert_after(p, called.prev);
    if (!call_is_posted) {
        call_is_posted = true;
        call.handle = handle_call;
        mailbox_post(hub_inbox(), &call);
    }
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
    if (green_current() != NULL) {
        p->next = p->prev = p;
        green_ready(p->green);
    }
    else {
        call_from_outside(p);
    }
}

static void
empty_all(void)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        buckets[i].next = buckets[i].prev = &buckets[i];
    }
    called.next = called.prev = &called;
    call_is_posted = false;
    lot_waiting = 0;
}

/* Who waited is dead in the child, and the letter with them. */
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
