/*
 * demo-site: a small web shop to aim the first load test at. It listens on
 * 127.0.0.1 only, keeps nothing, and ends on SIGTERM or SIGINT.
 *
 * It stands on civetweb, which gives each connection a thread from a fixed
 * pool for as long as it is kept alive: --threads is the number of users that
 * can be connected at once; more of them wait for their turn.
 */
#include "config.h"

#include <civetweb.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_BODY  65536
#define MAX_SLOW  10000
#define MAX_ITEM  1000
#define NAME_SIZE 33

static double delay_ms;
static int stopping = -1; /* an eventfd, readable from the first signal on */

/* --- Answers ------------------------------------------------------------ */

/* Waits, but not beyond the end of the program. */
static void
pause_for(double ms)
{
    struct timespec ts = {
        (time_t)(ms / 1000),
        (long)((ms - 1000 * (double)(time_t)(ms / 1000)) * 1000000)};
    struct pollfd end = {.fd = stopping, .events = POLLIN};
    if (ppoll(&end, 1, &ts, NULL) < 0) {
        perror("demo-site: ppoll");
    }
}

/* Sends a whole answer in one piece; headers are lines with CRLF, or "". */
static void
answer(struct mg_connection *conn, const char *status, const char *type,
       const char *headers, const char *body, size_t size)
{
    char head[1024];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %s\r\nContent-Type: %s\r\n"
                     "Content-Length: %zu\r\n%s\r\n",
                     status, type, size, headers);
    char *all = malloc((size_t)n + size);
    if (all == NULL) {
        fputs("demo-site: out of memory\n", stderr);
        return;
    }
    bool head_only =
        strcmp(mg_get_request_info(conn)->request_method, "HEAD") == 0;
    memcpy(all, head, (size_t)n);
    memcpy(all + n, body, size);
    /* A client that has gone is no business of ours. */
    mg_write(conn, all, head_only ? (size_t)n : (size_t)n + size);
    free(all);
}

__attribute__((format(printf, 5, 6))) static void
page(struct mg_connection *conn, const char *status, const char *headers,
     const char *title, const char *format, ...)
{
    char text[4096], body[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    int n = snprintf(body, sizeof(body),
                     "<!DOCTYPE html>\n<html lang=\"en\">\n"
                     "<head><title>%s</title></head>\n"
                     "<body>\n<h1>%s</h1>\n%s</body>\n</html>\n",
                     title, title, text);
    answer(conn, status, "text/html; charset=utf-8", headers, body, (size_t)n);
}

/* A parameter as a whole number from 0 to max; -1 if it is none. */
static long
number_parameter(const struct mg_connection *conn, const char *name, long max)
{
    const char *query = mg_get_request_info(conn)->query_string;
    char text[16], *end;
    if (query == NULL ||
        mg_get_var(query, strlen(query), name, text, sizeof(text)) <= 0 ||
        !isdigit((unsigned char)text[0])) {
        return -1;
    }
    long number = strtol(text, &end, 10);
    return *end == '\0' && number <= max ? number : -1;
}

/* Reads the whole body and terminates it. Returns its length, or -1 if it does
   not fit or does not come. */
static int
read_body(struct mg_connection *conn, char *body, int size)
{
    int n = 0, got;
    while (n < size && (got = mg_read(conn, body + n, (size_t)(size - n)))) {
        if (got < 0) {
            return -1;
        }
        n += got;
    }
    if (n == size) {
        return -1;
    }
    body[n] = '\0';
    return n;
}

/* --- Pages -------------------------------------------------------------- */

static void
get_index(struct mg_connection *conn)
{
    page(conn, "200 OK", "", "Demo shop",
         "<ul>\n<li><a href=\"/hello\">hello</a></li>\n"
         "<li><a href=\"/world\">world</a></li>\n"
         "<li><a href=\"/item?id=1\">the first item</a></li>\n"
         "<li><a href=\"/login\">log in</a></li>\n"
         "<li><a href=\"/me\">your account</a></li>\n</ul>\n");
}

static void
get_hello(struct mg_connection *conn)
{
    page(conn, "200 OK", "", "Hello", "<p>Hello!</p>\n");
}

static void
get_world(struct mg_connection *conn)
{
    page(conn, "200 OK", "", "World", "<p>Here it is.</p>\n");
}

static void
get_login(struct mg_connection *conn)
{
    page(conn, "200 OK", "", "Log in",
         "<form method=\"post\" action=\"/login\">\n"
         "<label>Name <input name=\"username\"></label>\n"
         "<label>Password <input name=\"password\" type=\"password\"></label>\n"
         "<button>Log in</button>\n</form>\n");
}

/* Whether a name may stand in a cookie and in a page. */
static bool
is_name(const char *name)
{
    if (*name == '\0') {
        return false;
    }
    for (; *name != '\0'; name++) {
        if (!isalnum((unsigned char)*name) && *name != '-' && *name != '_') {
            return false;
        }
    }
    return true;
}

/* Any name with any password may enter. */
static void
post_login(struct mg_connection *conn)
{
    char body[1024], name[NAME_SIZE], password[128], headers[128];
    int n = read_body(conn, body, sizeof(body));
    if (n < 0 ||
        mg_get_var(body, (size_t)n, "username", name, sizeof(name)) < 0 ||
        mg_get_var(body, (size_t)n, "password", password, sizeof(password)) <=
            0 ||
        !is_name(name)) {
        page(conn, "403 Forbidden", "", "Not logged in",
             "<p>A name (letters, digits, - and _) and a password, "
             "please.</p>\n");
        return;
    }
    snprintf(headers, sizeof(headers),
             "Location: /me\r\n"
             "Set-Cookie: session=%s; Path=/; HttpOnly; SameSite=Lax\r\n",
             name);
    page(conn, "303 See Other", headers, "Logged in",
         "<p>See <a href=\"/me\">your account</a>.</p>\n");
}

static void
get_me(struct mg_connection *conn)
{
    char name[NAME_SIZE];
    const char *cookie = mg_get_header(conn, "Cookie");
    if (cookie == NULL ||
        mg_get_cookie(cookie, "session", name, sizeof(name)) <= 0 ||
        !is_name(name)) {
        page(conn, "401 Unauthorized", "WWW-Authenticate: Cookie\r\n",
             "Who are you?", "<p><a href=\"/login\">Log in</a> first.</p>\n");
        return;
    }
    page(conn, "200 OK", "", "Your account", "<p>You are %s.</p>\n", name);
}

static void
get_item(struct mg_connection *conn)
{
    long id = number_parameter(conn, "id", MAX_ITEM);
    if (id < 1) {
        page(conn, "404 Not Found", "", "No such item",
             "<p>Items are numbered from 1 to %d.</p>\n", MAX_ITEM);
        return;
    }
    page(conn, "200 OK", "", "Item",
         "<p>Item %ld costs %ld.%02ld.</p>\n"
         "<p><a href=\"/item?id=%ld\">next</a></p>\n",
         id, id * 7 % 90 + 1, id * 13 % 100, id % MAX_ITEM + 1);
}

static void
get_items(struct mg_connection *conn)
{
    static const char body[] =
        "{\"items\": [{\"id\": 1, \"name\": \"apple\"}, "
        "{\"id\": 2, \"name\": \"pear\"}, {\"id\": 3, \"name\": \"plum\"}]}\n";
    answer(conn, "200 OK", "application/json", "", body, sizeof(body) - 1);
}

static void
post_items(struct mg_connection *conn)
{
    static const char refusal[] =
        "{\"error\": \"application/json of less than 64 KB, please\"}\n";
    const char *type = mg_get_header(conn, "Content-Type");
    char *body = malloc(MAX_BODY);
    int n = -1;
    if (body != NULL && type != NULL &&
        strncmp(type, "application/json", 16) == 0) {
        n = read_body(conn, body, MAX_BODY);
    }
    if (n > 0) {
        answer(conn, "200 OK", "application/json", "", body, (size_t)n);
    }
    else {
        answer(conn, "400 Bad Request", "application/json", "", refusal,
               sizeof(refusal) - 1);
    }
    free(body);
}

static void
get_slow(struct mg_connection *conn)
{
    long ms = number_parameter(conn, "ms", MAX_SLOW);
    if (ms < 0) {
        page(conn, "400 Bad Request", "", "How slow?",
             "<p>ms= from 0 to %d, please.</p>\n", MAX_SLOW);
        return;
    }
    pause_for((double)ms);
    page(conn, "200 OK", "", "At last", "<p>That took %ld ms.</p>\n", ms);
}

static void
get_error(struct mg_connection *conn)
{
    page(conn, "500 Internal Server Error", "", "Broken",
         "<p>This page always fails.</p>\n");
}

/* --- Routes ------------------------------------------------------------- */

static const struct {
    const char *path;
    void (*get)(struct mg_connection *);
    void (*post)(struct mg_connection *); /* NULL: only GET and HEAD */
} routes[] = {
    {"/", get_index, NULL},
    {"/hello", get_hello, NULL},
    {"/world", get_world, NULL},
    {"/login", get_login, post_login},
    {"/me", get_me, NULL},
    {"/item", get_item, NULL},
    {"/api/items", get_items, post_items},
    {"/slow", get_slow, NULL},
    {"/error", get_error, NULL},
};

static void
serve(struct mg_connection *conn)
{
    const struct mg_request_info *info = mg_get_request_info(conn);
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(info->local_uri, routes[i].path) != 0) {
            continue;
        }
        if (strcmp(info->request_method, "GET") == 0 ||
            strcmp(info->request_method, "HEAD") == 0) {
            routes[i].get(conn);
        }
        else if (strcmp(info->request_method, "POST") == 0 &&
                 routes[i].post != NULL) {
            routes[i].post(conn);
        }
        else {
            page(conn, "405 Method Not Allowed",
                 routes[i].post != NULL ? "Allow: GET, HEAD, POST\r\n"
                                        : "Allow: GET, HEAD\r\n",
                 "Not like that", "<p>This page is not for that.</p>\n");
        }
        return;
    }
    page(conn, "404 Not Found", "", "Not found", "<p>No such page.</p>\n");
}

/* civetweb's callback. It closes connections by what is returned, so that is
   always 200, whatever the answer was. */
static int
begin_request(struct mg_connection *conn)
{
    if (delay_ms > 0) {
        pause_for(delay_ms);
    }
    serve(conn);
    return 200;
}

static int
log_message(const struct mg_connection *conn, const char *message)
{
    fprintf(stderr, "demo-site: %s\n", message);
    return 1;
}

/* --- The program -------------------------------------------------------- */

static struct mg_context *
start(int port, int threads)
{
    char where[32], pool[16];
    snprintf(where, sizeof(where), "127.0.0.1:%d", port);
    snprintf(pool, sizeof(pool), "%d", threads);
    /* Everything that civetweb would otherwise choose for us. */
    /* clang-format off */
    const char *options[] = {
        "listening_ports", where,
        "num_threads", pool,
        "connection_queue", "1024",
        "listen_backlog", "1024",
        "tcp_nodelay", "1",
        "max_request_size", "16384",
        "enable_keep_alive", "yes",
        "keep_alive_timeout_ms", "60000",
        "request_timeout_ms", "30000",
        "decode_url", "yes",
        "decode_query_string", "no",
        "enable_directory_listing", "no",
        "index_files", "",
        "cgi_pattern", "",
        "ssi_pattern", "",
        "allow_index_script_resource", "no",
        "allow_sendfile_call", "no",
        "enable_auth_domain_check", "no",
        "enable_websocket_ping_pong", "no",
        "access_control_allow_origin", "",
        "access_control_allow_methods", "",
        "access_control_allow_headers", "",
        NULL,
    };
    /* clang-format on */
    struct mg_callbacks callbacks = {
        .begin_request = begin_request,
        .log_message = log_message,
    };
    return mg_start(&callbacks, NULL, options);
}

static const char usage[] =
    "Usage: demo-site [--port N] [--delay MS] [--threads N]\n"
    "  --port N     listen on 127.0.0.1:N (default 0: a free port)\n"
    "  --delay MS   answer every page that much later (default 0)\n"
    "  --threads N  connections served at once (default 200)\n";

/* The number an option was given; ends the program if it is none. */
static double
option_number(const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= min && value <= max)) {
        fprintf(stderr, "demo-site: '%s' is not a number from %g to %g\n", text,
                min, max);
        exit(2);
    }
    return value;
}

static void
read_arguments(int argc, char **argv, int *port, int *threads)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"delay", required_argument, NULL, 'd'},
        {"threads", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'p') {
            *port = (int)option_number(optarg, 0, 65535);
        }
        else if (option == 'd') {
            delay_ms = option_number(optarg, 0, MAX_SLOW);
        }
        else if (option == 't') {
            *threads = (int)option_number(optarg, 1, 10000);
        }
        else {
            fputs(usage, option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 2);
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        exit(2);
    }
}

/* Says where it listens. Returns 0, or -1 after saying what is wrong. */
static int
announce(const struct mg_context *server)
{
    struct mg_server_port listening[1];
    if (mg_get_server_ports(server, 1, listening) != 1 ||
        printf("listening on http://127.0.0.1:%d\n", listening[0].port) < 0 ||
        fflush(stdout) == EOF) {
        perror("demo-site: announcing the address");
        return -1;
    }
    return 0;
}

/* Serves until a signal comes; blocked, it reaches no thread of civetweb.
   Returns the exit status. */
static int
run(int port, int threads)
{
    sigset_t signals;
    int signal_number, status = 1;
    uint64_t one = 1;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0) {
        fputs("demo-site: signals cannot be blocked\n", stderr);
        return 1;
    }
    struct mg_context *server = start(port, threads);
    if (server == NULL) {
        fprintf(stderr, "demo-site: cannot listen on 127.0.0.1:%d\n", port);
        return 1;
    }
    if (announce(server) == 0) {
        sigwait(&signals, &signal_number);
        status = 0;
    }
    if (write(stopping, &one, sizeof(one)) < 0) {
        perror("demo-site: waking the slow pages");
    }
    mg_stop(server);
    return status;
}

int
main(int argc, char **argv)
{
    int port = 0, threads = 200;
    read_arguments(argc, argv, &port, &threads);
    stopping = eventfd(0, EFD_CLOEXEC);
    if (stopping < 0) {
        perror("demo-site: eventfd");
        return 1;
    }
    mg_init_library(0);
    int status = run(port, threads);
    mg_exit_library();
    close(stopping);
    return status;
}
