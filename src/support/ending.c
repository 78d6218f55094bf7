/* ending: how the process ends where it cannot go on: there is no memory, or sgdc has a defect.
 *
 * Any thread may find that out, while others compile. exit() would run destructors of LLVM under these, which then crash. So what was
 * printed is written, handlers of at_quick_exit() run, such as the one that removes temporary files, and nothing else does.
 */
#include "support/support.h"

#include <stdlib.h>

void end_process(int code) {
    fflush(NULL);
    quick_exit(code);
}
