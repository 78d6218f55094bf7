/* child: starting a program, and waiting for it. It is known to interrupt.h for as long as it runs. */
#define _GNU_SOURCE
#include "driver/child.h"
#include "driver/interrupt.h"
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static int spawn(char *const *arguments, int in, int out, int complaints, pid_t *child) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, complaints, 2);
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawnp(child, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int child_start(char *const *arguments, int in, int out, int complaints, pid_t *child) {
    interrupt_hold();
    int error = spawn(arguments, in, out, complaints, child);
    if (error == 0) interrupt_set_child(*child);
    interrupt_release();
    return error;
}

int child_wait(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    interrupt_set_child(0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *child_complaint(Arena *arena, FILE *complaints) {
    char line[512];
    rewind(complaints);
    while (fgets(line, sizeof line, complaints)) {
        char *text = line + strspn(line, " \t\n^");
        text[strcspn(text, "\n")] = 0;
        if (*text) return text_format(arena, ": %s", text);
    }
    return "";
}
