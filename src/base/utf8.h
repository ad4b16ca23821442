/*
 * Reading UTF-8 (RFC 3629) that may be damaged.
 */
#ifndef LOCUST_BASE_UTF8_H
#define LOCUST_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT 0xfffd

/* Reads one character of n > 0 bytes, and gives the number of bytes it took.
   What is no UTF-8 is taken byte by byte, each as UTF8_REPLACEMENT. */
size_t utf8_decode(const char *s, size_t n, uint32_t *c);

#endif
