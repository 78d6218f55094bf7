/* crew: threads that share calls of generated functions, for as long as that is faster than one thread alone.
 *
 * One call at a time is shared: who calls while another does, or in a process that was forked off, is alone. The number of
 * threads moves no bit.
 */
#ifndef SGDRT_CREW_H
#define SGDRT_CREW_H
#include "core.h"

typedef struct sgdrt_crew sgdrt_crew;

sgdrt_crew *sgdrt_crew_new(int threads); /* 0: as many as the process may use; NULL: there is one, or no memory */
void sgdrt_crew_free(void *crew);        /* NULL is fine */
int64_t sgdrt_crew_call(void *crew, sgdrt_function *function, const sgdrt_call *call); /* an sgdrt_region */
#endif
