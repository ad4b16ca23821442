/*
 * Requests of OS threads other than the hub's. Such a thread has no green
 * threads: it blocks until its own letters come, with the GIL released, and
 * does not need the hub for that, which may be waiting for it.
 */
#ifndef LOCUST_HTTP_AWAY_H
#define LOCUST_HTTP_AWAY_H

#include <Python.h>
#include <stdbool.h>

#include "base/mailbox.h"

/* The mailbox of the calling thread. NULL with an exception set. */
struct mailbox *away_mailbox(void);

/* Whether it is the calling thread's. */
bool away_is_mine(const struct mailbox *mailbox);

/* Waits until there may be letters, and handles those that are there. May wait
   for nothing. */
void away_wait(struct mailbox *mailbox);

#endif
