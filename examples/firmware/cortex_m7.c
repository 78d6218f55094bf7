/* A Cortex-M7 without an operating system: vector table, start, and a way to speak to a debugger (semihosting), which
 * QEMU's machine mps2-an500 answers. cortex_m7.ld says where things lie.
 */
#include "board.h"
#include <stddef.h>

extern uint32_t stack_top[], stack_end[], data_load[], data_begin[], data_end[], bss_begin[], bss_end[];
int main(void);

enum { STACK_PAINT = 0x5aa5c33c };

static uint32_t semihosting(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void board_say(const char *text) { semihosting(4, text); } /* SYS_WRITE0 */

__attribute__((noreturn)) static void leave(int code) {
    const uint32_t reason[2] = {0x20026, (uint32_t)code}; /* ADP_Stopped_ApplicationExit */
    semihosting(0x20, reason);                            /* SYS_EXIT_EXTENDED */
    for (;;) {
    }
}

uint32_t board_stack_left(void) {
    const uint32_t *at = stack_end;
    while (at < stack_top && *at == STACK_PAINT) at++;
    return (uint32_t)((at - stack_end) * (ptrdiff_t)sizeof *at);
}

__attribute__((noreturn)) static void fault(void) {
    board_say("a fault\n");
    leave(2);
}

__attribute__((noreturn)) void reset(void);
void reset(void) {
    volatile uint32_t *const access = (volatile uint32_t *)0xe000ed88; /* CPACR: the floating-point unit is on */
    uint32_t *here, *to = data_begin;
    *access |= 0xfu << 20;
    __asm__ volatile("dsb\nisb");
    __asm__ volatile("mov %0, sp" : "=r"(here));
    for (uint32_t *at = stack_end; at < here; at++) *at = STACK_PAINT;
    for (const uint32_t *from = data_load; to < data_end;) *to++ = *from++;
    for (to = bss_begin; to < bss_end;) *to++ = 0;
    leave(main());
}

typedef struct Vectors {
    uint32_t *stack;
    void (*handler[15])(void);
} Vectors;
__attribute__((section(".vectors"), used)) static const Vectors vectors = {
    stack_top,
    {reset, fault, fault, fault, fault, fault},
};
