/* The processor: workers that serve models. A worker is one thread with its own consumer and its own model instance, in
 * one straight loop: receive, decode, validate, predict, encode, settle. */
#ifndef MSP_PROCESSOR_H
#define MSP_PROCESSOR_H

#include <msp/pipeline.h>
#include <msp/registry.h>
#include <msp/transport.h>

/* How one model is served. Everything pointed to is borrowed until msp_processor_free. */
struct msp_service_config {
	struct msp_registry_entry *entry;
	struct msp_transport *transport;
	int workers; /* > 0 */
	const char *group;
	const char *instance; /* or NULL */
	enum msp_guarantee guarantee;
	int commit_interval_ms;
	size_t batch_max_messages;
	size_t batch_max_bytes;
	int batch_max_ms;        /* a batch's predict stays under this */
	int stop_timeout_ms;     /* after stop, how long a batch in hand may take to settle before it is left to others */
	bool output_headers;     /* msp-model and content-type on outputs */
	const char *topics_hint; /* the command that creates missing topics, for the log; or NULL */
	struct msp_pipeline_config pipeline;
};

/* Counts since start; a snapshot. */
struct msp_counters {
	uint64_t received; /* messages taken, also those that were lost and came again */
	uint64_t outputs;  /* settled as outputs */
	uint64_t errors;   /* settled as error records */
	uint64_t errors_by_code[MSP_FAILURE_CODES];
	uint64_t batches; /* settled */
	uint64_t lost;    /* batches dropped because they were no longer ours */
	uint64_t predict_ns;
};

struct msp_processor;

enum msp_status msp_processor_new(struct msp_processor **ret_processor, struct msp_error *err) MSP_NODISCARD;
/* Stops and joins what still runs. */
void msp_processor_free(struct msp_processor *processor);

/* Adds a service; before start only. Copies the struct. */
enum msp_status msp_processor_add(struct msp_processor *processor, const struct msp_service_config *config,
                                  struct msp_error *err) MSP_NODISCARD;

/* Opens every worker's model, one after the other, and starts its thread. On failure some may run: free ends them. */
enum msp_status msp_processor_start(struct msp_processor *processor, struct msp_error *err) MSP_NODISCARD;
/* Asks the workers to settle what they have in hand and end. [any thread] */
void msp_processor_stop(struct msp_processor *processor);
/* Waits for every worker. MSP_OK, or the status of the first worker that had to end, with its one clear line. */
enum msp_status msp_processor_join(struct msp_processor *processor, struct msp_error *err) MSP_NODISCARD;

/* True while every worker has its consumer and none waits for the broker; false before start and after the end.
 * [any thread] */
bool msp_processor_ready(const struct msp_processor *processor);
/* True when a worker has ended by itself (an error): join tells why. [any thread] */
bool msp_processor_failed(const struct msp_processor *processor);
/* [any thread] */
void msp_processor_counters(const struct msp_processor *processor, struct msp_counters *ret_counters);

#endif
