/* src/stats/index.c: finding, growing, clashing hashes. */
#include "unit.h"

#include "stats/index.h"

static void
finds_what_was_added(void **state)
{
    struct index ix = {0};
    uint32_t at = 7;
    assert_int_equal(index_next(&ix, 7, &at), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(index_add(&ix, i * 2654435761u, i), 0);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        at = i * 2654435761u;
        assert_int_equal(index_next(&ix, at, &at), i + 1);
    }
    assert_true(ix.size >= 2000);
    index_clear(&ix);
    at = 0;
    assert_int_equal(index_next(&ix, 0, &at), 0);
}

static void
equal_hashes_are_found_one_after_the_other(void **state)
{
    struct index ix = {0};
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(index_add(&ix, 42, i), 0);
    }
    uint32_t at = 42;
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(index_next(&ix, 42, &at), i + 1);
    }
    assert_int_equal(index_next(&ix, 42, &at), 0);
    index_clear(&ix);
}

static void
hash_depends_on_every_byte(void **state)
{
    char text[] = "/some/long/name?with=query";
    uint64_t whole = hash_bytes(0, text, sizeof(text) - 1);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        text[i] ^= 1;
        assert_true(hash_bytes(0, text, sizeof(text) - 1) != whole);
        text[i] ^= 1;
    }
    assert_true(hash_bytes(0, "\0", 1) != hash_bytes(0, "", 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_added),
        cmocka_unit_test(equal_hashes_are_found_one_after_the_other),
        cmocka_unit_test(hash_depends_on_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
