#include "probe.h"

#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_INPUTS ((size_t)1000000)
#define SECOND_NS  1000000000L

struct probe {
	const struct probe_ops *ops;
	void *broker;
	pthread_t sender;
	bool sending;
	atomic_bool stop;
	atomic_size_t sent;
	long pause_ns;
	char name[16]; /* begins the keys, so that what another probe has left is not taken for ours */
	double *sent_ns;
};

/* ---- sending ---- */

static void send_one(struct probe *probe, size_t number)
{
	char key[PROBE_KEY_SIZE];
	snprintf(key, sizeof(key), "%s%zu", probe->name, number);
	probe->sent_ns[number] = bench_wall_ns();
	/* Before the send: the output may be seen before this thread runs again. */
	atomic_store(&probe->sent, number + 1);
	probe->ops->send(probe->broker, number, key);
}

static void *send_all(void *argument)
{
	struct probe *probe = argument;
	struct timespec due;
	clock_gettime(CLOCK_MONOTONIC, &due);
	for (size_t number = 0; number < MAX_INPUTS && !atomic_load(&probe->stop); number++) {
		send_one(probe, number);
		due.tv_nsec += probe->pause_ns;
		due.tv_sec += due.tv_nsec / SECOND_NS;
		due.tv_nsec %= SECOND_NS;
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
			continue;
	}
	return NULL;
}

void probe_stop(struct probe *probe)
{
	atomic_store(&probe->stop, true);
	if (probe->sending)
		pthread_join(probe->sender, NULL);
	probe->sending = false;
}

size_t probe_sent(const struct probe *probe)
{
	return atomic_load(&probe->sent);
}

/* ---- seeing ---- */

/* Whether the key is one of ours. */
static bool sight_of(const struct probe *probe, const char *key, struct probe_sight *ret_sight)
{
	size_t name_size = strlen(probe->name);
	ret_sight->seen_ns = bench_wall_ns();
	if (strncmp(key, probe->name, name_size) != 0)
		return false;
	ret_sight->number = strtoull(key + name_size, NULL, 10);
	bench_must(ret_sight->number < probe_sent(probe), "seeing only what was sent");
	ret_sight->sent_ns = probe->sent_ns[ret_sight->number];
	return true;
}

bool probe_next(struct probe *probe, int timeout_ms, struct probe_sight *ret_sight)
{
	double give_up_ns = bench_wall_ns() + timeout_ms * 1e6;
	do {
		char key[PROBE_KEY_SIZE];
		double left_ms = (give_up_ns - bench_wall_ns()) / 1e6;
		bool came = probe->ops->receive(probe->broker, left_ms > 0 ? (int)left_ms : 0, key, &ret_sight->partition);
		if (came && sight_of(probe, key, ret_sight))
			return true;
	} while (bench_wall_ns() < give_up_ns);
	return false;
}

/* ---- the probe's life ---- */

struct probe *probe_start(const struct probe_ops *ops, const struct stream *stream, int per_second)
{
	static int probes;
	struct probe *probe = calloc(1, sizeof(*probe));
	bench_must(probe && (probe->sent_ns = calloc(MAX_INPUTS, sizeof(*probe->sent_ns))), "memory");
	probe->ops = ops;
	probe->pause_ns = SECOND_NS / per_second;
	snprintf(probe->name, sizeof(probe->name), "%d-", probes++);
	probe->broker = ops->open(stream);
	bench_must(pthread_create(&probe->sender, NULL, send_all, probe) == 0, "starting a thread");
	probe->sending = true;
	return probe;
}

void probe_free(struct probe *probe)
{
	probe_stop(probe);
	probe->ops->close(probe->broker);
	free(probe->sent_ns);
	free(probe);
}
