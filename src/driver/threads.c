/* threads: those that read a csv; those that runs train on, and whether they do.
 *
 * The number of threads moves no bit, so it may change from call to call. Unless --threads says a number, a run takes
 * some calls alone and some on all threads, goes on in the way that is faster, and looks again from time to time
 * whether it still is: on a machine that is busy with other things a thread that waits for another may wait long.
 */
#include "driver/training.h"
#include "pool.h"
#include <math.h>
#include <sys/stat.h>

enum { BYTES_FOR_A_THREAD = 4 << 20 }; /* of a csv: a few milliseconds of reading */
enum { LOOKS_AT_FIRST = 4, CALLS_BETWEEN_LOOKS = 16, LOOK_IS_PART = 16 };

sgdrt_pool *threads_open(const Driver *driver, Training *const *trainings, int count) {
    int64_t threads = driver->options->threads;
    bool shared = false;
    for (int i = 0; i < count; i++) shared |= trainings[i]->executor->shares;
    if (!shared || driver->options->dry_run) return NULL;
    if (!threads) threads = sgdrt_processors();
    sgdrt_pool *pool = sgdrt_pool_new(threads < SGDRT_MOST_THREADS ? (int)threads : SGDRT_MOST_THREADS);
    for (int i = 0; i < count && pool; i++) {
        trainings[i]->executor->threads = pool;
        trainings[i]->executor->region = sgdrt_pool_call;
        trainings[i]->pace = (Pace){.chooses = !driver->options->threads, .seconds = {NAN, NAN}};
    }
    return pool;
}

sgdrt_pool *threads_to_read(const Driver *driver, const sgdrt_request *request) {
    const char *path = request->path_count > 1 ? request->paths[0] : request->path;
    int64_t threads = driver->options->threads ? driver->options->threads : sgdrt_processors();
    struct stat status;
    if (request->source != SGDRT_CSV || stat(path, &status) || !S_ISREG(status.st_mode)) return NULL;
    int64_t most = (int64_t)status.st_size / BYTES_FOR_A_THREAD;
    if (threads > SGDRT_MOST_THREADS) threads = SGDRT_MOST_THREADS;
    return sgdrt_pool_new((int)(threads < most ? threads : most));
}

int64_t threads_choose(Training *t, int64_t steps) {
    Pace *p = &t->pace;
    if (!p->chooses) return steps;
    bool first = p->calls < LOOKS_AT_FIRST, looks = !first && p->calls % CALLS_BETWEEN_LOOKS == 0;
    p->alone = first ? p->calls % 2 == 0 : (p->seconds[1] < p->seconds[0]) != looks;
    p->calls++;
    t->executor->region = p->alone ? NULL : sgdrt_pool_call;
    return looks && steps > LOOK_IS_PART ? steps / LOOK_IS_PART : steps;
}

void threads_learn(Training *t, int64_t steps, double seconds) {
    Pace *p = &t->pace;
    if (!p->chooses || steps < 1) return;
    double *known = &p->seconds[p->alone], each = seconds / (double)steps;
    *known = isnan(*known) || p->calls <= LOOKS_AT_FIRST ? each : (*known + each) / 2;
}
