/*
 * A CSV file that consists of whole rows whenever the program is not just
 * writing to it.
 *
 * A block of rows is written by one system call, over what it replaces. Where
 * that was longer, the rest is overwritten by empty lines, which readers skip,
 * and then cut off. What a full disk leaves of a block is cut to whole rows.
 * So only a SIGKILL in the midst of that one call can tear a row, and only in
 * a block that spans pages. The file stays the same file: it can be followed,
 * and may be a symbolic link.
 */
#ifndef LOCUST_REPORT_ROWFILE_H
#define LOCUST_REPORT_ROWFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

struct rowfile {
    int fd;                     /* -1: closed */
    off_t end;
    off_t last;                 /* where the last block begins */
};

/* Makes the file, or empties it. 0, or -1 with errno set. */
int rowfile_open(struct rowfile *f, const char *path);

/* Each writes a block of whole rows, which may be changed beyond its end: in
   the place of all, behind all, in the place of the last block. 0, or -1 with
   errno set, and then as many rows of it are there as found room. */
int rowfile_replace(struct rowfile *f, struct buf *rows);
int rowfile_append(struct rowfile *f, struct buf *rows);
int rowfile_again(struct rowfile *f, struct buf *rows);

/* 0, or -1 with errno set; it is closed in any case. */
int rowfile_close(struct rowfile *f);

#endif
