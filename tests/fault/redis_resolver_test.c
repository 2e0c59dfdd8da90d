/* A name service that hangs, and a server that takes commands and answers none: nobody waits for either longer than it
 * said, leases are renewed meanwhile, and work goes on when the answer comes. */
#include "redis_fixture.h"
#include <errno.h>
#include <msp/clock.h>
#include <msp/log.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define T(function) cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)

/* What a call may take beyond its timeout, on a machine with other work. */
#define SLACK_MS 150
#define LEASE_MS 3000

/* ---- the name service ---- */

enum service { ANSWERS, HANGS, KNOWS_NOTHING };

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	enum service service;
	int hanging; /* threads */
	int most;    /* of those at a time; to be read when none hangs */
} names = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void names_set(enum service service)
{
	pthread_mutex_lock(&names.mutex);
	names.service = service;
	pthread_cond_broadcast(&names.changed);
	/* Those that are told to go on are waited for, so that none is left at the end. */
	while (service != HANGS && names.hanging > 0)
		pthread_cond_wait(&names.changed, &names.mutex);
	pthread_mutex_unlock(&names.mutex);
}

static enum service names_ask(void)
{
	pthread_mutex_lock(&names.mutex);
	names.hanging++;
	if (names.service == HANGS && names.hanging > names.most)
		names.most = names.hanging;
	while (names.service == HANGS)
		pthread_cond_wait(&names.changed, &names.mutex);
	enum service service = names.service;
	names.hanging--;
	pthread_cond_broadcast(&names.changed);
	pthread_mutex_unlock(&names.mutex);
	return service;
}

/* Instead of the C library's: every name is this host. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret_all)
{
	bool is_number = node[0] >= '0' && node[0] <= '9';
	if (!is_number && (hints->ai_flags & AI_NUMERICHOST))
		return EAI_NONAME;
	if (!is_number && names_ask() == KNOWS_NOTHING)
		return EAI_NONAME;
	struct {
		struct addrinfo info;
		struct sockaddr_in address;
	} *all = calloc(1, sizeof(*all));
	if (!all)
		return EAI_MEMORY;
	all->address = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(service)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	all->info = *hints;
	all->info.ai_family = AF_INET;
	all->info.ai_addr = (struct sockaddr *)&all->address;
	all->info.ai_addrlen = sizeof(all->address);
	*ret_all = &all->info;
	return 0;
}

void freeaddrinfo(struct addrinfo *all)
{
	free(all);
}

/* ---- calls and how long they take ---- */

/* The fixture's server by a name, in transports[1]. */
static struct msp_consumer *named_open(struct fixture *fixture, const char *instance)
{
	char url[sizeof(fixture->url)];
	memcpy(url, fixture->url, sizeof(url));
	snprintf(fixture->url, sizeof(fixture->url), "redis://a.name:%d", redis_fixture_server.port);
	const struct msp_option *option = msp_option_find(transport_contract->ops->options, "lease.ms");
	assert_int_equal(msp_option_set(option, fixture->options, MSP_LOG_NUMBER(LEASE_MS), NULL), MSP_OK);
	fixture->transports[1] = transport_open(fixture);
	memcpy(fixture->url, url, sizeof(url));
	return consumer_open(fixture, 1, instance, 0);
}

/* Receives, serves and waits for a settle, each for 100 ms, for so long. */
static void calls_keep_their_time(struct msp_consumer *consumer, bool is_in_flight, int total_ms)
{
	struct msp_receive_limits limits = {10, 1 << 20, 100};
	struct msp_batch *batch = NULL;
	for (int64_t end_ms = msp_deadline_in(total_ms); msp_monotonic_ms() < end_ms;) {
		struct msp_error err;
		int64_t began_ms = msp_monotonic_ms();
		if (is_in_flight)
			assert_int_equal(msp_consumer_settle_wait(consumer, 100, &err), MSP_SETTLE_AGAIN);
		else if (msp_consumer_serve(consumer, 100, &err) != MSP_OK)
			assert_true(err.retriable);
		assert_in_range(msp_monotonic_ms() - began_ms, 0, 100 + SLACK_MS);
		began_ms = msp_monotonic_ms();
		if (msp_consumer_receive(consumer, &limits, &batch, &err) != MSP_OK)
			assert_true(err.retriable);
		assert_in_range(msp_monotonic_ms() - began_ms, 0, 100 + SLACK_MS);
		assert_null(batch);
	}
	assert_in_range(consumer->longest_overrun_ms, 0, SLACK_MS);
}

static void connections_kill(void)
{
	redis_number("CLIENT KILL TYPE normal SKIPME yes");
}

static int64_t lease_rest_ms(const struct fixture *fixture)
{
	return redis_number("PTTL %s.lease.%s.one/0", fixture->inputs, fixture->group);
}

/* ---- names ---- */

/* Connections that are lost while the name service hangs are made again to where the server was. */
static void a_name_that_hangs_is_what_it_was(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 2);
	struct msp_consumer *consumer = named_open(fixture, "one");
	echo(consumer, 1);
	struct msp_batch *batch = receive(consumer, 1);
	names_set(HANGS);
	connections_kill();
	struct msp_outgoing *outgoing = outgoing_new(batch);
	settle_begin(consumer, batch, outgoing);
	struct msp_error err;
	int64_t began_ms = msp_monotonic_ms();
	assert_int_equal(msp_consumer_settle_wait(consumer, 100, &err), MSP_SETTLE_AGAIN);
	assert_in_range(msp_monotonic_ms() - began_ms, 0, 100 + SLACK_MS);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	free(outgoing);
	batch_free(consumer, batch);
	for (int64_t end_ms = msp_deadline_in(LEASE_MS + 1000); msp_monotonic_ms() < end_ms;) {
		assert_null(receive_within(consumer, 10, 100));
		assert_true(lease_rest_ms(fixture) > 0);
	}
	consumer_close(consumer);
	msp_transport_free(fixture->transports[1]);
	fixture->transports[1] = NULL;
	names_set(ANSWERS);
	/* All that wait for the name share one lookup. */
	assert_int_equal(names.most, 1);
	topic_expect(fixture, fixture->outputs, 1, 2);
}

static void nobody_waits_for_a_name(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = named_open(fixture, "one");
	send_numbers(fixture, fixture->inputs, 0, 0, 1);
	struct msp_batch *batch = receive(consumer, 1);
	/* Forgets where the server was, because it is nowhere. */
	names_set(KNOWS_NOTHING);
	connections_kill();
	(void)receive_failure(consumer);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	settle_begin(consumer, batch, outgoing);
	calls_keep_their_time(consumer, true, 300);
	names_set(HANGS);
	calls_keep_their_time(consumer, true, 1500);
	names_set(ANSWERS);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	free(outgoing);
	batch_free(consumer, batch);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 1);
}

static void leaving_waits_for_no_name(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = named_open(fixture, "one");
	names_set(KNOWS_NOTHING);
	connections_kill();
	(void)receive_failure(consumer);
	names_set(HANGS);
	calls_keep_their_time(consumer, false, 500);
	int64_t began_ms = msp_monotonic_ms();
	consumer_close(consumer);
	msp_transport_free(fixture->transports[1]);
	fixture->transports[1] = NULL;
	assert_in_range(msp_monotonic_ms() - began_ms, 0, 2000);
	names_set(ANSWERS);
}

static void a_name_that_is_unknown_is_said(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = named_open(fixture, NULL);
	struct msp_topic_info *info;
	struct msp_admin *admin;
	assert_int_equal(msp_transport_admin_open(fixture->transports[1], &admin, &fixture->err), MSP_OK);
	names_set(KNOWS_NOTHING);
	assert_int_equal(msp_admin_topic_describe(admin, fixture->inputs, &info, 300, &fixture->err), MSP_E_UNAVAILABLE);
	assert_non_null(strstr(fixture->err.text, gai_strerror(EAI_NONAME)));
	names_set(HANGS);
	int64_t began_ms = msp_monotonic_ms();
	assert_int_equal(msp_admin_topic_describe(admin, fixture->inputs, &info, 1500, &fixture->err), MSP_E_UNAVAILABLE);
	assert_in_range(msp_monotonic_ms() - began_ms, 0, 1500 + SLACK_MS);
	assert_non_null(strstr(fixture->err.text, "name service does not answer"));
	names_set(ANSWERS);
	assert_int_equal(msp_admin_topic_describe(admin, fixture->inputs, &info, DEADLINE_MS, &fixture->err), MSP_OK);
	free(info);
	msp_admin_free(admin);
	consumer_close(consumer);
}

/* ---- a server that takes commands and answers none ---- */

static void a_silent_server_holds_nobody_up(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 1);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	struct msp_batch *batch = receive(consumer, 1);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	redis_server_signal(&redis_fixture_server, SIGSTOP);
	int64_t began_ms = msp_monotonic_ms();
	settle_begin(consumer, batch, outgoing);
	assert_in_range(msp_monotonic_ms() - began_ms, 0, SLACK_MS);
	calls_keep_their_time(consumer, true, 2500);
	redis_server_signal(&redis_fixture_server, SIGCONT);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	free(outgoing);
	batch_free(consumer, batch);
	redis_server_signal(&redis_fixture_server, SIGSTOP);
	calls_keep_their_time(consumer, false, 2500);
	redis_server_signal(&redis_fixture_server, SIGCONT);
	send_numbers(fixture, fixture->inputs, 0, 1, 1);
	echo(consumer, 1);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 2);
}

/* Its name was taken, and the server that knows of others is silent. */
static void looking_for_a_name_keeps_its_time(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	freeReplyObject(redis_run("SET %s.lease.%s.worker/0 another PX 600000", fixture->inputs, fixture->group));
	int64_t deadline_ms = msp_deadline_in(DEADLINE_MS);
	while (!strstr(receive_failure(consumer).text, "worker/1"))
		assert_true(msp_monotonic_ms() < deadline_ms);
	freeReplyObject(redis_run("SET %s.lease.%s.worker/1 another PX 600000", fixture->inputs, fixture->group));
	/* Until the heartbeat has heard of it. */
	calls_keep_their_time(consumer, false, 400);
	redis_server_signal(&redis_fixture_server, SIGSTOP);
	calls_keep_their_time(consumer, false, 1500);
	redis_server_signal(&redis_fixture_server, SIGCONT);
	send_numbers(fixture, fixture->inputs, 0, 0, 1);
	echo(consumer, 1);
	consumer_close(consumer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_name_that_hangs_is_what_it_was), T(nobody_waits_for_a_name),         T(leaving_waits_for_no_name),
	    T(a_name_that_is_unknown_is_said),   T(a_silent_server_holds_nobody_up), T(looking_for_a_name_keeps_its_time),
	};
	static const char *const flags[] = {"--loglevel", "warning", NULL};
	return redis_fixture_run("redis_resolver", tests, sizeof(tests) / sizeof(tests[0]), flags);
}
