/* Fault points in what settles a batch: amid_publish, before_commit, after_commit. Loaded with LD_PRELOAD, it stands
 * before librdkafka's functions and the sending of its requests. Amid means that a request with results of one
 * partition has left and nobody has heard of it: those of the others follow. Its passages are results, not requests,
 * because how many go into one depends on the machine. The commit is that of a transaction, or else of offsets to the
 * group: before means that the broker has not heard of it, after that it has said yes and nobody has heard that. */
#include "fault_point.h"

#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

#define INTERPOSED __attribute__((visibility("default")))

static void next_find(const char *name, void *ret_function)
{
	void *function = dlsym(RTLD_NEXT, name);
	if (!function) {
		fprintf(stderr, "no function %s to stand before\n", name);
		abort();
	}
	memcpy(ret_function, &function, sizeof(function));
}

INTERPOSED rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *client, int timeout_ms)
{
	rd_kafka_error_t *(*next)(rd_kafka_t *, int);
	next_find("rd_kafka_commit_transaction", &next);
	fault_point("before_commit");
	rd_kafka_error_t *error = next(client, timeout_ms);
	if (!error)
		fault_point("after_commit");
	return error;
}

/* ---- the answer to a commit of offsets ---- */

typedef void answer_fn(rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *, void *);
typedef rd_kafka_resp_err_t commit_fn(rd_kafka_t *, const rd_kafka_topic_partition_list_t *, rd_kafka_queue_t *,
                                      answer_fn *, void *);

struct commit {
	answer_fn *answered;
	void *opaque;
};

static void commit_answered(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *offsets,
                            void *opaque)
{
	struct commit commit = *(struct commit *)opaque;
	free(opaque);
	if (!code)
		fault_point("after_commit");
	commit.answered(client, code, offsets, commit.opaque);
}

INTERPOSED rd_kafka_resp_err_t rd_kafka_commit_queue(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *offsets,
                                                     rd_kafka_queue_t *queue, answer_fn *answered, void *opaque)
{
	commit_fn *next;
	next_find("rd_kafka_commit_queue", &next);
	struct commit *commit = malloc(sizeof(*commit));
	if (!commit || !answered)
		abort();
	*commit = (struct commit){answered, opaque};
	rd_kafka_resp_err_t code = next(client, offsets, queue, commit_answered, commit);
	if (code)
		free(commit);
	return code;
}

/* ---- requests ---- */

/* Kafka's numbers of requests. */
enum request {
	PRODUCE = 0,
	OFFSET_COMMIT = 8,
};

/* A request begins with its size in four bytes and its number in two. What continues a request that has been sent in
 * part may look like one of Produce: no harm, it is amid publishing too. */
static bool is_request(const struct msghdr *message, enum request number)
{
	const unsigned char *head = message->msg_iovlen > 0 ? message->msg_iov[0].iov_base : NULL;
	return head && message->msg_iov[0].iov_len >= 6 && head[4] == 0 && head[5] == number;
}

static atomic_long handed_over; /* results since the last request */

INTERPOSED rd_kafka_error_t *rd_kafka_produceva(rd_kafka_t *client, const rd_kafka_vu_t *arguments, size_t count)
{
	rd_kafka_error_t *(*next)(rd_kafka_t *, const rd_kafka_vu_t *, size_t);
	next_find("rd_kafka_produceva", &next);
	atomic_fetch_add(&handed_over, 1);
	return next(client, arguments, count);
}

INTERPOSED ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
	ssize_t (*next)(int, const struct msghdr *, int);
	next_find("sendmsg", &next);
	bool publishes = is_request(message, PRODUCE);
	if (is_request(message, OFFSET_COMMIT))
		fault_point("before_commit");
	ssize_t sent = next(descriptor, message, flags);
	for (long passages = publishes && sent > 0 ? atomic_exchange(&handed_over, 0) : 0; passages > 0; passages--)
		fault_point("amid_publish");
	return sent;
}
