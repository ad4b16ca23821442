/* What statistics are told in tests; see samples.h. */
#include "samples.h"

#include <string.h>

#include "unit.h"

struct stats_key
key_of(const char *method, const char *name)
{
    return (struct stats_key){.method = method, .name = name,
                              .method_len = strlen(method),
                              .name_len = strlen(name)};
}

struct stats_entry *
log_ms(struct stats *s, const char *method, const char *name, double ms,
       double now)
{
    struct stats_key key = key_of(method, name);
    struct stats_sample sample = {.timed = ms >= 0, .ms = ms, .length = 1,
                                  .bucket = bucket_round(ms), .now = now};
    struct stats_entry *e = stats_log(s, &key, &sample);
    assert_non_null(e);
    return e;
}

struct stats_error *
log_fail(struct stats *s, const char *name, const char *text, double now)
{
    struct stats_key key = key_of("GET", name);
    struct stats_error *error;
    assert_non_null(
        stats_log_error(s, &key, text, strlen(text), now, &error));
    return error;
}
