/*
 * engine-probe: asks for URLs through the engine, as one session, and prints a
 * line of JSON about each exchange, in the order of the URLs. For tests of what
 * needs other servers than a test in C has: proxies, TLS, HTTP/2.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/engine.h"
#include "http/exchange.h"
#include "http/options.h"
#include "http/stream.h"

static const char usage[] =
    "Usage: engine-probe [OPTION...] URL...\n"
    "  --ca FILE, --ca-dir DIRECTORY, --trust FILE   whom to trust; the last\n"
    "                          is read here and given as text\n"
    "  --engine-ca FILE        whom the engine trusts\n"
    "  --insecure, --any-host  no checks, not of the host's name\n"
    "  --cert FILE, --key FILE, --password TEXT   the client's certificate\n"
    "  --as-text               ... read here and given as text\n"
    "  --proxy URL, --https-proxy URL, --no-proxy LIST\n"
    "  --min-tls N, --max-tls N, --ciphers LIST, --http N, --unix PATH\n"
    "  --timeout SECONDS       for connecting and reading\n"
    "  --post TEXT             a body\n"
    "  --stream                reads the bodies while they arrive\n"
    "  --at-once               does not wait for one before the next\n";

struct settings {
    struct option_values options;
    const char *engine_ca, *trust, *post;
    bool insecure, as_text, stream, at_once;
    double timeout;
};

static struct mailbox inbox;

static void
die(const char *what)
{
    fprintf(stderr, "engine-probe: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* A file's contents; ends the program if there are none. */
static const char *
text_of(const char *path)
{
    static char text[4][65536];
    static int used;
    FILE *f = path != NULL ? fopen(path, "r") : NULL;
    if (path == NULL) {
        return NULL;
    }
    if (f == NULL || used == 4) {
        die(path);
    }
    char *to = text[used++];
    to[fread(to, 1, sizeof(text[0]) - 1, f)] = '\0';
    fclose(f);
    return to;
}

/* --- Arguments. */

enum {
    CA = 1, CA_DIR, TRUST, ENGINE_CA, INSECURE, ANY_HOST, CERT, KEY, PASSWORD,
    AS_TEXT, PROXY, HTTPS_PROXY, NO_PROXY, MIN_TLS, MAX_TLS, CIPHERS, HTTP,
    UNIX, TIMEOUT, POST, STREAM, AT_ONCE,
};

static const struct option words[] = {
    {"ca", 1, NULL, CA},
    {"ca-dir", 1, NULL, CA_DIR},
    {"trust", 1, NULL, TRUST},
    {"engine-ca", 1, NULL, ENGINE_CA},
    {"insecure", 0, NULL, INSECURE},
    {"any-host", 0, NULL, ANY_HOST},
    {"cert", 1, NULL, CERT},
    {"key", 1, NULL, KEY},
    {"password", 1, NULL, PASSWORD},
    {"as-text", 0, NULL, AS_TEXT},
    {"proxy", 1, NULL, PROXY},
    {"https-proxy", 1, NULL, HTTPS_PROXY},
    {"no-proxy", 1, NULL, NO_PROXY},
    {"min-tls", 1, NULL, MIN_TLS},
    {"max-tls", 1, NULL, MAX_TLS},
    {"ciphers", 1, NULL, CIPHERS},
    {"http", 1, NULL, HTTP},
    {"unix", 1, NULL, UNIX},
    {"timeout", 1, NULL, TIMEOUT},
    {"post", 1, NULL, POST},
    {"stream", 0, NULL, STREAM},
    {"at-once", 0, NULL, AT_ONCE},
    {0},
};

/* The text that an option sets; NULL: it is another kind. */
static const char **
text_slot(struct settings *s, int word)
{
    switch (word) {
    case CA: return &s->options.ca_file;
    case CA_DIR: return &s->options.ca_directory;
    case TRUST: return &s->trust;
    case ENGINE_CA: return &s->engine_ca;
    case CERT: return &s->options.cert_file;
    case KEY: return &s->options.key_file;
    case PASSWORD: return &s->options.key_password;
    case PROXY: return &s->options.http_proxy;
    case HTTPS_PROXY: return &s->options.https_proxy;
    case NO_PROXY: return &s->options.no_proxy;
    case CIPHERS: return &s->options.ciphers;
    case UNIX: return &s->options.unix_socket;
    case POST: return &s->post;
    default: return NULL;
    }
}

static void
set_other(struct settings *s, int word)
{
    switch (word) {
    case INSECURE: s->insecure = true; break;
    case ANY_HOST: s->options.any_host_name = true; break;
    case AS_TEXT: s->as_text = true; break;
    case STREAM: s->stream = true; break;
    case AT_ONCE: s->at_once = true; break;
    case MIN_TLS: s->options.min_tls = atoi(optarg); break;
    case MAX_TLS: s->options.max_tls = atoi(optarg); break;
    case HTTP: s->options.http_version = atoi(optarg); break;
    case TIMEOUT: s->timeout = atof(optarg); break;
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

static struct settings
read_arguments(int argc, char **argv)
{
    struct settings s = {.timeout = 20};
    int word;
    while ((word = getopt_long(argc, argv, "", words, NULL)) != -1) {
        const char **text = text_slot(&s, word);
        if (text != NULL) {
            *text = optarg;
        }
        else {
            set_other(&s, word);
        }
    }
    s.options.ca_pem = text_of(s.trust);
    if (s.as_text) {
        s.options.cert_pem = text_of(s.options.cert_file);
        s.options.key_pem = text_of(s.options.key_file);
        s.options.cert_file = s.options.key_file = NULL;
    }
    return s;
}

/* --- Asking. */

static void
on_back(struct letter *letter)
{
    ((struct exchange *)letter)->finished = true;
}

static void
on_stream(struct exchange *x)
{
}

static void
take_letters(void)
{
    struct letter *l = mailbox_take(&inbox);
    while (l != NULL) {
        struct letter *next = l->next;
        l->handle(l);
        l = next;
    }
    usleep(200);
}

static struct exchange *
submit(const struct settings *s, struct connections *c, const char *url)
{
    static const struct stream_calls calls = {on_stream, on_stream};
    struct exchange *x = exchange_new();
    if (x == NULL || (x->url = strdup(url)) == NULL ||
        (x->reply = reply_new()) == NULL ||
        (x->reply->url = strdup(url)) == NULL ||
        !options_get(&s->options, &x->options) ||
        (s->stream && !stream_open(x, &calls))) {
        die("an exchange");
    }
    x->connections = c;
    x->method = x->reply->method = s->post != NULL ? "POST" : "GET";
    x->body = s->post != NULL ? strdup(s->post) : NULL;
    x->body_length = s->post != NULL ? strlen(s->post) : 0;
    x->cookie_at = -1;
    x->follow = x->timed = true;
    x->max_redirects = 30;
    x->verify = !s->insecure;
    x->connect_timeout = x->read_timeout = s->timeout;
    x->letter.handle = on_back;
    engine_submit(x);
    return x;
}

/* How many bytes the body has. */
static size_t
finish(struct exchange *x)
{
    static char piece[65536];
    size_t total = 0, n;
    do {
        take_letters();
        n = x->stream != NULL
                ? stream_take(x->stream, piece, sizeof(piece), true)
                : 0;
        total += n;
    } while (!x->finished || n > 0);
    return total + x->reply->raw.length - x->reply->body;
}

static void
print_text(const char *name, const char *text, size_t length)
{
    printf(", \"%s\": \"", name);
    for (size_t i = 0; i < length && i < 300; i++) {
        unsigned char c = (unsigned char)text[i];
        printf(c < ' ' || c > '~' || strchr("\"\\", c) ? "\\u%04x" : "%c", c);
    }
    printf("\"");
}

static void
print(const struct exchange *x, size_t length)
{
    static const char *const errors[] = {
        [HTTP_OK] = "", [HTTP_RESOLVE] = "resolve", [HTTP_CONNECT] = "connect",
        [HTTP_CONNECT_TIMEOUT] = "connect timeout",
        [HTTP_READ_TIMEOUT] = "read timeout", [HTTP_TLS] = "tls",
        [HTTP_CLOSED] = "closed", [HTTP_RESET] = "reset",
        [HTTP_PROXY] = "proxy", [HTTP_OTHER] = "other",
    };
    const size_t known = sizeof(errors) / sizeof(errors[0]);
    const char *error = x->error < known ? errors[x->error] : NULL;
    const struct reply *r = x->reply;
    printf("{\"error\": \"%s\", \"code\": %d, \"status\": %d, \"http\": %d, "
           "\"length\": %zu, \"reused\": %s, \"tls\": %lld",
           error != NULL ? error : "?", x->code, r->status, r->http_version,
           length, r->times->reused ? "true" : "false",
           (long long)r->times->tls);
    print_text("message", x->message, x->message_length);
    print_text("body", r->raw.data + r->body, r->raw.length - r->body);
    print_text("local", r->times->local, strlen(r->times->local));
    printf("}\n");
}

int
main(int argc, char **argv)
{
    struct settings s = read_arguments(argc, argv);
    struct engine_settings engine = {.threads = 1, .ca_file = s.engine_ca};
    struct exchange *out[100];
    int n = argc - optind;
    if (n < 1 || n > 100) {
        fputs(usage, stderr);
        return 2;
    }
    if (mailbox_init(&inbox) < 0 || engine_start(&engine, &inbox) < 0) {
        die("starting the engine");
    }
    struct connections *c = connections_new();
    if (c == NULL) {
        die("a session");
    }
    for (int i = 0; i < n; i++) {
        out[i] = submit(&s, c, argv[optind + i]);
        while (!s.at_once && !s.stream && !out[i]->finished) {
            take_letters();
        }
    }
    for (int i = 0; i < n; i++) {
        print(out[i], finish(out[i]));
        exchange_free(out[i]);
    }
    connections_close(c);
    engine_stop();
    return 0;
}
