/* What the tests of the transport contract share: a broker with three topics, and short forms of the calls. Everything
 * asserts; every wait has a deadline. */
#ifndef TRANSPORT_FIXTURE_H
#define TRANSPORT_FIXTURE_H

#include "transport_contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include <cmocka.h>

#define DEADLINE_MS 20000
/* How much longer than its timeout a call may take, on a machine that has other things to do as well. */
#define OVERRUN_MS 500
#define TRANSPORTS 3
#define PARTITIONS 4

extern const struct test_broker *transport_contract;
extern enum msp_guarantee transport_guarantee; /* of the consumers; MSP_EXACTLY_ONCE unless a program says otherwise */

struct fixture {
	char directory[64];
	char url[256];
	void *options;
	struct msp_transport *transports[TRANSPORTS]; /* [0] is open; others by transport_get, as other processes would */
	struct msp_producer *producer;
	struct msp_admin *admin;
	char inputs[64], outputs[64], errors[64], group[64];
	struct msp_error err;
};

/* Sets transport_guarantee by its name. False: there is no such. */
bool fixture_use_guarantee(const char *name);
/* The broker that the tests use from now on. False, and says so: there is none. */
bool fixture_use(const struct test_broker *broker);

int fixture_init(void **state);
int fixture_done(void **state);

/* Setup that creates the three topics too, with PARTITIONS partitions, or 1. */
int fixture_init_topics(void **state);
int fixture_init_topics_one(void **state);
bool lacks(enum transport_lack lack);

/* The transport's options with the contract's settings. */
void *contract_options_new(void);
void contract_options_free(void *options);
/* Sets one of them for transports that are opened from now on, where the transport has it. */
void fixture_option_set(struct fixture *fixture, const char *name, int value);

struct msp_transport *transport_open(struct fixture *fixture);
struct msp_transport *transport_get(struct fixture *fixture, size_t index);
void topic_create(struct fixture *fixture, const char *topic, int32_t partitions, size_t max_message_bytes);

/* Publishes one message; `key` and `value` NULL: absent. */
void send_message(struct fixture *fixture, const char *topic, const struct msp_message *message);
void send_text(struct fixture *fixture, const char *topic, int32_t partition, const char *value);
/* Publishes the values "<partition>:<number>" for number in [first, first + count) to one partition. */
void send_numbers(struct fixture *fixture, const char *topic, int32_t partition, int first, int count);
/* The number after the colon. */
int message_number(const struct msp_message *message);

enum msp_status consumer_try_open(struct fixture *fixture, size_t transport, const char *instance, int slot,
                                  struct msp_consumer **ret_consumer);
struct msp_consumer *consumer_open(struct fixture *fixture, size_t transport, const char *instance, int slot);
/* Asserts that no call took longer than its timeout, and frees. */
void consumer_close(struct msp_consumer *consumer);
/* The next batch, at most `max_messages`; waits for it. */
struct msp_batch *receive(struct msp_consumer *consumer, size_t max_messages);
/* What is there within timeout_ms, or NULL. */
struct msp_batch *receive_within(struct msp_consumer *consumer, size_t max_messages, int timeout_ms);
void batch_free(struct msp_consumer *consumer, struct msp_batch *batch);

/* One result per message, route outputs, same content; free(). */
struct msp_outgoing *outgoing_new(const struct msp_batch *batch);
void settle_begin(struct msp_consumer *consumer, struct msp_batch *batch, struct msp_outgoing *outgoing);
/* Waits for an answer other than AGAIN. */
enum msp_settle_answer settle_wait(struct msp_consumer *consumer);
/* Echoes the batch to outputs, expects OK, frees the batch. */
void settle_echo(struct msp_consumer *consumer, struct msp_batch *batch);
/* Receives and echoes until `count` messages went through. */
void echo(struct msp_consumer *consumer, size_t count);

struct msp_reader *reader_open(struct fixture *fixture, const struct msp_reader_config *config);
/* Visits every message, of one partition or of all; returns how many there are. */
size_t topic_walk(struct fixture *fixture, const char *topic, int32_t partition,
                  void (*visit)(void *context, const struct msp_message *message), void *context);
/* How many messages the topic holds; *ret_sum of their numbers. */
size_t topic_count(struct fixture *fixture, const char *topic, int64_t *ret_sum);
/* How many messages one partition holds. */
size_t partition_count(struct fixture *fixture, const char *topic, int32_t partition);
/* Asserts that the topic holds each number in [0, count) of each partition once and in order. */
void topic_expect_in_order(struct fixture *fixture, const char *topic, int32_t partitions, int count);
/* The same after several consumers: without partitions in any order. */
void topic_expect(struct fixture *fixture, const char *topic, int32_t partitions, int count);
/* The same after a process was killed or stopped: under MSP_AT_LEAST_ONCE some may be there again. */
void topic_expect_settled(struct fixture *fixture, const char *topic, int32_t partitions, int count);
/* What `group` has left of `topic` before `until`, or NULL: of all; free(). */
struct msp_group_lag *group_lag_ask(struct fixture *fixture, const char *group, const char *topic,
                                    const struct msp_topic_info *until);
/* What `group` has left to settle of the inputs before `until`. */
int64_t group_lag_until(struct fixture *fixture, const char *group, const struct msp_topic_info *until);
int64_t group_lag(struct fixture *fixture);

/* In a forked child: becomes this program again, from its beginning. */
_Noreturn void program_exec(void);

/* A consumer in a process of its own, see transport_contract_process.c. */
struct child {
	pid_t pid;
	FILE *in, *out; /* its stdin and stdout */
};
/* Starts it; it receives a batch, says how many messages it holds, and waits for child_settle. */
struct child child_start(struct fixture *fixture, const char *instance, size_t max_messages);
size_t child_held(struct child *child);
/* Makes it settle what it holds; its answer. */
enum msp_settle_answer child_settle(struct child *child);
void child_end(struct child *child, int signal_number);
/* What the started process runs instead of the tests. True: it was one. */
bool child_main(void);

extern const struct CMUnitTest transport_consumer_tests[], transport_time_tests[], transport_topic_tests[],
    transport_group_tests[], transport_browse_tests[];
extern const size_t transport_consumer_test_count, transport_time_test_count, transport_topic_test_count,
    transport_group_test_count, transport_browse_test_count;

#endif
