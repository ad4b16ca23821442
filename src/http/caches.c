/*
 * A session's connection caches (CURLSH): one for ordinary requests, and one
 * for each set of options that it has used. They are kept apart because
 * libcurl, when it looks for a connection to use again, does not know all that
 * options say.
 */
#include "config.h"

#include <stdlib.h>

#include "http/internal.h"

struct cache {
    struct cache *next;
    const struct http_options *options; /* a reference */
    CURLSH *share;
};

/* The session is among those with connections. */
static void
link_open(struct connections *c)
{
    if (c->share != NULL || c->caches != NULL) {
        return;                 /* already */
    }
    c->link = &c->io->open;
    c->next = *c->link;
    *c->link = c;
    if (c->next != NULL) {
        c->next->link = &c->next;
    }
}

static CURLSH *
share_new(void)
{
    CURLSH *share = curl_share_init();
    if (share != NULL && curl_share_setopt(share, CURLSHOPT_SHARE,
                                           CURL_LOCK_DATA_CONNECT) !=
                             CURLSHE_OK) {
        curl_share_cleanup(share);
        share = NULL;
    }
    return share;
}

static CURLSH *
open_for(struct connections *c, const struct http_options *options)
{
    struct cache *k = c->caches;
    while (k != NULL && k->options != options) {
        k = k->next;
    }
    if (k != NULL) {
        return k->share;
    }
    CURLSH *share = share_new();
    k = share != NULL ? calloc(1, sizeof(*k)) : NULL;
    if (k == NULL) {
        curl_share_cleanup(share);
        return NULL;
    }
    link_open(c);
    k->options = options_ref(options);
    k->share = share;
    k->next = c->caches;
    c->caches = k;
    return share;
}

CURLSH *
cache_open(struct exchange *x)
{
    struct connections *c = x->connections;
    if (x->options != NULL) {
        return open_for(c, x->options);
    }
    if (c->share == NULL) {
        CURLSH *share = share_new();
        if (share != NULL) {
            link_open(c);
            c->share = share;
        }
    }
    return c->share;
}

void
cache_drop_all(struct connections *c)
{
    if (c->share == NULL && c->caches == NULL) {
        return;
    }
    if (c->share != NULL) {
        curl_share_cleanup(c->share);
        c->share = NULL;
    }
    while (c->caches != NULL) {
        struct cache *k = c->caches;
        c->caches = k->next;
        curl_share_cleanup(k->share);
        options_unref(k->options);
        free(k);
    }
    *c->link = c->next;
    if (c->next != NULL) {
        c->next->link = c->link;
    }
}

void
cache_forget_all(struct connections *c)
{
    c->share = NULL;
    while (c->caches != NULL) {
        struct cache *k = c->caches;
        c->caches = k->next;
        options_unref(k->options);
        free(k);
    }
}
