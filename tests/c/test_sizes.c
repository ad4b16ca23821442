/*
 * What one of a kind costs where there are many of it, in bytes. The bounds
 * are today's values: whoever needs more changes the number here, and so
 * decides that it is worth it.
 */
#include "config.h"
#include <Python.h>

#include "green/green.h"
#include "http/exchange.h"
#include "http/fast.h"
#include "http/response.h"
#include "stats/entry.h"
#include "unit.h"
#include "user/internal.h"

static const struct {
    const char *what;
    size_t size, bound;
} kinds[] = {
#define KIND(type, bound) {#type, sizeof(type), bound}
#ifndef WITH_SANITIZERS         /* they add a field */
    KIND(struct green, 224),
#endif
    KIND(UserObject, 88),
    KIND(TaskSetObject, 88),
    KIND(SessionObject, 168),
    KIND(ResponseObject, 184),
    KIND(FastSessionObject, 72),
    KIND(AgentObject, 128),
    KIND(struct exchange, 352),
    KIND(struct reply, 128),
    KIND(struct stats_entry, 520),
};

static void
nothing_has_grown(void **state)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].size > kinds[i].bound) {
            fail_msg("%s: %zu bytes instead of %zu", kinds[i].what,
                     kinds[i].size, kinds[i].bound);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_grown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
