/* A CSV file of whole rows; see rowfile.h. */
#include "report/rowfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "report/csv.h"

int
rowfile_open(struct rowfile *f, const char *path)
{
    *f = (struct rowfile){.fd = open(
        path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    return f->fd < 0 ? -1 : 0;
}

/* How much of it was written. errno says why not all. */
static size_t
write_all(int fd, const char *data, size_t n, off_t at)
{
    size_t done = 0;
    while (done < n) {
        ssize_t k = pwrite(fd, data + done, n - done, at + (off_t)done);
        if (k > 0) {
            done += (size_t)k;
        }
        else if (k == 0 || errno != EINTR) {
            errno = k == 0 ? ENOSPC : errno;
            break;
        }
    }
    return done;
}

/* Devices cannot be cut, and need not be. */
static int
cut(struct rowfile *f, off_t end)
{
    while (ftruncate(f->fd, end) < 0) {
        if (errno != EINTR) {
            return errno == EINVAL ? 0 : -1;
        }
    }
    return 0;
}

/* Writes a block at `at`; whatever was there and behind it is gone then. */
static int
write_block(struct rowfile *f, struct buf *rows, off_t at)
{
    size_t length = rows->length, replaced = (size_t)(f->end - at);
    size_t empty = replaced > length ? replaced - length : 0;
    if (!buf_reserve(rows, empty)) {
        errno = ENOMEM;
        return -1;
    }
    if (empty > 0) {
        memset(rows->data + length, '\n', empty);
    }
    size_t done = write_all(f->fd, rows->data, length + empty, at);
    if (done == 0 && length + empty > 0) {
        return -1;
    }
    int reason = done < length + empty ? errno : 0;
    size_t whole = done < length ? csv_whole_rows(rows->data, done) : length;
    f->last = at;
    f->end = at + (off_t)whole;
    bool is_cut = cut(f, f->end) == 0;
    if (reason != 0) {
        errno = reason;
    }
    return reason == 0 && is_cut ? 0 : -1;
}

int
rowfile_replace(struct rowfile *f, struct buf *rows)
{
    return write_block(f, rows, 0);
}

int
rowfile_append(struct rowfile *f, struct buf *rows)
{
    return rows->length == 0 ? 0 : write_block(f, rows, f->end);
}

int
rowfile_again(struct rowfile *f, struct buf *rows)
{
    return write_block(f, rows, f->last);
}

int
rowfile_close(struct rowfile *f)
{
    int fd = f->fd;
    f->fd = -1;
    return fd < 0 ? 0 : close(fd);
}
