/* A broker that asks who one is and what one may do: SASL/PLAIN, access control, TLS. */
#include "invocation.h"

#include <librdkafka/rdkafka.h>
#include <msp/clock.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define FLOWER   "{\"sepal_length\": 6.2, \"sepal_width\": 3.4, \"petal_length\": 5.4, \"petal_width\": 2.3}"
#define PASSWORD "right-gh7Kz"

/* `shell` lines know the addresses of the listeners as $PLAINTEXT, where everybody may do everything, $SASL and $TLS;
 * and as $LOGIN the flags of a user whose rights are topics without access control. */
static const char SETUP[] =
    "set -e; mkdir broker; cd broker\n"
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ours -keyout ca.key -out ca.crt 2>/dev/null\n"
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=theirs -keyout other.key -out other.crt 2>/dev/null\n"
    "openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout broker.key -out broker.csr 2>/dev/null\n"
    "echo subjectAltName=DNS:localhost >names\n"
    "openssl x509 -req -in broker.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out broker.crt"
    " 2>/dev/null\n"
    "cat broker.key broker.crt >broker.pem\n"
    "cat >extra.properties <<END\n"
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
    "allow.everyone.if.no.acl.found=true\n"
    "super.users=User:ANONYMOUS\n"
    "sasl.enabled.mechanisms=PLAIN\n"
    "listener.name.sasl_plaintext.plain.sasl.jaas.config="
    "org.apache.kafka.common.security.plain.PlainLoginModule required user_model=\"" PASSWORD "\";\n"
    "ssl.keystore.type=PEM\n"
    "ssl.keystore.location=$PWD/broker.pem\n"
    "END\n" BROKER_SCRIPT " start . SASL_PLAINTEXT SSL\n";

static void address_set(const char *variable, const char *path)
{
	char address[128] = "";
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(address, sizeof(address), file));
	fclose(file);
	address[strcspn(address, "\n")] = '\0';
	setenv(variable, address, 1);
}

static int broker_start(void **state)
{
	if (enter_directory(state) != 0)
		return -1;
	struct result result = expect_shell(0, "%s", SETUP);
	result_free(&result);
	address_set("PLAINTEXT", "broker/address");
	address_set("SASL", "broker/address.SASL_PLAINTEXT");
	address_set("TLS", "broker/address.SSL");
	setenv("LOGIN",
	       "-X kafka.security.protocol=SASL_PLAINTEXT -X kafka.sasl.mechanism=PLAIN -X kafka.sasl.username=model", 1);
	return 0;
}

static int broker_stop(void **state)
{
	struct result result = shell("%s kill broker", BROKER_SCRIPT);
	result_free(&result);
	return leave_directory(state);
}

static void run_line(const char *line)
{
	struct result result = expect_shell(0, "%s", line);
	result_free(&result);
}

/* ---- who one is ---- */

static void a_wrong_password_is_clear(void **state)
{
	static const char *const commands[] = {
	    "topics list", "send -t x", "receive -t x -e", "receive -t x -e -g x", "run -e iris",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct result result = expect_shell(3,
		                                    "echo x | $MSP %s -b $SASL $LOGIN -X kafka.sasl.password=wrong-Qx1"
		                                    " --timeout 2",
		                                    commands[i]);
		assert_contains(result.err, "the broker refuses the login: ");
		assert_contains(result.err, "Invalid username or password");
		assert_lacks(result.err, "wrong-Qx1");
		assert_lacks(result.err, "level=");
		result_free(&result);
	}
	run_line("$MSP topics list -b $SASL $LOGIN -X kafka.sasl.password=" PASSWORD);
}

static void run_waits_for_the_right_password(void **state)
{
	(void)state;
	write_file("password.yaml", "kafka:\n"
	                            "  security.protocol: SASL_PLAINTEXT\n"
	                            "  sasl.mechanism: PLAIN\n"
	                            "  sasl.username: model\n"
	                            "  sasl.password: wrong-Qx1\n");
	struct process *run = process_start("run", "-F", "password.yaml", "-b", getenv("SASL"), "iris", NULL);
	process_await(run, run->err, "Invalid username or password\nmsp: waiting for the broker "); /* twice */
	assert_lacks(run->text, "wrong-Qx1");
	process_signal(run, SIGTERM);
	assert_int_equal(process_end(run), 0);
}

static void a_certificate_that_does_not_match_is_clear(void **state)
{
	(void)state;
	static const char flags[] = "-X kafka.security.protocol=SSL --timeout 3 -X kafka.ssl.ca.location=broker";
	struct result result = expect_shell(0, "$MSP topics list -b $TLS %s/ca.crt", flags);
	result_free(&result);
	result = expect_shell(3, "$MSP topics list -b $TLS %s/other.crt", flags);
	assert_contains(result.err, "the broker's certificate is not signed by an authority of kafka.ssl.ca.location: ");
	assert_lacks(result.err, "level=");
	result_free(&result);
	/* The certificate is for localhost. */
	result = expect_shell(3, "$MSP topics list -b 127.0.0.1:${TLS#*:} %s/ca.crt", flags);
	assert_contains(result.err, "the broker's certificate is for another host: ");
	result_free(&result);
	result = expect_shell(2, "$MSP topics list -b $TLS %s/absent.crt", flags);
	assert_contains(result.err, "ssl.ca.location failed");
	result_free(&result);
}

/* ---- what one may do ---- */

static void allow(rd_kafka_ResourceType_t type, const char *name, const char *user, rd_kafka_AclOperation_t operation)
{
	char text[200];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", getenv("PLAINTEXT"), text, sizeof(text)),
	                 RD_KAFKA_CONF_OK);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	assert_non_null(rk);
	rd_kafka_AclBinding_t *right =
	    rd_kafka_AclBinding_new(type, name, RD_KAFKA_RESOURCE_PATTERN_LITERAL, user, "*", operation,
	                            RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, text, sizeof(text));
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_CreateAcls(rk, &right, 1, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, DEADLINE_MS);
	assert_non_null(event);
	assert_int_equal(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_AclBinding_destroy(right);
	rd_kafka_destroy(rk);
}

/* Rights of somebody else take everybody's away. */
static void take_rights(rd_kafka_ResourceType_t type, const char *name)
{
	allow(type, name, "User:nobody", RD_KAFKA_ACL_OPERATION_ALL);
}

static struct process *run_start(const char *prefix, const char *guarantee)
{
	char prefix_setting[64], guarantee_setting[64];
	snprintf(prefix_setting, sizeof(prefix_setting), "topic.prefix=%s", prefix);
	snprintf(guarantee_setting, sizeof(guarantee_setting), "processing.guarantee=%s", guarantee);
	return process_start("run", "-b", getenv("SASL"), "-X", "kafka.security.protocol=SASL_PLAINTEXT", "-X",
	                     "kafka.sasl.mechanism=PLAIN", "-X", "kafka.sasl.username=model", "-X",
	                     "kafka.sasl.password=" PASSWORD, "-X", prefix_setting, "-X", guarantee_setting, "-e",
	                     "--ready-file", "ready", "iris", NULL);
}

static void inputs_send(const char *prefix)
{
	struct result result =
	    expect_shell(0,
	                 "$MSP topics create -b $PLAINTEXT -m iris -X topic.prefix=%s && for i in $(seq 50);"
	                 " do echo '%s'; done | $MSP send -b $PLAINTEXT -m iris -X topic.prefix=%s",
	                 prefix, FLOWER, prefix);
	result_free(&result);
}

/* Each input has one output. */
static void outputs_check(const char *prefix)
{
	struct result result = expect_shell(
	    0, "$MSP receive -b $PLAINTEXT -m iris outputs -X topic.prefix=%s -e | sort | uniq -c | tr -s ' '", prefix);
	assert_string_equal(result.out, " 50 {\"species\": \"virginica\"}\n");
	result_free(&result);
}

static void the_right_to_write_is_waited_for_with(const char *guarantee, const char *said)
{
	char outputs[128];
	inputs_send(guarantee);
	snprintf(outputs, sizeof(outputs), "%s.iris_model.0.1.outputs", guarantee);
	take_rights(RD_KAFKA_RESOURCE_TOPIC, outputs);
	allow(RD_KAFKA_RESOURCE_TOPIC, outputs, "User:model", RD_KAFKA_ACL_OPERATION_DESCRIBE);
	struct process *run = run_start(guarantee, guarantee);
	process_await(run, run->err, said);
	assert_contains(run->text, "reason=\"cannot publish");
	assert_contains(run->text, "Broker: Topic authorization failed");
	assert_contains(run->text, outputs);
	assert_lacks(run->text, "Purged");
	assert_lacks(run->text, "librdkafka");
	await_file("ready", false);
	allow(RD_KAFKA_RESOURCE_TOPIC, outputs, "User:model", RD_KAFKA_ACL_OPERATION_WRITE);
	process_read_all(run, run->err);
	assert_contains(run->text, "50 outputs, 0 errors");
	assert_int_equal(process_end(run), 0);
	outputs_check(guarantee);
}

static void the_right_to_write_is_waited_for(void **state)
{
	(void)state;
	the_right_to_write_is_waited_for_with("at_least_once", " for_s=1");
}

static void the_right_to_write_is_waited_for_in_transactions(void **state)
{
	(void)state;
	the_right_to_write_is_waited_for_with("exactly_once", "waiting for the broker\"");
}

static void the_right_to_the_group_is_waited_for(void **state)
{
	(void)state;
	inputs_send("group");
	take_rights(RD_KAFKA_RESOURCE_GROUP, "group.iris_model.0.1");
	allow(RD_KAFKA_RESOURCE_GROUP, "group.iris_model.0.1", "User:model", RD_KAFKA_ACL_OPERATION_DESCRIBE);
	struct process *run = run_start("group", "at_least_once");
	process_await(run, run->err, "Group authorization failed");
	process_await(run, run->err, " for_s=1");
	assert_lacks(run->text, "the wait is over");
	await_file("ready", false);
	allow(RD_KAFKA_RESOURCE_GROUP, "group.iris_model.0.1", "User:model", RD_KAFKA_ACL_OPERATION_READ);
	process_read_all(run, run->err);
	assert_int_equal(process_end(run), 0);
	outputs_check("group");
}

static void commands_without_a_right_end_at_once(void **state)
{
	(void)state;
	run_line("$MSP topics create -b $PLAINTEXT -t secret");
	take_rights(RD_KAFKA_RESOURCE_TOPIC, "secret");
	static const char *const commands[] = {"send -t secret", "receive -e -t secret", "receive -t secret -g g -e",
	                                       "topics describe -t secret"};
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int64_t before_ms = msp_monotonic_ms();
		struct result result = expect_shell(
		    1, "echo x | $MSP %s -b $SASL $LOGIN -X kafka.sasl.password=%s --timeout 60", commands[i], PASSWORD);
		assert_contains(result.err, "Topic authorization failed");
		assert_true(msp_monotonic_ms() - before_ms < DEADLINE_MS);
		result_free(&result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_wrong_password_is_clear),
	    cmocka_unit_test(run_waits_for_the_right_password),
	    cmocka_unit_test(a_certificate_that_does_not_match_is_clear),
	    cmocka_unit_test(the_right_to_write_is_waited_for),
	    cmocka_unit_test(the_right_to_write_is_waited_for_in_transactions),
	    cmocka_unit_test(the_right_to_the_group_is_waited_for),
	    cmocka_unit_test(commands_without_a_right_end_at_once),
	};
	return cmocka_run_group_tests_name("kafka_security", tests, broker_start, broker_stop);
}
