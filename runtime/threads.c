/* threads: the choice of an application to compute on several. What it calls here is what brings the pool, and with it
 * the system's threads, into the application: everything else knows them only through the instance.
 */
#include "crew.h"
#include "fit.h"

static const sgdrt_threading threading = {sgdrt_crew_call, sgdrt_crew_free};

int sgdrt_set_threads(void *m, int threads) {
    sgdrt_instance *instance = m;
    if (!instance) return SGDRT_NULL;
    sgdrt_crew_free(instance->crew);
    instance->threading = &threading;
    instance->crew = threads < 0 || !instance->model->shared ? NULL : sgdrt_crew_new(threads);
    return SGDRT_OK;
}
