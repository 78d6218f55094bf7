/* board: what the application needs of the machine that it runs on. */
#ifndef BOARD_H
#define BOARD_H
#include <stdint.h>

void board_say(const char *text); /* a line for whoever watches */
/* Bytes of the stack that were never touched since the start; 0 where the machine does not know. */
uint32_t board_stack_left(void);

#endif
