/* processors: what the system says and does; elsewhere than on Linux threads stay where it puts them. */
#define _GNU_SOURCE
#include "processors.h"
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of a control group's "quota period" (Linux): time a period over processors; 0: unlimited or unknown. */
static int paid_processors(void) {
    long long quota = 0, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (!file) return 0;
    bool limited = fscanf(file, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0;
    fclose(file);
    return limited ? (int)((quota + period - 1) / period) : 0;
}

int sgdrt_processors(void) {
    int count = 0;
#if defined(__linux__)
    cpu_set_t allowed;
    if (!sched_getaffinity(0, sizeof allowed, &allowed)) count = CPU_COUNT(&allowed);
#endif
    if (count < 1) count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    int paid = paid_processors();
    if (paid > 0 && paid < count) count = paid;
    return count < 1 ? 1 : count;
}

#if defined(__linux__)
_Static_assert(sizeof(cpu_set_t) <= SGDRT_PROCESSOR_SET, "a set of processors");

int sgdrt_processor_here(void) { return sched_getcpu(); }

/* Where sets of processors are larger than what is known here, nothing is kept off. */
sgdrt_binding sgdrt_binding_of_caller(void) {
    sgdrt_binding binding = {.avoided = -1};
    cpu_set_t started;
    if (sched_getaffinity(0, sizeof started, &started)) CPU_ZERO(&started);
    memcpy(binding.started, &started, sizeof started);
    memcpy(binding.now, &started, sizeof started);
    return binding;
}

void sgdrt_keep_off(sgdrt_binding *binding, int processor) {
    if (processor < 0 || processor == binding->avoided) return;
    binding->avoided = processor;
    cpu_set_t others, found;
    memcpy(&others, binding->started, sizeof others);
    CPU_CLR(processor, &others);
    if (CPU_COUNT(&others) == 0 || sched_getaffinity(0, sizeof found, &found)) return;
    if (memcmp(&found, binding->now, sizeof found) != 0) return; /* somebody bound it */
    if (!sched_setaffinity(0, sizeof others, &others)) memcpy(binding->now, &others, sizeof others);
}
#else
int sgdrt_processor_here(void) { return -1; }

sgdrt_binding sgdrt_binding_of_caller(void) { return (sgdrt_binding){.avoided = -1}; }

void sgdrt_keep_off(sgdrt_binding *binding, int processor) { (void)binding, (void)processor; }
#endif
