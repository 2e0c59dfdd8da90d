/* The processor: workers that serve models. A worker is one thread with its own consumer and its own model instance, in
 * one straight loop: receive, decode, validate, predict, encode, settle. */
#ifndef MSP_PROCESSOR_H
#define MSP_PROCESSOR_H

#include <msp/histogram.h>
#include <msp/pipeline.h>
#include <msp/registry.h>
#include <msp/transport.h>

/* How one model is served. Everything pointed to is borrowed until the service is removed, or msp_processor_free. */
struct msp_service_config {
	struct msp_registry_entry *entry; /* loaded */
	struct msp_transport *transport;
	int workers; /* > 0 */
	const char *group;
	const char *instance; /* or NULL */
	enum msp_guarantee guarantee;
	int commit_interval_ms;
	size_t batch_max_messages;
	size_t batch_max_bytes;
	int batch_max_ms;        /* a batch's predict stays under this */
	int stop_timeout_ms;     /* after stop, when a batch that is not settled is left to others and all is closed */
	bool output_headers;     /* msp-model and content-type on outputs */
	const char *topics_hint; /* the command that creates missing topics, for the log; or NULL */
	struct msp_pipeline_config pipeline;
};

/* ---- what workers do, for those who look on ---- */

/* Counts since start. */
struct msp_counters {
	uint64_t received; /* messages taken, also those that were lost and came again */
	uint64_t outputs;  /* settled as outputs */
	uint64_t errors;   /* settled as error records */
	uint64_t errors_by_code[MSP_FAILURE_CODES];
	uint64_t batches; /* settled */
	uint64_t lost;    /* batches dropped because they were no longer ours */
};

enum msp_worker_state {
	MSP_WORKER_OPENING, /* its model or its consumer */
	MSP_WORKER_READY,
	MSP_WORKER_WAITING,
	MSP_WORKER_ENDED,
};

enum msp_wait {
	MSP_WAIT_NOTHING,
	MSP_WAIT_BROKER,
	MSP_WAIT_ACKNOWLEDGEMENT,
	MSP_WAIT_MODEL,
	MSP_WAIT_CODEC,
	MSP_WAIT_MEMORY
};
/* "the broker", …, for people. */
const char *msp_wait_name(enum msp_wait reason);

/* Which messages a worker computes: how many, and where the first stands. */
struct msp_computing {
	size_t messages;
	int32_t partition;
	int64_t offset; /* MSP_OFFSET_NONE where positions are ids */
	char id[48];    /* cut when it is longer; "" where positions are offsets */
};

/* One worker at one moment. Times are of msp_monotonic_ms, 0 where nothing is so. Strings and histograms are borrowed
 * for the visit. */
struct msp_worker_snapshot {
	const char *label, *model; /* of the configuration; "iris_model/0.1" */
	int slot;                  /* among the model's workers, from 0 */
	enum msp_worker_state state;
	enum msp_wait waiting_for;
	char waiting_why[MSP_ERROR_TEXT_SIZE];
	int64_t waiting_since_ms;
	size_t batch_messages; /* how many the next batch may have */
	int64_t computing_since_ms;
	struct msp_computing computing; /* while that is so */
	size_t in_flight;               /* messages that are being settled */
	int64_t in_flight_since_ms;
	struct msp_counters counters;
	/* Of decode, predict and settle: the time of a batch. End to end: of each message, from its timestamp until it was
	 * settled. */
	const struct msp_histogram *decode, *predict, *settle, *end_to_end;
	bool has_consumer;
	struct msp_consumer_stats consumer; /* when there is one */
};

/* ---- the processor ---- */

struct msp_processor;

/* Slots without a tag: [owner thread]. */
enum msp_status msp_processor_new(struct msp_processor **ret_processor, struct msp_error *err) MSP_NODISCARD;
/* Stops and joins what still runs. */
void msp_processor_free(struct msp_processor *processor);

/* Adds a service, which msp_processor_start starts; also while others run. Copies the struct. MSP_E_EXISTS: there is
 * one of that label. */
enum msp_status msp_processor_add(struct msp_processor *processor, const struct msp_service_config *config,
                                  struct msp_error *err) MSP_NODISCARD;
/* Starts the threads of every service that has none yet. On failure some may run: free ends them. */
enum msp_status msp_processor_start(struct msp_processor *processor, struct msp_error *err) MSP_NODISCARD;
/* Asks the workers of one service to settle what they have in hand and end; the others go on. MSP_E_NOT_FOUND. */
enum msp_status msp_processor_stop_service(struct msp_processor *processor, const char *label,
                                           struct msp_error *err) MSP_NODISCARD;
/* Stops one service, waits for it and removes it; its counts stay in msp_processor_counters. MSP_E_NOT_FOUND, or the
 * status of a worker that had to end by itself: it is removed then too. */
enum msp_status msp_processor_remove(struct msp_processor *processor, const char *label,
                                     struct msp_error *err) MSP_NODISCARD;
/* Asks all workers to settle what they have in hand and end. [any thread] */
void msp_processor_stop(struct msp_processor *processor);
/* Waits for every worker. MSP_OK, or the status of the first worker that had to end, with its one clear line. */
enum msp_status msp_processor_join(struct msp_processor *processor, struct msp_error *err) MSP_NODISCARD;

/* True while every worker of what is not being stopped has its consumer, waits for nothing and computes nothing for
 * longer than 10 s; false before start and after the end. [any thread] */
bool msp_processor_ready(struct msp_processor *processor);
/* True when a worker has ended by itself (an error): join tells why. [any thread] */
bool msp_processor_failed(struct msp_processor *processor);
/* Says every 10 s which worker computes without an end, and which input that is. Call it about every second. */
void msp_processor_watch(struct msp_processor *processor);
/* Says which workers have not ended, for a process that ends without waiting for them. Waits for nobody. [any thread]
 */
void msp_processor_say_unended(struct msp_processor *processor);
/* Calls `visit` for each worker, service by service; it must not call the processor. [any thread] */
void msp_processor_visit(struct msp_processor *processor,
                         void (*visit)(void *context, const struct msp_worker_snapshot *snapshot), void *context);
/* The sum of all workers, those of removed services too. [any thread] */
void msp_processor_counters(struct msp_processor *processor, struct msp_counters *ret_counters);

#endif
