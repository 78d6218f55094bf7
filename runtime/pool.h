/* pool: threads that wait for work, so that a parallel region starts and ends in a microsecond or two.
 *
 * A pool of n threads is its owner and n - 1 workers. sgdrt_pool_run lets each of them run the same function,
 * told apart by its number (the owner is 0), and returns when all have. In between they may meet at
 * sgdrt_pool_barrier, all of them equally often. One owner at a time; a region does not start another.
 *
 * Who waits spins for some microseconds, as the others are usually about to come, and then sleeps; with more
 * threads than processors nobody spins. With no more, each begins a region on a processor of its own (processors.h).
 * Everything is had when the pool is made: a region allocates nothing.
 */
#ifndef SGDRT_POOL_H
#define SGDRT_POOL_H
#include "processors.h"
#include "sgdrt.h"

enum { SGDRT_MOST_THREADS = 256 };

typedef struct sgdrt_pool sgdrt_pool;
typedef void sgdrt_pool_work(void *context, int thread);

/* As many threads as asked for, or fewer where the system gives no more; NULL if that leaves one. */
sgdrt_pool *sgdrt_pool_new(int threads);
void sgdrt_pool_free(sgdrt_pool *pool);         /* NULL is fine */
int sgdrt_pool_threads(const sgdrt_pool *pool); /* 1 for NULL */
void sgdrt_pool_run(sgdrt_pool *pool, sgdrt_pool_work *work, void *context);
void sgdrt_pool_barrier(void *pool); /* an sgdrt_barrier */
/* The same for the owner, whose waiting is counted: an owner that waits long has threads that do not run. */
void sgdrt_pool_owner_barrier(void *pool);
int64_t sgdrt_pool_waited(sgdrt_pool *pool); /* nanoseconds that the owner has waited since this was last asked */

sgdrt_team sgdrt_pool_team(sgdrt_pool *pool); /* NULL: of one thread, the caller */
#endif
