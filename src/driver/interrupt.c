/* Ctrl-C and its like (interrupt.h).
 *
 * While sgdc compiles, reads or writes, nothing is worth finishing: the handler removes what is half-written and
 * ends the process. A training is worth keeping: the first signal is a request that generated code polls, and the
 * state is saved as at the end. A signal that was ignored when sgdc started stays ignored (nohup, `sgdc ... &`).
 * A closed pipe signals at every write: it asks once, and the writes then fail. A file that grows beyond its limit
 * is no signal here but a write that fails. Time that is up asks as a signal does; the first signal after it asks again.
 *
 * A handler gets no argument, so what it needs is in variables of this file. They change while the signals are held
 * back, or in one store.
 */
#define _GNU_SOURCE
#include "driver/interrupt.h"
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

enum { MOST_FILES = 8 };
static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
enum { ENDING_COUNT = sizeof ending / sizeof *ending };

volatile int32_t interrupt_asked;
static volatile sig_atomic_t deferred;
static const char *volatile files[MOST_FILES];
static volatile pid_t child;

static void remove_files(void) {
    for (int i = 0; i < MOST_FILES; i++)
        if (files[i]) unlink(files[i]);
}

static void on_signal(int number) {
    static const char message[] = "sgdc: interrupted\n";
    bool first = !interrupt_asked || interrupt_asked == SIGALRM;
    if (deferred && (first || number == SIGPIPE)) {
        if (first) interrupt_asked = number;
        return;
    }
    remove_files();
    if (child) kill(child, SIGKILL);
    if (number == SIGPIPE || write(STDERR_FILENO, message, sizeof message - 1) < 0) _exit(128 + number);
    _exit(128 + number);
}

void interrupt_install(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
    for (int i = 0; i < ENDING_COUNT; i++) sigaddset(&action.sa_mask, ending[i]);
    for (int i = 0; i < ENDING_COUNT; i++)
        if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(ending[i], &action, NULL);
    signal(SIGXFSZ, SIG_IGN);
    atexit(remove_files);
    at_quick_exit(remove_files);
}

static void on_time(int number) {
    if (!interrupt_asked) interrupt_asked = number;
}

void interrupt_after(double seconds) {
    struct sigaction action = {.sa_handler = on_time, .sa_flags = SA_RESTART};
    double whole = floor(seconds);
    struct itimerval timer = {.it_value = {(time_t)whole, (suseconds_t)((seconds - whole) * 1e6)}};
    for (int i = 0; i < ENDING_COUNT; i++) sigaddset(&action.sa_mask, ending[i]);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

bool interrupt_by_time(void) { return interrupt_asked == SIGALRM; }

void interrupt_forget_time(void) {
    interrupt_after(0);
    if (interrupt_by_time()) interrupt_asked = 0;
}

void interrupt_defer(void) { deferred = true; }

void interrupt_add_file(const char *path) {
    for (int i = 0; i < MOST_FILES; i++)
        if (!files[i]) {
            files[i] = path;
            return;
        }
}

void interrupt_file_gone(const char *path) {
    for (int i = 0; i < MOST_FILES; i++)
        if (files[i] == path) files[i] = NULL;
}

void interrupt_set_child(pid_t process) { child = process; }

static void mask(int how) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < ENDING_COUNT; i++) sigaddset(&set, ending[i]);
    sigprocmask(how, &set, NULL);
}

void interrupt_hold(void) { mask(SIG_BLOCK); }
void interrupt_release(void) { mask(SIG_UNBLOCK); }
