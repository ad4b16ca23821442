/*
 * A terminal that is taken over for a full-screen view, and given back
 * whatever happens.
 *
 * While it is taken, a guard stands by: a process of its own that waits for
 * the end of a pipe and then makes the terminal what it was. So it is given
 * back even after SIGKILL, a crash or _exit(). Ctrl-Z gives it back as well,
 * until the program goes on.
 *
 * The terminal is written to through a descriptor of its own that does not
 * block: one that takes nothing (Ctrl-S) does not hold up a test.
 */
#ifndef LOCUST_REPORT_SCREEN_H
#define LOCUST_REPORT_SCREEN_H

#include <stdbool.h>

#include "base/buf.h"

/* Takes the terminal behind a descriptor. 0, or an errno value (ENOTTY: it is
   none; EBUSY: one is taken already). */
int screen_open(int terminal);

/* Columns and rows; 80 and 24 if the terminal does not say. */
void screen_size(int *columns, int *rows);

/* Writes a frame, unless the one before has not been taken yet. False: it was
   left out. */
bool screen_put(const struct buf *frame);

/* Gives the terminal back, if it is taken. May be called by a signal
   handler. */
void screen_close(void);

#endif
