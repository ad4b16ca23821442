/*
 * A SIGSEGV handler on a stack of its own; see overflow.h. It only reads
 * memory and writes to stderr.
 */
#include "config.h"
#include "green/overflow.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "green/stack.h"

enum { HANDLER_STACK = 64 * 1024 };

const char *(*overflow_describe)(char *buffer, size_t size);

static struct sigaction previous;
static char handler_stack[HANDLER_STACK];

static void
say(const char *text)
{
    /* Nothing can be done about a broken stderr here. */
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static void
on_fault(int signal_number, siginfo_t *info, void *context)
{
    if (stack_of_guard(info->si_addr) != NULL) {
        char who[256] = "", size[32];
        if (overflow_describe != NULL) {
            overflow_describe(who, sizeof(who));
        }
        snprintf(size, sizeof(size), "%zu", stack_size() / 1024);
        say("locust: a green thread has used up its C stack of ");
        say(size);
        say(" KB");
        say(who[0] != '\0' ? " (" : "");
        say(who);
        say(who[0] != '\0' ? ")" : "");
        say(": it recurses too deeply through C code. --stack-size gives it "
            "more; sys.setrecursionlimit() stops it earlier.\n");
    }
    /* The instruction is tried again and meets whoever was here before. There
       is none if somebody has sent the signal. */
    sigaction(SIGSEGV, &previous, NULL);
    if (info->si_code <= 0) {
        raise(SIGSEGV);
    }
}

static int
provide_stack(void)
{
    stack_t old;
    if (sigaltstack(NULL, &old) < 0) {
        return -1;
    }
    if (!(old.ss_flags & SS_DISABLE)) {
        return 0;               /* somebody has seen to it */
    }
    stack_t own = {.ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
    return sigaltstack(&own, NULL);
}

/* AddressSanitizer has a handler of its own, which tells more. */
#ifdef WITH_SANITIZERS
#define LEAVE_TO_SANITIZER true
#else
#define LEAVE_TO_SANITIZER false
#endif

int
overflow_watch(void)
{
    if (LEAVE_TO_SANITIZER) {
        return 0;
    }
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    return provide_stack() < 0 ? -1 : sigaction(SIGSEGV, &action, &previous);
}
