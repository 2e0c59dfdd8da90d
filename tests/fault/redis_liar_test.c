/* A server that greets properly and then answers one command with what no Redis says. Whoever asked gets an error or
 * nothing, soon, and never a result. */
#include "check.h"
#include <errno.h>
#include <hiredis/hiredis.h>
#include <msp/clock.h>
#include <msp/transport.h>
#include <msp_transport_redis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS 200
#define SOON_MS    20000
#define LINE_SIZE  ((size_t)1 << 20)

static const char *const lies[] = {
    ":7\r\n",
    ":-7\r\n",
    "+odd\r\n",
    "$-1\r\n",
    "$3\r\nabc\r\n",
    "*-1\r\n",
    "*0\r\n",
    "*1\r\n:1\r\n",
    "*1\r\n*0\r\n",
    "*1\r\n*1\r\n:1\r\n",
    "*1\r\n*2\r\n$3\r\nabc\r\n*0\r\n",
    "*1\r\n*2\r\n$3\r\nabc\r\n:1\r\n",
    "*1\r\n*2\r\n$1\r\nt\r\n*1\r\n*2\r\n:1\r\n*0\r\n",
    "*1\r\n*2\r\n$1\r\nt\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*1\r\n$5\r\nvalue\r\n",
    "*1\r\n*2\r\n$1\r\nt\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$5\r\nvalue\r\n:1\r\n",
    "*2\r\n:1\r\n:2\r\n",
    "*2\r\n$1\r\n0\r\n:1\r\n",
    "no protocol\r\n",
};

/* ---- the liar ---- */

static struct {
	int listener, port;
	const char *about; /* the command */
	const char *lie;
	atomic_bool stop;
	pthread_t thread;
} liar;

static const char *answer_to(const redisReply *command)
{
	const char *word = command->element[0]->str;
	if (strcasecmp(word, liar.about) == 0)
		return liar.lie;
	if (strcasecmp(word, "CLIENT") == 0 && strcasecmp(command->element[1]->str, "ID") == 0)
		return ":1\r\n";
	if (strcasecmp(word, "XINFO") == 0)
		return "*4\r\n$6\r\nlength\r\n:1\r\n$17\r\nlast-generated-id\r\n$3\r\n5-5\r\n";
	return "+OK\r\n";
}

/* False: the connection has ended. */
static bool liar_answer(int client, redisReader *reader)
{
	char bytes[4096];
	void *command = NULL;
	ssize_t size = recv(client, bytes, sizeof(bytes), 0);
	if (size <= 0 || redisReaderFeed(reader, bytes, (size_t)size) != REDIS_OK)
		return false;
	while (redisReaderGetReply(reader, &command) == REDIS_OK && command) {
		const char *answer = answer_to(command);
		freeReplyObject(command);
		if (send(client, answer, strlen(answer), MSG_NOSIGNAL) < 0)
			return false;
	}
	return true;
}

static bool waits_for(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	while (!atomic_load(&liar.stop)) {
		if (poll(&poll_fd, 1, 10) > 0)
			return true;
	}
	return false;
}

/* One connection after the other, as those who ask have only one. */
static void *liar_main(void *context)
{
	while (waits_for(liar.listener)) {
		int client = accept4(liar.listener, NULL, NULL, SOCK_CLOEXEC);
		redisReader *reader = redisReaderCreate();
		if (client < 0 || !reader)
			abort();
		while (waits_for(client) && liar_answer(client, reader))
			continue;
		redisReaderFree(reader);
		close(client);
	}
	return context;
}

static void liar_start(const char *about, const char *lie)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	liar.about = about;
	liar.lie = lie;
	atomic_store(&liar.stop, false);
	liar.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(liar.listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(liar.listener, 8), 0);
	assert_int_equal(getsockname(liar.listener, (struct sockaddr *)&address, &size), 0);
	liar.port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&liar.thread, NULL, liar_main, NULL), 0);
}

static void liar_stop(void)
{
	atomic_store(&liar.stop, true);
	pthread_join(liar.thread, NULL);
	close(liar.listener);
}

/* ---- those who ask; `results`: what they were given ---- */

static enum msp_status read_some(struct msp_transport *transport, const struct msp_reader_config *config, int *results,
                                 struct msp_error *err)
{
	struct msp_receive_limits limits = {.max_messages = 10, .max_bytes = 1000, .timeout_ms = TIMEOUT_MS};
	struct msp_reader *reader;
	const struct msp_message *messages;
	size_t count;
	bool end;
	enum msp_status status = msp_transport_reader_open(transport, config, &reader, err);
	if (status != MSP_OK)
		return status;
	status = msp_reader_read(reader, &limits, &messages, &count, &end, err);
	*results = (int)count;
	msp_reader_free(reader);
	return status;
}

static enum msp_status follow(struct msp_transport *transport, int *results, struct msp_error *err)
{
	struct msp_reader_config config = {.topic = "t", .end_timestamp_ms = MSP_TIMESTAMP_NONE};
	return read_some(transport, &config, results, err);
}

static enum msp_status read_to_end(struct msp_transport *transport, int *results, struct msp_error *err)
{
	struct msp_reader_config config = {.topic = "t", .end_timestamp_ms = MSP_TIMESTAMP_NONE, .stop_at_end = true};
	return read_some(transport, &config, results, err);
}

static enum msp_status read_tail(struct msp_transport *transport, int *results, struct msp_error *err)
{
	struct msp_reader_config config = {
	    .topic = "t", .start = MSP_START_TAIL, .number = 3, .end_timestamp_ms = MSP_TIMESTAMP_NONE};
	return read_some(transport, &config, results, err);
}

static struct msp_admin *admin_open(struct msp_transport *transport)
{
	struct msp_admin *admin;
	assert_int_equal(msp_transport_admin_open(transport, &admin, NULL), MSP_OK);
	return admin;
}

static void topic_count(void *context, const char *topic)
{
	(void)topic;
	++*(int *)context;
}

static enum msp_status list(struct msp_transport *transport, int *results, struct msp_error *err)
{
	struct msp_admin *admin = admin_open(transport);
	enum msp_status status = msp_admin_topic_list(admin, topic_count, results, TIMEOUT_MS, err);
	msp_admin_free(admin);
	return status;
}

static enum msp_status describe(struct msp_transport *transport, int *results, struct msp_error *err)
{
	struct msp_admin *admin = admin_open(transport);
	struct msp_topic_info *info = NULL;
	enum msp_status status = msp_admin_topic_describe(admin, "t", &info, TIMEOUT_MS, err);
	if (info)
		*results = info->partitions[0].count > 0;
	free(info);
	msp_admin_free(admin);
	return status;
}

static enum msp_status create(struct msp_transport *transport, int *results, struct msp_error *err)
{
	struct msp_admin *admin = admin_open(transport);
	struct msp_topic_spec spec = {.name = "t", .partitions = 1};
	enum msp_status status = msp_admin_topic_create(admin, &spec, TIMEOUT_MS, err);
	*results = status == MSP_OK;
	msp_admin_free(admin);
	return status;
}

static enum msp_status send_one(struct msp_transport *transport, int *results, struct msp_error *err)
{
	struct msp_producer *producer;
	struct msp_outgoing outgoing = {.message = {.value = msp_bytes_of_string("1")}};
	assert_int_equal(msp_transport_producer_open(transport, &producer, NULL), MSP_OK);
	enum msp_status status = msp_producer_send(producer, "t", &outgoing, 1, TIMEOUT_MS, err);
	*results = outgoing.state == MSP_OUTGOING_PUBLISHED;
	msp_producer_free(producer);
	return status;
}

static enum msp_status consume(struct msp_transport *transport, int *results, struct msp_error *err)
{
	struct msp_consumer_config config = {.inputs = "t", .group = "g"};
	struct msp_consumer *consumer;
	enum msp_status status = msp_transport_consumer_open(transport, &config, &consumer, err);
	*results = status == MSP_OK;
	if (status == MSP_OK)
		msp_consumer_free(consumer);
	return status;
}

/* ---- a host with two addresses, the first of which answers nothing ---- */

#define HOLE_FILL 4

static struct {
	int listener, fill[HOLE_FILL];
	struct sockaddr_in address;
} hole = {.listener = -1};

/* Whoever is not accepted fills its queue; then it is silent. */
static void hole_open(void)
{
	socklen_t size = sizeof(hole.address);
	hole.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	hole.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(hole.listener, (struct sockaddr *)&hole.address, size), 0);
	assert_int_equal(listen(hole.listener, 0), 0);
	assert_int_equal(getsockname(hole.listener, (struct sockaddr *)&hole.address, &size), 0);
	for (int i = 0; i < HOLE_FILL; i++) {
		hole.fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(hole.fill[i], (struct sockaddr *)&hole.address, size);
	}
}

static void hole_close(void)
{
	for (int i = 0; i < HOLE_FILL; i++)
		close(hole.fill[i]);
	close(hole.listener);
	hole.listener = -1;
}

/* Instead of the C library's: every name is this host, with the hole as its first address when there is one. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret_all)
{
	static struct sockaddr_in open;
	static struct addrinfo all[2];
	(void)node;
	open = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(service)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (int i = 0; i < 2; i++) {
		all[i] = *hints;
		all[i].ai_family = AF_INET;
		all[i].ai_addrlen = sizeof(open);
		all[i].ai_addr = (struct sockaddr *)(i ? &open : &hole.address);
		all[i].ai_next = i ? NULL : &all[1];
	}
	*ret_all = &all[hole.listener < 0];
	return 0;
}

void freeaddrinfo(struct addrinfo *all)
{
	(void)all;
}

/* ---- the test ---- */

static const struct question {
	const char *name;
	enum msp_status (*ask)(struct msp_transport *transport, int *results, struct msp_error *err);
	const char *about;
	const char *believed[2]; /* what cannot be told from the truth */
} questions[] = {
    {"follow", follow, "XREAD", {NULL}},
    {"read to the end", read_to_end, "XRANGE", {NULL}},
    {"read the tail", read_tail, "XREVRANGE", {NULL}},
    {"list", list, "SCAN", {NULL}},
    {"describe", describe, "XINFO", {NULL}},
    {"create", create, "EVAL", {":7\r\n", ":-7\r\n"}},
    {"send", send_one, "XADD", {"$3\r\nabc\r\n"}},
    {"consume", consume, "EVAL", {NULL}},
};

static bool is_believed(const struct question *question, const char *lie)
{
	return (question->believed[0] && strcmp(lie, question->believed[0]) == 0) ||
	       (question->believed[1] && strcmp(lie, question->believed[1]) == 0);
}

static struct msp_error question_ask(const struct question *question, const char *lie)
{
	char url[64];
	struct msp_transport *transport;
	struct msp_error err = {.status = MSP_OK};
	int results = 0;
	liar_start(question->about, lie);
	snprintf(url, sizeof(url), "redis://user:s3cret@127.0.0.1:%d", liar.port);
	struct msp_transport_config config = {.url = url};
	assert_int_equal(msp_transport_redis.open(&config, &transport, NULL), MSP_OK);
	int64_t start_ms = msp_monotonic_ms();
	enum msp_status status = question->ask(transport, &results, &err);
	int64_t took_ms = msp_monotonic_ms() - start_ms;
	msp_transport_free(transport);
	liar_stop();
	bool is_sound =
	    took_ms < SOON_MS && (status == MSP_OK || err.text[0]) && (results > 0) == is_believed(question, lie);
	if (!is_sound)
		print_error("%s: %s: %s (%s), %d results after %lld ms\n", question->name, lie, msp_status_name(status),
		            err.text, results, (long long)took_ms);
	assert_true(is_sound);
	return err;
}

static void no_lie_becomes_a_result(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		for (size_t j = 0; j < sizeof(lies) / sizeof(lies[0]); j++)
			(void)question_ask(&questions[i], lies[j]);
	}
}

/* As a server does that has no AUTH. */
static void a_password_that_is_repeated_is_not_said(void **state)
{
	static const char *const echoes[] = {
	    "-ERR unknown command 'AUTH', with args beginning with: 'user' 's3cret'\r\n",
	    "-NOPERM s3cret\r\n",
	};
	static const struct question question = {"greet", follow, "AUTH", {NULL}};
	(void)state;
	for (size_t i = 0; i < sizeof(echoes) / sizeof(echoes[0]); i++) {
		struct msp_error err = question_ask(&question, echoes[i]);
		assert_non_null(strstr(err.text, "AUTH"));
		assert_null(strstr(err.text, "s3cret"));
	}
}

static void an_address_that_is_silent_is_passed_by(void **state)
{
	char url[64];
	struct msp_transport *transport;
	struct msp_topic_spec spec = {.name = "t", .partitions = 1};
	struct msp_error err = {.text = ""};
	(void)state;
	hole_open();
	liar_start("EVAL", ":1\r\n");
	snprintf(url, sizeof(url), "redis://two.addresses:%d", liar.port);
	struct msp_transport_config config = {.url = url};
	assert_int_equal(msp_transport_redis.open(&config, &transport, NULL), MSP_OK);
	struct msp_admin *admin = admin_open(transport);
	if (msp_admin_topic_create(admin, &spec, SOON_MS, &err) != MSP_OK)
		fail_msg("%s", err.text);
	msp_admin_free(admin);
	msp_transport_free(transport);
	liar_stop();
	hole_close();
}

/* Looking for its end would take time that grows with the square of its length. */
static void an_endless_line_is_no_answer(void **state)
{
	static char line[LINE_SIZE + 1];
	(void)state;
	memset(line, '+', LINE_SIZE);
	struct msp_error err = question_ask(&questions[0], line);
	assert_non_null(strstr(err.text, "protocol"));
}

/* A dozen bytes that ask for 16 GiB, and arrays in arrays. */
static void what_is_too_large_is_refused_before_it_comes(void **state)
{
	static const char *const excesses[] = {"*2147483647\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"};
	(void)state;
	for (size_t i = 0; i < sizeof(excesses) / sizeof(excesses[0]); i++) {
		struct msp_error err = question_ask(&questions[0], excesses[i]);
		assert_non_null(strstr(err.text, "too large"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_lie_becomes_a_result),
	    cmocka_unit_test(a_password_that_is_repeated_is_not_said),
	    cmocka_unit_test(an_address_that_is_silent_is_passed_by),
	    cmocka_unit_test(an_endless_line_is_no_answer),
	    cmocka_unit_test(what_is_too_large_is_refused_before_it_comes),
	};
	return cmocka_run_group_tests_name("redis_liar", tests, NULL, NULL);
}
