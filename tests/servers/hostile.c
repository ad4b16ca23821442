/*
 * hostile-server: a web server that mistreats its clients in the way the
 * path asks for, for tests of what a client does then. See README.md.
 *
 * While a play is on, its connection is deaf, so that the request stays where
 * it is in the input buffer; a hang-up is still seen and ends the play.
 */
#include "config.h"
#include "loop.h"
#include "plays.h"

#include <errno.h>
#include <getopt.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
opened(struct conn *c)
{
    struct stage *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        die("a new connection");
    }
    s->conn = c;
    c->data = s;
    return 0;
}

static void
drop_zip(struct stage *s)
{
    if (s->zip != NULL) {
        deflateEnd(s->zip);
        free(s->zip);
        s->zip = NULL;
    }
}

static void
closed(struct conn *c)
{
    struct stage *s = c->data;
    drop_zip(s);
    free(s);
}

/* The play is over and the connection goes on. */
static void
finish(struct stage *s)
{
    s->play = NULL;
    drop_zip(s);
    conn_consume(s->conn, s->request.size);
    if (s->request.close) {
        conn_close(s->conn);
    }
    else if (s->idle_ns > 0) {
        conn_set_due(s->conn, now_ns() + s->idle_ns);
    }
}

/* Does what the play asked for, now that all it sent is written. */
static void
carry_out(struct stage *s)
{
    int64_t now = now_ns();
    switch (s->verdict) {
    case AGAIN:
        /* Later than now, so that no play keeps the others waiting. */
        s->due += s->wait_ns;
        if (s->due <= now) {
            s->due = now + 1;
        }
        s->step++;
        conn_set_due(s->conn, s->due);
        break;
    case DONE:
        finish(s);
        break;
    case CLOSE:
        conn_close(s->conn);
        break;
    case RESET:
        conn_reset(s->conn);
        break;
    case HANG:
        break;
    }
}

static void
go_on(struct stage *s)
{
    s->verdict = s->play(s);
    if (s->conn->fd >= 0 && conn_is_drained(s->conn)) {
        carry_out(s);
    }
}

/* A client that asked whether it may send its body is told to. */
static void
permit_body(struct stage *s)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (s->request.has_head && s->request.expects_continue && !s->permitted) {
        s->permitted = true;
        conn_send(s->conn, text, sizeof(text) - 1);
    }
}

/* Starts the play of the request at the head of the input, if it is whole.
   Returns whether it was. */
static bool
start(struct stage *s, int64_t now)
{
    struct conn *c = s->conn;
    int found = request_parse(&s->request, c->in.data, c->in.len);
    if (found <= 0) {
        if (found < 0) {
            conn_close(c);
        }
        else {
            permit_body(s);
        }
        return false;
    }
    requests_seen++;
    conn_set_due(c, 0);
    if (s->close_next) {
        conn_close(c);
        return false;
    }
    s->play = play_of(s->request.path);
    s->step = 0;
    s->due = now;
    s->idle_ns = 0;
    s->permitted = false;
    go_on(s);
    return true;
}

static void
received(struct conn *c)
{
    struct stage *s = c->data;
    int64_t now = now_ns();
    while (c->fd >= 0 && s->play == NULL && c->in.len > 0 && start(s, now)) {
    }
    if (c->fd >= 0 && c->deaf != (s->play != NULL)) {
        conn_set_deaf(c, s->play != NULL);
    }
}

static void
drained(struct conn *c)
{
    struct stage *s = c->data;
    if (s->play != NULL) {
        carry_out(s);
        received(c);
    }
}

static void
due(struct conn *c)
{
    struct stage *s = c->data;
    if (s->play != NULL) {
        go_on(s);
        received(c);
    }
    else {
        conn_close(c);
    }
}

static void
print_count(void)
{
    printf("connections %zu open %zu requests %zu\n", loop_accepted(),
           loop_open(), requests_seen);
    if (fflush(stdout) == EOF) {
        die("printing the count");
    }
}

static const struct handlers handlers = {
    .opened = opened,
    .received = received,
    .drained = drained,
    .due = due,
    .closed = closed,
    .usr1 = print_count,
};

static const char usage[] =
    "Usage: hostile-server [--bind ADDRESS] [--port N]\n"
    "                      [--tls CERT KEY [--tls-port N] [--client-ca FILE]]\n"
    "  --bind ADDRESS  listen there (default 127.0.0.1)\n"
    "  --port N        for http (default 0: a free port)\n"
    "  --tls CERT KEY  listen for https too, with these PEM files\n"
    "  --tls-port N    for https (default 0: a free port)\n"
    "  --client-ca FILE  https is for clients with a certificate of these\n";

static void
refuse_usage(void)
{
    fputs(usage, stderr);
    exit(2);
}

static int
port_number(const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);
    if (end == text || *end != '\0' || port < 0 || port > 65535) {
        fprintf(stderr, "hostile-server: '%s' is not a port\n", text);
        exit(2);
    }
    return (int)port;
}

/* A server's TLS context; ends the program if the files are no good. */
static SSL_CTX *
tls_context(const char *cert, const char *key, const char *client_ca)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 ||
        (client_ca != NULL &&
         SSL_CTX_load_verify_file(tls, client_ca) != 1)) {
        fprintf(stderr, "hostile-server: no TLS with %s and %s:\n", cert, key);
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    if (client_ca != NULL) {
        SSL_CTX_set_verify(
            tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    /* What waits to be written moves when its buffer grows. */
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

struct settings {
    const char *bind;
    const char *cert;
    const char *key;
    const char *client_ca;
    int port;
    int tls_port;
};

static struct settings
read_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        {"bind", required_argument, NULL, 'b'},
        {"port", required_argument, NULL, 'p'},
        {"tls", required_argument, NULL, 't'},
        {"tls-port", required_argument, NULL, 'P'},
        {"client-ca", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct settings set = {.bind = "127.0.0.1"};
    int option;
    while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
        if (option == 'b') {
            set.bind = optarg;
        }
        else if (option == 'p') {
            set.port = port_number(optarg);
        }
        else if (option == 'P') {
            set.tls_port = port_number(optarg);
        }
        else if (option == 'c') {
            set.client_ca = optarg;
        }
        else if (option == 't' && optind < argc) {
            set.cert = optarg;
            set.key = argv[optind++];
        }
        else if (option == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        else {
            refuse_usage();
        }
    }
    if (optind < argc) {
        refuse_usage();
    }
    return set;
}

int
main(int argc, char **argv)
{
    struct settings set = read_arguments(argc, argv);
    SSL_CTX *tls = NULL;
    loop_init(&handlers);
    if (set.cert != NULL) {
        tls = tls_context(set.cert, set.key, set.client_ca);
    }
    loop_listen(set.bind, set.port, NULL);
    if (tls != NULL) {
        loop_listen(set.bind, set.tls_port, tls);
    }
    loop_run();
    SSL_CTX_free(tls);
    return 0;
}
