/* Looking at URLs without changing them; see url.h. */
#include "config.h"
#include "http/url.h"

#include <string.h>
#include <strings.h>

enum { HOST = 1, PATH = 2, QUERY = 4 };

#define P (PATH | QUERY)

/* Which characters may stand where without being quoted: RFC 3986's pchar and
   "/", in a query "?" too; in a host lower-case names and addresses only. */
static const unsigned char allowed[256] = {
    ['a' ... 'z'] = HOST | P, ['0' ... '9'] = HOST | P, ['A' ... 'Z'] = P,
    ['-'] = HOST | P, ['.'] = HOST | P, ['_'] = HOST | P, ['~'] = P,
    ['!'] = P, ['$'] = P, ['&'] = P, ['\''] = P, ['('] = P, [')'] = P,
    ['*'] = P, ['+'] = P, [','] = P, [';'] = P, ['='] = P, [':'] = P,
    ['@'] = P, ['/'] = P, ['?'] = QUERY,
};

bool
url_is_absolute(const char *url, size_t length)
{
    return (length >= 7 && strncasecmp(url, "http://", 7) == 0) ||
           (length >= 8 && strncasecmp(url, "https://", 8) == 0);
}

size_t
url_path_offset(const char *url, size_t length)
{
    if (!url_is_absolute(url, length)) {
        return 0;
    }
    size_t authority = url[4] == ':' ? 7 : 8, n = length - authority;
    static const char ends[] = "/?#";   /* the last two are rarely there */
    for (const char *end = ends; *end != '\0'; end++) {
        const char *found = memchr(url + authority, *end, n);
        n = found != NULL ? (size_t)(found - url) - authority : n;
    }
    return authority + n;
}

/* Credentials end with the last "@", as urllib3 has it. */
static const char *
after_credentials(const char *authority, const char *end)
{
    const char *at = memrchr(authority, '@', (size_t)(end - authority));
    return at != NULL ? at + 1 : authority;
}

bool
url_split(const char *url, size_t length, struct url_parts *p)
{
    size_t path = url_path_offset(url, length);
    if (path == 0) {
        return false;
    }
    *p = (struct url_parts){.secure = url[4] != ':'};
    const char *authority = url + (p->secure ? 8 : 7), *end = url + path;
    const char *host = after_credentials(authority, end);
    p->has_credentials = host != authority;
    const char *stop = host;
    if (host < end && *host == '[') {
        const char *close = memchr(host, ']', (size_t)(end - host));
        p->bracketed = true;
        host++;
        p->host_length = (size_t)((close != NULL ? close : end) - host);
        stop = close != NULL ? close + 1 : end;
    }
    const char *colon = memchr(stop, ':', (size_t)(end - stop));
    if (!p->bracketed) {
        p->host_length = (size_t)((colon != NULL ? colon : end) - host);
    }
    p->host = host;
    p->port = colon != NULL ? colon + 1 : end;
    p->port_length = (size_t)(end - p->port);
    p->path = end;
    while (path + p->path_length < length && end[p->path_length] != '?' &&
           end[p->path_length] != '#') {
        p->path_length++;
    }
    return true;
}

static int
hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* "%2F" stays as it is; "%2f" and "%7E" would be rewritten. */
static bool
is_plain_escape(const char *s, size_t left)
{
    if (left < 3 || hex(s[1]) < 0 || hex(s[2]) < 0) {
        return false;
    }
    unsigned char c = (unsigned char)(hex(s[1]) * 16 + hex(s[2]));
    bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c));
    return !unreserved;
}

/* The host, from i; returns where it ends, or 0. An IPv6 address is left to
   requests. */
static size_t
plain_host(const char *url, size_t i, size_t length)
{
    size_t begin = i;
    if (i < length && url[i] == '.') {
        return 0;
    }
    while (i < length && allowed[(unsigned char)url[i]] & HOST) {
        i++;
    }
    if (i == begin) {
        return 0;
    }
    if (i < length && url[i] == ':') {
        size_t port = ++i;
        while (i < length && url[i] >= '0' && url[i] <= '9') {
            i++;
        }
        bool too_high = i - port > 5 ||
                        (i - port == 5 && memcmp(url + port, "65535", 5) > 0);
        if (i == port || too_high || url[port] == '0') {
            return 0;
        }
    }
    return i;
}

bool
url_is_plain(const char *url, size_t length)
{
    bool secure = length >= 8 && memcmp(url, "https://", 8) == 0;
    if (!secure && (length < 7 || memcmp(url, "http://", 7) != 0)) {
        return false;
    }
    size_t i = plain_host(url, secure ? 8 : 7, length);
    if (i == 0 || i >= length || url[i] != '/') {
        return false;
    }
    unsigned where = PATH;
    for (; i < length; i++) {
        char c = url[i];
        if (c == '?') {
            if (where == PATH && i + 1 == length) {
                return false;   /* requests drops it */
            }
            where = QUERY;
        }
        else if (c == '%') {
            if (!is_plain_escape(url + i, length - i)) {
                return false;
            }
        }
        else if (!(allowed[(unsigned char)c] & where)) {
            return false;
        }
        else if (c == '/' && where == PATH && i + 1 < length &&
                 url[i + 1] == '.') {
            return false;
        }
    }
    return true;
}
