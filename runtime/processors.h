/* processors: how many a process may use, and threads that keep off the owner's.
 *
 * A system that wakes a thread may put it on the processor of who woke it, and leave both there although others are idle:
 * each has half the speed, waits long for the other, sleeps and is woken on the same processor again. Some pack threads in
 * this way on purpose, as long as they seem to have little to do. So a thread that works for another, its owner, may run
 * wherever it was started to run but on the processor of the owner. Whoever binds it to something else has the last word.
 */
#ifndef SGDRT_PROCESSORS_H
#define SGDRT_PROCESSORS_H

enum { SGDRT_PROCESSOR_SET = 128 }; /* bytes of a cpu_set_t of Linux */

typedef struct sgdrt_binding {
    int avoided;                                                          /* the owner's processor; -1: none */
    unsigned char started[SGDRT_PROCESSOR_SET], now[SGDRT_PROCESSOR_SET]; /* where it may run */
} sgdrt_binding;

int sgdrt_processors(void);     /* that this process is bound to, no more than its control group pays for */
int sgdrt_processor_here(void); /* on which the caller runs; -1: unknown */
sgdrt_binding sgdrt_binding_of_caller(void);
/* The caller keeps off this processor, if it may use another one. */
void sgdrt_keep_off(sgdrt_binding *binding, int processor);
#endif
