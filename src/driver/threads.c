/* threads: those that read a csv, and those that runs train on.
 *
 * The number of threads moves no bit. --threads says how many there may be; whether a step takes them all is found out from
 * shift to shift (runtime/crew.c).
 */
#include "driver/training.h"
#include "crew.h"
#include "pool.h"
#include <sys/stat.h>

enum { BYTES_FOR_A_THREAD = 4 << 20 }; /* of a csv: a few milliseconds of reading */

int threads_allowed(const Driver *driver) {
    int64_t threads = driver->options->threads ? driver->options->threads : sgdrt_processors();
    return threads < SGDRT_MOST_THREADS ? (int)threads : SGDRT_MOST_THREADS;
}

sgdrt_crew *threads_open(const Driver *driver, Training *const *trainings, int count) {
    int64_t threads = driver->options->threads;
    bool shared = false;
    for (int i = 0; i < count; i++) shared |= trainings[i]->executor->shares;
    if (!shared || driver->options->dry_run) return NULL;
    sgdrt_crew *crew = sgdrt_crew_new(threads < SGDRT_MOST_THREADS ? (int)threads : SGDRT_MOST_THREADS);
    for (int i = 0; i < count && crew; i++) {
        trainings[i]->executor->threads = crew;
        trainings[i]->executor->region = sgdrt_crew_call;
    }
    return crew;
}

sgdrt_pool *threads_to_read(const Driver *driver, const sgdrt_request *request) {
    const char *path = request->path_count > 1 ? request->paths[0] : request->path;
    int threads = threads_allowed(driver);
    struct stat status;
    if (request->source != SGDRT_CSV || stat(path, &status) || !S_ISREG(status.st_mode)) return NULL;
    int64_t most = (int64_t)status.st_size / BYTES_FOR_A_THREAD;
    return sgdrt_pool_new(threads < most ? threads : (int)most);
}
