/* ending: a thread that finds no memory, or a defect, ends the process under all others: what was printed is written, temporary files
 * are removed, the exit code is kept, and no destructor runs that others might need.
 */
#include "driver/interrupt.h"
#include "support/support.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int said; /* a pipe */

static void destroy(void) {
    if (write(said, "destroyed", 9) < 0) _exit(1);
}

static void *end_by_memory(void *unused) {
    (void)unused;
    out_of_memory(1);
}

static void *end_by_defect(void *unused) {
    (void)unused;
    INTERNAL_ERROR("none");
}

/* In a process of its own, which ends on its second thread. */
static void end_on_thread(void *(*end)(void *), const char *path) {
    pthread_t thread;
    FILE *printed = fdopen(said, "w");
    interrupt_install();
    interrupt_add_file(path);
    atexit(destroy);
    fputs("printed", printed);
    if (freopen("/dev/null", "w", stderr) == NULL || pthread_create(&thread, NULL, end, NULL) != 0) _exit(1);
    pthread_join(thread, NULL);
    _exit(2);
}

static void check(void *(*end)(void *), int code) {
    char path[] = "/tmp/sgdc.ending.XXXXXX", text[64] = "";
    int ends[2], status, file = mkstemp(path);
    cr_assert(file >= 0 && pipe(ends) == 0);
    close(file);
    pid_t child = fork();
    if (child == 0) {
        said = ends[1];
        end_on_thread(end, path);
    }
    close(ends[1]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == code, "status %d", status);
    cr_expect(read(ends[0], text, sizeof text - 1) >= 0);
    cr_expect_str_eq(text, "printed");
    cr_expect(access(path, F_OK) != 0, "%s was left", path);
    unlink(path);
    close(ends[0]);
}

Test(ending, without_memory) { check(end_by_memory, 3); }
Test(ending, by_a_defect) { check(end_by_defect, 5); }
