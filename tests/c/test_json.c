/* src/report/json.c: JSON that can stand in a script. */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "report/json.h"

/* What `write` makes, as a string. */
static const char *
made(void (*write)(struct json *j))
{
    static char text[4096];
    struct buf out = {0};
    struct json j;
    json_begin(&j, &out);
    write(&j);
    assert_int_equal(json_end(&j), 0);
    assert_true(out.length < sizeof(text));
    memcpy(text, out.data, out.length);
    text[out.length] = '\0';
    buf_free(&out);
    return text;
}

static const char *source;
static size_t source_length;

static void
write_source(struct json *j)
{
    json_text(j, source, source_length);
}

static const char *
escaped(const char *text, size_t length)
{
    source = text;
    source_length = length;
    return made(write_source);
}

#define ESCAPED(text) escaped(text, sizeof(text) - 1)

static void
write_nested(struct json *j)
{
    json_open(j, '{');
    json_key(j, "a");
    json_open(j, '[');
    json_int(j, 1);
    json_open(j, '[');
    json_close(j, ']');
    json_null(j);
    json_close(j, ']');
    json_key(j, "b<");
    json_text(j, "x", 1);
    json_close(j, '}');
}

static void
commas_and_brackets(void **state)
{
    assert_string_equal(made(write_nested),
                        "{\"a\":[1,[],null],\"b\\u003c\":\"x\"}");
}

static void
markup_is_escaped(void **state)
{
    assert_string_equal(
        ESCAPED("</script><!--&'"),
        "\"\\u003c/script\\u003e\\u003c!--\\u0026\\u0027\"");
    assert_string_equal(ESCAPED("a\"b\\c"), "\"a\\\"b\\\\c\"");
}

static void
control_characters_are_escaped(void **state)
{
    assert_string_equal(ESCAPED("a\0b\n\t\x1f\x7f"),
                        "\"a\\u0000b\\n\\u0009\\u001f\\u007f\"");
}

static void
other_characters_are_escaped(void **state)
{
    assert_string_equal(ESCAPED("\xc3\xa9"), "\"\\u00e9\"");
    assert_string_equal(ESCAPED("\xe2\x80\xa8"), "\"\\u2028\"");
    assert_string_equal(ESCAPED("\xf0\x9f\x98\x80"), "\"\\ud83d\\ude00\"");
    assert_string_equal(ESCAPED("\xf4\x8f\xbf\xbf"), "\"\\udbff\\udfff\"");
}

static void
what_is_no_utf8_is_replaced(void **state)
{
    assert_string_equal(ESCAPED("\x80z"), "\"\\ufffdz\"");
    assert_string_equal(ESCAPED("\xc3"), "\"\\ufffd\"");
    assert_string_equal(ESCAPED("\xc3<"), "\"\\ufffd\\u003c\"");
    assert_string_equal(ESCAPED("\xff"), "\"\\ufffd\"");
    /* "<" in two bytes, U+D800, and U+110000. */
    assert_string_equal(ESCAPED("\xc0\xbc"), "\"\\ufffd\\ufffd\"");
    assert_string_equal(ESCAPED("\xed\xa0\x80"),
                        "\"\\ufffd\\ufffd\\ufffd\"");
    assert_string_equal(ESCAPED("\xf4\x90\x80\x80"),
                        "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void
write_numbers(struct json *j)
{
    json_open(j, '[');
    json_int(j, INT64_MIN);
    json_double(j, 3);
    json_double(j, 0.1);
    json_double(j, 1.0 / 3);
    json_double(j, 1e300);
    json_double(j, -0.5);
    json_double(j, NAN);
    json_double(j, INFINITY);
    json_number(j, 12000);
    json_number(j, 2.5);
    json_close(j, ']');
}

static void
numbers_read_back_as_they_were(void **state)
{
    assert_string_equal(made(write_numbers),
                        "[-9223372036854775808,3.0,0.1,0.3333333333333333,"
                        "1e+300,-0.5,null,null,12000,2.5]");
}

static void
write_raw(struct json *j)
{
    static const char raw[] = "{\"a\":\"<b>&'\"}";
    json_open(j, '[');
    json_raw(j, raw, sizeof(raw) - 1);
    json_raw(j, "", 0);
    json_close(j, ']');
}

static void
given_json_is_made_safe(void **state)
{
    assert_string_equal(
        made(write_raw),
        "[{\"a\":\"\\u003cb\\u003e\\u0026\\u0027\"},]");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_brackets),
        cmocka_unit_test(markup_is_escaped),
        cmocka_unit_test(control_characters_are_escaped),
        cmocka_unit_test(other_characters_are_escaped),
        cmocka_unit_test(what_is_no_utf8_is_replaced),
        cmocka_unit_test(numbers_read_back_as_they_were),
        cmocka_unit_test(given_json_is_made_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
