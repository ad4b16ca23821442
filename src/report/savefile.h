/*
 * Writes a whole file so that whoever looks finds the old one or the new one,
 * never a part: it is written beside its place and then moved there.
 */
#ifndef LOCUST_REPORT_SAVEFILE_H
#define LOCUST_REPORT_SAVEFILE_H

#include <stddef.h>

/* 0, or an errno value, and then an old file of that name is as it was. What
   is no ordinary file (a pipe, /dev/stdout), and what stands in a directory
   where we may make none, is written to directly. A new file gets the mode
   that the umask leaves, an old one keeps its own. Symbolic links stay. */
int save_file(const char *path, const void *data, size_t length);

#endif
