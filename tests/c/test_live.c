/* src/report/live.c: frames of all sizes never outgrow the terminal, and what
   comes from the test cannot lead it astray. */
#include "config.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "report/live.h"
#include "samples.h"

static const char *const log_lines[] = {"one", "two \033[2J \xe2\x80\xae x",
                                        "three"};

static struct stats *
some_stats(int names)
{
    struct stats *s = stats_new(STATS_SNAPSHOTS, 1000);
    assert_non_null(s);
    for (int i = 0; i < names; i++) {
        char name[64];
        snprintf(name, sizeof(name), "/%d/\xe6\x97\xa5\xe6\x9c\xac\033[31m\t",
                 i);
        log_ms(s, "GET", name, 10 + i, 1001);
    }
    return s;
}

/* Rows of a frame, and whether each fits; escape sequences other than ours are
   a failure. */
static void
assert_fits(const struct buf *frame, int columns, int rows)
{
    int row = 1, used = 0;
    size_t taken;
    for (size_t i = 0; i < frame->length; i += taken) {
        const char *at = frame->data + i;
        uint32_t c;
        taken = utf8_decode(at, frame->length - i, &c);
        if (c == '\033') {
            assert_int_equal(at[1], '[');
            taken = 2 + strspn(at + 2, "0123456789;");
            assert_non_null(strchr("HKm", at[taken]));
            taken++;
        }
        else if (c == '\n') {
            row++;
            used = 0;
        }
        else if (c != '\r') {
            assert_true(c >= ' ' && c != 0x7f && c != 0x202e);
            used += c >= 0x2e80 && c <= 0xa4cf ? 2 : 1;
            assert_true(used <= columns);
        }
    }
    assert_true(row <= rows);
}

static void
every_size_fits(void **state)
{
    static const int sizes[][2] = {{1, 1},   {10, 3},  {20, 10}, {40, 24},
                                   {80, 5},  {80, 12}, {80, 24}, {100, 30},
                                   {132, 8}, {250, 70}};
    for (int names = 0; names <= 100; names += 50) {
        struct stats *s = some_stats(names);
        struct live *live = calloc(1, sizeof(*live));
        assert_non_null(live);
        for (int i = 0; i < 300; i++) {
            live_take(live, s, i, 1000 + i, 10);
        }
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            struct live_view view = {
                .columns = sizes[i][0], .rows = sizes[i][1], .colour = i % 2,
                .blocks = true, .host = "http://x\033[H", .state = "running",
                .users = 12345, .elapsed = 3700, .limit = 7200,
                .log = log_lines, .log_count = 3};
            struct buf out = {0};
            print_message("%d names, %d x %d\n", names, view.columns,
                          view.rows);
            assert_int_equal(live_frame(&out, live, s, &view), 0);
            assert_fits(&out, view.columns, view.rows);
            buf_free(&out);
        }
        free(live);
        stats_free(s);
    }
}

static void
rates_are_those_between_samples(void **state)
{
    struct stats *s = some_stats(20);
    struct live *live = calloc(1, sizeof(*live));
    assert_non_null(live);
    live_take(live, s, 3, 1000, 10);
    assert_near(live->ring[0].rate, 0);
    struct stats *more = some_stats(30);
    live_take(live, more, 4, 1002, 10);
    assert_near(live->ring[1].rate, 5);
    assert_int_equal(live->ring[1].users, 4);
    live_take(live, s, 4, 1003, 10);
    assert_near(live->ring[2].rate, 0);     /* not below */
    for (int i = 0; i < LIVE_SAMPLES; i++) {
        live_take(live, s, 5, 1004 + i, 10);
    }
    assert_int_equal(live->taken, LIVE_SAMPLES + 3);
    assert_int_equal(live->ring[0].users, 5);
    free(live);
    stats_free(s);
    stats_free(more);
}

static void
without_blocks_all_is_ascii(void **state)
{
    struct stats *s = some_stats(5);
    struct live *live = calloc(1, sizeof(*live));
    assert_non_null(live);
    live_take(live, s, 1, 1000, 10);
    live_take(live, s, 9, 1001, 10);
    struct live_view view = {.columns = 130, .rows = 40, .host = "\xc3\xa9",
                             .state = "running"};
    struct buf out = {0};
    assert_int_equal(live_frame(&out, live, s, &view), 0);
    for (size_t i = 0; i < out.length; i++) {
        assert_true((unsigned char)out.data[i] < 0x80);
    }
    assert_non_null(memmem(out.data, out.length, "#", 1));
    assert_non_null(memmem(out.data, out.length, "Aggregated", 10));
    buf_free(&out);
    free(live);
    stats_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_fits),
        cmocka_unit_test(rates_are_those_between_samples),
        cmocka_unit_test(without_blocks_all_is_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
