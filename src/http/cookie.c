/* Cookies after http.cookiejar's rules; see cookie.h. */
#include "http/cookie.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http/exchange.h"
#include "http/url.h"

struct cookie_jar {
    pthread_mutex_t lock;
    struct cookie *first;
    atomic_uint version;        /* 0: never had a cookie */
    atomic_int references;
    atomic_bool sends_secure;   /* secure cookies to http, too */
};

/* A piece of somebody else's string. */
struct span {
    const char *at;
    size_t length;
};

/* What the rules look at in a URL. */
struct target {
    struct span host;           /* without port and brackets */
    struct span path;           /* without query */
    bool secure;
};

/* --- Spans. */

static bool
span_is(struct span s, const char *word)
{
    return strlen(word) == s.length && strncasecmp(s.at, word, s.length) == 0;
}

static struct span
span_trim(struct span s)
{
    while (s.length > 0 && isspace((unsigned char)s.at[0])) {
        s.at++;
        s.length--;
    }
    while (s.length > 0 && isspace((unsigned char)s.at[s.length - 1])) {
        s.length--;
    }
    return s;
}

static char *
span_copy(struct span s)
{
    return strndup(s.at, s.length);
}

static bool
ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcasecmp(text + n - m, end) == 0;
}

/* --- The jar. */

struct cookie_jar *
cookie_jar_new(void)
{
    struct cookie_jar *jar = calloc(1, sizeof(*jar));
    if (jar != NULL && pthread_mutex_init(&jar->lock, NULL) != 0) {
        free(jar);
        return NULL;
    }
    if (jar != NULL) {
        atomic_init(&jar->references, 1);
    }
    return jar;
}

struct cookie_jar *
cookie_jar_ref(struct cookie_jar *jar)
{
    if (jar != NULL) {
        atomic_fetch_add(&jar->references, 1);
    }
    return jar;
}

static void
cookie_free(struct cookie *c)
{
    free(c->name);
    free(c->value);
    free(c->domain);
    free(c->path);
    free(c);
}

void
cookie_jar_send_secure(struct cookie_jar *jar)
{
    atomic_store(&jar->sends_secure, true);
}

void
cookie_jar_free(struct cookie_jar *jar)
{
    if (jar == NULL || atomic_fetch_sub(&jar->references, 1) > 1) {
        return;
    }
    cookie_jar_delete(jar, NULL, NULL, NULL);
    pthread_mutex_destroy(&jar->lock);
    free(jar);
}

unsigned
cookie_jar_version(struct cookie_jar *jar)
{
    return atomic_load(&jar->version);
}

static bool
matches(const char *text, const char *wanted)
{
    return wanted == NULL || strcmp(text, wanted) == 0;
}

static int
delete_locked(struct cookie_jar *jar, const char *domain, const char *path,
              const char *name)
{
    int deleted = 0;
    struct cookie **link = &jar->first;
    while (*link != NULL) {
        struct cookie *c = *link;
        if (matches(c->domain, domain) && matches(c->path, path) &&
            matches(c->name, name)) {
            *link = c->next;
            cookie_free(c);
            deleted++;
        }
        else {
            link = &c->next;
        }
    }
    if (deleted > 0) {
        atomic_fetch_add(&jar->version, 1);
    }
    return deleted;
}

int
cookie_jar_delete(struct cookie_jar *jar, const char *domain,
                  const char *path, const char *name)
{
    pthread_mutex_lock(&jar->lock);
    int deleted = delete_locked(jar, domain, path, name);
    pthread_mutex_unlock(&jar->lock);
    return deleted;
}

/* Takes the cookie over. One that is there already keeps its place. */
static void
put_locked(struct cookie_jar *jar, struct cookie *c)
{
    struct cookie **link = &jar->first;
    while (*link != NULL && !(strcmp((*link)->domain, c->domain) == 0 &&
                              strcmp((*link)->path, c->path) == 0 &&
                              strcmp((*link)->name, c->name) == 0)) {
        link = &(*link)->next;
    }
    struct cookie *old = *link;
    c->next = old != NULL ? old->next : NULL;
    *link = c;
    if (old != NULL) {
        cookie_free(old);
    }
    atomic_fetch_add(&jar->version, 1);
}

bool
cookie_jar_set(struct cookie_jar *jar, const struct cookie *cookie)
{
    struct cookie *c = malloc(sizeof(*c));
    if (c == NULL) {
        return false;
    }
    *c = *cookie;
    c->next = NULL;
    c->name = strdup(cookie->name);
    c->value = cookie->value != NULL ? strdup(cookie->value) : NULL;
    c->domain = strdup(cookie->domain);
    c->path = strdup(cookie->path);
    if (c->name == NULL || c->domain == NULL || c->path == NULL ||
        (cookie->value != NULL && c->value == NULL)) {
        cookie_free(c);
        return false;
    }
    pthread_mutex_lock(&jar->lock);
    put_locked(jar, c);
    pthread_mutex_unlock(&jar->lock);
    return true;
}

void
cookie_jar_visit(struct cookie_jar *jar,
                 bool (*each)(const struct cookie *, void *), void *argument)
{
    pthread_mutex_lock(&jar->lock);
    for (struct cookie *c = jar->first; c != NULL; c = c->next) {
        if (!each(c, argument)) {
            break;
        }
    }
    pthread_mutex_unlock(&jar->lock);
}

/* --- Where a request goes. */

static bool
parse_target(const char *url, struct target *t)
{
    struct url_parts p;
    if (!url_split(url, strlen(url), &p)) {
        return false;
    }
    t->secure = p.secure;
    t->host = (struct span){p.host, p.host_length};
    t->path = p.path_length > 0 ? (struct span){p.path, p.path_length}
                                : (struct span){"/", 1};
    return true;
}

/* The host as the rules see it: lower case, and with ".local" if it has no
   dot. out must hold 300 bytes. */
static bool
effective_host(struct span host, char *out)
{
    if (host.length > 255) {
        return false;
    }
    for (size_t i = 0; i < host.length; i++) {
        out[i] = (char)tolower((unsigned char)host.at[i]);
    }
    out[host.length] = '\0';
    if (strchr(out, '.') == NULL && strchr(out, ':') == NULL) {
        strcpy(out + host.length, ".local");
    }
    return true;
}

static bool
is_address(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 ||
           inet_pton(AF_INET6, host, &address) == 1;
}

/* --- Sending. */

static bool
path_matches(const char *path, struct span wanted)
{
    size_t n = strlen(path);
    if (wanted.length < n || memcmp(wanted.at, path, n) != 0) {
        return false;
    }
    return wanted.length == n || (n > 0 && path[n - 1] == '/') ||
           wanted.at[n] == '/';
}

static bool
domain_matches(const struct cookie *c, const char *host)
{
    if (c->domain[0] == '\0') {
        return true;
    }
    if (!c->domain_given) {
        return strcasecmp(c->domain, host) == 0;
    }
    const char *bare = c->domain[0] == '.' ? c->domain + 1 : c->domain;
    return strcasecmp(bare, host) == 0 ||
           (c->domain[0] == '.' && !is_address(host) &&
            ends_with(host, c->domain));
}

static bool
is_to_be_sent(const struct cookie *c, const struct target *t,
              const char *host, int64_t now)
{
    return (t->secure || !c->secure) &&
           (c->expires == 0 || c->expires > now) && domain_matches(c, host) &&
           path_matches(c->path, t->path);
}

static bool
append_cookie(struct buf *out, size_t begin, const struct cookie *c)
{
    return (out->length == begin || buf_append(out, "; ", 2)) &&
           buf_append(out, c->name, strlen(c->name)) &&
           (c->value == NULL ||
            (buf_append(out, "=", 1) &&
             buf_append(out, c->value, strlen(c->value))));
}

/* The longest path below limit among those to be sent; SIZE_MAX if none. */
static size_t
next_path_length(struct cookie_jar *jar, const struct target *t,
                 const char *host, int64_t now, size_t limit)
{
    size_t best = SIZE_MAX;
    for (const struct cookie *c = jar->first; c != NULL; c = c->next) {
        size_t n = strlen(c->path);
        if (n < limit && (best == SIZE_MAX || n > best) &&
            is_to_be_sent(c, t, host, now)) {
            best = n;
        }
    }
    return best;
}

bool
cookie_jar_header(struct cookie_jar *jar, const char *url, struct buf *out)
{
    struct target t;
    char host[300];
    if (cookie_jar_version(jar) == 0 || !parse_target(url, &t) ||
        !effective_host(t.host, host)) {
        return true;
    }
    t.secure = t.secure || jar->sends_secure;
    int64_t now = (int64_t)time(NULL);
    size_t begin = out->length;
    bool ok = true;
    pthread_mutex_lock(&jar->lock);
    size_t length = next_path_length(jar, &t, host, now, SIZE_MAX);
    while (ok && length != SIZE_MAX) {
        for (struct cookie *c = jar->first; ok && c != NULL; c = c->next) {
            if (strlen(c->path) == length &&
                is_to_be_sent(c, &t, host, now)) {
                ok = append_cookie(out, begin, c);
            }
        }
        length = next_path_length(jar, &t, host, now, length);
    }
    pthread_mutex_unlock(&jar->lock);
    return ok;
}

struct copying {
    struct cookie_jar *to;
    bool ok;
};

static bool
copy_one(const struct cookie *c, void *argument)
{
    struct copying *copying = argument;
    copying->ok = cookie_jar_set(copying->to, c);
    return copying->ok;
}

struct cookie_jar *
cookie_jar_copy(struct cookie_jar *jar, struct cookie_jar *over)
{
    struct copying copying = {cookie_jar_new(), true};
    if (copying.to == NULL) {
        return NULL;
    }
    cookie_jar_visit(jar, copy_one, &copying);
    if (copying.ok && over != NULL) {
        cookie_jar_visit(over, copy_one, &copying);
    }
    if (!copying.ok) {
        cookie_jar_free(copying.to);
        return NULL;
    }
    return copying.to;
}

bool
cookie_jar_header_of_both(struct cookie_jar *jar, struct cookie_jar *over,
                          const char *url, struct buf *out)
{
    struct cookie_jar *both = cookie_jar_copy(jar, over);
    bool ok = both != NULL && cookie_jar_header(both, url, out);
    cookie_jar_free(both);
    return ok;
}

/* --- Storing. */

static struct span
next_part(struct span *rest)
{
    const char *semicolon = memchr(rest->at, ';', rest->length);
    struct span part = *rest;
    if (semicolon != NULL) {
        part.length = (size_t)(semicolon - rest->at);
        rest->at = semicolon + 1;
        rest->length -= part.length + 1;
    }
    else {
        rest->at += rest->length;
        rest->length = 0;
    }
    return span_trim(part);
}

static bool
split(struct span part, struct span *key, struct span *value)
{
    const char *equals = memchr(part.at, '=', part.length);
    if (equals == NULL) {
        *key = part;
        *value = (struct span){part.at + part.length, 0};
        return false;
    }
    size_t n = (size_t)(equals - part.at);
    *key = span_trim((struct span){part.at, n});
    *value = span_trim((struct span){equals + 1, part.length - n - 1});
    return true;
}

/* The path that a cookie without one belongs to: the request's, up to the
   last slash. */
static struct span
default_path(struct span path)
{
    size_t n = path.length;
    while (n > 0 && path.at[n - 1] != '/') {
        n--;
    }
    return n > 1 ? (struct span){path.at, n - 1} : (struct span){"/", 1};
}

/* A server may only speak for its own domain. */
static bool
domain_is_allowed(const char *domain, const char *host)
{
    const char *bare = domain[0] == '.' ? domain + 1 : domain;
    if (strchr(bare, '.') == NULL && !ends_with(host, ".local")) {
        return false;
    }
    char dotted[302] = ".";
    strcat(dotted, host);
    return ends_with(host, domain) || ends_with(dotted, domain);
}

static bool
set_domain(struct cookie *c, struct span given, const char *host)
{
    if (given.length == 0) {
        c->domain = strdup(host);
        return c->domain != NULL;
    }
    c->domain_given = true;
    c->domain = malloc(given.length + 2);
    if (c->domain == NULL) {
        return false;
    }
    char *to = c->domain;
    if (given.at[0] != '.') {
        *to++ = '.';
    }
    for (size_t i = 0; i < given.length; i++) {
        *to++ = (char)tolower((unsigned char)given.at[i]);
    }
    *to = '\0';
    return domain_is_allowed(c->domain, host);
}

/* The latest that a cookie may end: what is said beyond is cut to it. */
#define LATEST_SECONDS ((int64_t)1 << 40)

/* When a Max-Age ends; 0: it is no number, which spoils the whole cookie. */
static int64_t
parse_max_age(struct span value, int64_t now)
{
    size_t i = value.length > 0 && strchr("+-", value.at[0]) != NULL;
    int64_t seconds = 0;
    if (i == value.length) {
        return 0;
    }
    for (; i < value.length; i++) {
        if (!isdigit((unsigned char)value.at[i])) {
            return 0;
        }
        seconds = seconds * 10 + (value.at[i] - '0');
        seconds = seconds < LATEST_SECONDS ? seconds : LATEST_SECONDS;
    }
    return value.at[0] == '-' || seconds == 0 ? 1 : now + seconds;
}

static int64_t
parse_expires(struct span value)
{
    char *text = span_copy(value);
    if (text == NULL) {
        return 0;
    }
    time_t when = curl_getdate(text, NULL);
    free(text);
    return when == -1 ? 0 : when <= 0 ? 1 : (int64_t)when;
}

/* Of several domains or paths the first one counts. False: the cookie is not to
   be kept. */
static bool
parse_attributes(struct span rest, struct cookie *c, struct span *domain,
                 struct span *path)
{
    int64_t now = (int64_t)time(NULL);
    bool have_age = false;
    while (rest.length > 0) {
        struct span key, value, part = next_part(&rest);
        split(part, &key, &value);
        if (span_is(key, "domain")) {
            *domain = domain->length > 0 ? *domain : value;
        }
        else if (span_is(key, "path")) {
            *path = path->length > 0 ? *path : value;
        }
        else if (span_is(key, "secure")) {
            c->secure = true;
        }
        else if (span_is(key, "httponly")) {
            c->http_only = true;
        }
        else if (span_is(key, "max-age")) {
            c->expires = parse_max_age(value, now);
            have_age = true;
            if (c->expires == 0) {
                return false;
            }
        }
        else if (span_is(key, "expires") && !have_age) {
            c->expires = parse_expires(value);
        }
    }
    return true;
}

/* One Set-Cookie header as a cookie, or NULL. */
static struct cookie *
parse_cookie(struct span header, const struct target *t, const char *host)
{
    struct cookie *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    struct span key, value, domain = {"", 0}, path = {"", 0};
    bool valued = split(next_part(&header), &key, &value);
    bool kept = parse_attributes(header, c, &domain, &path);
    c->path_given = path.length > 0 && path.at[0] == '/';
    c->name = span_copy(key);
    c->value = valued ? span_copy(value) : NULL;
    c->path = span_copy(c->path_given ? path : default_path(t->path));
    if (!kept || key.length == 0 || c->name == NULL || c->path == NULL ||
        (valued && c->value == NULL) || !set_domain(c, domain, host)) {
        cookie_free(c);
        return NULL;
    }
    return c;
}

static void
store(struct cookie_jar *jar, struct cookie *c)
{
    pthread_mutex_lock(&jar->lock);
    if (c->expires != 0 && c->expires <= (int64_t)time(NULL)) {
        delete_locked(jar, c->domain, c->path, c->name);
        cookie_free(c);
    }
    else {
        put_locked(jar, c);
    }
    pthread_mutex_unlock(&jar->lock);
}

void
cookie_jar_store(struct cookie_jar *jar, const struct reply *reply)
{
    static const char name[] = "set-cookie";
    struct header h;
    struct target t;
    char host[300];
    bool parsed = false;
    for (size_t at = 0; reply_next_header(reply, &at, &h);) {
        if (h.name_length != sizeof(name) - 1 ||
            strncasecmp(h.name, name, h.name_length) != 0) {
            continue;
        }
        if (!parsed && (!parse_target(reply->url, &t) ||
                        !effective_host(t.host, host))) {
            return;
        }
        parsed = true;
        struct span value = {h.value, h.value_length};
        struct cookie *c = parse_cookie(value, &t, host);
        if (c != NULL) {
            store(jar, c);
        }
    }
}
