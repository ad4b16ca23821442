/* Exchanges and replies; see exchange.h. */
#include "http/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/cookie.h"
#include "http/internal.h"

/* Holds the header and body of a small reply without growing. */
#define REPLY_ROOM 1024

struct exchange *
exchange_new(void)
{
    return calloc(1, sizeof(struct exchange));
}

bool
exchange_again(struct exchange *x)
{
    struct reply *last = x->reply, *again = reply_new();
    if (again == NULL) {
        return false;
    }
    again->previous = last->previous;
    again->url = last->url;
    again->method = last->method;
    last->previous = NULL;
    last->url = NULL;
    reply_free(last);
    x->reply = again;
    exchange_fail(x, HTTP_OK, 0, NULL);
    x->redirects = 0;
    x->finished = x->aborted = x->cancelled = false;
    x->ended = 0;
    if (x->upload != NULL) {
        upload_rewind(x->upload);
    }
    return true;
}

void
exchange_free(struct exchange *x)
{
    if (x == NULL) {
        return;
    }
    reply_free(x->reply);
    curl_slist_free_all(x->lines);
    free(x->url);
    free(x->own_method);
    cookie_jar_free(x->cookies);
    cookie_jar_free(x->jar);
    free(x->body);
    upload_free(x->upload);
    feed_unref(x->feed);
    if (x->source != NULL) {
        x->free_source(x->source);
    }
    stream_unref(x->stream);
    options_unref(x->options);
    free(x->message);
    free(x);
}

struct reply *
reply_new(void)
{
    struct reply *r = calloc(1, sizeof(*r));
    if (r != NULL && !buf_reserve(&r->raw, REPLY_ROOM)) {
        free(r);
        r = NULL;
    }
    return r;
}

void
reply_free(struct reply *reply)
{
    while (reply != NULL) {
        struct reply *previous = reply->previous;
        free(reply->url);
        buf_free(&reply->raw);
        curl_slist_free_all(reply->lines);
        free(reply->body_sent);
        free(reply->times);
        free(reply);
        reply = previous;
    }
}

/* The status line, if at is 0, then each header line up to the empty one. */
bool
reply_next_header(const struct reply *reply, size_t *at,
                  struct header *header)
{
    const char *end = reply->raw.data + reply->body;
    const char *line = reply->raw.data + *at;
    if (*at == 0) {
        line = memchr(line, '\n', reply->body);
        line = line != NULL ? line + 1 : end;
    }
    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        next = next != NULL ? next + 1 : end;
        const char *stop = next;
        while (stop > line && (stop[-1] == '\n' || stop[-1] == '\r')) {
            stop--;
        }
        *at = (size_t)(next - reply->raw.data);
        const char *colon = memchr(line, ':', (size_t)(stop - line));
        if (colon == NULL) {
            line = next;
            continue;
        }
        const char *value = colon + 1;
        while (value < stop && (*value == ' ' || *value == '\t')) {
            value++;
        }
        while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t')) {
            stop--;
        }
        *header = (struct header){
            .name = line,
            .name_length = (size_t)(colon - line),
            .value = value,
            .value_length = (size_t)(stop - value),
        };
        return true;
    }
    return false;
}

bool
reply_find_header(const struct reply *reply, const char *name,
                  struct header *header)
{
    size_t at = 0, length = strlen(name);
    while (reply_next_header(reply, &at, header)) {
        if (header->name_length == length &&
            strncasecmp(header->name, name, length) == 0) {
            return true;
        }
    }
    return false;
}

const struct curl_slist *
exchange_sent_lines(const struct exchange *x, const struct reply *reply)
{
    if (reply->lines != NULL) {
        return reply->lines;
    }
    return reply == x->reply ? x->headers : reply->shared;
}

const char *
exchange_sent_body(const struct exchange *x, const struct reply *reply,
                   size_t *length)
{
    const char *body = x->body;
    *length = x->body_length;
    for (const struct reply *r = x->reply; r != NULL; r = r->previous) {
        if (r->body_ends) {
            body = r->body_sent;
            *length = r->body_sent_length;
        }
        if (r == reply) {
            break;
        }
    }
    return body;
}

void
exchange_fail(struct exchange *x, enum http_error error, int code,
              const char *message)
{
    x->error = error;
    x->code = code;
    free(x->message);
    x->message = message != NULL ? strdup(message) : NULL;
    x->message_length = x->message != NULL ? strlen(x->message) : 0;
}

void
exchange_fail_with(struct exchange *x, enum http_error error,
                   const char *bytes, size_t length)
{
    exchange_fail(x, error, 0, NULL);
    x->message = malloc(length + 1);
    if (x->message != NULL) {
        memcpy(x->message, bytes, length);
        x->message[length] = '\0';
        x->message_length = length;
    }
}
