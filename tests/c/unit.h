/* What every test in C includes: cmocka, in the order it wants. */
#ifndef LOCUST_TESTS_UNIT_H
#define LOCUST_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_near(a, b) assert_float_equal((float)(a), (float)(b), 1e-6)

#endif
