/* A transport without a broker, for tests of core: messages are put in, answers are scripted, results are kept. One
 * consumer at a time. */
#ifndef FAKE_TRANSPORT_H
#define FAKE_TRANSPORT_H

#include <msp/transport.h>
#include <pthread.h>

#define FAKE_MAX_STEPS 64

/* What the next settle_wait answers. */
struct fake_step {
	enum msp_settle_answer answer;
	enum msp_status status; /* of err */
	/* With MSP_SETTLE_REJECTED: outgoing messages whose value contains this text are refused. */
	const char *reject;
};

struct fake_record {
	enum msp_route route;
	char value[128];   /* NUL-terminated; "(null)" for an absent value */
	char code[32];     /* of the header msp-error-code, or "" */
	char message[256]; /* of the header msp-error-message, or "" */
	size_t header_count;
	size_t source; /* index of the input */
};

struct fake_transport {
	struct msp_transport base;
	pthread_mutex_t mutex;
	pthread_cond_t changed;

	struct msp_message *inputs; /* owned, as their values are */
	size_t input_count;
	size_t received, settled; /* positions in inputs */
	int open_failures;        /* consumer_open fails so often with a retriable error */
	int receive_failures;

	struct fake_step steps[FAKE_MAX_STEPS]; /* then MSP_SETTLE_OK for ever */
	size_t step_count, step_at;

	struct fake_record *records; /* owned; what was settled, in order */
	size_t record_count;
	size_t largest_batch;
	int most_in_flight, most_alive; /* batches at a time */
	int received_in_flight;         /* batches received while another was in flight */
	int served;                     /* calls of serve */
	bool woken;
};

void fake_transport_init(struct fake_transport *fake);
void fake_transport_done(struct fake_transport *fake);
/* Adds a message with this value; NULL: an absent value. */
void fake_transport_put(struct fake_transport *fake, const char *value);
void fake_transport_step(struct fake_transport *fake, enum msp_settle_answer answer, enum msp_status status,
                         const char *reject);
/* Waits until so many messages are settled, at most 10 s. */
bool fake_transport_wait_settled(struct fake_transport *fake, size_t count);
/* Waits until every scripted step was taken, at most 10 s. */
bool fake_transport_wait_steps(struct fake_transport *fake);

#endif
