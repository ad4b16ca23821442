/* src/report/lines.c: building lines, padding by characters. */
#include "unit.h"

#include <string.h>

#include "report/lines.h"

static void
lines_are_built_piece_by_piece(void **state)
{
    struct lines out = {0};
    lines_printf(&out, "%d|", 7);
    lines_fill(&out, '-', 3);
    lines_end(&out);
    lines_end(&out);
    for (int i = 0; i < 1000; i++) {
        lines_printf(&out, "%s", "0123456789");
    }
    lines_end(&out);
    assert_false(out.failed);
    assert_int_equal(out.count, 3);
    assert_string_equal(out.items[0], "7|---");
    assert_string_equal(out.items[1], "");
    assert_int_equal(strlen(out.items[2]), 10000);
    lines_clear(&out);
}

static void
pads_by_characters(void **state)
{
    struct lines out = {0};
    lines_pad(&out, "\xc3\xa9\xe6\x97\xa5", 4);
    lines_printf(&out, "|");
    lines_pad(&out, "longer", 4);
    lines_pad(&out, "", -5);
    lines_printf(&out, "|");
    lines_end(&out);
    assert_string_equal(out.items[0], "\xc3\xa9\xe6\x97\xa5  |longer|");
    lines_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_built_piece_by_piece),
        cmocka_unit_test(pads_by_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
