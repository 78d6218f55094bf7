/* Signals that end sgdc, and what may not outlive it: temporary files and a child process. */
#ifndef SGDC_DRIVER_INTERRUPT_H
#define SGDC_DRIVER_INTERRUPT_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* At the start of the process: from now on such a signal ends it at once, with exit code 128 + signal. */
void interrupt_install(void);
/* In training: from now on the first one only asks for the end, and the second ends at once. */
void interrupt_defer(void);
/* In training: when so many seconds have passed the end is asked for, as by a signal; 0: no longer. */
void interrupt_after(double seconds);
/* Was it the time, and no signal? */
bool interrupt_by_time(void);
/* Time that ended nothing is as if it had not passed. */
void interrupt_forget_time(void);
/* The signal that asked, or 0; polled by generated code. */
extern volatile int32_t interrupt_asked;

/* Removed when the process ends, whatever ends it. The path must live until it is told that it is gone. */
void interrupt_add_file(const char *path);
void interrupt_file_gone(const char *path);
/* Killed when a signal ends the process; 0: there is none. */
void interrupt_set_child(pid_t child);
/* While these are held back, what is made can be told to this file. */
void interrupt_hold(void);
void interrupt_release(void);

#endif
