/* Connections that are cut while a batch is settled: before the server got the commands, and after it did what they say
 * but before its answer came. A proxy between msp and the server cuts. */
#include "redis_fixture.h"
#include <errno.h>
#include <msp/backoff.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#define T(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#define PAIRS_MAX  64
#define CHUNK_SIZE 65536

enum cut { CUT_NONE, CUT_BEFORE, CUT_AFTER };

/* A connection of msp and ours to the server; -1: closed. */
struct pair {
	int client, server;
	bool is_doomed; /* the next answer is not passed on */
};

static struct {
	int listener, port;
	struct pair pairs[PAIRS_MAX];
	size_t count;
	atomic_int cut; /* what happens to the next commands that settle */
	atomic_int strikes;
	atomic_bool stop;
	pthread_t thread;
} proxy;

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static void pair_close(struct pair *pair)
{
	close(pair->client);
	close(pair->server);
	pair->client = pair->server = -1;
}

static void pair_open(void)
{
	struct sockaddr_in address = loopback(redis_fixture_server.port);
	int client = accept4(proxy.listener, NULL, NULL, SOCK_CLOEXEC);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client < 0 || server < 0 || connect(server, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    proxy.count == PAIRS_MAX)
		abort();
	proxy.pairs[proxy.count++] = (struct pair){client, server, false};
}

static bool settles(const char *bytes, size_t size)
{
	return memmem(bytes, size, "\r\nEVALSHA\r\n", 11) || memmem(bytes, size, "\r\nXADD\r\n", 8);
}

/* Passes on what has come from one side, or cuts. */
static void pair_pass(struct pair *pair, bool from_client)
{
	static char bytes[CHUNK_SIZE];
	ssize_t size = recv(from_client ? pair->client : pair->server, bytes, sizeof(bytes), 0);
	bool cut = size <= 0;
	if (from_client && !cut && atomic_load(&proxy.cut) != CUT_NONE && settles(bytes, (size_t)size)) {
		cut = atomic_exchange(&proxy.cut, CUT_NONE) == CUT_BEFORE;
		pair->is_doomed = !cut;
		atomic_fetch_add(&proxy.strikes, 1);
	} else if (!from_client) {
		cut = cut || pair->is_doomed;
	}
	if (cut || send(from_client ? pair->server : pair->client, bytes, (size_t)size, MSG_NOSIGNAL) != size)
		pair_close(pair);
}

static void *proxy_main(void *context)
{
	while (!atomic_load(&proxy.stop)) {
		struct pollfd fds[1 + 2 * PAIRS_MAX] = {{.fd = proxy.listener, .events = POLLIN}};
		size_t count = proxy.count;
		for (size_t i = 0; i < count; i++) {
			fds[1 + 2 * i] = (struct pollfd){.fd = proxy.pairs[i].client, .events = POLLIN};
			fds[2 + 2 * i] = (struct pollfd){.fd = proxy.pairs[i].server, .events = POLLIN};
		}
		poll(fds, 1 + 2 * count, 50);
		if (fds[0].revents)
			pair_open();
		for (size_t i = 0; i < count; i++) {
			if (fds[1 + 2 * i].revents)
				pair_pass(&proxy.pairs[i], true);
			if (fds[2 + 2 * i].revents && proxy.pairs[i].server >= 0)
				pair_pass(&proxy.pairs[i], false);
		}
	}
	return context;
}

static int set_up(void **state)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	proxy.count = 0;
	atomic_store(&proxy.stop, false);
	atomic_store(&proxy.strikes, 0);
	proxy.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(proxy.listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(proxy.listener, 16), 0);
	assert_int_equal(getsockname(proxy.listener, (struct sockaddr *)&address, &size), 0);
	proxy.port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&proxy.thread, NULL, proxy_main, NULL), 0);
	fixture_init_topics_one(state);
	struct fixture *fixture = *state;
	snprintf(fixture->url, sizeof(fixture->url), "redis://127.0.0.1:%d", proxy.port);
	fixture->transports[1] = transport_open(fixture);
	return 0;
}

static int tear_down(void **state)
{
	fixture_done(state);
	atomic_store(&proxy.stop, true);
	pthread_join(proxy.thread, NULL);
	for (size_t i = 0; i < proxy.count; i++) {
		if (proxy.pairs[i].client >= 0)
			pair_close(&proxy.pairs[i]);
	}
	close(proxy.listener);
	return 0;
}

/* Settles `count` messages in batches of 5, of which every second one is cut. */
static void consume_with_cuts(struct fixture *fixture, enum msp_guarantee guarantee, int count, enum cut cut)
{
	struct msp_transport *direct = fixture->transports[0];
	fixture->transports[0] = fixture->transports[1];
	struct msp_consumer *consumer = redis_consumer_open(fixture, guarantee, NULL);
	fixture->transports[0] = direct;
	int settled = 0;
	for (int round = 0; settled < count; round++) {
		struct msp_batch *batch = receive(consumer, 5);
		struct msp_outgoing *outgoing = outgoing_new(batch);
		if (round % 2)
			atomic_store(&proxy.cut, cut);
		settle_begin(consumer, batch, outgoing);
		assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
		settled += (int)batch->count;
		free(outgoing);
		batch_free(consumer, batch);
	}
	assert_int_equal(settled, count);
	assert_in_range(atomic_load(&proxy.strikes), 3, count);
	consumer_close(consumer);
	assert_int_equal(group_lag(fixture), 0);
}

static void exactly_once_cut_before(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 50);
	consume_with_cuts(fixture, MSP_EXACTLY_ONCE, 50, CUT_BEFORE);
	topic_expect(fixture, fixture->outputs, 1, 50);
}

static void exactly_once_cut_after(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 50);
	consume_with_cuts(fixture, MSP_EXACTLY_ONCE, 50, CUT_AFTER);
	topic_expect(fixture, fixture->outputs, 1, 50);
}

static void at_least_once_cut_before(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 50);
	consume_with_cuts(fixture, MSP_AT_LEAST_ONCE, 50, CUT_BEFORE);
	topic_expect(fixture, fixture->outputs, 1, 50);
}

static void at_least_once_cut_after(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 50);
	consume_with_cuts(fixture, MSP_AT_LEAST_ONCE, 50, CUT_AFTER);
	/* What was published and not answered is published again. */
	assert_in_range(topic_count(fixture, fixture->outputs, NULL), 51, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(exactly_once_cut_before),
	    T(exactly_once_cut_after),
	    T(at_least_once_cut_before),
	    T(at_least_once_cut_after),
	};
	static const char *const flags[] = {"--loglevel", "warning", NULL};
	return redis_fixture_run("redis_cut", tests, sizeof(tests) / sizeof(tests[0]), flags);
}
