/* progress: "compiling lenet.sgd  4 s" on a terminal, from the first second on, removed at the end.
 *
 * LLVM works for seconds without a word, so a thread of its own redraws the line. It touches nothing but its Progress
 * and stderr, and takes no signal. Between begin and end nobody else writes to stderr.
 */
#define _GNU_SOURCE
#include "driver/driver.h"
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct Progress {
    FILE *to;
    const char *file;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ended, shown;
};

bool driver_redraws(const Driver *driver) {
    ProgressMode mode = driver->options->progress;
    return mode == PROGRESS_BAR || (mode == PROGRESS_AUTO && !driver->options->quiet && isatty(fileno(driver->info)));
}

static void *redraw(void *context) {
    Progress *p = context;
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    pthread_mutex_lock(&p->lock);
    for (int seconds = 1; !p->ended; seconds++) {
        due.tv_sec++;
        while (!p->ended && pthread_cond_timedwait(&p->changed, &p->lock, &due) == 0)
            ;
        if (p->ended) break;
        fprintf(p->to, "\rcompiling %s  %d s", p->file, seconds);
        fflush(p->to);
        p->shown = true;
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static bool start(Progress *p) {
    pthread_condattr_t monotonic;
    sigset_t all, before;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool good = pthread_create(&p->thread, NULL, redraw, p) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

Progress *progress_begin(Driver *driver) {
    if (!driver_redraws(driver) || driver->options->dump) return NULL;
    const char *path = driver->options->file, *slash = strrchr(path, '/');
    Progress *p = arena_new_of(driver->arena, Progress);
    *p = (Progress){.to = driver->info, .file = text_shown(driver->arena, slash ? slash + 1 : path)};
    return start(p) ? p : NULL;
}

void progress_end(Progress *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    if (p->shown) fprintf(p->to, "\r\033[K");
    fflush(p->to);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
}
