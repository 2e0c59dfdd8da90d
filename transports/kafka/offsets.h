/* Committed offsets under at_least_once: librdkafka stores what is settled per partition (execute.c), here it is
 * committed to the group. A value: it knows no consumer. [owner thread]
 *
 * librdkafka's own commits come from a timer that runs whether there is something to commit or not, and its timers are
 * what an idle process pays for. */
#ifndef KAFKA_OFFSETS_H
#define KAFKA_OFFSETS_H

#include <librdkafka/rdkafka.h>
#include <msp/status.h>
#include <stdint.h>

/* Must not move while `on_the_way`. Zeroed but for the interval. */
struct kafka_offsets {
	int interval_ms; /* how long what is stored may wait for its commit */
	bool stored;     /* something is, and not committed */
	bool on_the_way; /* a commit is */
	int64_t due_ms;
	bool answered; /* by the callback, until kafka_offsets_take_answer */
	rd_kafka_resp_err_t answer;
};

/* Something was stored: it is committed within the interval. */
void kafka_offsets_stored(struct kafka_offsets *offsets);
/* What is stored is committed as soon as kafka_offsets_serve is called. */
void kafka_offsets_hurry(struct kafka_offsets *offsets);
/* Begins a commit when its time has come; waits for nothing. Its answer is recorded when `queue` is polled. */
void kafka_offsets_serve(struct kafka_offsets *offsets, rd_kafka_t *rk, rd_kafka_queue_t *queue);
/* True, once for each commit that has failed, with the reason. */
bool kafka_offsets_take_failure(struct kafka_offsets *offsets, rd_kafka_resp_err_t *ret_code);
/* How long a sleep of timeout_ms may be. */
int kafka_offsets_sleep_ms(const struct kafka_offsets *offsets, int timeout_ms);
/* Nothing that is stored is committed any more: it must not come to another topic of the same name. */
void kafka_offsets_forget(struct kafka_offsets *offsets, rd_kafka_t *rk,
                          const rd_kafka_topic_partition_list_t *assignment);
/* Commits what is stored; waits at most timeout_ms. */
rd_kafka_resp_err_t kafka_offsets_commit(struct kafka_offsets *offsets, rd_kafka_t *rk, int timeout_ms);

/* The first error of a commit, of the request or of a partition; nothing to commit is none. */
rd_kafka_resp_err_t kafka_commit_error(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t *offsets);
/* For rd_kafka_commit_queue: writes the error to the rd_kafka_resp_err_t that `opaque` points to. That must live until
 * the queue that the answer comes to is polled or destroyed. */
void kafka_commit_answered(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                           void *opaque);

#endif
