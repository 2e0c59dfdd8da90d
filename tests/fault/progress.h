/* How far a trial is: shared by the generator, the verifier and the cell. */
#ifndef FAULT_PROGRESS_H
#define FAULT_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* [any thread] */
struct progress {
	pthread_mutex_t mutex; /* over everything below */
	pthread_cond_t changed;
	size_t sent;       /* messages that the broker has acknowledged */
	size_t settled;    /* different ids that were seen in outputs or errors */
	size_t allowed;    /* the generator may send so many */
	size_t window;     /* and so many more than are settled */
	size_t max_window; /* whatever the window is */
	size_t pace;       /* and so many in a second; 0: as fast as it can */
	int64_t next_ms;   /* not before */
	bool stopping;
	char failure[512]; /* the first thing that went wrong, or "" */
};

void progress_init(struct progress *progress);
void progress_done(struct progress *progress);

void progress_allow(struct progress *progress, size_t allowed, size_t window);
/* Whatever is allowed: the generator sends no more than `window` beyond what is settled, and `pace` in a second. */
void progress_limit(struct progress *progress, size_t window, size_t pace);
void progress_add_sent(struct progress *progress, size_t more);
void progress_add_settled(struct progress *progress, size_t more);
/* Asks the threads to end. */
void progress_stop(struct progress *progress);
bool progress_stopping(struct progress *progress);
/* Notes a failure; the first one stays. */
void progress_fail(struct progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool progress_failed(struct progress *progress);

/* How many messages the generator may send after the first `sent`: waits for at least one. 0: stopping. */
size_t progress_wait_allowance(struct progress *progress, size_t sent);
/* True when so many are settled within timeout_ms. */
bool progress_wait_settled(struct progress *progress, size_t count, int timeout_ms);
size_t progress_settled(struct progress *progress);
size_t progress_sent(struct progress *progress);
/* Lets timeout_ms pass; ends early when stopping. */
void progress_pause(struct progress *progress, int timeout_ms);

#endif
