/* Fault points in what settles a batch: amid_publish, before_commit, after_commit. Loaded with LD_PRELOAD, it stands
 * before librdkafka's functions and the sending of its requests. Amid means that a request with results of one
 * partition has left and nobody has heard of it: those of the others follow. Its passages are results, not requests,
 * because how many go into one depends on the machine. */
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

/* At least once librdkafka commits what is stored some time later. */
INTERPOSED rd_kafka_resp_err_t rd_kafka_offsets_store(rd_kafka_t *client, rd_kafka_topic_partition_list_t *offsets)
{
	rd_kafka_resp_err_t (*next)(rd_kafka_t *, rd_kafka_topic_partition_list_t *);
	next_find("rd_kafka_offsets_store", &next);
	fault_point("before_commit");
	rd_kafka_resp_err_t code = next(client, offsets);
	if (!code)
		fault_point("after_commit");
	return code;
}

/* A request begins with its size in four bytes and its kind in two; 0 is Produce. What continues a request that has
 * been sent in part may look like one: no harm, it is amid publishing too. */
static bool is_produce(const struct msghdr *message)
{
	const unsigned char *head = message->msg_iovlen > 0 ? message->msg_iov[0].iov_base : NULL;
	return head && message->msg_iov[0].iov_len >= 6 && head[4] == 0 && head[5] == 0;
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
	bool publishes = is_produce(message);
	ssize_t sent = next(descriptor, message, flags);
	for (long passages = publishes && sent > 0 ? atomic_exchange(&handed_over, 0) : 0; passages > 0; passages--)
		fault_point("amid_publish");
	return sent;
}
