/* Whole files or none; see savefile.h. */
#include "config.h"
#include "report/savefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_TRIED 100

static int
write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        if (n > 0) {
            data += n;
            length -= (size_t)n;
        }
    }
    return 0;
}

static int
close_file(int fd, int error)
{
    if (close(fd) < 0 && error == 0 && errno != EINTR) {
        error = errno;
    }
    return error;
}

static int
write_directly(const char *path, const void *data, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return fd < 0 ? errno : close_file(fd, write_all(fd, data, length));
}

/* A new file beside path, whose name goes to `name`. Its descriptor, or -1
   with errno set. */
static int
open_beside(const char *path, char *name, size_t size)
{
    for (int i = 0; i < NAMES_TRIED; i++) {
        int n = snprintf(name, size, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        if (n < 0 || (size_t)n >= size) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

/* The new file is to belong to whom the old one belongs, as far as we may. */
static int
take_over(int fd, const struct stat *old)
{
    if (fchown(fd, old->st_uid, old->st_gid) < 0 && errno != EPERM) {
        return errno;
    }
    return fchmod(fd, old->st_mode & 07777) < 0 ? errno : 0;
}

/* old is NULL when nothing is there to be replaced. */
static int
fill(int fd, const struct stat *old, const void *data, size_t length)
{
    int error = write_all(fd, data, length);
    if (error == 0 && old != NULL) {
        error = take_over(fd, old);
    }
    if (error == 0 && fsync(fd) < 0) {
        error = errno;
    }
    return close_file(fd, error);
}

/* The directory, or the length of the name, says no: the file itself may say
   yes. */
static bool
refused_beside(int error)
{
    return error == EACCES || error == EPERM || error == EROFS ||
           error == ENAMETOOLONG;
}

static int
replace(const char *path, const struct stat *old, const void *data,
        size_t length)
{
    char name[PATH_MAX];
    int fd = open_beside(path, name, sizeof(name));
    if (fd < 0) {
        return refused_beside(errno) ? write_directly(path, data, length)
                                     : errno;
    }
    int error = fill(fd, old, data, length);
    if (error == 0 && rename(name, path) < 0) {
        error = errno;
    }
    if (error != 0) {
        unlink(name);
    }
    return error;
}

int
save_file(const char *path, const void *data, size_t length)
{
    struct stat old;
    if (stat(path, &old) < 0) {
        bool dangling = lstat(path, &old) == 0;
        return dangling ? write_directly(path, data, length)
                        : replace(path, NULL, data, length);
    }
    if (!S_ISREG(old.st_mode)) {
        return write_directly(path, data, length);
    }
    if (eaccess(path, W_OK) < 0) {
        return errno;
    }
    char *real = realpath(path, NULL);
    if (real == NULL) {
        return errno;
    }
    int error = replace(real, &old, data, length);
    free(real);
    return error;
}
