/*
 * Local addresses that connections come from, so that a load generator is not
 * limited to the ports of one.
 *
 * The port is left to connect(), which may give the same one to connections
 * that lead to different places.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

static struct {
    struct sockaddr_in *four;
    struct sockaddr_in6 *six;
    unsigned fours, sixes;
} sources;

/* Its family, or -1. raw has room for either. */
static int
parse(const char *address, unsigned char raw[sizeof(struct in6_addr)])
{
    return inet_pton(AF_INET, address, raw) == 1    ? AF_INET
           : inet_pton(AF_INET6, address, raw) == 1 ? AF_INET6
                                                    : -1;
}

bool
engine_is_source(const char *address, char *why, size_t size)
{
    unsigned char raw[sizeof(struct in6_addr)];
    if (parse(address, raw) < 0) {
        snprintf(why, size, "'%.100s' is no IP address", address);
        return false;
    }
    return true;
}

static bool
add(const char *address)
{
    unsigned char raw[sizeof(struct in6_addr)];
    int family = parse(address, raw);
    if (family == AF_INET) {
        struct sockaddr_in *all = realloc(
            sources.four, sizeof(*all) * (sources.fours + 1));
        if (all == NULL) {
            return false;
        }
        struct sockaddr_in *a = &all[sources.fours++];
        sources.four = all;
        *a = (struct sockaddr_in){.sin_family = AF_INET};
        memcpy(&a->sin_addr, raw, sizeof(a->sin_addr));
    }
    else if (family == AF_INET6) {
        struct sockaddr_in6 *all = realloc(
            sources.six, sizeof(*all) * (sources.sixes + 1));
        if (all == NULL) {
            return false;
        }
        struct sockaddr_in6 *a = &all[sources.sixes++];
        sources.six = all;
        *a = (struct sockaddr_in6){.sin6_family = AF_INET6};
        memcpy(&a->sin6_addr, raw, sizeof(a->sin6_addr));
    }
    else {
        errno = EINVAL;
        return false;
    }
    return true;
}

int
sources_set(const char *const *addresses)
{
    sources_clear();
    for (; addresses != NULL && *addresses != NULL; addresses++) {
        if (!add(*addresses)) {
            int error = errno;
            sources_clear();
            errno = error;
            return -1;
        }
    }
    return 0;
}

void
sources_clear(void)
{
    free(sources.four);
    free(sources.six);
    memset(&sources, 0, sizeof(sources));
}

int
sources_bind(int fd, int family, unsigned n)
{
    const struct sockaddr *address;
    socklen_t size;
    int on = 1;
    if (family == AF_INET && sources.fours > 0) {
        address = (struct sockaddr *)&sources.four[n % sources.fours];
        size = sizeof(*sources.four);
    }
    else if (family == AF_INET6 && sources.sixes > 0) {
        address = (struct sockaddr *)&sources.six[n % sources.sixes];
        size = sizeof(*sources.six);
    }
    else {
        return 0;
    }
    /* Without it the ports are merely fewer. */
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
                     sizeof(on));
    return bind(fd, address, size);
}
