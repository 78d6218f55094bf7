/* out_of_memory: what happens where LLVM gets none.
 *
 * LLVM is C++ without exceptions: it aborts. Its handlers have no names in its C API, so they are called by those
 * that they have in C++. The process ends there and then: nothing of LLVM may run any more.
 */
#include "codegen/session.h"

typedef void BadAllocation(void *context, const char *reason, bool report);
extern void install_handler(BadAllocation *handler,
                            void *context) __asm__("_ZN4llvm31install_bad_alloc_error_handlerEPFvPvPKcbES0_");
extern void install_new_handler(void) __asm__("_ZN4llvm33install_out_of_memory_new_handlerEv");

static void on_no_memory(void *context, const char *reason, bool report_it) {
    (void)context, (void)reason, (void)report_it;
    fputs("sgdc: out of memory while compiling\n", stderr);
    end_process(3);
}

void session_expect_no_memory(void) {
    static bool installed;
    if (installed) return;
    installed = true;
    install_handler(on_no_memory, NULL);
    install_new_handler();
}
