/* What others do to streams, groups, users and scripts while msp uses them. Nothing is lost or stuck, each failure says
 * what is wrong, and where an operator mends it, work goes on. */
#include "redis_fixture.h"
#include <msp/clock.h>

#define T(function) cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)

static void at_least_once_publishes_and_marks(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 50);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_AT_LEAST_ONCE, NULL);
	echo(consumer, 50);
	consumer_close(consumer);
	topic_expect_in_order(fixture, fixture->outputs, 1, 50);
	assert_int_equal(group_lag(fixture), 0);
}

static void at_least_once_waits_for_a_topic(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	redis_number("DEL %s", fixture->outputs);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_AT_LEAST_ONCE, NULL);
	struct msp_batch *batch = receive(consumer, 3);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	settle_begin(consumer, batch, outgoing);
	struct msp_error err = settle_again(consumer);
	assert_int_equal(err.status, MSP_E_NOT_FOUND);
	assert_non_null(strstr(err.text, fixture->outputs));
	topic_create(fixture, fixture->outputs, 1, 0);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	free(outgoing);
	batch_free(consumer, batch);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 3);
}

static void foreign_entries_keep_all_their_fields(void **state)
{
	struct fixture *fixture = *state;
	freeReplyObject(redis_run("XADD %s * temperature 21 value v h:name x", fixture->inputs));
	freeReplyObject(redis_run("XADD %s * value a value b", fixture->inputs));
	freeReplyObject(redis_run("XADD %s * value plain", fixture->inputs));
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	struct msp_batch *batch = receive(consumer, 3);
	assert_int_equal(batch->count, 3);
	const struct msp_message *first = &batch->messages[0], *second = &batch->messages[1];
	assert_int_equal(first->defect, MSP_DEFECT_FOREIGN);
	assert_true(msp_bytes_equal(first->value, msp_bytes_of_string("v")));
	assert_int_equal(first->header_count, 2);
	assert_true(msp_bytes_equal(first->headers[0].name, msp_bytes_of_string("temperature")));
	assert_true(msp_bytes_equal(first->headers[0].value, msp_bytes_of_string("21")));
	assert_true(msp_bytes_equal(first->headers[1].name, msp_bytes_of_string("name")));
	assert_int_equal(second->defect, MSP_DEFECT_FOREIGN);
	assert_true(msp_bytes_equal(second->headers[0].value, msp_bytes_of_string("b")));
	assert_int_equal(batch->messages[2].defect, MSP_DEFECT_NONE);
	settle_echo(consumer, batch);
	consumer_close(consumer);
}

static void trimmed_entries_are_said(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, "one");
	struct msp_batch *batch = receive(consumer, 3);
	assert_int_equal(batch->count, 3);
	consumer_close(consumer);
	assert_int_equal(redis_number("XTRIM %s MAXLEN 1", fixture->inputs), 2);
	consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, "one");
	for (int i = 0; i < 3; i++) {
		batch = receive(consumer, 10);
		assert_int_equal(batch->count, 1);
		assert_int_equal(batch->messages[0].attempts, 2);
		assert_int_equal(batch->messages[0].defect, i < 2 ? MSP_DEFECT_EXPIRED : MSP_DEFECT_NONE);
		settle_echo(consumer, batch);
	}
	consumer_close(consumer);
	assert_int_equal(group_lag(fixture), 0);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 3);
}

static long long evals(void)
{
	return redis_info_number("cmdstat_eval:calls=");
}

/* Such an entry stays its dead owner's, who is found again and again. */
static void a_trimmed_entry_in_work_is_not_asked_for_in_a_hurry(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 1);
	freeReplyObject(redis_run("XREADGROUP GROUP %s dead STREAMS %s >", fixture->group, fixture->inputs));
	assert_int_equal(redis_number("XTRIM %s MAXLEN 0", fixture->inputs), 1);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	struct msp_batch *batch = receive(consumer, 10);
	assert_int_equal(batch->messages[0].defect, MSP_DEFECT_EXPIRED);
	long long before = evals();
	for (int i = 0; i < 10; i++)
		assert_null(receive_within(consumer, 10, 50));
	/* Without pauses there would be thousands in this time. */
	assert_in_range(evals() - before, 0, 100);
	settle_echo(consumer, batch);
	assert_int_equal(group_lag(fixture), 0);
	consumer_close(consumer);
}

static void only_solo_deliveries_count(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	/* The first entry ends its consumer again and again; its neighbours are not blamed. */
	for (int life = 1; life <= 4; life++) {
		struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, "one");
		struct msp_batch *batch = receive(consumer, 10);
		assert_int_equal(batch->count, life == 1 ? 3 : 1);
		assert_int_equal(message_number(&batch->messages[0]), 0);
		assert_int_equal(batch->messages[0].attempts, life);
		consumer_close(consumer);
	}
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, "one");
	static const int attempts[] = {5, 2, 2};
	for (int i = 0; i < 3; i++) {
		struct msp_batch *batch = receive(consumer, 10);
		assert_int_equal(batch->messages[0].attempts, attempts[i]);
		settle_echo(consumer, batch);
	}
	consumer_close(consumer);
}

/* Or the one that ends the process would count against the other. */
static void what_comes_again_takes_turns(void **state)
{
	struct fixture *fixture = *state;
	static const char *const names[] = {"one", "two"};
	struct msp_consumer *consumers[2];
	send_numbers(fixture, fixture->inputs, 0, 0, 2);
	for (int i = 0; i < 2; i++) {
		consumers[i] = consumer_open_with(fixture, MSP_EXACTLY_ONCE, names[i]);
		freeReplyObject(
		    redis_run("XREADGROUP GROUP %s %s/0 COUNT 1 STREAMS %s >", fixture->group, names[i], fixture->inputs));
	}
	struct msp_batch *first = receive(consumers[0], 1);
	assert_int_equal(first->messages[0].attempts, 2);
	assert_null(receive_within(consumers[1], 1, 200));
	/* Computed is enough: when it is settled does not matter. */
	struct msp_outgoing *outgoing = outgoing_new(first);
	settle_begin(consumers[0], first, outgoing);
	struct msp_batch *second = receive(consumers[1], 1);
	assert_int_equal(second->messages[0].attempts, 2);
	settle_echo(consumers[1], second);
	assert_int_equal(settle_wait(consumers[0]), MSP_SETTLE_OK);
	free(outgoing);
	batch_free(consumers[0], first);
	for (int i = 0; i < 2; i++)
		consumer_close(consumers[i]);
	topic_expect(fixture, fixture->outputs, 1, 2);
}

/* What a server does that delivers to a connection which is gone. */
static void what_was_delivered_to_nobody_is_found(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, "one");
	assert_null(receive_within(consumer, 10, 0));
	send_numbers(fixture, fixture->inputs, 0, 0, 1);
	freeReplyObject(redis_run("XREADGROUP GROUP %s one/0 STREAMS %s >", fixture->group, fixture->inputs));
	echo(consumer, 1);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 1);
}

static void what_others_settled_is_already_settled(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 4);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	struct msp_batch *batch = receive(consumer, 4);
	assert_int_equal(batch->count, 4);
	for (int i = 0; i < 4; i += 2)
		assert_int_equal(redis_number("XACK %s %s %s", fixture->inputs, fixture->group, batch->messages[i].id), 1);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	settle_begin(consumer, batch, outgoing);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	for (int i = 0; i < 4; i++)
		assert_int_equal(outgoing[i].state, i % 2 ? MSP_OUTGOING_PUBLISHED : MSP_OUTGOING_ALREADY_SETTLED);
	free(outgoing);
	batch_free(consumer, batch);
	consumer_close(consumer);
	int64_t sum;
	assert_int_equal(topic_count(fixture, fixture->outputs, &sum), 2);
	assert_int_equal(sum, 1 + 3);
}

static void a_vanished_group_is_an_operators_decision(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	struct msp_batch *batch = receive(consumer, 2);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	assert_int_equal(redis_number("XGROUP DESTROY %s %s", fixture->inputs, fixture->group), 1);
	settle_begin(consumer, batch, outgoing);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_LOST);
	free(outgoing);
	batch_free(consumer, batch);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 0);
	struct msp_error err = receive_failure(consumer);
	for (int i = 0; i < 5 && !strstr(err.text, "XGROUP CREATE"); i++)
		err = receive_failure(consumer);
	assert_non_null(strstr(err.text, "XGROUP CREATE"));
	assert_true(err.retriable);
	freeReplyObject(redis_run("XGROUP CREATE %s %s 0", fixture->inputs, fixture->group));
	echo(consumer, 5);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 5);
}

static void a_vanished_group_is_made_again_at_least_once(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_AT_LEAST_ONCE, NULL);
	echo(consumer, 5);
	assert_int_equal(redis_number("XGROUP DESTROY %s %s", fixture->inputs, fixture->group), 1);
	assert_true(receive_failure(consumer).retriable);
	echo(consumer, 5);
	consumer_close(consumer);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 10);
}

static void a_group_is_made_on_an_empty_topic(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(redis_number("XGROUP DESTROY %s %s", fixture->inputs, fixture->group), 1);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	echo(consumer, 3);
	consumer_close(consumer);
}

static void a_wrong_type_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	static const enum msp_guarantee guarantees[] = {MSP_EXACTLY_ONCE, MSP_AT_LEAST_ONCE};
	for (int i = 0; i < 2; i++) {
		struct msp_consumer *consumer = consumer_open_with(fixture, guarantees[i], NULL);
		struct msp_batch *batch = receive(consumer, 1);
		struct msp_outgoing *outgoing = outgoing_new(batch);
		redis_number("DEL %s", fixture->outputs);
		freeReplyObject(redis_run("SET %s text", fixture->outputs));
		settle_begin(consumer, batch, outgoing);
		assert_non_null(strstr(settle_again(consumer).text, "something else than a stream"));
		redis_number("DEL %s", fixture->outputs);
		topic_create(fixture, fixture->outputs, 1, 0);
		assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
		assert_int_equal(outgoing[0].state, MSP_OUTGOING_PUBLISHED);
		free(outgoing);
		batch_free(consumer, batch);
		consumer_close(consumer);
	}
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 1);
}

/* The fixture's URL with a user of its own. */
static void user_open(struct fixture *fixture, const char *rights)
{
	freeReplyObject(redis_run("ACL SETUSER worker on >pass/word reset"));
	freeReplyObject(redis_run("ACL SETUSER worker on >pass/word ~* +@all %s", rights));
	transport_contract->ops->free(fixture->transports[1]);
	snprintf(fixture->url, sizeof(fixture->url), "redis://worker:pass%%2Fword@127.0.0.1:%d", redis_fixture_server.port);
	fixture->transports[1] = transport_open(fixture);
}

static void rights_are_looked_at_first(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = NULL;
	user_open(fixture, "-xdel");
	assert_int_equal(consumer_try_open(fixture, 1, NULL, 0, &consumer), MSP_E_DENIED);
	assert_true(fixture->err.retriable);
	assert_non_null(strstr(fixture->err.text, "outputs"));
	freeReplyObject(redis_run("ACL SETUSER worker +xdel"));
	consumer = consumer_open(fixture, 1, NULL, 0);
	consumer_close(consumer);
}

/* Those of transports/redis/README.md. */
static void the_documented_rights_suffice(void **state)
{
	struct fixture *fixture = *state;
	freeReplyObject(redis_run("ACL SETUSER worker on reset"));
	freeReplyObject(redis_run("ACL SETUSER worker on >secret ~contract-* -@all +xadd +xreadgroup +xack +xdel +xclaim "
	                          "+xpending +xinfo +xgroup +xtrim +xlen +xrange +xrevrange +xread +eval +evalsha "
	                          "+script|load +get +set"));
	freeReplyObject(redis_run("ACL SETUSER worker +del +exists +type +scan +select +ping +client|setname +client|id "
	                          "+client|unblock +wait +info +auth +time +pttl +pexpire"));
	snprintf(fixture->url, sizeof(fixture->url), "redis://worker:secret@127.0.0.1:%d", redis_fixture_server.port);
	assert_int_equal(msp_option_set(msp_option_find(transport_contract->ops->options, "trim.settled"), fixture->options,
	                                "true", NULL),
	                 MSP_OK);
	fixture->transports[1] = transport_open(fixture);
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	struct msp_consumer *consumer = consumer_open(fixture, 1, "one", 0);
	batch_free(consumer, receive(consumer, 3));
	consumer_close(consumer);
	consumer = consumer_open(fixture, 1, "one", 0);
	echo(consumer, 5);
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (redis_number("XLEN %s", fixture->inputs) > 0)
		assert_true(msp_monotonic_ms() < deadline_ms);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 5);
	redisReply *lease = redis_run("GET %s.lease.%s.one/0", fixture->inputs, fixture->group);
	assert_string_equal(lease->str, "left");
	freeReplyObject(lease);
}

static void rights_that_end_are_waited_for(void **state)
{
	struct fixture *fixture = *state;
	user_open(fixture, "-config");
	send_numbers(fixture, fixture->inputs, 0, 0, 6);
	struct msp_consumer *consumer = consumer_open(fixture, 1, NULL, 0);
	struct msp_batch *batch = receive(consumer, 6);
	assert_int_equal(batch->count, 6);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	freeReplyObject(redis_run("ACL SETUSER worker -xadd"));
	settle_begin(consumer, batch, outgoing);
	struct msp_error err = settle_again(consumer);
	assert_non_null(strstr(err.text, "no right"));
	freeReplyObject(redis_run("ACL SETUSER worker +xadd -xack"));
	settle_again(consumer);
	freeReplyObject(redis_run("ACL SETUSER worker +xack"));
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	free(outgoing);
	batch_free(consumer, batch);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 6);
}

static void a_wrong_password_is_said_without_it(void **state)
{
	struct fixture *fixture = *state;
	user_open(fixture, "");
	freeReplyObject(redis_run("ACL SETUSER worker resetpass >other"));
	struct msp_consumer *consumer = NULL;
	assert_int_equal(consumer_try_open(fixture, 1, NULL, 0, &consumer), MSP_E_DENIED);
	assert_false(fixture->err.retriable);
	assert_null(strstr(fixture->err.text, "pass/word"));
	assert_null(strstr(fixture->err.text, "pass%2Fword"));
}

static void a_forgotten_script_is_loaded_again(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 4);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	echo(consumer, 2);
	freeReplyObject(redis_run("SCRIPT FLUSH"));
	echo(consumer, 2);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 4);
}

static void killed_connections_repeat_nothing(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 200);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	size_t total = 0;
	for (int round = 0; total < 200; round++) {
		struct msp_batch *batch = receive(consumer, 7);
		struct msp_outgoing *outgoing = outgoing_new(batch);
		settle_begin(consumer, batch, outgoing);
		if (round % 4 == 1)
			redis_number("CLIENT KILL TYPE normal SKIPME yes");
		assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
		total += batch->count;
		free(outgoing);
		batch_free(consumer, batch);
	}
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 200);
	assert_int_equal(group_lag(fixture), 0);
}

static void flushed_data_is_begun_anew(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	echo(consumer, 2);
	freeReplyObject(redis_run("FLUSHALL"));
	struct msp_error err = receive_failure(consumer);
	for (int i = 0; i < 5 && err.status != MSP_E_NOT_FOUND; i++)
		err = receive_failure(consumer);
	assert_int_equal(err.status, MSP_E_NOT_FOUND);
	topic_create(fixture, fixture->inputs, 1, 0);
	topic_create(fixture, fixture->outputs, 1, 0);
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	struct msp_batch *batch = receive(consumer, 1);
	assert_int_equal(redis_number("EXISTS %s.lease.%s.worker/0", fixture->inputs, fixture->group), 1);
	settle_echo(consumer, batch);
	echo(consumer, 4);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 5);
}

static void another_takes_the_name(const struct fixture *fixture, const char *name)
{
	freeReplyObject(redis_run("SET %s.lease.%s.%s another PX 600000", fixture->inputs, fixture->group, name));
}

static void a_lost_name_is_replaced(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	struct msp_batch *batch = receive(consumer, 2);
	another_takes_the_name(fixture, "worker/0");
	size_t settled = batch->count;
	settle_echo(consumer, batch);
	struct msp_error err = {.status = MSP_OK};
	struct msp_receive_limits limits = {10, 1 << 20, 100};
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (err.status == MSP_OK) {
		assert_true(msp_monotonic_ms() < deadline_ms);
		if (msp_consumer_receive(consumer, &limits, &batch, &err) == MSP_OK && batch) {
			settled += batch->count;
			settle_echo(consumer, batch);
		}
	}
	assert_true(err.retriable);
	assert_non_null(strstr(err.text, "worker/1"));
	assert_int_equal(redis_number("EXISTS %s.lease.%s.worker/1", fixture->inputs, fixture->group), 1);
	/* What the other one leaves comes here. */
	redis_number("DEL %s.lease.%s.worker/0", fixture->inputs, fixture->group);
	send_numbers(fixture, fixture->inputs, 0, 5, 5);
	echo(consumer, 10 - settled);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 10);
}

/* Longer than any wait of a test. */
static void long_leases(struct fixture *fixture)
{
	const struct msp_option *option = msp_option_find(transport_contract->ops->options, "lease.ms");
	assert_int_equal(msp_option_set(option, fixture->options, "120000", NULL), MSP_OK);
}

/* As after FLUSHALL, when the keepers have not yet had their turn. */
static void a_missing_lease_is_no_death(void **state)
{
	struct fixture *fixture = *state;
	long_leases(fixture);
	send_numbers(fixture, fixture->inputs, 0, 0, 1);
	freeReplyObject(redis_run("XREADGROUP GROUP %s busy/0 STREAMS %s >", fixture->group, fixture->inputs));
	struct msp_consumer *consumer = consumer_open(fixture, 1, NULL, 0);
	assert_null(receive_within(consumer, 10, 2500)); /* it looks every second */
	consumer_close(consumer);
}

static void what_a_leaver_leaves_comes_at_once(void **state)
{
	struct fixture *fixture = *state;
	long_leases(fixture);
	send_numbers(fixture, fixture->inputs, 0, 0, 2);
	struct msp_consumer *leaver = consumer_open(fixture, 1, NULL, 0), *heir = consumer_open(fixture, 2, NULL, 0);
	batch_free(leaver, receive(leaver, 2));
	consumer_close(leaver);
	echo(heir, 2);
	consumer_close(heir);
	topic_expect(fixture, fixture->outputs, 1, 2);
}

static void an_opening_that_waits_can_be_stopped(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = NULL;
	another_takes_the_name(fixture, "one/0");
	assert_int_equal(consumer_try_open(fixture, 0, "one", 0, &consumer), MSP_E_UNAVAILABLE);
	assert_true(fixture->err.retriable);
	assert_non_null(strstr(fixture->err.text, "lease ends in"));
}

static void a_lost_instance_name_is_a_conflict(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, "one");
	another_takes_the_name(fixture, "one/0");
	struct msp_error err = receive_failure(consumer);
	assert_int_equal(err.status, MSP_E_CONFLICT);
	assert_false(err.retriable);
	consumer_close(consumer);
}

static void urls_are_checked(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *url;
		enum msp_status status;
	} cases[] = {
	    {"redis://localhost", MSP_OK},
	    {"REDIS://localhost", MSP_OK},
	    {"redis://[::1]:6380/3", MSP_OK},
	    {"redis://user:p%40ss@host:1/0", MSP_OK},
	    {"redis://:secret@host", MSP_OK},
	    {"unix:///run/redis.sock", MSP_OK},
	    {"unix://u:p@/run/redis.sock?db=2", MSP_OK},
	    {"redis:", MSP_E_INVALID},
	    {"redis://", MSP_E_INVALID},
	    {"redis://host:", MSP_E_INVALID},
	    {"redis://host:70000", MSP_E_INVALID},
	    {"redis://host/x", MSP_E_INVALID},
	    {"redis://host/-1", MSP_E_INVALID},
	    {"redis://[::1", MSP_E_INVALID},
	    {"redis://[::1]x", MSP_E_INVALID},
	    {"redis://secret@host", MSP_E_INVALID},
	    {"redis://:secret%4@host", MSP_E_INVALID},
	    {"redis://:secret%00@host", MSP_E_INVALID},
	    {"unix://relative", MSP_E_INVALID},
	    {"unix:///run/redis.sock?secret", MSP_E_INVALID},
	    {"rediss://:secret@host", MSP_E_UNSUPPORTED},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msp_transport_config config = {.url = cases[i].url, .options = fixture->options};
		struct msp_transport *transport = NULL;
		enum msp_status status = transport_contract->ops->open(&config, &transport, &fixture->err);
		if (status != cases[i].status)
			fail_msg("%s: %s", cases[i].url, msp_status_name(status));
		if (status == MSP_OK)
			transport_contract->ops->free(transport);
		else
			assert_null(strstr(fixture->err.text, "secret"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(at_least_once_publishes_and_marks),
	    T(at_least_once_waits_for_a_topic),
	    T(foreign_entries_keep_all_their_fields),
	    T(trimmed_entries_are_said),
	    T(a_trimmed_entry_in_work_is_not_asked_for_in_a_hurry),
	    T(only_solo_deliveries_count),
	    T(what_comes_again_takes_turns),
	    T(what_was_delivered_to_nobody_is_found),
	    T(what_others_settled_is_already_settled),
	    T(a_vanished_group_is_an_operators_decision),
	    T(a_vanished_group_is_made_again_at_least_once),
	    T(a_group_is_made_on_an_empty_topic),
	    T(a_wrong_type_is_waited_for),
	    T(rights_are_looked_at_first),
	    T(the_documented_rights_suffice),
	    T(rights_that_end_are_waited_for),
	    T(a_wrong_password_is_said_without_it),
	    T(a_forgotten_script_is_loaded_again),
	    T(killed_connections_repeat_nothing),
	    T(flushed_data_is_begun_anew),
	    T(a_lost_name_is_replaced),
	    T(a_missing_lease_is_no_death),
	    T(what_a_leaver_leaves_comes_at_once),
	    T(a_lost_instance_name_is_a_conflict),
	    T(an_opening_that_waits_can_be_stopped),
	    T(urls_are_checked),
	};
	static const char *const flags[] = {"--loglevel", "warning", NULL};
	return redis_fixture_run("redis_state", tests, sizeof(tests) / sizeof(tests[0]), flags);
}
