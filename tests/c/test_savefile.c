/* src/report/savefile.c: whole files or none. */
#include "config.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/savefile.h"

static char directory[] = "/tmp/savefile-XXXXXX";

static int
enter(void **state)
{
    return mkdtemp(directory) == NULL || chdir(directory) < 0 ? -1 : 0;
}

static int
leave(void **state)
{
    unlink("file");
    unlink("link");
    unlink("pipe");
    return chdir("/") < 0 || rmdir(directory) < 0 ? -1 : 0;
}

static void
assert_holds(const char *path, const char *expected)
{
    char text[100];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    text[n] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static int
files_here(void)
{
    int n = 0;
    DIR *d = opendir(".");
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        n += e->d_name[0] != '.';
    }
    closedir(d);
    return n;
}

static mode_t
mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void
a_new_file_has_the_mode_of_the_umask(void **state)
{
    mode_t before = umask(027);
    assert_int_equal(save_file("file", "one", 3), 0);
    umask(before);
    assert_holds("file", "one");
    assert_int_equal(mode_of("file"), 0640);
    assert_int_equal(files_here(), 1);
}

static void
an_old_file_keeps_its_mode_and_its_link(void **state)
{
    assert_int_equal(chmod("file", 0604), 0);
    assert_int_equal(symlink("file", "link"), 0);
    assert_int_equal(save_file("link", "two", 3), 0);
    assert_holds("file", "two");
    assert_int_equal(mode_of("file"), 0604);
    struct stat st;
    assert_int_equal(lstat("link", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(files_here(), 2);
}

/* A limit on the size of files stands for a full disk. */
static void
what_fails_leaves_the_old_file(void **state)
{
    static char big[10000];
    struct rlimit before, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    low = before;
    low.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    int error = save_file("file", big, sizeof(big));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(error, EFBIG);
    assert_holds("file", "two");
    assert_int_equal(files_here(), 2);
}

static void
errors_are_told(void **state)
{
    assert_int_equal(save_file("no/such", "x", 1), ENOENT);
    assert_int_equal(save_file("", "x", 1), ENOENT);
    assert_int_equal(save_file(".", "x", 1), EISDIR);
    assert_int_equal(save_file("/dev/full", "x", 1), ENOSPC);
}

static void
a_pipe_is_written_to(void **state)
{
    char text[8] = "";
    assert_int_equal(mkfifo("pipe", 0600), 0);
    int fd = open("pipe", O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_int_equal(save_file("pipe", "hello", 5), 0);
    assert_int_equal(read(fd, text, sizeof(text)), 5);
    close(fd);
    assert_string_equal(text, "hello");
    struct stat st;
    assert_int_equal(stat("pipe", &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
}

static void
an_empty_file_can_be_written(void **state)
{
    assert_int_equal(save_file("file", "", 0), 0);
    assert_holds("file", "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_has_the_mode_of_the_umask),
        cmocka_unit_test(an_old_file_keeps_its_mode_and_its_link),
        cmocka_unit_test(what_fails_leaves_the_old_file),
        cmocka_unit_test(errors_are_told),
        cmocka_unit_test(a_pipe_is_written_to),
        cmocka_unit_test(an_empty_file_can_be_written),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
