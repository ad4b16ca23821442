/*
 * The rule by which Locust spreads users, written so that a user costs a
 * heap adjustment, however many classes and workers there are: choices are
 * reproduced exactly, so that the same command line gives the same users
 * here and there, also among the workers of a distributed run.
 *
 * Users with fixed counts come first. Which of them are missing is looked up
 * only when it can have changed (check_fixed), and all that were found
 * missing are started before weights are asked again.
 */
#include "run/dispatch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Choosing. */

static bool
comes_first(const struct candidate *a, const struct candidate *b)
{
    if (a->gain != b->gain) {
        return a->gain < b->gain;
    }
    if (a->share != b->share) {
        return a->share < b->share;
    }
    if (a->weight != b->weight) {
        return a->weight < b->weight;
    }
    return a->index < b->index;
}

static void
sift_down(struct chooser *c, size_t at)
{
    struct candidate moved = c->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= c->n) {
            break;
        }
        if (child + 1 < c->n &&
            comes_first(&c->heap[child + 1], &c->heap[child])) {
            child++;
        }
        if (!comes_first(&c->heap[child], &moved)) {
            break;
        }
        c->heap[at] = c->heap[child];
        at = child;
    }
    c->heap[at] = moved;
}

int
chooser_init(struct chooser *c, const double *weights, size_t n)
{
    *c = (struct chooser){0};
    c->heap = malloc((n + 1) * sizeof(*c->heap));
    if (c->heap == NULL) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        double w = weights[i];
        if (w > 0) {
            c->heap[c->n++] = (struct candidate){
                .gain = w * log2(w / (w + 1)),
                .share = w + 1,
                .weight = w,
                .index = i,
            };
        }
    }
    for (size_t i = c->n / 2; i-- > 0;) {
        sift_down(c, i);
    }
    return 0;
}

void
chooser_free(struct chooser *c)
{
    free(c->heap);
    *c = (struct chooser){0};
}

size_t
chooser_next(struct chooser *c)
{
    if (c->n == 0) {
        return SIZE_MAX;
    }
    struct candidate *first = &c->heap[0];
    size_t chosen = first->index;
    first->gain = first->weight * log2(first->share / (first->share + 1));
    first->share += 1;
    sift_down(c, 0);
    return chosen;
}

/* --- Which class is next. */

static int
make_weighted(struct dispatch *d)
{
    double *weights = calloc(d->n_classes + 1, sizeof(*weights));
    if (weights == NULL) {
        return -1;
    }
    for (size_t i = 0; i < d->n_classes; i++) {
        const struct dispatch_class *k = &d->classes[i];
        weights[i] = k->barred || k->fixed_count > 0 ? 0 : k->weight;
    }
    struct chooser made;
    int result = chooser_init(&made, weights, d->n_classes);
    free(weights);
    if (result == 0) {
        chooser_free(&d->weighted);
        d->weighted = made;
    }
    return result;
}

static int
make_fixed(struct dispatch *d)
{
    double *missing = calloc(d->n_classes + 1, sizeof(*missing));
    if (missing == NULL) {
        return -1;
    }
    int64_t sum = 0;
    for (size_t i = 0; i < d->n_classes; i++) {
        int64_t lack = d->classes[i].fixed_count - d->totals[i];
        if (!d->classes[i].barred && lack > 0) {
            missing[i] = (double)lack;
            sum += lack;
        }
    }
    struct chooser made;
    int result = chooser_init(&made, missing, d->n_classes);
    free(missing);
    if (result == 0) {
        chooser_free(&d->fixed);
        d->fixed = made;
        d->fixed_left = sum;
        d->check_fixed = false;
    }
    return result;
}

int
dispatch_choose(struct dispatch *d, size_t *class_index)
{
    if (d->fixed_left == 0 && d->check_fixed && make_fixed(d) < 0) {
        return -1;
    }
    if (d->fixed_left > 0) {
        d->fixed_left--;
        *class_index = chooser_next(&d->fixed);
    }
    else {
        *class_index = chooser_next(&d->weighted);
    }
    return *class_index != SIZE_MAX;
}

/* --- Users. */

int
dispatch_init(struct dispatch *d, const struct dispatch_class *classes,
              size_t n_classes, size_t n_workers)
{
    *d = (struct dispatch){
        .n_classes = n_classes,
        .n_workers = n_workers,
        .check_fixed = true,
    };
    d->classes = calloc(n_classes + 1, sizeof(*d->classes));
    d->totals = calloc(n_classes + 1, sizeof(*d->totals));
    d->counts = calloc(n_classes * n_workers + 1, sizeof(*d->counts));
    if (d->classes == NULL || d->totals == NULL || d->counts == NULL) {
        dispatch_free(d);
        return -1;
    }
    memcpy(d->classes, classes, n_classes * sizeof(*classes));
    if (make_weighted(d) < 0) {
        dispatch_free(d);
        return -1;
    }
    return 0;
}

void
dispatch_free(struct dispatch *d)
{
    free(d->classes);
    free(d->totals);
    free(d->counts);
    free(d->users);
    chooser_free(&d->weighted);
    chooser_free(&d->fixed);
    *d = (struct dispatch){0};
}

static int
make_room(struct dispatch *d, int64_t n)
{
    size_t needed = d->n_users + (size_t)n;
    if (needed <= d->capacity) {
        return 0;
    }
    size_t capacity = d->capacity * 2 > needed ? d->capacity * 2 : needed;
    struct placed *users = realloc(d->users, capacity * sizeof(*users));
    if (users == NULL) {
        return -1;
    }
    d->users = users;
    d->capacity = capacity;
    return 0;
}

static void
place(struct dispatch *d, size_t class_index)
{
    size_t worker = d->next_worker;
    d->next_worker = (worker + 1) % d->n_workers;
    d->counts[worker * d->n_classes + class_index]++;
    d->totals[class_index]++;
    d->users[d->n_users++] = (struct placed){
        .worker = (uint32_t)worker,
        .class_index = (uint32_t)class_index,
    };
}

int64_t
dispatch_add(struct dispatch *d, int64_t n)
{
    if (d->n_workers == 0 || n <= 0) {
        return 0;
    }
    if (make_room(d, n) < 0) {
        return -1;
    }
    for (int64_t done = 0; done < n; done++) {
        size_t class_index;
        int found = dispatch_choose(d, &class_index);
        if (found <= 0) {
            return found < 0 ? -1 : done;
        }
        place(d, class_index);
    }
    return n;
}

void
dispatch_remove(struct dispatch *d, int64_t n)
{
    for (; n > 0 && d->n_users > 0; n--) {
        const struct placed *last = &d->users[--d->n_users];
        d->counts[last->worker * d->n_classes + last->class_index]--;
        d->totals[last->class_index]--;
        d->check_fixed = true;
    }
}

int
dispatch_restart_choice(struct dispatch *d,
                        const struct dispatch_class *classes)
{
    memcpy(d->classes, classes, d->n_classes * sizeof(*classes));
    d->fixed_left = 0;
    return make_weighted(d);
}

int
dispatch_set_workers(struct dispatch *d, size_t n_workers)
{
    struct dispatch fresh;
    if (dispatch_init(&fresh, d->classes, d->n_classes, n_workers) < 0) {
        return -1;
    }
    if (dispatch_add(&fresh, (int64_t)d->n_users) < 0) {
        dispatch_free(&fresh);
        return -1;
    }
    dispatch_free(d);
    *d = fresh;
    return 0;
}

/* --- The order of workers. */

struct worker_rank {
    const char *id;
    size_t index;               /* into ids */
    size_t within_host;
};

static int
by_id(const void *a, const void *b)
{
    const struct worker_rank *x = a, *y = b;
    return strcmp(x->id, y->id);
}

static int
by_turn(const void *a, const void *b)
{
    const struct worker_rank *x = a, *y = b;
    if (x->within_host != y->within_host) {
        return x->within_host < y->within_host ? -1 : 1;
    }
    return by_id(a, b);
}

static size_t
host_length(const char *id)
{
    return strcspn(id, "_");
}

/* Counts within each host. Hosts whose names begin alike need not stand
   together among the sorted ids ("h_1", "hx_1", "h~"), so all before are
   looked at; there are tens of workers, seldom more. */
static void
number_within_hosts(struct worker_rank *ranks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = host_length(ranks[i].id);
        for (size_t j = i; j-- > 0;) {
            if (host_length(ranks[j].id) == length &&
                memcmp(ranks[j].id, ranks[i].id, length) == 0) {
                ranks[i].within_host = ranks[j].within_host + 1;
                break;
            }
        }
    }
}

int
dispatch_order_workers(const char *const *ids, size_t n, size_t *order,
                       size_t *within_host)
{
    struct worker_rank *ranks = calloc(n + 1, sizeof(*ranks));
    if (ranks == NULL) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        ranks[i] = (struct worker_rank){.id = ids[i], .index = i};
    }
    qsort(ranks, n, sizeof(*ranks), by_id);
    number_within_hosts(ranks, n);
    qsort(ranks, n, sizeof(*ranks), by_turn);
    for (size_t i = 0; i < n; i++) {
        order[i] = ranks[i].index;
        within_host[ranks[i].index] = ranks[i].within_host;
    }
    free(ranks);
    return 0;
}
