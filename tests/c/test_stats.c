/* src/stats/stats.c and error.c: the collection, errors, threads. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "samples.h"
#include "stats/stats.h"

static void
entries_are_told_apart(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct stats_entry *get = log_ms(s, "GET", "/a", 5, 5000);
    struct stats_entry *post = log_ms(s, "POST", "/a", 5, 5000);
    struct stats_entry *odd = log_ms(s, "GE", "T/a", 5, 5000);
    assert_true(get != post && get != odd && post != odd);
    assert_ptr_equal(log_ms(s, "GET", "/a", 7, 5000), get);
    assert_int_equal(get->requests, 2);
    assert_int_equal(s->total->requests, 4);
    assert_int_equal(s->entry_count, 3);
    assert_string_equal(s->total->name, "Aggregated");
    stats_free(s);
}

static void
thousands_of_entries_keep_their_order(void **state)
{
    struct stats *s = stats_new(0, 1000);
    char name[32];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(name, sizeof(name), "/item/%d", i);
            log_ms(s, "GET", name, 1, 5000);
        }
    }
    assert_int_equal(s->entry_count, 5000);
    assert_string_equal(s->entries[0]->name, "/item/0");
    assert_string_equal(s->entries[4999]->name, "/item/4999");
    assert_int_equal(s->entries[1234]->requests, 2);
    stats_free(s);
}

static void
clear_all(struct stats *s, double now)
{
    struct stats_entry *total = stats_new_total(0, now);
    assert_non_null(total);
    stats_clear_all(s, total);
    entry_unref(total);
}

static void
list_is_sorted_by_name_then_method(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct stats_entry **list;
    size_t n;
    log_ms(s, "POST", "/b", 1, 5000);
    log_ms(s, "GET", "/b", 1, 5000);
    log_ms(s, "PUT", "/a", 1, 5000);
    assert_int_equal(stats_list_entries(s, &list, &n), 0);
    clear_all(s, 6000);
    assert_int_equal(n, 3);
    assert_string_equal(list[0]->method, "PUT");
    assert_string_equal(list[1]->method, "GET");
    assert_string_equal(list[2]->method, "POST");
    stats_list_free(list, n);
    stats_free(s);
}

static void
errors_are_grouped(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct stats_error *a = log_fail(s, "/a", "boom", 10);
    assert_int_equal(a->occurrences, 1);
    assert_ptr_equal(log_fail(s, "/a", "boom", 12), a);
    assert_true(log_fail(s, "/b", "boom", 13) != a);
    assert_true(log_fail(s, "/a", "bang", 14) != a);
    assert_int_equal(a->occurrences, 2);
    assert_true(a->first == 10 && a->last == 12);
    assert_int_equal(s->error_count, 3);
    assert_int_equal(s->total->failures, 4);
    assert_int_equal(s->entry_count, 2);
    assert_int_equal(s->entries[0]->failures, 3);
    stats_free(s);
}

static void
too_many_errors_are_added_up(void **state)
{
    struct stats *s = stats_new(0, 1000);
    char text[32];
    s->errors_max = 100;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "error %d", i);
        log_fail(s, "/a", text, i);
    }
    log_fail(s, "/a", "error 5", 2000);
    assert_int_equal(s->error_count, 101);
    assert_int_equal(s->errors[5]->occurrences, 2);
    assert_int_equal(s->errors[100]->occurrences, 900);
    assert_ptr_equal(s->errors[100], s->overflow);
    assert_non_null(strstr(s->overflow->text, "more than 100"));
    assert_int_equal(s->total->failures, 1001);
    stats_free(s);
}

static void
what_other_processes_counted_is_added(void **state)
{
    struct stats *s = stats_new(0, 1000), *other = stats_new(0, 900);
    struct stats_entry *theirs = log_ms(other, "GET", "/a", 5, 5000);
    log_ms(s, "GET", "/a", 7, 5000);
    struct stats_entry *e = stats_merge(s, theirs, STATS_SNAPSHOTS, 1000);
    assert_ptr_equal(e, s->entries[0]);
    assert_int_equal(e->requests, 2);
    assert_int_equal(e->snapshots_kept, 0);
    theirs = log_ms(other, "GET", "/new", 5, 5000);
    e = stats_merge(s, theirs, STATS_SNAPSHOTS, 1000);
    assert_int_equal(e->snapshots_kept, STATS_SNAPSHOTS);
    assert_int_equal(e->snapshots.used, 2);
    assert_int_equal(s->total->requests, 1);
    stats_free(other);
    stats_free(s);
}

static void
errors_of_other_processes_are_added(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct stats_error *a = log_fail(s, "/a", "boom", 100);
    struct stats_key key = {.method = a->method, .name = a->name,
                            .method_len = a->method_len,
                            .name_len = a->name_len};
    assert_ptr_equal(stats_get_error(s, &key, "boom", 4), a);
    error_merge(a, 5, 0, 0);
    assert_true(a->occurrences == 6 && a->first == 100 && a->last == 100);
    error_merge(a, 1, 50, 200);
    assert_true(a->first == 50 && a->last == 200);
    struct stats_error *b = stats_get_error(s, &key, "bang", 4);
    assert_true(b->occurrences == 0 && b->first == 0);
    error_merge(b, INT64_MAX, 70, 60);
    error_merge(b, 1, 0, 0);
    assert_true(b->occurrences == INT64_MAX && b->first == 70);
    struct stats_error *list[] = {a, b};
    memset(a->key, 'f', STATS_ERROR_KEY);
    memset(b->key, '0', STATS_ERROR_KEY);
    stats_sort_errors(list, 2);
    assert_ptr_equal(list[0], b);
    stats_free(s);
}

static void
reset_keeps_entries_and_clear_does_not(void **state)
{
    struct stats *s = stats_new(STATS_SNAPSHOTS, 1000);
    struct stats_entry *e = entry_ref(log_ms(s, "GET", "/a", 5, 5000));
    log_fail(s, "/a", "boom", 10);
    assert_int_equal(stats_reset_all(s, 7000), 0);
    assert_int_equal(s->entry_count, 1);
    assert_int_equal(s->error_count, 0);
    assert_int_equal(e->requests + e->failures + s->total->requests, 0);
    assert_true(e->start == 7000 && s->total->start == 7000);
    assert_ptr_equal(log_ms(s, "GET", "/a", 5, 5000), e);
    clear_all(s, 7000);
    assert_int_equal(s->entry_count, 0);
    assert_true(log_ms(s, "GET", "/a", 5, 5000) != e);
    assert_int_equal(e->requests, 1);
    assert_true(s->total->start == 7000 && s->total->requests == 1);
    entry_unref(e);
    stats_free(s);
}

static void
entries_can_be_replaced(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct stats_entry *keep = log_ms(s, "GET", "/keep", 5, 5000);
    log_ms(s, "GET", "/drop", 5, 5000);
    assert_int_equal(stats_set_entries(s, &keep, 1), 0);
    assert_int_equal(s->entry_count, 1);
    assert_ptr_equal(log_ms(s, "GET", "/keep", 5, 5000), keep);
    assert_int_equal(log_ms(s, "GET", "/drop", 5, 5000)->requests, 1);
    struct stats_error *error = log_fail(s, "/a", "one", 1);
    log_fail(s, "/a", "two", 1);
    assert_int_equal(stats_set_errors(s, &error, 1), 0);
    assert_ptr_equal(log_fail(s, "/a", "one", 2), error);
    assert_int_equal(s->error_count, 1);
    stats_free(s);
}

struct reader {
    struct stats *stats;
    atomic_bool stop;
    bool consistent;
};

/* Reads as the web server does: while requests come in, at any moment, the
   total is the sum of the entries. */
static void *
read_on(void *arg)
{
    struct reader *r = arg;
    r->consistent = true;
    while (!atomic_load(&r->stop)) {
        stats_lock(r->stats);
        int64_t sum = 0;
        for (uint32_t i = 0; i < r->stats->entry_count; i++) {
            sum += r->stats->entries[i]->requests;
        }
        if (sum != r->stats->total->requests) {
            r->consistent = false;
        }
        stats_unlock(r->stats);
    }
    return NULL;
}

static void
another_thread_may_read(void **state)
{
    struct reader r = {.stats = stats_new(0, 1000)};
    pthread_t thread;
    char name[32];
    assert_int_equal(pthread_create(&thread, NULL, read_on, &r), 0);
    for (int i = 0; i < 200000; i++) {
        snprintf(name, sizeof(name), "/%d", i % 500);
        log_ms(r.stats, "GET", name, i % 70, 5000);
    }
    atomic_store(&r.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(r.consistent);
    assert_int_equal(r.stats->total->requests, 200000);
    stats_free(r.stats);
}

static void
names_are_shown_and_keys_are_found(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct stats_entry *e = log_ms(s, "GET", "/a", 5, 5000);
    struct stats_error *error = log_fail(s, "/a", "boom", 5000);
    const char *old = e->name;
    struct stats_key other = key_of("PUT", "/a much longer name");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(entry_rename(e, &other), 0);
        assert_int_equal(error_rename(error, &other), 0);
    }
    assert_string_equal(e->name, "/a much longer name");
    assert_string_equal(error->method, "PUT");
    assert_int_equal(error->name_len, other.name_len);
    assert_string_equal(old, "/a");     /* a report may be reading it */
    assert_ptr_equal(log_ms(s, "GET", "/a", 5, 5000), e);
    assert_ptr_equal(log_fail(s, "/a", "boom", 5000), error);
    assert_ptr_not_equal(log_ms(s, "PUT", "/a much longer name", 5, 5000), e);
    stats_free(s);
}

static void
a_key_can_be_given(void **state)
{
    struct stats *s = stats_new(0, 1000);
    struct stats_key shown = key_of("GET", "/shown"), key = key_of("P", "/k");
    struct stats_entry *e = entry_new(&shown, 0, 1000);
    assert_int_equal(entry_set_key(e, &key), 0);
    assert_int_equal(stats_set_entries(s, &e, 1), 0);
    assert_ptr_equal(log_ms(s, "P", "/k", 5, 5000), e);
    assert_string_equal(e->name, "/shown");
    entry_unref(e);
    stats_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_told_apart),
        cmocka_unit_test(thousands_of_entries_keep_their_order),
        cmocka_unit_test(list_is_sorted_by_name_then_method),
        cmocka_unit_test(errors_are_grouped),
        cmocka_unit_test(too_many_errors_are_added_up),
        cmocka_unit_test(what_other_processes_counted_is_added),
        cmocka_unit_test(errors_of_other_processes_are_added),
        cmocka_unit_test(reset_keeps_entries_and_clear_does_not),
        cmocka_unit_test(entries_can_be_replaced),
        cmocka_unit_test(names_are_shown_and_keys_are_found),
        cmocka_unit_test(a_key_can_be_given),
        cmocka_unit_test(another_thread_may_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
