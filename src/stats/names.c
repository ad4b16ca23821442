/* Names of entries and errors; see names.h. */
#include "stats/names.h"

#include <stdlib.h>
#include <string.h>

bool
key_equal(const struct stats_key *a, const struct stats_key *b)
{
    return a->name_len == b->name_len && a->method_len == b->method_len &&
           memcmp(a->name, b->name, a->name_len) == 0 &&
           memcmp(a->method, b->method, a->method_len) == 0;
}

struct stats_key
names_copy(char *to, const struct stats_key *from)
{
    struct stats_key copy = *from;
    copy.method = to;
    copy.name = to + from->method_len + 1;
    memcpy(to, from->method, from->method_len);
    to[from->method_len] = '\0';
    to += from->method_len + 1;
    memcpy(to, from->name, from->name_len);
    to[from->name_len] = '\0';
    return copy;
}

struct stats_names *
names_new(struct stats_names *older, const struct stats_key *from)
{
    struct stats_names *names =
        malloc(sizeof(*names) + from->method_len + from->name_len + 2);
    if (names != NULL) {
        names->older = older;
        names->key = names_copy(names->text, from);
    }
    return names;
}

void
names_free(struct stats_names *names)
{
    while (names != NULL) {
        struct stats_names *older = names->older;
        free(names);
        names = older;
    }
}
