/*
 * A watch on the hub: says when a green thread keeps all others waiting.
 */
#ifndef LOCUST_GREEN_WATCH_H
#define LOCUST_GREEN_WATCH_H

#include <stddef.h>

struct green;

/* Who is to be asked what a green thread is: writes a few words into buffer
   and returns it. Called with the GIL, on another OS thread than the hub's. */
extern const char *(*watch_describe)(const struct green *g, char *buffer,
                                     size_t size);

/* From now on whoever keeps the hub for more than so many seconds is reported
   by locust.util.threads.report_blocked(), while it does so if that can be,
   else right after. 0 and below: nobody is. 0, or -1 with an exception set. */
int hub_watch(double seconds);

#endif
