/* See sem.h. */
#include "config.h"
#include "green/sem.h"

#define AS_SHORT_AS_CAN_BE 1e-9         /* seconds */

double
sem_patience(bool block, PyObject *timeout)
{
    double seconds = block ? green_timeout(timeout) : 0;
    return block && seconds == 0 && green_can_park() ? AS_SHORT_AS_CAN_BE
                                                     : seconds;
}

int
sem_take(struct sem *s, double timeout)
{
    if (s->count > 0) {
        s->count--;
        return 1;
    }
    if (timeout == 0) {
        return 0;
    }
    bool given;
    int result = waitlist_wait_anywhere(&s->waiters, timeout, &given);
    if (result < 0 && given) {
        sem_give(s);
    }
    return result < 0 ? -1 : !result;
}

void
sem_give(struct sem *s)
{
    if (!waitlist_wake_one(&s->waiters)) {
        s->count++;
    }
}
