/*
 * What went wrong: libcurl's results as kinds of failures.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/internal.h"

/* A connection that broke: how, and where in the exchange. */
static void
fail_broken(struct transfer *t, int error)
{
    struct exchange *x = t->x;
    if (t->header_done) {
        exchange_fail(x, HTTP_BROKEN_BODY, error, t->error);
    }
    else if (error != 0) {
        exchange_fail(x, HTTP_RESET, error, NULL);
    }
    else {
        exchange_fail(x, HTTP_CLOSED, 0, NULL);
    }
}

static void
fail_tls(struct transfer *t, CURLcode result)
{
    exchange_fail(t->x, HTTP_TLS, (int)result,
                  t->error[0] ? t->error : curl_easy_strerror(result));
}

static bool
is_tls_error(CURLcode result)
{
    switch (result) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
        return true;
    default:
        return false;
    }
}

/* libcurl reports bad chunks, bad headers and broken connections with one
   code; its text tells them apart. */
static void
fail_receiving(struct transfer *t, int error)
{
    if (strstr(t->error, "outstanding read data") != NULL) {
        exchange_fail(t->x, HTTP_TRUNCATED, -1, t->error);
    }
    else if (strstr(t->error, "chunk") != NULL) {
        exchange_fail(t->x, HTTP_BAD_CHUNK, 0, t->error);
    }
    else if (strcasestr(t->error, "header") != NULL) {
        exchange_fail(t->x, HTTP_BAD_HEADER, 0, t->error);
    }
    else {
        fail_broken(t, error);
    }
}

/* The server closed before its Content-Length. */
static void
fail_truncated(struct transfer *t)
{
    long missing = -1;
    if (strstr(t->error, "outstanding") == NULL) {
        const char *digits = strpbrk(t->error, "0123456789");
        missing = digits != NULL ? strtol(digits, NULL, 10) : -1;
    }
    exchange_fail(t->x, HTTP_TRUNCATED,
                  missing <= INT_MAX ? (int)missing : -1, t->error);
}

static bool
is_proxied(const struct exchange *x)
{
    bool secure = strncasecmp(x->url, "https:", 6) == 0;
    return x->options != NULL && options_proxy(x->options, secure) != NULL;
}

/* Nothing was sent, because of the proxy on the way. False if it was not to
   blame. */
static bool
fail_at_proxy(struct transfer *t, CURLcode result, int error)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    switch (result) {
    case CURLE_COULDNT_CONNECT:
        error = t->open_error != 0 ? t->open_error : error;
        exchange_fail(t->x, HTTP_PROXY, error != 0 ? error : ECONNREFUSED,
                      NULL);
        return true;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
        exchange_fail(t->x, HTTP_PROXY, (int)status,
                      t->error[0] ? t->error : curl_easy_strerror(result));
        return true;
    default:
        return false;
    }
}

/* Whether libcurl wanted to send it again on a new connection, which it did
   not get. Every sixth time it gives up by itself: it counts over all requests
   of a handle. */
static bool
is_refused_resend(const struct transfer *t, CURLcode result)
{
    return t->sends == 1 && (result == CURLE_COULDNT_CONNECT ||
                             strncmp(t->error, "Connection died", 15) == 0);
}

void
classify(struct transfer *t, CURLcode result)
{
    struct exchange *x = t->x;
    long error = 0;
    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &error);
    if (x->error != HTTP_OK) {
        return;                 /* one of our callbacks knew better */
    }
    if (!x->resend && (t->sends > 1 || is_refused_resend(t, result))) {
        /* The second attempt hides how the first one ended; not its text. */
        fail_broken(t, strstr(t->error, "reset") != NULL         ? ECONNRESET
                       : strstr(t->error, "Broken pipe") != NULL ? EPIPE
                                                                 : 0);
        return;
    }
    if (is_tls_error(result)) {
        fail_tls(t, result);
        return;
    }
    if (t->sends == 0 && is_proxied(x) &&
        fail_at_proxy(t, result, (int)error)) {
        return;
    }
    switch (result) {
    case CURLE_COULDNT_CONNECT:
        exchange_fail(x, HTTP_CONNECT,
                      t->open_error ? t->open_error
                      : error       ? (int)error
                                    : ECONNREFUSED,
                      NULL);
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
        exchange_fail(x, HTTP_RESOLVE, EAI_NONAME, NULL);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        exchange_fail(x, HTTP_CONNECT, ETIMEDOUT, NULL);
        break;
    case CURLE_GOT_NOTHING:
        fail_broken(t, 0);
        break;
    case CURLE_SEND_ERROR:
        fail_broken(t, error ? (int)error : EPIPE);
        break;
    case CURLE_RECV_ERROR:
        fail_receiving(t, error ? (int)error : ECONNRESET);
        break;
    case CURLE_PARTIAL_FILE:
        fail_truncated(t);
        break;
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR:
        exchange_fail(x, HTTP_BAD_ENCODING, 0, t->error);
        break;
    case CURLE_WEIRD_SERVER_REPLY:
        exchange_fail(x, HTTP_BAD_HEADER, 0, t->error);
        break;
    case CURLE_UNSUPPORTED_PROTOCOL:
        exchange_fail(x, HTTP_BAD_STATUS_LINE, 0, t->error);
        break;
    case CURLE_OUT_OF_MEMORY:
        /* libcurl says so of a header line above 100 KB, too. */
        exchange_fail(x, t->sends > 0 && !t->header_done ? HTTP_TOO_BIG
                                                         : HTTP_NO_MEMORY,
                      0, NULL);
        break;
    default:
        exchange_fail(x, HTTP_OTHER, (int)result,
                      t->error[0] ? t->error : curl_easy_strerror(result));
    }
}

