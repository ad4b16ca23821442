/*
 * Who is started next, and where: the arithmetic of ramping up and down, in
 * plain numbers. Waiting between batches and names are the Python type's
 * business (dispatcher.c).
 *
 * Classes and workers are indices. Classes must come sorted by name, as ties
 * are broken by index; workers in the order of dispatch_order_workers(), as
 * they take turns in the order of their indices.
 */
#ifndef LOCUST_RUN_DISPATCH_H
#define LOCUST_RUN_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- Choosing among weights. */

struct candidate {
    double gain;                /* the lowest is chosen */
    double share;               /* weight + times chosen + 1 */
    double weight;
    size_t index;
};

/* A heap of candidates, the next one first. */
struct chooser {
    struct candidate *heap;     /* owned */
    size_t n;
};

/* Prepares a choice among n weights; those of 0 and below take no part.
   Returns 0, or -1 without memory. */
int chooser_init(struct chooser *c, const double *weights, size_t n);
void chooser_free(struct chooser *c);

/* The index that is to come next; SIZE_MAX if there is nothing to choose.
   Repeated, it keeps the proportions of the weights as close as can be
   (smallest gain in Kullback-Leibler divergence, as Locust does). */
size_t chooser_next(struct chooser *c);

/* --- Placing users. */

struct dispatch_class {
    double weight;
    int64_t fixed_count;        /* above 0: so many, whatever the weight */
    bool barred;                /* no new users of it for the time being */
};

/* A started user. */
struct placed {
    uint32_t worker, class_index;
};

struct dispatch {
    struct dispatch_class *classes;     /* owned */
    size_t n_classes, n_workers;
    int64_t *counts;            /* owned; [worker * n_classes + class] */
    int64_t *totals;            /* owned; per class */
    struct placed *users;       /* owned; in the order they were started */
    size_t n_users, capacity;
    size_t next_worker;
    struct chooser weighted;    /* among classes without a fixed count */
    struct chooser fixed;       /* among missing users of the others */
    int64_t fixed_left;         /* still to be taken from it */
    bool check_fixed;           /* see whether fixed users are missing */
};

/* Copies the classes. Returns 0, or -1 without memory (nothing to free). */
int dispatch_init(struct dispatch *d, const struct dispatch_class *classes,
                  size_t n_classes, size_t n_workers);
void dispatch_free(struct dispatch *d);

/* The class of the next user, whom the caller has to place: 1; 0 when there is
   none, -1 without memory. */
int dispatch_choose(struct dispatch *d, size_t *class_index);

/* Starts n users. Returns how many could be: fewer when only classes with
   fixed counts are left, and all those users are there. -1 without memory. */
int64_t dispatch_add(struct dispatch *d, int64_t n);

/* Takes back the n users that were started last (all, if there are fewer). */
void dispatch_remove(struct dispatch *d, int64_t n);

/* Chooses from now on among classes as they are described (weights, fixed
   counts, barred); the users who are there stay. 0, or -1 without memory. */
int dispatch_restart_choice(struct dispatch *d,
                            const struct dispatch_class *classes);

/* Another number of workers: places as many users as there are now afresh,
   as if from zero. 0, or -1 without memory (nothing has changed then). */
int dispatch_set_workers(struct dispatch *d, size_t n_workers);

static inline int64_t
dispatch_count(const struct dispatch *d, size_t worker, size_t class_index)
{
    return d->counts[worker * d->n_classes + class_index];
}

/* The order in which workers take turns: sorted by id, but first the first
   worker of each host, then the second ones, and so on; the host is the id up
   to the first underscore. order gets the indices into ids, within_host the
   number of each (by its index into ids). 0, or -1 without memory. */
int dispatch_order_workers(const char *const *ids, size_t n, size_t *order,
                           size_t *within_host);

#endif
