/*
 * The names of entries and errors.
 *
 * What something is shown as can be changed by Python, as any attribute; that
 * does not change under which key it is found. Old names live as long as
 * their owner, since a report may be reading them.
 */
#ifndef LOCUST_STATS_NAMES_H
#define LOCUST_STATS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* UTF-8, not necessarily ended by a zero. */
struct stats_key {
    const char *method;
    const char *name;
    size_t method_len;
    size_t name_len;
};

/* One set of names that its owner got after its birth. */
struct stats_names {
    struct stats_names *older;
    struct stats_key key;       /* the owner's, from now on */
    char text[];
};

bool key_equal(const struct stats_key *a, const struct stats_key *b);

/* Copies a key's strings, ended by zeroes, behind each other; to must have
   room for both and two zeroes. Returns the key with the copies. */
struct stats_key names_copy(char *to, const struct stats_key *from);

/* A block with copies of a key, in front of older ones. Its key is the copy.
   NULL without memory. names_free() ends it and all older ones. */
struct stats_names *names_new(struct stats_names *older,
                              const struct stats_key *from);
void names_free(struct stats_names *names);

#endif
