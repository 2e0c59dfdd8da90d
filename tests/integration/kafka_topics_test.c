/* msp topics on Kafka: one line per topic, honest exit codes, what is described is what is there. */
#include "invocation.h"
#include "kafka_broker.h"

#include <stdlib.h>
#include <unistd.h>

static char prefix[64]; /* of the topics of one test: the broker may have others */

static int enter(void **state)
{
	static int count;
	char url[256];
	assert_true(kafka_broker_find(url, sizeof(url)));
	setenv("BROKER", url + strlen("kafka://"), 1);
	setenv("MSP_BROKER", url, 1);
	snprintf(prefix, sizeof(prefix), "topics_%d_%d", (int)getpid(), count++);
	setenv("P", prefix, 1);
	setenv("MSP_TOPIC_PREFIX", prefix, 1);
	return enter_directory(state);
}

/* The line prints this, in which $P stands for the prefix. */
static void prints(int status, const char *line, const char *expected)
{
	struct result result = expect_shell(status, "%s", line);
	struct result wanted = expect_shell(0, "cat <<END\n%sEND", expected);
	assert_string_equal(result.out, wanted.out);
	result_free(&result);
	result_free(&wanted);
}

static void complains(int status, const char *line, const char *part)
{
	struct result result = expect_shell(status, "%s", line);
	assert_contains(result.err, part);
	result_free(&result);
}

#define OURS "$MSP topics list | grep $P; true"

static void the_topics_of_a_model_come_and_go(void **state)
{
	(void)state;
	prints(0, "$MSP topics create -m echo -p 3 --dry-run",
	       "would create $P.echo.1.0.inputs (partitions 3, messages up to 1048576 bytes)\n"
	       "would create $P.echo.1.0.outputs (partitions 3, messages up to 1048576 bytes)\n"
	       "would create $P.echo.1.0.errors (partitions 3, messages up to 1114112 bytes)\n");
	prints(0, OURS, "");
	prints(0, "$MSP topics create -m echo -p 3 -r 1 --topic-config retention.ms=1234567",
	       "created $P.echo.1.0.inputs (partitions 3)\n"
	       "created $P.echo.1.0.outputs (partitions 3)\n"
	       "created $P.echo.1.0.errors (partitions 3)\n");
	prints(0, OURS, "$P.echo.1.0.errors\n$P.echo.1.0.inputs\n$P.echo.1.0.outputs\n");
	prints(0, "kcat -L -b $BROKER -t $P.echo.1.0.errors | grep -c 'partition .*leader'", "3\n");
	prints(0, "$MSP topics delete -m echo",
	       "deleted $P.echo.1.0.inputs\ndeleted $P.echo.1.0.outputs\ndeleted $P.echo.1.0.errors\n");
	prints(0, OURS, "");
}

static void what_exists_is_said_to_exist(void **state)
{
	(void)state;
	prints(0, "$MSP topics create -t $P.a", "created $P.a (partitions 1)\n");
	prints(1, "$MSP topics create -t $P.a -t $P.b", "created $P.b (partitions 1)\n");
	complains(1, "$MSP topics create -t $P.a", "already exists");
	prints(0, "$MSP topics create -t $P.a --if-not-exists", "exists $P.a\n");
	prints(1, "$MSP topics create -t $P.a --dry-run", "exists $P.a\n");
	prints(0, "$MSP topics delete -t $P.a --dry-run", "would delete $P.a\n");
	complains(1, "$MSP topics delete -t $P.c --dry-run", "there is no such topic");
	prints(1, "$MSP topics delete -t $P.a -t $P.c -t $P.b", "deleted $P.a\ndeleted $P.b\n");
	complains(1, "$MSP topics delete -t $P.a", "Unknown topic");
	complains(1, "$MSP topics describe -t $P.a", "there is no such topic");
}

static void what_the_broker_refuses_is_said_in_its_words(void **state)
{
	(void)state;
	complains(2, "$MSP topics create -t $P.a -r 3", "replication factor of 3 cannot be reached");
	complains(2, "$MSP topics create -t $P.a --topic-config no.such=1", "no.such");
	complains(2, "$MSP topics create -t $P.a --topic-config retention.ms=soon", "retention.ms");
	complains(2, "$MSP topics create -t $P.a --topic-config retention", "takes KEY=VALUE");
	prints(0, OURS, "");
}

static void partitions_counts_and_lag_are_described(void **state)
{
	(void)state;
	prints(0, "$MSP topics create -m echo -p 2 >/dev/null; for i in 1 2 3; do echo {}; done | $MSP send -m echo -p 1",
	       "");
	prints(0, "$MSP topics describe -m echo | head -4",
	       "$P.echo.1.0.inputs\n"
	       "  partition 0: 0 messages, offsets from 0, next 0\n"
	       "  partition 1: 3 messages, offsets from 0, next 3\n"
	       "  group $P.echo.1.0: 3 messages to settle\n");
	prints(0, "$MSP run -e echo; echo {} | $MSP send -m echo -p 0; $MSP topics describe -m echo | grep group",
	       "  group $P.echo.1.0: 1 message to settle\n");
	prints(0, "$MSP topics describe -t $P.echo.1.0.outputs",
	       "$P.echo.1.0.outputs\n"
	       "  partition 0: 0 messages, offsets from 0, next 0\n"
	       "  partition 1: 3 messages, offsets from 0, next 3\n");
	complains(2, "echo {} | $MSP send -m echo -p 2", "has no partition 2");
	struct result result = expect_shell(0, "$MSP topics delete -m echo");
	result_free(&result);
}

/* A result of an input of long ago is not deleted as if it were as old. */
static void results_can_have_the_broker_s_time(void **state)
{
	(void)state;
	prints(0,
	       "$MSP topics create -m echo -X topics.log.append.time=true >/dev/null;"
	       " for kind in inputs outputs errors; do echo '{\"ts\": 1000, \"payload\": \"{}\"}' |"
	       " $MSP send -J -t $P.echo.1.0.$kind; $MSP receive -t $P.echo.1.0.$kind -e -f '%T\n' |"
	       " sed 's/^1000$/1970/; s/^[0-9]\\{13\\}$/now/'; done",
	       "1970\nnow\nnow\n");
	struct result result = expect_shell(0, "$MSP topics delete -m echo");
	result_free(&result);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, enter, leave_directory)
	const struct CMUnitTest tests[] = {
	    CASE(the_topics_of_a_model_come_and_go),
	    CASE(what_exists_is_said_to_exist),
	    CASE(what_the_broker_refuses_is_said_in_its_words),
	    CASE(partitions_counts_and_lag_are_described),
	    CASE(results_can_have_the_broker_s_time),
	};
	return cmocka_run_group_tests_name("kafka_topics", tests, NULL, NULL);
}
