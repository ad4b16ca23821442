/*
 * Following redirects in the I/O thread, as requests or as FastHttpUser follows
 * them: which method and body go on, which headers stay behind, when there were
 * too many.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/internal.h"
#include "http/url.h"

unsigned
redirect_bit(int status)
{
    switch (status) {
    case 301:
        return 1;
    case 302:
        return 2;
    case 303:
        return 4;
    case 307:
        return 8;
    case 308:
        return 16;
    default:
        return 0;
    }
}

static bool
is_header(const char *line, const char *name)
{
    size_t n = strlen(name);
    return strncasecmp(line, name, n) == 0 &&
           (line[n] == ':' || line[n] == ';');
}

static char *
part_of(CURLU *u, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    return curl_url_get(u, part, &text, flags) == CURLUE_OK ? text : NULL;
}

/* The fragment of the first request goes along if the target has none. */
static void
inherit_fragment(CURLU *target, CURLU *from)
{
    char *own = part_of(target, CURLUPART_FRAGMENT, 0);
    char *old = part_of(from, CURLUPART_FRAGMENT, 0);
    if (own == NULL && old != NULL) {
        curl_url_set(target, CURLUPART_FRAGMENT, old, 0);
    }
    curl_free(own);
    curl_free(old);
}

/* --- Quoting, as requests and urllib3 do it. */

#define UNRESERVED \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"

static int
hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool
is_escape(const char *s)
{
    return s[0] == '%' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0;
}

/* Whether every "%" begins an escape. */
static bool
has_only_escapes(const char *s)
{
    for (s = strchr(s, '%'); s != NULL; s = strchr(s + 1, '%')) {
        if (!is_escape(s)) {
            return false;
        }
    }
    return true;
}

/* Whether no "%" begins what looks like an escape but is none: only then does
   requests escape the "%" too. */
static bool
has_no_bad_escapes(const char *s)
{
    for (s = strchr(s, '%'); s != NULL; s = strchr(s + 1, '%')) {
        if (isalnum((unsigned char)s[1]) && isalnum((unsigned char)s[2]) &&
            !is_escape(s)) {
            return false;
        }
    }
    return true;
}

static bool
append_escape(struct buf *out, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    char text[3] = {'%', digits[c >> 4], digits[c & 15]};
    return buf_append(out, text, sizeof(text));
}

/* Escapes what is not in allowed. If escapes are kept, they become upper-case,
   and plain characters if plain is set and they need none. False without
   memory. */
static bool
quote(struct buf *out, const char *s, const char *allowed, bool keep_escapes,
      bool plain)
{
    bool ok = true;
    for (; ok && *s != '\0'; s++) {
        if (keep_escapes && *s == '%' && !is_escape(s)) {
            ok = buf_append(out, s, 1);
        }
        else if (keep_escapes && *s == '%') {
            int c = hex_digit(s[1]) * 16 + hex_digit(s[2]);
            char text = (char)c;
            ok = plain && c != 0 && strchr(UNRESERVED, c) != NULL
                     ? buf_append(out, &text, 1)
                     : (plain ? buf_append(out, s, 3)
                              : append_escape(out, (unsigned char)c));
            s += 2;
        }
        else {
            ok = strchr(allowed, *s) != NULL
                     ? buf_append(out, s, 1)
                     : append_escape(out, (unsigned char)*s);
        }
    }
    return ok;
}

/* The text of a Location header in the form that requests keeps as the URL.
   Freed with free(); NULL without memory. */
static char *
requote(const char *location)
{
    struct buf out = {0};
    if (quote(&out, location, UNRESERVED "!#$&'()*+,/:;=?@[]",
              has_no_bad_escapes(location), true) &&
        buf_append(&out, "", 1)) {
        return out.data;
    }
    buf_free(&out);
    return NULL;
}

/* What of a URL goes on the wire: path and query with what urllib3 escapes
   besides. The host stands as it is. Freed with free(). */
static char *
wire_url(const char *url)
{
    struct buf out = {0};
    size_t host = url_path_offset(url, strlen(url));
    size_t path = strcspn(url + host, "?#");
    size_t query = strcspn(url + host + path, "#");
    char *target = strndup(url + host, path), *rest = NULL;
    if (query > 0) {
        rest = strndup(url + host + path, query);
    }
    bool ok = target != NULL && (query == 0 || rest != NULL) &&
              buf_append(&out, url, host) &&
              (path > 0 || buf_append(&out, "/", 1)) &&
              quote(&out, target, UNRESERVED "!$&'()*+,;=:@/",
                    has_only_escapes(target), false) &&
              (query == 0 ||
               quote(&out, rest, UNRESERVED "!$&'()*+,;=:@/?",
                     has_only_escapes(rest), false)) &&
              buf_append(&out, "", 1);
    free(target);
    free(rest);
    if (!ok) {
        buf_free(&out);
    }
    return out.data;
}

/* The same as FastHttpUser does it: quoted like a Location. */
static char *
fast_wire_url(const char *url)
{
    char *whole = strndup(url, strcspn(url, "#"));
    char *quoted = whole != NULL ? requote(whole) : NULL;
    struct buf out = {0};
    size_t host = quoted ? url_path_offset(quoted, strlen(quoted)) : 0;
    bool ok = quoted != NULL && buf_append(&out, quoted, host) &&
              (quoted[host] == '/' || buf_append(&out, "/", 1)) &&
              buf_append(&out, quoted + host, strlen(quoted + host) + 1);
    free(whole);
    free(quoted);
    if (!ok) {
        buf_free(&out);
    }
    return out.data;
}

/* --- Where a redirect leads. */

/* Whether it has a scheme and an authority of its own. */
static bool
is_whole(const char *location)
{
    size_t scheme = strspn(location, UNRESERVED "+");
    return scheme > 0 && strncmp(location + scheme, "://", 3) == 0 &&
           strchr("/?#", location[scheme + 3]) == NULL;
}

/* The URL of a location with an authority: lower-case scheme, old's fragment
   if it has none. */
static char *
take_whole(const char *url, const char *location)
{
    struct buf out = {0};
    bool bare = location[0] == '/';     /* "//host/path" */
    const char *old = strchr(url, '#');
    bool ok = true;
    for (const char *s = bare ? url : location; ok && *s != ':'; s++) {
        char c = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
        ok = buf_append(&out, &c, 1);
    }
    const char *rest = bare ? location : strchr(location, ':') + 1;
    ok = ok && buf_append(&out, ":", 1) &&
         buf_append(&out, rest, strlen(rest)) &&
         (old == NULL || strchr(rest, '#') != NULL ||
          buf_append(&out, old, strlen(old))) &&
         buf_append(&out, "", 1);
    if (!ok) {
        buf_free(&out);
    }
    return out.data;
}

/* A location without an authority, from url. */
static char *
take_relative(const char *url, const char *location)
{
    char *result = NULL;
    CURLU *from = curl_url(), *target = curl_url();
    if (from != NULL && target != NULL &&
        curl_url_set(from, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_set(target, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_set(target, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
        curl_url_set(target, CURLUPART_URL, location, 0) == CURLUE_OK) {
        inherit_fragment(target, from);
        char *text = part_of(target, CURLUPART_URL, 0);
        result = text != NULL ? strdup(text) : NULL;
        curl_free(text);
    }
    curl_url_cleanup(from);
    curl_url_cleanup(target);
    return result;
}

/* "mailto:joe": a scheme, but no authority. */
static bool
has_scheme_only(const char *location)
{
    size_t end = strcspn(location, ":/?#");
    return end > 0 && location[end] == ':';
}

/* The absolute URL that a quoted location means when it comes from url; NULL
   if it means none. Freed with free(). */
static char *
resolve(const char *url, const char *location)
{
    if (is_whole(location) || strncmp(location, "//", 2) == 0) {
        return take_whole(url, location);
    }
    if (url_is_absolute(location, strlen(location))) {
        return take_relative(url, strstr(location, "://") + 3);
    }
    return has_scheme_only(location) ? strdup(location)
                                     : take_relative(url, location);
}

/* The first bytes of one string, then another one. Freed with free(); NULL
   without memory. */
static char *
join(const char *first, size_t length, const char *slash, const char *rest)
{
    struct buf out = {0};
    if (buf_append(&out, first, length) &&
        buf_append(&out, slash, strlen(slash)) &&
        buf_append(&out, rest, strlen(rest) + 1)) {
        return out.data;
    }
    buf_free(&out);
    return NULL;
}

/* The same by FastHttpUser's rules: what does not begin with a slash is
   appended to the whole path, and nothing is normalized. */
static char *
fast_resolve(const char *url, const char *location)
{
    size_t host = url_path_offset(url, strlen(url));
    size_t path = host + strcspn(url + host, "?#");
    if (strncmp(location, "//", 2) == 0) {
        return join(url, strcspn(url, ":") + 1, "", location);
    }
    if (has_scheme_only(location)) {
        return strdup(location);
    }
    if (location[0] == '/') {
        return join(url, host, "", location);
    }
    if (strchr("?#", location[0]) != NULL) {
        return join(url, path, "", location);
    }
    return join(url, path, url[path - 1] == '/' && path > host ? "" : "/",
                location);
}

/* Whether libcurl can ask for it. */
static bool
is_usable(const char *url)
{
    CURLU *u = curl_url();
    bool ok = u != NULL && url_is_absolute(url, strlen(url)) &&
              curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_url_cleanup(u);
    return ok;
}

static bool
same_part(CURLU *a, CURLU *b, CURLUPart part, unsigned flags)
{
    char *x = part_of(a, part, flags), *y = part_of(b, part, flags);
    bool same = x != NULL && y != NULL && strcasecmp(x, y) == 0;
    curl_free(x);
    curl_free(y);
    return same;
}

/* Whether credentials may go along: same host, scheme and port, or from http
   to https on their ordinary ports. */
static bool
may_keep_credentials(const char *from, const char *to)
{
    CURLU *a = curl_url(), *b = curl_url();
    bool keep = false;
    if (a != NULL && b != NULL &&
        curl_url_set(a, CURLUPART_URL, from, 0) == CURLUE_OK &&
        curl_url_set(b, CURLUPART_URL, to, 0) == CURLUE_OK &&
        same_part(a, b, CURLUPART_HOST, 0)) {
        char *port_a = part_of(a, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        char *port_b = part_of(b, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        bool upgrade = port_a && port_b && strcmp(port_a, "80") == 0 &&
                       strcmp(port_b, "443") == 0 &&
                       strncasecmp(from, "http:", 5) == 0 &&
                       strncasecmp(to, "https:", 6) == 0;
        keep = upgrade ||
               (same_part(a, b, CURLUPART_SCHEME, 0) &&
                same_part(a, b, CURLUPART_PORT, CURLU_DEFAULT_PORT));
        curl_free(port_a);
        curl_free(port_b);
    }
    curl_url_cleanup(a);
    curl_url_cleanup(b);
    return keep;
}

/* The last reply keeps what was sent for it. */
static void
keep_sent(struct exchange *x)
{
    if (x->reply->lines != NULL) {
        curl_slist_free_all(x->lines);
    }
    else if (x->lines != NULL) {
        x->reply->lines = x->lines;
    }
    else {
        x->reply->shared = x->headers;
    }
}

/* Whether a line goes when the body does. */
static bool
describes_body(const char *line, enum redirect_rules rules)
{
    return is_header(line, "Content-Length") ||
           is_header(line, "Content-Type") ||
           is_header(line, "Transfer-Encoding") ||
           (rules == REDIRECTS_OF_FAST_HTTP &&
            is_header(line, "Content-Encoding"));
}

/* Header lines for the next hop, without those that stay behind. */
static bool
copy_headers(struct exchange *x, bool keep_body, bool keep_credentials)
{
    struct curl_slist *copy = NULL;
    for (struct curl_slist *h = x->headers; h != NULL; h = h->next) {
        if ((!keep_body && describes_body(h->data, x->rules)) ||
            (!keep_credentials && is_header(h->data, "Authorization")) ||
            is_header(h->data, "Cookie")) {
            continue;
        }
        struct curl_slist *longer = curl_slist_append(copy, h->data);
        if (longer == NULL) {
            curl_slist_free_all(copy);
            return false;
        }
        copy = longer;
    }
    keep_sent(x);
    x->headers = x->lines = copy;
    x->cookie_at = -1;
    return true;
}

static const char *
next_method(const struct exchange *x, int status)
{
    bool head = strcmp(x->method, "HEAD") == 0;
    if ((status == 303 || status == 302) && !head) {
        return "GET";
    }
    return status == 301 && x->rules == REDIRECTS_OF_REQUESTS &&
                   strcmp(x->method, "POST") == 0
               ? "GET"
               : x->method;
}

static bool
body_goes_on(const struct exchange *x, int status)
{
    return status == 307 || status == 308 ||
           (status == 301 && x->rules == REDIRECTS_OF_FAST_HTTP);
}

/* A method that usually has a body says so if it has none. */
static bool
say_no_body(struct exchange *x)
{
    if (strcmp(x->method, "PUT") != 0 && strcmp(x->method, "PATCH") != 0) {
        return true;
    }
    struct curl_slist *first = curl_slist_append(NULL, "Content-Length: 0");
    x->body = malloc(1);
    if (first == NULL || x->body == NULL) {
        curl_slist_free_all(first);
        return false;
    }
    first->next = x->lines;
    x->headers = x->lines = first;
    return curl_slist_append(first, "Content-Type:") != NULL;
}

static void
drop_body(struct exchange *x)
{
    x->reply->body_ends = true;
    x->reply->body_sent = x->body;
    x->reply->body_sent_length = x->body_length;
    x->body = NULL;
    x->body_length = 0;
    upload_free(x->upload);
    x->upload = NULL;
}

/* Makes the exchange ask for url next, which goes on the wire as wire; takes
   both over. False without memory. */
static bool
prepare_hop(struct exchange *x, char *url, char *wire)
{
    struct reply *last = x->reply;
    bool keep_body = body_goes_on(x, last->status);
    struct reply *next = reply_new();
    if (next == NULL ||
        !copy_headers(x, keep_body, may_keep_credentials(x->url, url))) {
        reply_free(next);
        free(wire);
        free(url);
        return false;
    }
    x->method = next_method(x, last->status);
    if (!keep_body) {
        drop_body(x);
    }
    else if (x->upload != NULL) {
        upload_rewind(x->upload);
    }
    free(x->url);
    x->url = wire;
    next->url = url;
    next->method = x->method;
    next->previous = last;
    x->reply = next;
    x->redirects++;
    return keep_body || say_no_body(x);
}

/* Where a Location leads, and the same as it goes on the wire. Both NULL if
   nowhere, or without memory. */
static void
find_target(const struct exchange *x, const char *location, char **url,
            char **wire)
{
    if (x->rules == REDIRECTS_OF_FAST_HTTP) {
        *url = fast_resolve(x->reply->url, location);
        *wire = *url != NULL ? fast_wire_url(*url) : NULL;
        return;
    }
    char *quoted = requote(location);
    *url = quoted != NULL ? resolve(x->reply->url, quoted) : NULL;
    *wire = *url != NULL ? wire_url(*url) : NULL;
    free(quoted);
}

static bool
follow_to(struct exchange *x, const char *location)
{
    char *url, *wire;
    find_target(x, location, &url, &wire);
    if (wire == NULL || !is_usable(x->rules == REDIRECTS_OF_FAST_HTTP ? wire
                                                                      : url)) {
        exchange_fail(x, HTTP_BAD_REDIRECT, 0, url ? url : location);
        free(url);
        free(wire);
        return false;
    }
    if (!prepare_hop(x, url, wire)) {
        exchange_fail(x, HTTP_NO_MEMORY, 0, NULL);
        return false;
    }
    return true;
}

/* Finds where a reply of this status leads. False: nowhere; an empty Location
   leads nowhere, either. */
static bool
find_location(const struct exchange *x, int status, struct header *location)
{
    unsigned bit = redirect_bit(status);
    return x->follow && bit != 0 && (bit & x->not_followed) == 0 &&
           reply_find_header(x->reply, "Location", location) &&
           location->value_length > 0;
}

bool
redirect_is_due(const struct exchange *x, int status)
{
    struct header location;
    return find_location(x, status, &location);
}

bool
redirect_follow(struct exchange *x)
{
    struct header location;
    if (!find_location(x, x->reply->status, &location)) {
        return false;
    }
    if (x->redirects >= x->max_redirects) {
        exchange_fail(x, HTTP_TOO_MANY_REDIRECTS, x->max_redirects, NULL);
        return false;
    }
    char *text = strndup(location.value, location.value_length);
    if (text == NULL) {
        exchange_fail(x, HTTP_NO_MEMORY, 0, NULL);
        return false;
    }
    bool ok = follow_to(x, text);
    free(text);
    return ok;
}
