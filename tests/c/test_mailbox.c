/* Mailboxes: order, the bell, opening, and many threads that post at once. */
#include "base/mailbox.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "unit.h"

enum { SENDERS = 4, LETTERS = 20000 };

struct numbered {
    struct letter letter;
    int sender, number;
};

static bool
rings(struct mailbox *mb)
{
    struct pollfd p = {mb->fd, POLLIN, 0};
    return poll(&p, 1, 0) == 1;
}

static void
test_order(void **state)
{
    struct mailbox mb;
    struct letter a, b, c = {0}, d;
    assert_int_equal(mailbox_init(&mb), 0);
    assert_true(mailbox_is_empty(&mb));
    assert_null(mailbox_take(&mb));
    mailbox_post(&mb, &a);
    b.next = &c;
    mailbox_post_chain(&mb, &b, &c);
    mailbox_post(&mb, &d);
    struct letter *l = mailbox_take(&mb);
    assert_ptr_equal(l, &a);
    assert_ptr_equal(l->next, &b);
    assert_ptr_equal(b.next, &c);
    assert_ptr_equal(c.next, &d);
    assert_null(d.next);
    assert_true(mailbox_is_empty(&mb));
    mailbox_close(&mb);
}

static void
test_bell(void **state)
{
    struct mailbox mb;
    struct letter a, b, c;
    assert_int_equal(mailbox_init(&mb), 0);
    mailbox_post(&mb, &a);
    assert_false(rings(&mb));           /* nobody sleeps */
    assert_false(mailbox_may_sleep(&mb));
    mailbox_take(&mb);
    assert_true(mailbox_may_sleep(&mb));
    mailbox_post(&mb, &b);
    assert_true(rings(&mb));
    mailbox_hush(&mb);
    mailbox_post(&mb, &c);
    assert_false(rings(&mb));           /* once is enough */
    mailbox_awake(&mb);
    mailbox_take(&mb);
    errno = EDOM;
    mailbox_ring(&mb);
    assert_int_equal(errno, EDOM);
    assert_true(rings(&mb));
    mailbox_hush(&mb);
    mailbox_hush(&mb);                  /* does not block */
    mailbox_close(&mb);
}

static struct letter *seen[16];
static int seen_count;

static void
see(const struct letter *letter)
{
    seen[seen_count++] = (struct letter *)letter;
}

static void
see_two(const struct letter *next, const struct letter *after)
{
    see(next);
    see(after);
}

/* The one who handles a letter may send it again. */
static void
handle(struct letter *letter)
{
    see(letter);
    letter->next = letter;
}

static void
test_open(void **state)
{
    struct mailbox mb;
    struct letter a = {.handle = handle}, b = a, c = a;
    assert_int_equal(mailbox_init(&mb), 0);
    mailbox_open(&mb, INT_MAX, see_two);
    assert_int_equal(seen_count, 0);
    mailbox_post(&mb, &a);
    mailbox_post(&mb, &b);
    mailbox_post(&mb, &c);
    mailbox_open(&mb, INT_MAX, see_two);
    struct letter *const order[] = {&b, &c, &a, &c, NULL, &b, &c};
    assert_int_equal(seen_count, 7);
    for (int i = 0; i < 7; i++) {
        assert_ptr_equal(seen[i], order[i]);
    }
    mailbox_post(&mb, &a);
    mailbox_open(&mb, INT_MAX, NULL);
    assert_int_equal(seen_count, 8);
    assert_true(mailbox_is_empty(&mb));
    mailbox_close(&mb);
}

/* What is left comes before what is posted later, and keeps the owner awake. */
static void
test_open_some(void **state)
{
    struct mailbox mb;
    struct letter a = {.handle = handle}, b = a, c = a, d = a;
    assert_int_equal(mailbox_init(&mb), 0);
    mailbox_post(&mb, &a);
    mailbox_post(&mb, &b);
    mailbox_post(&mb, &c);
    seen_count = 0;
    mailbox_open(&mb, 2, NULL);
    assert_int_equal(seen_count, 2);
    assert_true(mailbox_is_empty(&mb));
    assert_false(mailbox_may_sleep(&mb));
    mailbox_post(&mb, &d);
    assert_false(rings(&mb));
    mailbox_open(&mb, INT_MAX, NULL);
    struct letter *const order[] = {&a, &b, &c, &d};
    assert_int_equal(seen_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_ptr_equal(seen[i], order[i]);
    }
    assert_true(mailbox_may_sleep(&mb));
    mailbox_close(&mb);
}

struct sender {
    pthread_t thread;
    struct mailbox *to;
    struct numbered *letters;
};

static void *
send_all(void *argument)
{
    struct sender *s = argument;
    for (int i = 0; i < LETTERS; i++) {
        mailbox_post(s->to, &s->letters[i].letter);
    }
    return NULL;
}

/* Nothing is lost, each sender's letters come in order, and the owner never
   sleeps on a letter. */
static void
test_threads(void **state)
{
    struct mailbox mb;
    struct sender senders[SENDERS];
    int next[SENDERS] = {0}, left = SENDERS * LETTERS;
    assert_int_equal(mailbox_init(&mb), 0);
    for (int s = 0; s < SENDERS; s++) {
        senders[s] = (struct sender){
            .to = &mb, .letters = calloc(LETTERS, sizeof(struct numbered))};
        assert_non_null(senders[s].letters);
        for (int i = 0; i < LETTERS; i++) {
            senders[s].letters[i].sender = s;
            senders[s].letters[i].number = i;
        }
        assert_int_equal(pthread_create(&senders[s].thread, NULL, send_all,
                                        &senders[s]), 0);
    }
    while (left > 0) {
        struct letter *l = mailbox_take(&mb);
        for (; l != NULL; l = l->next, left--) {
            struct numbered *n = (struct numbered *)l;
            assert_int_equal(n->number, next[n->sender]++);
        }
        struct pollfd p = {mb.fd, POLLIN, 0};
        if (left > 0 && mailbox_may_sleep(&mb)) {
            assert_int_equal(poll(&p, 1, 10000), 1);
        }
        mailbox_awake(&mb);
        if (p.revents != 0) {
            mailbox_hush(&mb);
        }
    }
    for (int s = 0; s < SENDERS; s++) {
        pthread_join(senders[s].thread, NULL);
        free(senders[s].letters);
    }
    assert_true(mailbox_is_empty(&mb));
    mailbox_close(&mb);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_bell),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_open_some),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
