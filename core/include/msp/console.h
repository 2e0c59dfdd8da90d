/* What the program says on stderr, for logs and for people: in order, and without ever blocking for long. What stderr
 * does not take at once waits in a bounded buffer; what finds no room there is dropped, and a line says how many lines
 * that were. Every shared object that links core has a buffer of its own. [any thread] */
#ifndef MSP_CONSOLE_H
#define MSP_CONSOLE_H

#include <msp/status.h>
#include <stddef.h>

/* The longest text that is taken at a time; the rest of a longer one is cut off. */
#define MSP_CONSOLE_TEXT_SIZE 16384

/* Writes one line, which ends with its line end. Returns when it is written, or after 100 ms at most; while stderr is
 * known not to take anything, at once. errno is kept. */
void msp_console_write(const char *text, size_t size);
/* The same for what is worth nothing later: it is dropped, uncounted, while older lines wait. */
void msp_console_offer(const char *text, size_t size);
/* Waits until everything is written. False: the time was over before. Exit and dlclose do this by themselves, for
 * half a second at most; _exit does not. */
bool msp_console_flush(int timeout_ms);

#endif
