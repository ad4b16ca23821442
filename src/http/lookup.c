/*
 * Name lookup: each host is looked up once per I/O thread and handed to
 * libcurl, whose own resolver would start a thread for every connection.
 *
 * A name stays good for FRESH_NS. After that it is used once more while a new
 * lookup runs, so that no request ever waits for a refresh. Lookups that fail
 * are not remembered. Names that the settings resolve are never looked up.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/internal.h"
#include "http/url.h"

#define FRESH_NS (60 * (int64_t)1000000000)
#define ENTRY_MAX 2048

/* A lookup that runs in a thread of its own. Whoever comes last frees it: the
   thread if the engine has stopped meanwhile, else the I/O thread. */
struct job {
    struct letter letter;
    struct lookup *lookup;      /* NULL: the engine has stopped */
    struct io_thread *io;
    char *host;
    char port[8];
    int error;                  /* EAI_..., 0 */
    struct addrinfo *found;
};

struct lookup {
    struct lookup *next;
    char *host;
    char port[8];
    char *entry;                /* "host:port:address,..." for libcurl */
    bool entry_is_new;          /* not given to a transfer yet */
    bool fixed;                 /* not to be looked up */
    int64_t found_at;
    struct job *job;            /* under way, or NULL */
    struct letter *waiting;     /* exchanges, oldest first */
    struct letter *last_waiting;    /* valid while any wait */
};

/* Guards job->lookup against a thread that ends while the engine stops. */
static pthread_mutex_t job_lock = PTHREAD_MUTEX_INITIALIZER;

static void
job_free(struct job *job)
{
    if (job->found != NULL) {
        freeaddrinfo(job->found);
    }
    free(job->host);
    free(job);
}

/* --- The thread. */

static void handle_found(struct letter *letter);

static void *
run_job(void *argument)
{
    struct job *job = argument;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    job->error = getaddrinfo(job->host, job->port, &hints, &job->found);
    pthread_mutex_lock(&job_lock);
    bool wanted = job->lookup != NULL;
    if (wanted) {
        job->letter.handle = handle_found;
        mailbox_post(&job->io->inbox, &job->letter);
    }
    pthread_mutex_unlock(&job_lock);
    if (!wanted) {
        job_free(job);
    }
    return NULL;
}

static bool
start_thread(struct job *job)
{
    pthread_attr_t attributes;
    pthread_t thread;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&thread, &attributes, run_job, job);
    pthread_attr_destroy(&attributes);
    return error == 0;
}

static bool
start_job(struct io_thread *io, struct lookup *l)
{
    struct job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return false;
    }
    job->io = io;
    job->lookup = l;
    job->host = strdup(l->host);
    memcpy(job->port, l->port, sizeof(job->port));
    if (job->host == NULL || !start_thread(job)) {
        job_free(job);
        return false;
    }
    l->job = job;
    return true;
}

/* --- Results. */

static char *
format_entry(const struct lookup *l, const struct addrinfo *found)
{
    char text[ENTRY_MAX], address[INET6_ADDRSTRLEN];
    int n = snprintf(text, sizeof(text), "%s:%s:", l->host, l->port);
    bool first = true;
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        if (a->ai_family != AF_INET && a->ai_family != AF_INET6) {
            continue;
        }
        bool six = a->ai_family == AF_INET6;
        const void *raw =
            six ? (void *)&((struct sockaddr_in6 *)a->ai_addr)->sin6_addr
                : (void *)&((struct sockaddr_in *)a->ai_addr)->sin_addr;
        inet_ntop(a->ai_family, raw, address, sizeof(address));
        int room = (int)sizeof(text) - n;
        int used = snprintf(text + n, (size_t)room, six ? "%s[%s]" : "%s%s",
                            first ? "" : ",", address);
        if (used >= room) {
            text[n] = '\0';
            break;
        }
        n += used;
        first = false;
    }
    return first ? NULL : strdup(text);
}

static const struct option_proxy *
proxy_of(const struct exchange *x)
{
    bool secure = strncasecmp(x->url, "https:", 6) == 0;
    return x->options != NULL ? options_proxy(x->options, secure) : NULL;
}

static void
fail(struct exchange *x, int error)
{
    if (proxy_of(x) != NULL) {
        exchange_fail(x, HTTP_PROXY, 0, gai_strerror(error));
    }
    else {
        exchange_fail(x, HTTP_RESOLVE, error, NULL);
    }
}

static void
start_waiting(struct io_thread *io, struct lookup *l, const struct job *job)
{
    struct letter *letter = l->waiting;
    l->waiting = NULL;
    while (letter != NULL) {
        struct exchange *x = (struct exchange *)letter;
        letter = letter->next;
        if (io->stopping || x->aborted) {
            exchange_fail(x, HTTP_CANCELLED, 0, NULL);
        }
        else if (job->error != 0 || l->entry == NULL) {
            fail(x, job->error ? job->error : EAI_NONAME);
        }
        else {
            transfer_start(io, x, curl_slist_append(NULL, l->entry));
            continue;
        }
        engine_finish(io, x);
    }
}

static void
handle_found(struct letter *letter)
{
    struct job *job = (struct job *)letter;
    struct lookup *l = job->lookup;
    struct io_thread *io = job->io;
    if (l == NULL) {
        job_free(job);
        return;
    }
    l->job = NULL;
    char *entry = job->error == 0 ? format_entry(l, job->found) : NULL;
    if (entry != NULL) {
        l->entry_is_new = l->entry == NULL || strcmp(l->entry, entry) != 0;
        free(l->entry);
        l->entry = entry;
    }
    l->found_at = clock_ns();
    start_waiting(io, l, job);
    job_free(job);
}

/* --- Asking. */

struct target {
    const char *host;
    size_t length;
    char port[8];
};

static bool
is_address(const char *host, size_t length)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    if (host[0] == '[') {
        return true;
    }
    if (length >= sizeof(text)) {
        return false;
    }
    memcpy(text, host, length);
    text[length] = '\0';
    return inet_pton(AF_INET, text, &address) == 1;
}

/* The host and port of an absolute http or https URL. False: an address, or
   something that libcurl is to judge. */
static bool
is_name(const char *url, struct target *p)
{
    struct url_parts parts;
    if (!url_split(url, strlen(url), &parts) || parts.bracketed ||
        parts.host_length == 0 || parts.host_length >= 256 ||
        parts.port_length >= sizeof(p->port) ||
        is_address(parts.host, parts.host_length)) {
        return false;
    }
    p->host = parts.host;
    p->length = parts.host_length;
    if (parts.port_length > 0) {
        memcpy(p->port, parts.port, parts.port_length);
        p->port[parts.port_length] = '\0';
    }
    else {
        strcpy(p->port, parts.secure ? "443" : "80");
    }
    return true;
}

/* What to look up for an exchange: the host, or the proxy on the way there. */
static bool
needs_lookup(const struct exchange *x, struct target *p)
{
    const struct option_proxy *proxy = proxy_of(x);
    if (x->options != NULL &&
        options_values(x->options)->unix_socket != NULL) {
        return false;
    }
    if (proxy == NULL) {
        return is_name(x->url, p);
    }
    if (proxy->host == NULL ||
        is_address(proxy->host, strlen(proxy->host))) {
        return false;
    }
    p->host = proxy->host;
    p->length = strlen(proxy->host);
    memcpy(p->port, proxy->port, sizeof(p->port));
    return true;
}

static struct lookup *
find(struct io_thread *io, const struct target *p)
{
    struct lookup *l = io->lookups;
    while (l != NULL && !(strlen(l->host) == p->length &&
                          strncasecmp(l->host, p->host, p->length) == 0 &&
                          strcmp(l->port, p->port) == 0)) {
        l = l->next;
    }
    return l;
}

static struct lookup *
add(struct io_thread *io, const struct target *p)
{
    struct lookup *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return NULL;
    }
    l->host = strndup(p->host, p->length);
    if (l->host == NULL) {
        free(l);
        return NULL;
    }
    memcpy(l->port, p->port, sizeof(l->port));
    l->next = io->lookups;
    io->lookups = l;
    return l;
}

static void
wait_for(struct lookup *l, struct exchange *x)
{
    x->letter.next = NULL;
    if (l->waiting == NULL) {
        l->waiting = &x->letter;
    }
    else {
        l->last_waiting->next = &x->letter;
    }
    l->last_waiting = &x->letter;
}

void
lookup_host(struct io_thread *io, struct exchange *x)
{
    struct target p;
    if (!needs_lookup(x, &p)) {
        transfer_start(io, x, NULL);
        return;
    }
    struct lookup *l = find(io, &p);
    if (l == NULL) {
        l = add(io, &p);
    }
    bool stale = l != NULL && !l->fixed &&
                 (l->entry == NULL ||
                  clock_ns() - l->found_at > FRESH_NS);
    bool running = l != NULL && (l->job != NULL || !stale ||
                                 start_job(io, l) || l->entry != NULL);
    if (!running) {
        exchange_fail(x, HTTP_NO_MEMORY, 0, NULL);
        engine_finish(io, x);
    }
    else if (l->entry == NULL) {
        wait_for(l, x);
    }
    else if (l->entry_is_new) {
        l->entry_is_new = false;
        transfer_start(io, x, curl_slist_append(NULL, l->entry));
    }
    else {
        transfer_start(io, x, NULL);
    }
}

/* --- Names that the settings resolve. */

/* The length of an entry's host, and of its port after that; 0: it is none. */
static size_t
split_entry(const char *entry, size_t *port)
{
    size_t host = strcspn(entry, ":");
    *port = entry[host] == ':' ? strspn(entry + host + 1, "0123456789") : 0;
    bool ok = host > 0 && *port > 0 && *port < 6 &&
              entry[host + 1 + *port] == ':' &&
              strtol(entry + host + 1, NULL, 10) <= 65535;
    return ok ? host : 0;
}

/* Whether every part of a list separated by commas is an IP address. */
static bool
are_addresses(const char *list)
{
    for (const char *at = list;; at++) {
        char text[INET6_ADDRSTRLEN];
        unsigned char raw[sizeof(struct in6_addr)];
        size_t length = strcspn(at, ","), n = length;
        bool six = n > 2 && at[0] == '[' && at[n - 1] == ']';
        n -= six ? 2 : 0;
        if (n == 0 || n >= sizeof(text)) {
            return false;
        }
        memcpy(text, at + six, n);
        text[n] = '\0';
        if (inet_pton(six ? AF_INET6 : AF_INET, text, raw) != 1) {
            return false;
        }
        at += length;
        if (*at == '\0') {
            return true;
        }
    }
}

bool
engine_is_resolve(const char *entry, char *why, size_t size)
{
    size_t port, host = split_entry(entry, &port);
    if (host == 0) {
        snprintf(why, size, "'%.200s' is not of the form host:port:address",
                 entry);
        return false;
    }
    const char *list = entry + host + port + 2;
    if (!are_addresses(list)) {
        snprintf(why, size, "'%.200s' is no IP address, nor a list of them "
                 "separated by commas (IPv6 goes in brackets)", list);
        return false;
    }
    return true;
}

int
lookup_set(struct io_thread *io, const char *const *entries)
{
    for (; entries != NULL && *entries != NULL; entries++) {
        const char *entry = *entries;
        size_t port;
        struct target p = {.host = entry,
                           .length = split_entry(entry, &port)};
        if (p.length == 0 || strlen(entry) >= ENTRY_MAX) {
            errno = EINVAL;
            return -1;
        }
        memcpy(p.port, entry + p.length + 1, port);
        struct lookup *l = find(io, &p);
        l = l != NULL ? l : add(io, &p);
        char *copy = l != NULL ? strdup(entry) : NULL;
        if (copy == NULL) {
            return -1;
        }
        free(l->entry);
        l->entry = copy;
        l->fixed = l->entry_is_new = true;
    }
    return 0;
}

/* --- The end. */

void
lookup_cancel_all(struct io_thread *io)
{
    static const struct job none = {.error = EAI_AGAIN};
    for (struct lookup *l = io->lookups; l != NULL; l = l->next) {
        start_waiting(io, l, &none);
    }
}

void
lookup_free_all(struct io_thread *io)
{
    while (io->lookups != NULL) {
        struct lookup *l = io->lookups;
        io->lookups = l->next;
        pthread_mutex_lock(&job_lock);
        if (l->job != NULL) {
            l->job->lookup = NULL;
        }
        pthread_mutex_unlock(&job_lock);
        free(l->entry);
        free(l->host);
        free(l);
    }
}

void
lookup_lock(void)
{
    pthread_mutex_lock(&job_lock);
}

void
lookup_unlock(void)
{
    pthread_mutex_unlock(&job_lock);
}
