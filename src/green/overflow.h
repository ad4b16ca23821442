/*
 * What is said when a green thread runs off the end of its C stack.
 *
 * Python's own recursion limit strikes first unless it was raised, or the
 * stack made small. Then the guard is hit, and this names who did it before
 * the process dies as it would have died anyway.
 */
#ifndef LOCUST_GREEN_OVERFLOW_H
#define LOCUST_GREEN_OVERFLOW_H

#include <stddef.h>

/* Watches for overflows on the calling OS thread. Handlers that were there
   (faulthandler's) still get their turn. 0, or -1 with errno set. */
int overflow_watch(void);

/* Who is to be asked what the current green thread was doing: writes a few
   words into buffer and returns it. Must be safe in a signal handler. */
extern const char *(*overflow_describe)(char *buffer, size_t size);

#endif
