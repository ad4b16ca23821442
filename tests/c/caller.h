/*
 * For tests in C: the hub's side of the engine without Python. Exchanges with
 * the server of servlet.h are sent off and waited for.
 */
#ifndef LOCUST_TESTS_CALLER_H
#define LOCUST_TESTS_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "http/engine.h"
#include "http/exchange.h"
#include "servlet.h"
#include "unit.h"

#define MS 1000000

/* A body that shows in resident memory, if it is kept. */
#ifdef WITH_SANITIZERS
#define LARGE (128 * (int64_t)1024 * 1024)
#else
#define LARGE (512 * (int64_t)1024 * 1024)
#endif

/* Where the engine sends letters, and how many have come. */
extern struct mailbox inbox;
extern int came_back, cancels_back;

/* Starts the server and the engine; stops both. */
void start(const struct engine_settings *settings, servlet_serve *serve);
void stop(void);

/* Handles the letters that are there. */
void take_letters(void);

/* Handles letters while a condition does not hold, for at most 20 s. */
#define WAIT_UNTIL(condition)                                                 \
    do {                                                                      \
        int64_t end_ = clock_ns() + 20000 * (int64_t)MS;                      \
        while (take_letters(), !(condition)) {                                \
            if (clock_ns() > end_) {                                          \
                fail_msg("waited in vain for " #condition);                   \
            }                                                                 \
            usleep(200);                                                      \
        }                                                                     \
    } while (0)

/* An exchange with the server, for a path; or with another one, for a URL. The
   caller frees it when it is back. */
struct exchange *exchange_to(struct connections *c, const char *method,
                             const char *path);

/* Adds a line to the request's head. */
void add_line(struct exchange *x, const char *line);

/* GETs a path. */
struct exchange *submit(struct connections *c, const char *path);

/* Asks the engine to give it up. Both letters will come back. */
void cancel(struct exchange *x);

/* Waits for its end, which is to be this one. */
void finish(struct exchange *x, enum http_error error);

/* Waits until so many exchanges and cancels are back: no more may be. */
void wait_for(int count, int cancels);

/* Resident memory in bytes. */
size_t resident(void);

/* That memory has hardly grown. Sanitizers keep what was freed. */
void assert_small(size_t before);

#endif
