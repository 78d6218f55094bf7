/* threads: the choice of an application to train on several. What it calls here is what brings the pool, and with it
 * the system's threads, into the application: fit.c knows them only through the instance. */
#include "fit.h"
#include "pool.h"

static void *open_threads(int threads) { return sgdrt_pool_new(threads ? threads : sgdrt_processors()); }
static int count_threads(void *pool) { return sgdrt_pool_threads(pool); }
static void close_threads(void *pool) { sgdrt_pool_free(pool); }

static const sgdrt_threading threading = {open_threads, count_threads, sgdrt_pool_call, close_threads};

int sgdrt_set_threads(void *m, int threads) {
    sgdrt_instance *instance = m;
    if (!instance) return SGDRT_NULL;
    instance->threads = threads < 0 ? 1 : threads;
    instance->threading = &threading;
    return SGDRT_OK;
}
