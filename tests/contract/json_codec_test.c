/* What JSON in particular promises; what every codec promises is in codec_contract.c. */
#include <dirent.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <msp_codec_json.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define MAX_DEPTH 64
#define MAX_FILE  ((size_t)1 << 20)

struct fixture {
	struct msp_codec *codec;
	struct msp_arena arena;
	struct msp_buffer input, expected, output;
	struct msp_error err;
};

static struct msp_codec *codec_open(int max_depth, int indent)
{
	struct msp_codec_config config = {.max_depth = max_depth, .indent = indent};
	struct msp_codec *codec;
	assert_int_equal(msp_codec_json.open(&config, &codec, NULL), MSP_OK);
	return codec;
}

static int fixture_init(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	fixture->codec = codec_open(MAX_DEPTH, 0);
	msp_arena_init(&fixture->arena, SIZE_MAX);
	msp_buffer_init(&fixture->input, MAX_FILE);
	msp_buffer_init(&fixture->expected, MAX_FILE);
	msp_buffer_init(&fixture->output, MAX_FILE);
	*state = fixture;
	return 0;
}

static int fixture_done(void **state)
{
	struct fixture *fixture = *state;
	msp_codec_json.free(fixture->codec);
	msp_buffer_done(&fixture->output);
	msp_buffer_done(&fixture->expected);
	msp_buffer_done(&fixture->input);
	msp_arena_done(&fixture->arena);
	free(fixture);
	return 0;
}

static enum msp_status decode(struct fixture *fixture, struct msp_bytes bytes, struct msp_value *ret_value)
{
	fixture->err.text[0] = '\0';
	msp_arena_reset(&fixture->arena, 0);
	return msp_codec_json.decode(fixture->codec, bytes, MSP_NO_HEADERS, &fixture->arena, ret_value, &fixture->err);
}

static enum msp_status encode(struct fixture *fixture, const struct msp_value *value)
{
	msp_buffer_clear(&fixture->output);
	return msp_codec_json.encode(fixture->codec, value, &fixture->output, NULL, &fixture->err);
}

static struct msp_value decoded(struct fixture *fixture, const char *text)
{
	struct msp_value value;
	if (decode(fixture, msp_bytes_of_string(text), &value) != MSP_OK)
		fail_msg("%s", fixture->err.text);
	return value;
}

static void assert_output(const struct fixture *fixture, const char *expected)
{
	assert_int_equal(fixture->output.size, strlen(expected));
	assert_memory_equal(fixture->output.data, expected, strlen(expected));
}

/* The folders of cases */

static void file_read(const char *path, struct msp_buffer *buffer)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		fail_msg("cannot open %s", path);
	msp_buffer_clear(buffer);
	assert_int_equal(msp_buffer_reserve(buffer, MAX_FILE), MSP_OK);
	buffer->size = fread(buffer->data, 1, MAX_FILE, file);
	assert_false(ferror(file));
	fclose(file);
}

/* Reads <folder>/<name>.json into input and <folder>/<name>.<what>, without its last line end, into expected. */
static void case_read(struct fixture *fixture, const char *folder, const char *name, const char *what)
{
	char path[1024];
	snprintf(path, sizeof(path), "%s/%s.json", folder, name);
	file_read(path, &fixture->input);
	snprintf(path, sizeof(path), "%s/%s.%s", folder, name, what);
	file_read(path, &fixture->expected);
	assert_true(fixture->expected.size > 0 && fixture->expected.data[fixture->expected.size - 1] == '\n');
	fixture->expected.size--;
}

static bool outputs_are_equal(const struct fixture *fixture, const char *name)
{
	bool equal = msp_bytes_equal(msp_buffer_bytes(&fixture->output), msp_buffer_bytes(&fixture->expected));
	if (!equal)
		print_error("%s: got %.*s\n", name, (int)fixture->output.size, fixture->output.data);
	return equal;
}

static bool valid_case_passes(struct fixture *fixture, const char *name)
{
	struct msp_value value;
	case_read(fixture, TEST_DATA "/json/valid", name, "expected");
	if (decode(fixture, msp_buffer_bytes(&fixture->input), &value) != MSP_OK) {
		print_error("%s: %s\n", name, fixture->err.text);
		return false;
	}
	assert_int_equal(encode(fixture, &value), MSP_OK);
	return outputs_are_equal(fixture, name);
}

/* Expected is "<status>: <text>". */
static bool invalid_case_passes(struct fixture *fixture, const char *name)
{
	struct msp_value value;
	case_read(fixture, TEST_DATA "/json/invalid", name, "expected");
	enum msp_status status = decode(fixture, msp_buffer_bytes(&fixture->input), &value);
	msp_buffer_clear(&fixture->output);
	assert_int_equal(msp_buffer_printf(&fixture->output, "%s: %s", msp_status_name(status), fixture->err.text), MSP_OK);
	return outputs_are_equal(fixture, name);
}

static void folder_test(struct fixture *fixture, const char *folder,
                        bool (*case_passes)(struct fixture *fixture, const char *name))
{
	int count = 0, failed = 0;
	DIR *directory = opendir(folder);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		char *extension = strstr(entry->d_name, ".json");
		if (!extension)
			continue;
		*extension = '\0';
		count++;
		failed += !case_passes(fixture, entry->d_name);
	}
	closedir(directory);
	assert_true(count > 20);
	assert_int_equal(failed, 0);
}

static void test_valid_cases(void **state)
{
	folder_test(*state, TEST_DATA "/json/valid", valid_case_passes);
}

static void test_invalid_cases(void **state)
{
	folder_test(*state, TEST_DATA "/json/invalid", invalid_case_passes);
}

/* Depth */

static void brackets(struct msp_buffer *buffer, int depth, bool closed)
{
	msp_buffer_clear(buffer);
	for (int i = 0; i < depth; i++)
		assert_int_equal(msp_buffer_append_char(buffer, '['), MSP_OK);
	for (int i = 0; i < depth && closed; i++)
		assert_int_equal(msp_buffer_append_char(buffer, ']'), MSP_OK);
}

static void test_depth_of_100000_is_refused_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value value;
	brackets(&fixture->input, 100000, false);
	clock_t start = clock();
	assert_int_equal(decode(fixture, msp_buffer_bytes(&fixture->input), &value), MSP_E_LIMIT);
	assert_true(clock() - start < CLOCKS_PER_SEC / 10);
	assert_string_equal(fixture->err.text, "nested deeper than 64 levels at byte 65");
}

static void test_brackets_in_strings_are_not_depth(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value value;
	brackets(&fixture->input, 1, false);
	assert_int_equal(msp_buffer_append_string(&fixture->input, "\"[[\\\"[[\","), MSP_OK);
	size_t start = fixture->input.size;
	for (int i = 0; i < 2 * MAX_DEPTH; i++)
		assert_int_equal(msp_buffer_append_char(&fixture->input, i < MAX_DEPTH ? '[' : ']'), MSP_OK);
	assert_int_equal(msp_buffer_append_char(&fixture->input, ']'), MSP_OK);
	assert_int_equal(decode(fixture, msp_buffer_bytes(&fixture->input), &value), MSP_E_LIMIT);
	char expected[64];
	snprintf(expected, sizeof(expected), "nested deeper than 64 levels at byte %zu", start + MAX_DEPTH);
	assert_string_equal(fixture->err.text, expected);
}

static void test_depth_ends_at_2047(void **state)
{
	struct fixture *fixture = *state;
	struct msp_codec *usual = fixture->codec;
	struct msp_value value;
	fixture->codec = codec_open(1000000, 0);
	brackets(&fixture->input, 2047, true);
	assert_int_equal(decode(fixture, msp_buffer_bytes(&fixture->input), &value), MSP_OK);
	assert_int_equal(encode(fixture, &value), MSP_OK);
	assert_true(msp_bytes_equal(msp_buffer_bytes(&fixture->input), msp_buffer_bytes(&fixture->output)));
	brackets(&fixture->input, 2048, true);
	assert_int_equal(decode(fixture, msp_buffer_bytes(&fixture->input), &value), MSP_E_LIMIT);
	assert_string_equal(fixture->err.text, "nested deeper than 2047 levels at byte 2048");
	msp_codec_json.free(fixture->codec);
	fixture->codec = usual;
}

/* Memory */

static void test_a_greedy_text_is_limited(void **state)
{
	struct fixture *fixture = *state;
	struct msp_arena small;
	struct msp_value value;
	msp_buffer_clear(&fixture->input);
	for (int i = 0; i < 30000; i++)
		assert_int_equal(msp_buffer_append_string(&fixture->input, i ? ",{}" : "[{}"), MSP_OK);
	assert_int_equal(msp_buffer_append_char(&fixture->input, ']'), MSP_OK);
	msp_arena_init(&small, (size_t)1 << 20);
	enum msp_status status = msp_codec_json.decode(fixture->codec, msp_buffer_bytes(&fixture->input), MSP_NO_HEADERS,
	                                               &small, &value, &fixture->err);
	bool limited = small.limited;
	msp_arena_done(&small);
	assert_int_equal(status, MSP_E_LIMIT);
	assert_true(limited);
	assert_string_equal(fixture->err.text, "90001 bytes of JSON need more memory than is allowed");
}

static int foreign_allocations;

static void *foreign_malloc(size_t size)
{
	foreign_allocations++;
	return malloc(size);
}

static void foreign_free(void *memory)
{
	foreign_allocations -= memory != NULL;
	free(memory);
}

/* A model in the same process may use jansson, and its trees live as long as it likes. */
static void test_others_may_use_jansson(void **state)
{
	struct fixture *fixture = *state;
	json_t *theirs = json_pack("{s:[i,i]}", "theirs", 1, 2);
	decoded(fixture, "{\"ours\": [3, 4]}");
	assert_int_equal(json_object_set_new(theirs, "more", json_real(0.5)), 0);
	struct msp_value value;
	assert_int_equal(decode(fixture, msp_bytes_of_string("[1, 2"), &value), MSP_E_INVALID);
	char *text = json_dumps(theirs, JSON_COMPACT);
	assert_string_equal(text, "{\"theirs\":[1,2],\"more\":0.5}");
	free(text);
	json_decref(theirs);
}

/* It should not, but may even put its own functions in the place of ours. */
static void test_others_may_replace_the_allocator(void **state)
{
	struct fixture *fixture = *state;
	json_malloc_t ours_malloc;
	json_free_t ours_free;
	json_get_alloc_funcs(&ours_malloc, &ours_free);
	json_set_alloc_funcs(foreign_malloc, foreign_free);
	struct msp_value value = decoded(fixture, "{\"a\": [1, 2, {\"b\": \"text\"}]}");
	assert_int_equal(encode(fixture, &value), MSP_OK);
	assert_output(fixture, "{\"a\": [1, 2, {\"b\": \"text\"}]}");
	assert_int_equal(decode(fixture, msp_bytes_of_string("[1, 2"), &value), MSP_E_INVALID);
	assert_int_equal(foreign_allocations, 0);
	json_set_alloc_funcs(ours_malloc, ours_free);
}

/* Round trips in a thread of its own. Returns NULL if all went well. */
static void *thread_run(void *argument)
{
	static const char text[] = "{\"name\": [1, 2.5, \"text\", {\"deeper\": null}]}";
	struct msp_codec_config config = {.max_depth = MAX_DEPTH};
	struct msp_codec *codec;
	struct msp_arena arena;
	struct msp_buffer buffer;
	bool fine = msp_codec_json.open(&config, &codec, NULL) == MSP_OK;
	if (!fine)
		return argument;
	msp_arena_init(&arena, SIZE_MAX);
	msp_buffer_init(&buffer, SIZE_MAX);
	for (int i = 0; fine && i < 2000; i++) {
		struct msp_value value;
		json_t *foreign = json_pack("[i]", i);
		msp_arena_reset(&arena, SIZE_MAX);
		msp_buffer_clear(&buffer);
		fine =
		    msp_codec_json.decode(codec, msp_bytes_of_string(text), MSP_NO_HEADERS, &arena, &value, NULL) == MSP_OK &&
		    msp_codec_json.encode(codec, &value, &buffer, NULL, NULL) == MSP_OK &&
		    msp_bytes_equal(msp_buffer_bytes(&buffer), msp_bytes_of_string(text)) &&
		    json_integer_value(json_array_get(foreign, 0)) == i;
		json_decref(foreign);
	}
	msp_buffer_done(&buffer);
	msp_arena_done(&arena);
	msp_codec_json.free(codec);
	return fine ? NULL : argument;
}

static void test_threads_do_not_meet(void **state)
{
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_run, state), 0);
	for (size_t i = 0; i < 4; i++) {
		void *result;
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
}

/* Numbers */

static void test_a_decimal_comma_changes_nothing(void **state)
{
	/* Where `localedef` can make the locale, the test knows a comma. */
	char directory[] = "/tmp/msp_json_locale.XXXXXX", command[256];
	assert_non_null(mkdtemp(directory));
	snprintf(
	    command, sizeof(command),
	    "cd %s && printf 'LC_NUMERIC\\ndecimal_point \",\"\\nthousands_sep \".\"\\ngrouping 3\\nEND LC_NUMERIC\\n' "
	    "> source && localedef --no-archive -c -i source ./comma >/dev/null 2>&1",
	    directory);
	int made = system(command);
	setenv("LOCPATH", directory, 1);
	const char *name = setlocale(LC_NUMERIC, "comma");
	(void)made; /* it warns about all that the locale leaves out */

	struct fixture *fixture = *state;
	char text[16];
	snprintf(text, sizeof(text), "%g", 5.1);
	struct msp_value value = decoded(fixture, "[5.1, 1e-9, 3.3333333333333337e-10]");
	enum msp_status status = encode(fixture, &value);

	setlocale(LC_NUMERIC, "C");
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
	assert_int_equal(status, MSP_OK);
	assert_output(fixture, "[5.1, 1e-9, 3.3333333333333337e-10]");
	if (!name)
		skip();
	assert_string_equal(text, "5,1");
}

/* Counts the digits from the first that is not zero to the last that is not. */
static int significant_digits(struct msp_bytes text)
{
	const char *c = text.data, *end = c + text.size;
	int digits = 0, zeros = 0;
	for (; c < end && *c != 'e'; c++) {
		if (*c == '.' || *c == '-')
			continue;
		zeros = *c == '0' ? zeros + (digits > 0) : 0;
		digits += digits > 0 || *c != '0';
	}
	return digits - zeros;
}

static void assert_shortest(struct fixture *fixture, double number)
{
	char shorter[64], text[64];
	struct msp_value value = msp_value_number(number);
	assert_int_equal(encode(fixture, &value), MSP_OK);
	snprintf(text, sizeof(text), "%.*s", (int)fixture->output.size, fixture->output.data);
	if (strtod(text, NULL) != number)
		fail_msg("%.17g became %s", number, text);
	int digits = significant_digits(msp_buffer_bytes(&fixture->output));
	if (digits < 2)
		return;
	snprintf(shorter, sizeof(shorter), "%.*e", digits - 2, number);
	if (strtod(shorter, NULL) == number)
		fail_msg("%s is shorter than %s", shorter, text);
}

static void test_numbers_are_shortest(void **state)
{
	uint64_t bits = 1442695040888963407;
	for (int i = 0; i < 50000; i++) {
		double number;
		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&number, &bits, sizeof(number));
		if (isfinite(number))
			assert_shortest(*state, number);
		/* Of ordinary size, with all digits, with few, and of single precision. */
		double ordinary = (double)(bits >> 11) * 0x1p-53 * pow(10, i % 20 - 4);
		assert_shortest(*state, ordinary);
		assert_shortest(*state, (double)(bits >> 44) / pow(10, i % 9));
		assert_shortest(*state, (double)(float)ordinary);
	}
}

static void test_powers_of_two_read_back(void **state)
{
	for (int exponent = -1074; exponent < 1024; exponent++)
		assert_shortest(*state, ldexp(1, exponent));
}

/* For people */

static void test_indent(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value value = decoded(fixture, "{\"a\":[1,{\"b\":null}],\"c\":[],\"d\":{}}");
	struct msp_codec *usual = fixture->codec;
	fixture->codec = codec_open(MAX_DEPTH, 2);
	assert_int_equal(encode(fixture, &value), MSP_OK);
	msp_codec_json.free(fixture->codec);
	fixture->codec = usual;
	assert_output(fixture, "{\n"
	                       "  \"a\": [\n"
	                       "    1,\n"
	                       "    {\n"
	                       "      \"b\": null\n"
	                       "    }\n"
	                       "  ],\n"
	                       "  \"c\": [],\n"
	                       "  \"d\": {}\n"
	                       "}");
}

#define JSON_TEST(function) cmocka_unit_test_setup_teardown(function, fixture_init, fixture_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    JSON_TEST(test_valid_cases),
	    JSON_TEST(test_invalid_cases),
	    JSON_TEST(test_depth_of_100000_is_refused_at_once),
	    JSON_TEST(test_brackets_in_strings_are_not_depth),
	    JSON_TEST(test_depth_ends_at_2047),
	    JSON_TEST(test_a_greedy_text_is_limited),
	    JSON_TEST(test_others_may_use_jansson),
	    JSON_TEST(test_others_may_replace_the_allocator),
	    cmocka_unit_test(test_threads_do_not_meet),
	    JSON_TEST(test_a_decimal_comma_changes_nothing),
	    JSON_TEST(test_numbers_are_shortest),
	    JSON_TEST(test_powers_of_two_read_back),
	    JSON_TEST(test_indent),
	};
	return cmocka_run_group_tests_name("json_codec", tests, NULL, NULL);
}
