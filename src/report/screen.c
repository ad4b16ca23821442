/* The terminal; see screen.h. */
#include "config.h"
#include "report/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CLOSE_TIMEOUT_MS 200    /* for a terminal that takes nothing */

/* The other screen, without cursor; and back. */
static const char enter[] = "\033[?1049h\033[?25l\033[2J";
static const char leave[] = "\033[0m\033[?25h\033[?1049l";

/* The one terminal of the process. */
static struct {
    volatile sig_atomic_t taken;
    int fd;                     /* our own, does not block */
    int guard;                  /* the pipe that the guard waits for */
    struct termios mode;        /* as it was */
    struct termios mode_then;   /* when it was left by Ctrl-Z */
    struct buf pending;         /* of the last frame */
} screen = {.fd = -1, .guard = -1};

/* --- The guard. */

/* Everything here may be done after a fork() with threads. */
static void __attribute__((noreturn))
stand_guard(int terminal, int pipe_end)
{
    char word;
    ssize_t n;
    setsid();                   /* no signal of the terminal reaches it */
    do {
        n = read(pipe_end, &word, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 0) {               /* no word was given: it died */
        tcsetattr(terminal, TCSANOW, &screen.mode);
        if (write(terminal, leave, sizeof(leave) - 1) < 0) {
            _exit(1);
        }
    }
    _exit(0);
}

/* Leaves a descriptor of the terminal and the pipe open, nothing else. */
static void __attribute__((noreturn))
become_guard(int terminal, int pipe_end)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (fork() != 0) {
        _exit(0);               /* the guard is nobody's child */
    }
    if (dup2(terminal, 0) < 0 || dup2(pipe_end, 1) < 0) {
        _exit(1);
    }
    close_range(2, ~0U, 0);
    stand_guard(0, 1);
}

static int
start_guard(int terminal)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return errno;
    }
    pid_t pid = fork();
    if (pid < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return error;
    }
    if (pid == 0) {
        become_guard(terminal, ends[0]);
    }
    close(ends[0]);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    screen.guard = ends[1];
    return 0;
}

/* --- Ctrl-Z. */

/* Writes it all, within reason. */
static void
write_now(const char *bytes, size_t n)
{
    while (n > 0) {
        struct pollfd ready = {.fd = screen.fd, .events = POLLOUT};
        if (poll(&ready, 1, CLOSE_TIMEOUT_MS) <= 0) {
            return;
        }
        ssize_t written = write(screen.fd, bytes, n);
        if (written < 0) {
            return;
        }
        bytes += written;
        n -= (size_t)written;
    }
}

static void
on_stop(int signum)
{
    int error = errno;
    if (screen.taken) {
        tcgetattr(screen.fd, &screen.mode_then);
        tcsetattr(screen.fd, TCSANOW, &screen.mode);
        write_now(leave, sizeof(leave) - 1);
    }
    raise(SIGSTOP);
    if (screen.taken) {
        tcsetattr(screen.fd, TCSANOW, &screen.mode_then);
        write_now(enter, sizeof(enter) - 1);
    }
    errno = error;
}

static void
follow_stop(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler,
                               .sa_flags = SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTSTP, &action, NULL);
}

/* --- The screen. */

int
screen_open(int terminal)
{
    if (screen.taken) {
        return EBUSY;
    }
    char name[64] = "";
    if (tcgetattr(terminal, &screen.mode) < 0 ||
        ttyname_r(terminal, name, sizeof(name)) != 0) {
        return ENOTTY;
    }
    screen.fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (screen.fd < 0) {
        return errno;
    }
    int error = start_guard(screen.fd);
    if (error != 0) {
        close(screen.fd);
        screen.fd = -1;
        return error;
    }
    screen.pending.length = 0;
    screen.taken = 1;
    follow_stop(on_stop);
    write_now(enter, sizeof(enter) - 1);
    return 0;
}

void
screen_size(int *columns, int *rows)
{
    struct winsize size;
    *columns = 80;
    *rows = 24;
    if (screen.taken && ioctl(screen.fd, TIOCGWINSZ, &size) == 0 &&
        size.ws_col > 0 && size.ws_row > 0) {
        *columns = size.ws_col;
        *rows = size.ws_row;
    }
}

/* What the terminal takes of the pending frame now. False: there is more. */
static bool
flush_pending(void)
{
    struct buf *p = &screen.pending;
    while (p->length > 0) {
        ssize_t n = write(screen.fd, p->data, p->length);
        if (n <= 0) {
            return false;
        }
        memmove(p->data, p->data + n, p->length - (size_t)n);
        p->length -= (size_t)n;
    }
    return true;
}

bool
screen_put(const struct buf *frame)
{
    if (!screen.taken || !flush_pending() ||
        !buf_append(&screen.pending, frame->data, frame->length)) {
        return false;
    }
    flush_pending();
    return true;
}

void
screen_close(void)
{
    if (!screen.taken) {
        return;
    }
    screen.taken = 0;
    follow_stop(SIG_DFL);
    tcsetattr(screen.fd, TCSANOW, &screen.mode);
    write_now(leave, sizeof(leave) - 1);
    if (write(screen.guard, "x", 1) == 1) {
        close(screen.guard);
    }
    close(screen.fd);
    screen.fd = screen.guard = -1;
}
