/* For tests in C: green threads that are told apart by a number. A failed
   check ends the test. */
#ifndef LOCUST_TESTS_GREENS_H
#define LOCUST_TESTS_GREENS_H

#include "config.h"
#include <Python.h>

#include "green/green.h"

/* Starts Python with our module. What cmocka calls before the tests. */
int prepare(void **state);

/* Starts one whose target is a number. The caller owns it. */
struct green *spawn(green_body body, long number);

/* Lets all others run until each of them waits. */
void settle(void);

/* Starts three, with the numbers 0 to 2, and lets them run. */
void spawn_three(struct green **three, green_body body);

/* That the three have ended. Releases them. */
void release_three(struct green **three);

#endif
