/*
 * URLs in the form that libcurl makes of them, kept for the next request.
 *
 * libcurl parses the URL of every request and writes it out again in a normal
 * form; with one that is parsed already it does neither. Load tests ask for few
 * URLs many times, so an I/O thread keeps some of them: a table in which each
 * URL has one place, and a later one takes the place of an earlier one that is
 * not in use.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

#define PLACES 512              /* a power of two */

/* How libcurl itself parses what CURLOPT_URL says, with CURLOPT_PATH_AS_IS. */
#define PARSE_FLAGS (CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS)

struct parsed {
    char *url;                  /* owned; NULL: an empty place */
    CURLU *handle;              /* owned */
    int users;                  /* transfers under way */
};

struct parsed_table {
    struct parsed places[PLACES];
};

/* FNV-1a. */
static uint32_t
hash(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s != '\0'; s++) {
        h = (h ^ (unsigned char)*s) * 16777619u;
    }
    return h;
}

static void
clear(struct parsed *p)
{
    free(p->url);
    curl_url_cleanup(p->handle);
    p->url = NULL;
    p->handle = NULL;
}

static bool
fill(struct parsed *p, const char *url)
{
    clear(p);
    p->url = strdup(url);
    p->handle = curl_url();
    if (p->url == NULL || p->handle == NULL ||
        curl_url_set(p->handle, CURLUPART_URL, url, PARSE_FLAGS) !=
            CURLUE_OK) {
        clear(p);
        return false;
    }
    return true;
}

struct parsed *
parsed_take(struct io_thread *io, const char *url)
{
    if (io->parsed == NULL) {
        io->parsed = calloc(1, sizeof(*io->parsed));
        if (io->parsed == NULL) {
            return NULL;
        }
    }
    struct parsed *p = &io->parsed->places[hash(url) % PLACES];
    if (p->url == NULL || strcmp(p->url, url) != 0) {
        if (p->users > 0 || !fill(p, url)) {
            return NULL;
        }
    }
    p->users++;
    return p;
}

void
parsed_give_back(struct parsed *p)
{
    if (p != NULL) {
        p->users--;
    }
}

CURLU *
parsed_handle(const struct parsed *p)
{
    return p != NULL ? p->handle : NULL;
}

void
parsed_free_all(struct io_thread *io)
{
    for (int i = 0; io->parsed != NULL && i < PLACES; i++) {
        clear(&io->parsed->places[i]);
    }
    free(io->parsed);
    io->parsed = NULL;
}
