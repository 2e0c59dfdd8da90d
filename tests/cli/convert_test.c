/* JSON for people, MessagePack on the topics: codecs of a deployment, --from and --to. */
#include "invocation.h"

#include <stdlib.h>

#define FLOWER "{\"sepal_length\": 5.1, \"sepal_width\": 3.5, \"petal_length\": 1.4, \"petal_width\": 0.2}"
#define SETOSA "\x81\xA7species\xA6setosa"

static int enter_with_topics(void **state)
{
	if (enter_directory(state))
		return -1;
	setenv("MSP_BROKER", "sqlite:msp.db", 1);
	struct result model = msp("topics", "create", "-m", "iris", NULL);
	struct result other = msp("topics", "create", "-t", "t", NULL);
	int status = model.status + other.status;
	result_free(&model);
	result_free(&other);
	return status;
}

static int leave(void **state)
{
	unsetenv("MSP_BROKER");
	return leave_directory(state);
}

#define assert_out(expected, ...) check_out((expected), expect(0, __VA_ARGS__))
static void check_out(const char *expected, struct result result)
{
	assert_string_equal(result.out, expected);
	assert_string_equal(result.err, "");
	result_free(&result);
}

#define must_do(...)             done(expect(0, __VA_ARGS__))
#define must_do_with(input, ...) done(expect_with(0, (input), __VA_ARGS__))
static void done(struct result result)
{
	result_free(&result);
}

static void one_line_of_configuration_is_enough(void **state)
{
	(void)state;
	write_file("msp.yaml", "codec: msgpack\n");
	must_do_with(FLOWER "\n", "send", "-m", "iris", "--from", "json", NULL);
	must_do("run", "-e", "-q", "iris", NULL);
	assert_out(SETOSA "\n", "receive", "-m", "iris", "outputs", "-e", NULL);
	assert_out("{\"species\": \"setosa\"}\n", "receive", "-m", "iris", "outputs", "-e", "--to", "json", NULL);
	assert_out(FLOWER "\n", "receive", "-m", "iris", "inputs", "-e", "--to", "json", NULL);
}

static void json_in_and_messagepack_out(void **state)
{
	(void)state;
	write_file("msp.yaml", "models:\n  iris:\n    codec.input: json\n    codec.output: msgpack\n");
	must_do_with(FLOWER "\n", "send", "-m", "iris", NULL);
	must_do("run", "-e", "-q", "iris", NULL);
	assert_out(SETOSA "\n", "receive", "-m", "iris", "outputs", "-e", NULL);
	assert_out("{\"species\": \"setosa\"}\n", "receive", "-m", "iris", "outputs", "-e", "--to", "json", NULL);
	assert_out(FLOWER "\n", "receive", "-m", "iris", "inputs", "-e", "--to", "json", NULL);
}

static void messagepack_in_and_json_out(void **state)
{
	(void)state;
	write_file("msp.yaml", "codec.input: msgpack\n");
	must_do_with(FLOWER "\n{}\n", "send", "-m", "iris", "--from", "json", NULL);
	must_do("run", "-e", "-q", "iris", NULL);
	assert_out("{\"species\": \"setosa\"}\n", "receive", "-m", "iris", "outputs", "-e", NULL);
	assert_out("{}\n", "receive", "-m", "iris", "errors", "-e", "--to", "json", NULL);
}

static void later_layers_win_over_one_side(void **state)
{
	(void)state;
	write_file("msp.yaml", "codec.input: msgpack\n");
	struct result result = expect_with(0, FLOWER, "predict", "-m", "iris", "-X", "codec=json", NULL);
	result_free(&result);
	result = expect(0, "config", "show", "-X", "codec=json", NULL);
	assert_contains(result.out, "codec.input: json                                # -X\n");
	result_free(&result);
	write_file("msp.yaml", "codec: json\ncodec.input: msgpack\n");
	result = expect_with(1, FLOWER, "predict", "-m", "iris", NULL);
	result_free(&result);
}

static void a_model_has_its_own_depth(void **state)
{
	static const char deep[] = "[[[]]]\n";
	(void)state;
	write_file("msp.yaml", "codec.max.depth: 2\nmodels: {iris: {codec: msgpack, codec.max.depth: 3}}\n");
	must_do_with(deep, "send", "-m", "iris", "--from", "json", NULL);
	assert_out(deep, "receive", "-m", "iris", "inputs", "-e", "--to", "json", NULL);
	struct result result = expect_with(1, deep, "send", "-t", "t", "--to", "msgpack", NULL);
	assert_contains(result.err, "nested deeper than 2 levels");
	result_free(&result);
}

static void a_topic_alone_needs_both_names(void **state)
{
	(void)state;
	must_do_with("[1, 2.5]\n", "send", "-t", "t", "--from", "json", "--to", "msgpack", NULL);
	struct result result = expect(0, "receive", "-t", "t", "-e", NULL);
	assert_int_equal(result.out_size, 8);
	assert_memory_equal(result.out, "\x92\x01\xCA@ \0\0\n", 8);
	result_free(&result);
	assert_out("[1, 2.5]\n", "receive", "-t", "t", "-e", "--from", "msgpack", "--to", "json", NULL);
}

static void nulls_keys_and_headers_stay(void **state)
{
	(void)state;
	must_do_with("k:true\nk:\n", "send", "-t", "t", "--to", "msgpack", "-K", ":", "-Z", "-H", "a=[1]", NULL);
	assert_out("k a=[1] true|k a=[1] NULL|", "receive", "-t", "t", "-e", "--from", "msgpack", "-Z", "-f", "%k %h %s|",
	           NULL);
	struct result result = expect(0, "receive", "-t", "t", "-e", "-J", "--from", "msgpack", NULL);
	assert_contains(result.out, "\"payload\": \"true\"}\n");
	assert_contains(result.out, "\"payload\": null}\n");
	result_free(&result);
	must_do_with("{\"payload\": \"[1]\"}\n", "send", "-t", "t", "-J", "--to", "msgpack", NULL);
	assert_out("[1]\n", "receive", "-t", "t", "-e", "-o", "2", "-p", "0", "--from", "msgpack", NULL);
}

static void what_cannot_be_converted_is_not_sent(void **state)
{
	(void)state;
	struct result result =
	    expect_with(1, "[1]\nno\n\n[2]\n", "send", "-t", "t", "--to", "msgpack", "-X", "message.max.bytes=1000", NULL);
	assert_contains(result.err, "msp: line 2: invalid JSON: ");
	assert_contains(result.err, "msp: line 3: invalid JSON: empty");
	result_free(&result);
	assert_out("[1]\n[2]\n", "receive", "-t", "t", "-e", "--from", "msgpack", NULL);
}

/* It stays as it is, so that nothing is lost, and the exit status tells. */
static void what_cannot_be_converted_is_received(void **state)
{
	(void)state;
	must_do_with("no\n[1]\n", "send", "-t", "t", NULL);
	must_do_with("[2]\n", "send", "-t", "t", "--to", "msgpack", NULL);
	struct result result = expect(1, "receive", "-t", "t", "-e", "--from", "msgpack", NULL);
	assert_string_equal(result.out, "no\n[1]\n[2]\n");
	assert_contains(result.err,
	                "msp: t, partition 0, offset 0: not converted: invalid MessagePack: nothing may follow");
	assert_contains(result.err, "msp: t, partition 0, offset 1: not converted: ");
	assert_lacks(result.err, "offset 2");
	result_free(&result);
	result = expect(1, "receive", "-t", "t", "-e", "-g", "group", "--from", "msgpack", NULL);
	assert_string_equal(result.out, "no\n[1]\n[2]\n");
	result_free(&result);
	must_do_with("\x81\xA1_\xC4\x01x", "send", "-t", "t", NULL);
	result = expect(1, "receive", "-t", "t", "-e", "-o", "3", "-p", "0", "--from", "msgpack", NULL);
	assert_contains(result.err, "offset 3: not converted: JSON has no binary values");
	result_free(&result);
}

static void an_unknown_codec_is_refused(void **state)
{
	(void)state;
	struct result result = expect_with(2, "[1]\n", "send", "-t", "t", "--to", "msgpak", NULL);
	assert_contains(result.err, "has no codec \"msgpak\"; it has: json, msgpack");
	result_free(&result);
	result = expect(2, "receive", "-t", "t", "-e", "--from", "xml", NULL);
	assert_contains(result.err, "has no codec \"xml\"");
	result_free(&result);
}

static void the_same_on_both_sides_changes_nothing(void **state)
{
	(void)state;
	must_do_with("{ \"a\":1.50 }\nno\n", "send", "-t", "t", "--from", "json", NULL);
	assert_out("{ \"a\":1.50 }\nno\n", "receive", "-t", "t", "-e", "--to", "json", NULL);
}

static void predictions_come_in_either(void **state)
{
	(void)state;
	write_file("flower", "\x84\xACsepal_length\x05\xABsepal_width\x03\xACpetal_length\x01\xABpetal_width\x02");
	assert_out(SETOSA "\n", "predict", "-m", "iris", "--codec", "msgpack", "flower", NULL);
	assert_out("{\"species\": \"setosa\"}\n", "predict", "-m", "iris", "-X", "codec.input=msgpack", "flower", NULL);
}

#define CONVERT_TEST(function) cmocka_unit_test_setup_teardown(function, enter_with_topics, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CONVERT_TEST(one_line_of_configuration_is_enough),
	    CONVERT_TEST(json_in_and_messagepack_out),
	    CONVERT_TEST(messagepack_in_and_json_out),
	    CONVERT_TEST(later_layers_win_over_one_side),
	    CONVERT_TEST(a_model_has_its_own_depth),
	    CONVERT_TEST(a_topic_alone_needs_both_names),
	    CONVERT_TEST(nulls_keys_and_headers_stay),
	    CONVERT_TEST(what_cannot_be_converted_is_not_sent),
	    CONVERT_TEST(what_cannot_be_converted_is_received),
	    CONVERT_TEST(an_unknown_codec_is_refused),
	    CONVERT_TEST(the_same_on_both_sides_changes_nothing),
	    CONVERT_TEST(predictions_come_in_either),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
