/*
 * Switching stacks: registers, control words, alignment, depth, many stacks,
 * and the guard below each.
 *
 * A plain program that needs nothing but the C library, so that it also runs
 * where it was cross-compiled for, under an emulator (make check-aarch64). It
 * prints its result as cmocka does, for those who count.
 */
#include "config.h"

#include <fenv.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "green/overflow.h"
#include "green/stack.h"
#include "green/switch.h"

static const char *running;

#define CHECK(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            printf("[  FAILED  ] %s: line %d: %s\n", running, __LINE__,       \
                   #condition);                                               \
            exit(1);                                                          \
        }                                                                     \
    } while (0)

/* --- Registers: filled and read in assembly, whatever the compiler does. */

void switch_with(void **from, void *to, const uint64_t *in, uint64_t *out);

#if defined(__x86_64__)

enum { REGISTERS = 6 };         /* rbx, rbp, r12 .. r15 */

__asm__(".text\n"
        ".globl switch_with\n"
        ".type switch_with, @function\n"
        "switch_with:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    pushq %rcx\n"
        "    movq 0(%rdx), %rbx\n"
        "    movq 8(%rdx), %rbp\n"
        "    movq 16(%rdx), %r12\n"
        "    movq 24(%rdx), %r13\n"
        "    movq 32(%rdx), %r14\n"
        "    movq 40(%rdx), %r15\n"
        "    call green_switch\n"
        "    popq %rcx\n"
        "    movq %rbx, 0(%rcx)\n"
        "    movq %rbp, 8(%rcx)\n"
        "    movq %r12, 16(%rcx)\n"
        "    movq %r13, 24(%rcx)\n"
        "    movq %r14, 32(%rcx)\n"
        "    movq %r15, 40(%rcx)\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size switch_with, . - switch_with\n");

#elif defined(__aarch64__)

enum { REGISTERS = 19 };        /* x19 .. x29, d8 .. d15 */

__asm__(".text\n"
        ".globl switch_with\n"
        ".type switch_with, %function\n"
        "switch_with:\n"
        "    sub sp, sp, #176\n"
        "    stp x19, x20, [sp, #0]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    str x3, [sp, #160]\n"
        "    ldp x19, x20, [x2, #0]\n"
        "    ldp x21, x22, [x2, #16]\n"
        "    ldp x23, x24, [x2, #32]\n"
        "    ldp x25, x26, [x2, #48]\n"
        "    ldp x27, x28, [x2, #64]\n"
        "    ldr x29, [x2, #80]\n"
        "    ldp d8, d9, [x2, #88]\n"
        "    ldp d10, d11, [x2, #104]\n"
        "    ldp d12, d13, [x2, #120]\n"
        "    ldp d14, d15, [x2, #136]\n"
        "    bl green_switch\n"
        "    ldr x9, [sp, #160]\n"
        "    stp x19, x20, [x9, #0]\n"
        "    stp x21, x22, [x9, #16]\n"
        "    stp x23, x24, [x9, #32]\n"
        "    stp x25, x26, [x9, #48]\n"
        "    stp x27, x28, [x9, #64]\n"
        "    str x29, [x9, #80]\n"
        "    stp d8, d9, [x9, #88]\n"
        "    stp d10, d11, [x9, #104]\n"
        "    stp d12, d13, [x9, #120]\n"
        "    stp d14, d15, [x9, #136]\n"
        "    ldp x19, x20, [sp, #0]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #176\n"
        "    ret\n"
        ".size switch_with, . - switch_with\n");

#endif

/* --- Two stacks: the test's own, and one that runs side(). */

static struct {
    void *main, *side;          /* stored stack pointers */
    struct stack *stack;
    unsigned long turns;
} pair;

static void
begin_pair(void (*side)(void *))
{
    pair.stack = stack_alloc();
    CHECK(pair.stack != NULL);
    pair.turns = 0;
    pair.side = green_switch_prepare(pair.stack->top, side, &pair);
}

static void
end_pair(void)
{
    stack_free(pair.stack, pair.side);
}

static void
to_side(void)
{
    green_switch(&pair.main, pair.side);
}

static void
to_main(void)
{
    green_switch(&pair.side, pair.main);
}

static void
count_turns(void *argument)
{
    CHECK(argument == &pair);
    for (;;) {
        pair.turns++;
        to_main();
    }
}

static void
test_ping_pong(void)
{
    begin_pair(count_turns);
    for (unsigned long i = 1; i <= 100000; i++) {
        to_side();
        CHECK(pair.turns == i);
    }
    end_pair();
}

static void
fill(uint64_t *values, uint64_t seed)
{
    for (int i = 0; i < REGISTERS; i++) {
        values[i] = seed * 0x9e3779b97f4a7c15u + (uint64_t)i * 0x0101010101u;
    }
}

static void
change_registers(void *argument)
{
    for (uint64_t seed = 1000;; seed++) {
        uint64_t in[REGISTERS], out[REGISTERS] = {0};
        fill(in, seed);
        switch_with(&pair.side, pair.main, in, out);
        CHECK(memcmp(in, out, sizeof(in)) == 0);
        pair.turns++;
    }
}

static void
test_registers_survive(void)
{
    begin_pair(change_registers);
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint64_t in[REGISTERS], out[REGISTERS] = {0};
        fill(in, seed);
        switch_with(&pair.main, pair.side, in, out);
        CHECK(memcmp(in, out, sizeof(in)) == 0);
        CHECK(pair.turns == seed - 1);
    }
    end_pair();
}

/* A third, computed with the rounding of the moment. */
static double
third(void)
{
    volatile double one = 1, three = 3;
    return one / three;
}

static void
round_up(void *argument)
{
    CHECK(fegetround() == FE_TONEAREST);
    CHECK(fesetround(FE_UPWARD) == 0);
    double up = third();
    for (;;) {
        pair.turns++;
        to_main();
        CHECK(fegetround() == FE_UPWARD);
        CHECK(third() == up);
    }
}

static void
test_each_has_its_rounding(void)
{
    double nearest = third();
    CHECK(fesetround(FE_DOWNWARD) == 0);
    double down = third();
    CHECK(fesetround(FE_UPWARD) == 0);
    CHECK(third() != down);     /* or else nothing is told apart here */
    CHECK(fesetround(FE_DOWNWARD) == 0);
    begin_pair(round_up);
    for (unsigned long i = 1; i <= 10; i++) {
        to_side();
        CHECK(pair.turns == i);
        CHECK(fegetround() == FE_DOWNWARD);
        CHECK(third() == down);
    }
    CHECK(fesetround(FE_TONEAREST) == 0);
    CHECK(third() == nearest);
    end_pair();
}

/* What the compiler puts on the stack on the assumption that it is aligned. */
static void
look_at_alignment(void *argument)
{
    _Alignas(16) char aligned[16];
    uintptr_t at = (uintptr_t)aligned;
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    __asm__ volatile("" : "+r"(at), "+r"(frame) : : "memory");
    pair.turns = at % 16 == 0 && frame % 16 == 0;
    for (;;) {
        to_main();
    }
}

static void
test_stack_is_aligned(void)
{
    begin_pair(look_at_alignment);
    to_side();
    CHECK(pair.turns == 1);
    end_pair();
}

/* --- Depth. */

/* Goes down until so many bytes are left, switches there, and finds on its
   way up what it left on its way down. */
static uintptr_t
descend(const char *low, size_t left, uintptr_t depth)
{
    volatile uintptr_t frame[64];
    for (uintptr_t i = 0; i < 64; i++) {
        frame[i] = depth + i;
    }
    uintptr_t below = 0;
    if ((uintptr_t)frame - (uintptr_t)low > left) {
        below = descend(low, left, depth + 1);
    }
    else {
        to_main();
    }
    for (uintptr_t i = 0; i < 64; i++) {
        CHECK(frame[i] == depth + i);
    }
    return below + 1;
}

static void
go_deep(void *argument)
{
    for (;;) {
        pair.turns = descend(pair.stack->low, 16 * 1024, 0);
        to_main();
    }
}

static void
test_whole_stack_is_usable(void)
{
    begin_pair(go_deep);
    for (int i = 0; i < 2; i++) {
        pair.turns = 0;
        to_side();              /* to its lowest point */
        CHECK(pair.turns == 0);
        to_side();              /* and up again */
        /* No frame is wider than 64 KB, with sanitizers either. */
        CHECK(pair.turns > stack_size() / (64 * 1024));
    }
    end_pair();
}

/* --- Many. */

enum { MANY = 1000, ROUNDS = 20 };

static struct one {
    void *sp;
    struct stack *stack;
    unsigned rounds;
} many[MANY];

static void *many_main;

static void
be_one_of_many(void *argument)
{
    struct one *self = argument;
    volatile uintptr_t mine[512];
    for (int i = 0; i < 512; i++) {
        mine[i] = (uintptr_t)self + (uintptr_t)i;
    }
    for (;;) {
        self->rounds++;
        /* To the next one directly; the last goes back. */
        green_switch(&self->sp, self + 1 < many + MANY ? self[1].sp
                                                       : many_main);
        for (int i = 0; i < 512; i++) {
            CHECK(mine[i] == (uintptr_t)self + (uintptr_t)i);
        }
    }
}

static void
test_a_thousand_stacks(void)
{
    for (int i = 0; i < MANY; i++) {
        many[i].stack = stack_alloc();
        CHECK(many[i].stack != NULL);
        CHECK(many[i].stack->top - many[i].stack->low ==
              (ptrdiff_t)stack_size());
        many[i].sp = green_switch_prepare(many[i].stack->top, be_one_of_many,
                                          &many[i]);
    }
    for (unsigned round = 1; round <= ROUNDS; round++) {
        green_switch(&many_main, many[0].sp);
        for (int i = 0; i < MANY; i++) {
            CHECK(many[i].rounds == round);
        }
    }
    for (int i = 0; i < MANY; i++) {
        stack_free(many[i].stack, many[i].sp);
    }
}

/* --- Memory and guards. */

static void
test_trimming_spares_what_is_used(void)
{
    struct stack *stack = stack_alloc();
    CHECK(stack != NULL);
    size_t half = stack_size() / 2;
    char *sp = stack->low + half;
    memset(stack->low, 'a', stack_size());
    stack_trim(stack, sp);
    CHECK(stack->low[0] == 0 && stack->low[half - 8192] == 0);
    for (char *at = sp - 256; at < stack->top; at++) {
        CHECK(*at == 'a');
    }
    stack_free(stack, stack->top);
    CHECK(stack_alloc() == stack);
    CHECK(stack->low[0] == 0);
    stack_free(stack, stack->top);
}

/* What a stack had in use is its own to keep only near the top. */
static void
test_a_free_stack_keeps_little(void)
{
    static const size_t used[] = {4096, 3 * 4096, 1 << 20};
    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
        struct stack *stack = stack_alloc();
        CHECK(stack != NULL);
        memset(stack->top - used[i], 'a', used[i]);
        stack_free(stack, stack->top);
        CHECK(stack_alloc() == stack);
        for (int page = 0; page < 253; page++) {
            CHECK(*(stack->top - (1 << 20) + page * 4096) == 0);
        }
        stack_free(stack, stack->top);
    }
}

static void
test_a_guard_is_known_by_its_address(void)
{
    struct stack *stack = stack_alloc();
    CHECK(stack != NULL);
    CHECK(stack_of_guard(stack->low - 1) == stack);
    CHECK(stack_of_guard(stack->low) == NULL);
    CHECK(stack_of_guard(stack->top - 1) == NULL);
    CHECK(stack_of_guard(&stack) == NULL);
    stack_free(stack, stack->top);
}

static void
overflow(void *argument)
{
    descend(pair.stack->low - (1 << 20), 0, 0);
    to_main();
}

/* Overflows a stack in a child; gives what that said on stderr. */
static void
overflow_in_a_child(bool watch, char *said, size_t size)
{
    int fds[2], status;
    CHECK(pipe(fds) == 0);
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);       /* a sanitizer's handler reports */
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        begin_pair(overflow);
        if (!watch || overflow_watch() == 0) {
            to_side();
        }
        _exit(0);
    }
    close(fds[1]);
    size_t used = 0;
    ssize_t n;
    while ((n = read(fds[0], said + used, size - 1 - used)) > 0) {
        used += (size_t)n;
    }
    said[used] = '\0';
    close(fds[0]);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void
test_overflow_hits_the_guard(void)
{
    char said[1024];
    overflow_in_a_child(false, said, sizeof(said));
    CHECK(strstr(said, "C stack") == NULL);
}

static const char *
describe(char *buffer, size_t size)
{
    snprintf(buffer, size, "somebody");
    return buffer;
}

static void
test_overflow_is_named(void)
{
#ifndef WITH_SANITIZERS         /* they name it themselves */
    char said[1024], expected[128];
    overflow_describe = describe;
    overflow_in_a_child(true, said, sizeof(said));
    snprintf(expected, sizeof(expected), "C stack of %zu KB (somebody)",
             stack_size() / 1024);
    CHECK(strstr(said, expected) != NULL);
#else
    (void)describe;
#endif
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
#define TEST(name) {#name, test_##name}
    TEST(ping_pong),
    TEST(registers_survive),
    TEST(each_has_its_rounding),
    TEST(stack_is_aligned),
    TEST(whole_stack_is_usable),
    TEST(a_thousand_stacks),
    TEST(trimming_spares_what_is_used),
    TEST(a_free_stack_keeps_little),
    TEST(a_guard_is_known_by_its_address),
    TEST(overflow_hits_the_guard),
    TEST(overflow_is_named),
};

enum { TESTS = sizeof(tests) / sizeof(tests[0]) };

int
main(void)
{
    for (int i = 0; i < TESTS; i++) {
        running = tests[i].name;
        tests[i].run();
        printf("[       OK ] %s\n", running);
    }
    printf("guards: %s\n", stack_guard_kind());
    printf("[  PASSED  ] %d test(s).\n", TESTS);
    return 0;
}
