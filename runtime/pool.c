/* pool: workers, and the one barrier that starts regions, ends them, and is passed on to generated code.
 *
 * The barrier counts arrivals; the last one turns the page (`phase`), on which the others look, first spinning, then
 * asleep. A region is a page in which `work` is set: its start is the barrier where workers wait between regions
 * and the owner comes last, its end the next one.
 *
 * Order: whatever a thread wrote before it arrived is seen by all after the page is turned, since arriving is
 * an acquire and release of `arrived`, and turning and seeing the page is a release and an acquire of `phase`. Who goes
 * to sleep first says so and then looks at the page again, who turns it looks for sleepers afterwards, both
 * sequentially consistent: one of the two sees the other.
 */
#define _GNU_SOURCE
#include "pool.h"
#include "float_control.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { CACHE_LINE = 64, LOOKS_PER_TIME = 32 };
/* Nanoseconds that a thread looks before it sleeps. Between regions: about what sleeping and being woken costs. Within one
 * the others are at work, and who is woken late lets them wait in turn. */
static const int64_t idle_spin = 30000, region_spin = 300000;

typedef struct Worker {
    sgdrt_pool *pool;
    pthread_t id;
    int number;
} Worker;

struct sgdrt_pool {
    int threads;
    bool spins;
    int64_t waited;        /* by the owner, in nanoseconds */
    sgdrt_pool_work *work; /* of the region; NULL: workers end */
    void *context;
    int processor;                           /* on which the owner began it */
    _Alignas(CACHE_LINE) atomic_int arrived; /* at the barrier at hand */
    atomic_int sleepers;
    _Alignas(CACHE_LINE) atomic_uint phase; /* barriers that all have passed */
    _Alignas(CACHE_LINE) pthread_mutex_t lock;
    pthread_cond_t woken;
    Worker workers[];
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

static int64_t nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool has_turned(sgdrt_pool *pool, unsigned phase) {
    return atomic_load_explicit(&pool->phase, memory_order_acquire) != phase;
}

static bool look_for_a_while(sgdrt_pool *pool, unsigned phase) {
    for (int i = 0; i < LOOKS_PER_TIME; i++) {
        if (has_turned(pool, phase)) return true;
        pause_briefly();
    }
    return false;
}

static void sleep_until_turned(sgdrt_pool *pool, unsigned phase) {
    atomic_fetch_add(&pool->sleepers, 1);
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->phase) == phase) pthread_cond_wait(&pool->woken, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
}

/* For how many nanoseconds; a wait that ends at once does not look at the clock. */
static int64_t wait_until_turned(sgdrt_pool *pool, unsigned phase, int64_t spin) {
    if (pool->spins && look_for_a_while(pool, phase)) return 0;
    int64_t begin = nanoseconds(), spent = 0;
    while (pool->spins && spent < spin) {
        bool turned = look_for_a_while(pool, phase);
        spent = nanoseconds() - begin;
        if (turned) return spent;
    }
    sleep_until_turned(pool, phase);
    return nanoseconds() - begin;
}

static int64_t pass_barrier(sgdrt_pool *pool, int64_t spin) {
    unsigned phase = atomic_load_explicit(&pool->phase, memory_order_relaxed); /* it cannot turn without us */
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) < pool->threads - 1)
        return wait_until_turned(pool, phase, spin);
    atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
    atomic_store(&pool->phase, phase + 1);
    if (atomic_load(&pool->sleepers) == 0) return 0;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->woken);
    pthread_mutex_unlock(&pool->lock);
    return 0;
}

void sgdrt_pool_barrier(void *pool) { pass_barrier(pool, region_spin); }

void sgdrt_pool_owner_barrier(void *context) {
    sgdrt_pool *pool = context;
    pool->waited += pass_barrier(pool, region_spin);
}

int64_t sgdrt_pool_waited(sgdrt_pool *pool) {
    int64_t waited = pool->waited;
    pool->waited = 0;
    return waited;
}

static void *work_until_end(void *context) {
    Worker *worker = context;
    sgdrt_pool *pool = worker->pool;
    sgdrt_float_enter();             /* a thread begins as the one that starts it */
    pthread_mutex_lock(&pool->lock); /* held until it is known how many there are */
    pthread_mutex_unlock(&pool->lock);
    sgdrt_binding binding = sgdrt_binding_of_caller();
    for (;;) {
        pass_barrier(pool, idle_spin);
        if (!pool->work) return NULL;
        if (pool->spins) sgdrt_keep_off(&binding, pool->processor);
        pool->work(pool->context, worker->number);
        sgdrt_pool_barrier(pool);
    }
}

/* Signals stay with the threads of the host. */
static int start_workers(sgdrt_pool *pool, int count) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int started = 0;
    while (started < count) {
        Worker *worker = &pool->workers[started];
        *worker = (Worker){.pool = pool, .number = started + 1};
        if (pthread_create(&worker->id, NULL, work_until_end, worker)) break;
        started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

sgdrt_pool *sgdrt_pool_new(int threads) {
    if (threads > SGDRT_MOST_THREADS) threads = SGDRT_MOST_THREADS;
    if (threads < 2) return NULL;
    size_t bytes = sizeof(sgdrt_pool) + sizeof(Worker) * (size_t)(threads - 1);
    sgdrt_pool *pool = aligned_alloc(CACHE_LINE, (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (!pool) return NULL;
    pool->work = NULL;
    pool->context = NULL;
    pool->waited = 0;
    atomic_init(&pool->arrived, 0);
    atomic_init(&pool->sleepers, 0);
    atomic_init(&pool->phase, 0);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->woken, NULL);
    pthread_mutex_lock(&pool->lock);
    pool->threads = 1 + start_workers(pool, threads - 1);
    pool->spins = pool->threads <= sgdrt_processors();
    pthread_mutex_unlock(&pool->lock);
    if (pool->threads > 1) return pool;
    sgdrt_pool_free(pool);
    return NULL;
}

void sgdrt_pool_free(sgdrt_pool *pool) {
    if (!pool) return;
    pool->work = NULL;
    sgdrt_pool_barrier(pool);
    for (int i = 0; i < pool->threads - 1; i++) pthread_join(pool->workers[i].id, NULL);
    pthread_cond_destroy(&pool->woken);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int sgdrt_pool_threads(const sgdrt_pool *pool) { return pool ? pool->threads : 1; }

void sgdrt_pool_run(sgdrt_pool *pool, sgdrt_pool_work *work, void *context) {
    pool->work = work;
    pool->context = context;
    pool->processor = sgdrt_processor_here();
    sgdrt_pool_owner_barrier(pool);
    work(context, 0);
    sgdrt_pool_owner_barrier(pool);
}

static void run_team(void *pool, void (*work)(void *work_context, int thread), void *work_context) {
    sgdrt_pool_run(pool, work, work_context);
}

sgdrt_team sgdrt_pool_team(sgdrt_pool *pool) {
    return (sgdrt_team){
        .threads = sgdrt_pool_threads(pool), .run = run_team, .meet = sgdrt_pool_barrier, .context = pool};
}
