/* src/report/rowfile.c: a file of whole rows, on a disk that is full too. */
#define _GNU_SOURCE            /* memfd_create */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/csv.h"
#include "report/rowfile.h"

static char path[] = "/tmp/test-rowfile-XXXXXX";

static int
make_path(void **state)
{
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int
remove_path(void **state)
{
    return unlink(path);
}

static struct buf
rows(const char *text)
{
    struct buf b = {0};
    assert_true(buf_append(&b, text, strlen(text)));
    return b;
}

static void
put(struct rowfile *f, int (*how)(struct rowfile *, struct buf *),
    const char *text)
{
    struct buf b = rows(text);
    assert_int_equal(how(f, &b), 0);
    buf_free(&b);
}

static void
assert_file(const char *text)
{
    char data[256];
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, data, sizeof(data) - 1);
    close(fd);
    assert_true(n >= 0);
    data[n] = '\0';
    assert_string_equal(data, text);
}

static void
blocks_go_where_they_should(void **state)
{
    struct rowfile f;
    assert_int_equal(rowfile_open(&f, path), 0);
    put(&f, rowfile_append, "head\r\n");
    put(&f, rowfile_append, "");
    put(&f, rowfile_append, "one\r\ntwo\r\n");
    assert_file("head\r\none\r\ntwo\r\n");
    put(&f, rowfile_again, "1\r\n");
    assert_file("head\r\n1\r\n");
    put(&f, rowfile_append, "2\r\n");
    assert_file("head\r\n1\r\n2\r\n");
    put(&f, rowfile_replace, "h\r\n");
    assert_file("h\r\n");
    put(&f, rowfile_replace, "longer\r\nthan before\r\n");
    assert_file("longer\r\nthan before\r\n");
    put(&f, rowfile_replace, "");
    assert_file("");
    assert_int_equal(rowfile_close(&f), 0);
    assert_int_equal(rowfile_close(&f), 0);
}

static void
it_stays_the_same_file(void **state)
{
    struct rowfile f;
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(rowfile_open(&f, path), 0);
    put(&f, rowfile_replace, "a\r\n");
    put(&f, rowfile_replace, "b\r\n");
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    rowfile_close(&f);
}

/* A file that cannot be cut shows what there is just before that happens. */
static void
rows_are_whole_before_the_rest_is_cut_off(void **state)
{
    char data[64] = "", name[64];
    struct rowfile f;
    int fd = memfd_create("rows", MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    assert_int_equal(rowfile_open(&f, name), 0);
    put(&f, rowfile_replace, "first\r\nsecond\r\n");
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    struct buf b = rows("new\r\n");
    assert_int_equal(rowfile_replace(&f, &b), -1);
    assert_int_equal(errno, EPERM);
    assert_true(pread(fd, data, sizeof(data) - 1, 0) > 0);
    assert_string_equal(data, "new\r\n\n\n\n\n\n\n\n\n\n\n");
    buf_free(&b);
    rowfile_close(&f);
    close(fd);
}

/* A limit of the file's size stands for a disk that is full. */
static void
limit(rlim_t bytes)
{
    struct rlimit l;
    getrlimit(RLIMIT_FSIZE, &l);
    l.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void
a_full_disk_leaves_whole_rows(void **state)
{
    struct rowfile f;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(rowfile_open(&f, path), 0);
    put(&f, rowfile_append, "head\r\n");
    limit(20);
    struct buf b = rows("\"a\nb\"\r\nsecond\r\nthird\r\n");
    assert_int_equal(rowfile_append(&f, &b), -1);
    assert_int_equal(errno, EFBIG);
    assert_file("head\r\n\"a\nb\"\r\n");
    assert_int_equal(rowfile_append(&f, &b), -1);
    assert_file("head\r\n\"a\nb\"\r\n\"a\nb\"\r\n");
    limit(RLIM_INFINITY);
    assert_int_equal(rowfile_again(&f, &b), 0);
    assert_file("head\r\n\"a\nb\"\r\n\"a\nb\"\r\nsecond\r\nthird\r\n");
    buf_free(&b);
    rowfile_close(&f);
}

static void
nothing_is_lost_when_nothing_can_be_written(void **state)
{
    struct rowfile f;
    assert_int_equal(rowfile_open(&f, "/dev/full"), 0);
    struct buf b = rows("a\r\n");
    assert_int_equal(rowfile_replace(&f, &b), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(rowfile_append(&f, &b), -1);
    assert_int_equal(f.end, 0);
    buf_free(&b);
    rowfile_close(&f);
    assert_int_equal(rowfile_open(&f, "/no/such/directory/x"), -1);
    assert_int_equal(errno, ENOENT);
}

static void
whole_rows_are_found(void **state)
{
    assert_int_equal(csv_whole_rows("a\r\nb", 4), 3);
    assert_int_equal(csv_whole_rows("\"a\r\nb", 5), 0);
    assert_int_equal(csv_whole_rows("\"a\r\n\"\"b\"\r\nc", 11), 10);
    assert_int_equal(csv_whole_rows("", 0), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_go_where_they_should),
        cmocka_unit_test(it_stays_the_same_file),
        cmocka_unit_test(rows_are_whole_before_the_rest_is_cut_off),
        cmocka_unit_test(a_full_disk_leaves_whole_rows),
        cmocka_unit_test(nothing_is_lost_when_nothing_can_be_written),
        cmocka_unit_test(whole_rows_are_found),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
