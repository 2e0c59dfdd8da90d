/* Configuration: layers, mistakes, secrets. */
#include "invocation.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void later_layers_win(void **state)
{
	(void)state;
	const char *key = "batch.max.ms: ";
	char line[64];
	struct result result;

	result = expect(0, "config", "show", NULL);
	snprintf(line, sizeof(line), "%s1000 ", key);
	assert_contains(result.out, line);
	assert_contains(result.out, "# default\n");
	result_free(&result);

	write_file("msp.yaml", "log.level: warn\nbatch:\n  max.ms: 1\n");
	result = expect(0, "config", "show", NULL);
	assert_contains(result.out, "batch.max.ms: 1 ");
	assert_contains(result.out, "# msp.yaml:3:3\n");
	result_free(&result);

	write_file("msp.test.yaml", "batch.max: {ms: 2}\n");
	result = expect(0, "config", "show", "--env", "test", NULL);
	assert_contains(result.out, "batch.max.ms: 2 ");
	assert_contains(result.out, "# msp.test.yaml:1:13\n");
	assert_contains(result.out, "log.level: warn ");
	result_free(&result);

	setenv("MSP_ENV", "test", 1);
	setenv("MSP_BATCH_MAX_MS", "3", 1);
	result = expect(0, "config", "show", NULL);
	assert_contains(result.out, "batch.max.ms: 3 ");
	assert_contains(result.out, "# MSP_BATCH_MAX_MS\n");
	result_free(&result);

	result =
	    expect(0, "config", "show", "-X", "batch.max.ms=4", "-X", "batch.max.ms=5", "-X", "log.level=info", "-v", NULL);
	assert_contains(result.out, "batch.max.ms: 5 ");
	assert_contains(result.out, "# -X\n");
	assert_contains(result.out, "log.level: debug ");
	assert_contains(result.out, "# -v\n");
	result_free(&result);
	unsetenv("MSP_ENV");
	unsetenv("MSP_BATCH_MAX_MS");
	remove("msp.yaml");
	remove("msp.test.yaml");
}

static void files_that_are_named_must_exist(void **state)
{
	(void)state;
	struct result result = expect(2, "config", "check", "-F", "other.yaml", NULL);
	assert_string_equal(result.err, "msp: other.yaml: No such file or directory\n");
	result_free(&result);
	result = expect(2, "config", "check", "-F", "", NULL);
	assert_string_equal(result.err, "msp: the path of the configuration file is empty\n");
	result_free(&result);
	result = expect(2, "config", "check", "--env", "prod", NULL);
	assert_contains(result.err, "msp.prod.yaml: No such file or directory; --env names the environment \"prod\"\n");
	result_free(&result);
	result = expect(2, "config", "check", "--env", "../x", NULL);
	assert_contains(result.err, "\"../x\" is no name of an environment");
	result_free(&result);
}

static void a_model_starts_from_what_holds_for_all(void **state)
{
	(void)state;
	write_file("msp.yaml", "output.headers: true\n"
	                       "models:\n"
	                       "  echo:\n"
	                       "  twin: {plugin: echo, output.headers: false, workers: 3}\n");
	setenv("MSP_MODELS_ECHO_WORKERS", "2", 1);
	/* Two labels for one model would share its topics. */
	struct result result = expect(2, "config", "show", NULL);
	assert_contains(result.err, "echo");
	assert_contains(result.err, "twin");
	result_free(&result);
	write_file("msp.yaml", "output.headers: true\nmodels: {echo: {output.headers: false}}\n");
	result = expect(0, "config", "show", NULL);
	assert_contains(result.out, "\noutput.headers: true ");
	assert_contains(result.out, "models.echo.output.headers: false ");
	assert_contains(result.out, "models.echo.workers: 2 ");
	assert_contains(result.out, "# MSP_MODELS_ECHO_WORKERS\n");
	result_free(&result);
	unsetenv("MSP_MODELS_ECHO_WORKERS");
	remove("msp.yaml");
}

static void all_mistakes_are_told_at_once(void **state)
{
	(void)state;
	write_file("msp.yaml", "broker: sqlite:x.db\n"
	                       "brokr: 1\n"
	                       "batch:\n"
	                       "  max.ms: 99999999\n"
	                       "  max: {bytes: no}\n"
	                       "batch.max.ms: 3\n"
	                       "codec: jsn\n"
	                       "models:\n"
	                       "  echo:\n"
	                       "    wrokers: 2\n"
	                       "    workers: 0\n"
	                       "  absent: {}\n"
	                       "  bad label: {plugin: x}\n"
	                       "modles.x.plugin: z\n"
	                       "list: [a, {b: c}]\n"
	                       "x: &a 3\n"
	                       "y: *a\n"
	                       "z: !!int 3\n"
	                       "instance: ${MSP_TEST_UNSET}\n"
	                       "topic.prefix: ${file:absent.txt}\n"
	                       "log.level:\n"
	                       "output.headers: on\n");
	struct result result = expect(2, "config", "check", NULL);
	assert_contains(result.err, "msp: msp.yaml:2:1: unknown key \"brokr\"; did you mean \"broker\"?\n");
	assert_contains(result.err,
	                "msp: msp.yaml:4:3: batch.max.ms must be an integer from 1 to 3600000, not \"99999999\"\n");
	assert_contains(result.err, "msp: msp.yaml:5:9: batch.max.bytes must be an integer");
	assert_contains(result.err, "msp: msp.yaml:6:1: duplicate key \"batch.max.ms\"; it stands in line 4 already\n");
	assert_contains(result.err, "msp: msp.yaml:7:1: codec: this build of msp has no codec \"jsn\"; it has: ");
	assert_contains(result.err,
	                "msp: msp.yaml:10:5: unknown key \"models.echo.wrokers\"; did you mean \"models.echo.workers\"?\n");
	assert_contains(result.err,
	                "msp: msp.yaml:11:5: models.echo.workers must be an integer from 1 to 1024, not \"0\"\n");
	assert_contains(result.err, "msp: msp.yaml:12:3: model \"absent\": ");
	assert_contains(result.err, "msp: msp.yaml:13:15: \"bad label\" is no label of a model");
	assert_contains(result.err,
	                "msp: msp.yaml:14:1: unknown key \"modles.x.plugin\"; did you mean \"models.x.plugin\"?\n");
	assert_contains(result.err, "msp: msp.yaml:15:7: a list is not expected here\n");
	assert_contains(result.err, "msp: msp.yaml:16:4: YAML anchors are not used here\n");
	assert_contains(result.err, "msp: msp.yaml:17:4: YAML aliases are not used here");
	assert_contains(result.err, "msp: msp.yaml:18:4: YAML tags are not used here\n");
	assert_contains(result.err, "msp: msp.yaml:19:1: instance: the environment variable MSP_TEST_UNSET is not set\n");
	assert_contains(result.err,
	                "msp: msp.yaml:20:1: topic.prefix: cannot read absent.txt: No such file or directory\n");
	assert_contains(result.err, "msp: msp.yaml:21:1: log.level has no value\n");
	assert_contains(result.err, "msp: msp.yaml:22:1: output.headers must be true or false, not \"on\"\n");
	assert_string_equal(result.out, "");
	result_free(&result);
	remove("msp.yaml");
}

static void what_is_no_configuration_is_refused(void **state)
{
	static const char *const cases[][2] = {
	    {"- a\n", "msp.yaml:1:1: expected keys and values"},
	    {"just text\n", "msp.yaml:1:1: expected keys and values"},
	    {"models:\n  echo\n", "msp.yaml:1:1: models takes one label per line, each with a colon"},
	    {"models: {echo: iris}\n", "msp.yaml:1:10: model \"echo\" takes settings, not a value"},
	    {"models: [echo]\n", "msp.yaml:1:9: a list is not expected here; models are labels with a colon"},
	    {"models:\n\techo:\n", "msp.yaml:2:1: a tab; indent with spaces"},
	    {"topic.prefix: a b\n", "msp.yaml:1:1: topic.prefix: topic prefix \"a b\" must be letters"},
	    {"broker: nothing://x\n", "msp.yaml:1:1: broker: this build of msp has no transport for nothing://"},
	    {"broker: \"sqlite:\"\n", "msp.yaml:1:1: broker: sqlite: names no file"},
	    {"broker: data/msp\n",
	     "msp.yaml:1:1: broker: \"data/msp\" is no URL of a broker; did you mean sqlite:data/msp?"},
	    {"a: 1\n---\nb: 2\n", "msp.yaml:2:1: only one YAML document is expected"},
	    {"models:\n  iris: {workers: 2}\n  echo:\n  iris: {delivery.limit: 5}\n",
	     "msp.yaml:4:3: duplicate key \"models.iris\"; it stands in line 2 already\n"},
	    {"models: {echo: {workers: 2}}\ncodec: json\nmodels: {iris: {}}\n",
	     "msp.yaml:3:1: duplicate key \"models\"; it stands in line 1 already\n"},
	    {"models: {echo: , echo: {workers: 2}}\n",
	     "msp.yaml:1:18: duplicate key \"models.echo\"; it stands in line 1 already\n"},
	    {"batch.max: {ms: 1}\nbatch.max: 3\n",
	     "msp.yaml:2:1: duplicate key \"batch.max\"; it stands in line 1 already\n"},
	    {"broker: [\n", "msp.yaml:2:1: not YAML: "},
	    {"instance: \"\"\n", "msp.yaml:1:1: instance must not be empty"},
	    {"consumer.group: \"\"\n", "msp.yaml:1:1: consumer.group must not be empty"},
	    {"broker: \xff\n", "msp.yaml:1:9: cannot be read as UTF-8 text"},
	    {"# a\n\nbroker: \x01\n", "msp.yaml:3:9: cannot be read as UTF-8 text"},
	    {"? [a]\n: b\n", "msp.yaml:1:3: expected a key"},
	    {"broker: \"a\\0b\"\n", "msp.yaml:1:9: the value holds a NUL character"},
	    {"broker: ${file:x\n", "msp.yaml:1:1: broker: \"${\" without \"}\""},
	    {"broker: ${a b}\n", "\"${a b}\" is neither ${NAME} nor ${file:PATH}"},
	    {"a.b.c.d: {e: {f: {g: {h: {i: {j: {k: {l: {m: {n: {o: {p: {q: {r: {s: {t: 1}}}}}}}}}}}}}}}}\n",
	     "mappings are nested too deep"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file("msp.yaml", cases[i][0]);
		struct result result = expect(2, "config", "check", NULL);
		assert_contains(result.err, cases[i][1]);
		result_free(&result);
	}
	write_file("msp.yaml", "models: {thermometer: {plugin: echo, nope: 1}}\n");
	struct result far = expect(2, "config", "check", NULL);
	assert_contains(far.err, "unknown key \"models.thermometer.nope\"\n"); /* "codec" is no slip of the pen */
	result_free(&far);
	remove("msp.yaml");
	assert_int_equal(mkdir("msp.yaml", 0777), 0);
	struct result folder = expect(2, "config", "check", NULL);
	assert_contains(folder.err, "msp: msp.yaml: Is a directory\n");
	result_free(&folder);
	assert_int_equal(rmdir("msp.yaml"), 0);
	write_file("msp.yaml", "# nothing but a comment\n");
	struct result result = expect(0, "config", "check", "-b", "sqlite:x.db", NULL);
	result_free(&result);
	remove("msp.yaml");
}

static void a_key_that_stands_twice_is_told_once(void **state)
{
	(void)state;
	write_file("msp.yaml", "codec: json\ncodec: {a: [b, {c: d}]}\nbrokr: 1\n");
	struct result result = expect(2, "config", "check", NULL);
	assert_string_equal(result.err, "msp: msp.yaml:2:1: duplicate key \"codec\"; it stands in line 1 already\n"
	                                "msp: msp.yaml:3:1: unknown key \"brokr\"; did you mean \"broker\"?\n");
	result_free(&result);
	write_file("msp.yaml", "broker: sqlite:x.db\n"
	                       "models.echo.workers: 2\n"
	                       "models: {echo: {delivery.limit: 5}}\n"
	                       "models.echo: {batch: {max.ms: 7}, batch.max: {bytes: 8000}}\n");
	result = expect(0, "config", "show", NULL);
	assert_contains(result.out, "models.echo.workers: 2 ");
	assert_contains(result.out, "models.echo.delivery.limit: 5 ");
	assert_contains(result.out, "models.echo.batch.max.ms: 7 ");
	assert_contains(result.out, "models.echo.batch.max.bytes: 8000 ");
	result_free(&result);
	remove("msp.yaml");
}

static void keys_with_a_word_forgotten_are_recognised(void **state)
{
	static const char *const slips[][2] = {
	    {"batch.max", "batch.max."},
	    {"workers", "models.echo.workers\""},
	    {"limit", "delivery.limit\""},
	    {"sqlite.lease", "sqlite.lease.ms\""},
	    {"models.echo.batch.max", "models.echo.batch.max."},
	    {"models.echo.limit", "models.echo.delivery.limit\""},
	    {"models.echo.wrokers", "models.echo.workers\""},
	};
	char text[128], answer[128];
	(void)state;
	for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
		snprintf(text, sizeof(text), "%s=1", slips[i][0]);
		snprintf(answer, sizeof(answer), "unknown key \"%s\"; did you mean \"%s", slips[i][0], slips[i][1]);
		struct result result = expect(2, "config", "check", "-b", "sqlite:x.db", "-m", "echo", "-X", text, NULL);
		assert_contains(result.err, answer);
		result_free(&result);
	}
	struct result result = expect(2, "config", "check", "-b", "sqlite:x.db", "-X", "lease.ms=1", NULL);
	assert_contains(result.err, ".lease.ms\"?\n"); /* several transports have one */
	result_free(&result);
}

static void long_paths_keep_line_and_column(void **state)
{
	char folder[201], path[1024], expected[1200];
	(void)state;
	memset(folder, 'f', sizeof(folder) - 1);
	folder[sizeof(folder) - 1] = 0;
	snprintf(path, sizeof(path), "%s", folder);
	for (int depth = 0; depth < 4; depth++) {
		size_t size = strlen(path);
		assert_int_equal(mkdir(path, 0777), 0);
		snprintf(path + size, sizeof(path) - size, "/%s", depth < 3 ? folder : "msp.yaml");
	}
	write_file(path, "codec: json\nbrokr: 1\n");
	struct result result = expect(2, "config", "check", "-F", path, NULL);
	snprintf(expected, sizeof(expected), "msp: %s:2:1: unknown key \"brokr\"; did you mean \"broker\"?\n", path);
	assert_string_equal(result.err, expected);
	result_free(&result);
	write_file(path, "codec: json\n");
	result = expect(0, "config", "show", "-F", path, NULL);
	snprintf(expected, sizeof(expected), "# %s:1:1\n", path);
	assert_contains(result.out, expected);
	result_free(&result);
}

/* Only a file can be read again to count its lines. */
static void a_pipe_may_be_the_file(void **state)
{
	(void)state;
	struct result result = expect_shell(2, "printf 'codec: json\\nbrokr: 1\\n' | $MSP config check -F /dev/stdin");
	assert_contains(result.err, "msp: /dev/stdin:2:1: unknown key \"brokr\"");
	result_free(&result);
	result = expect_shell(2, "printf 'codec: json\\nbroker: \\377\\n' | $MSP config check -F /dev/stdin");
	assert_contains(result.err, "msp: /dev/stdin: cannot be read as UTF-8 text");
	result_free(&result);
}

static void schemes_have_no_case(void **state)
{
	static const char *const urls[] = {"SQLITE:t.db", "Sqlite://t.db", "KAFKA://localhost:9092",
	                                   "Redis://localhost:6379"};
	struct result result;
	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		result = msp("config", "check", "-b", urls[i], NULL);
		if (result.status)
			assert_contains(result.err, "this build of msp has no transport for "); /* so it may be built */
		result_free(&result);
	}
	result = expect(2, "config", "check", "-b", "CARRIER://pigeon", NULL);
	assert_contains(result.err, "this build of msp has no transport for CARRIER://; it has: ");
	result_free(&result);
}

static void properties_and_variables_are_checked_too(void **state)
{
	(void)state;
	setenv("MSP_DELIVERY_LIMIT", "-1", 1);
	setenv("MSP_NOBODY_KNOWS", "x", 1);
	setenv("MSP_LOG_LEVEL", "", 1);
	setenv("MSP_KAFKA_NOBODY_KNOWS", "x", 1);
	struct result result =
	    expect(2, "config", "check", "-X", "nonsense", "-X", "log.lvl=info", "-b", "sqlite:x.db", NULL);
	assert_contains(result.err, "msp: MSP_DELIVERY_LIMIT: delivery.limit must be an integer");
	assert_contains(result.err, "msp: -X: expected KEY=VALUE, not \"nonsense\"\n");
	assert_contains(result.err, "msp: -X: unknown key \"log.lvl\"; did you mean \"log.level\"?\n");
	assert_lacks(result.err, "NOBODY");
	assert_lacks(result.err, "LOG_LEVEL");
	result_free(&result);
	unsetenv("MSP_DELIVERY_LIMIT");
	unsetenv("MSP_NOBODY_KNOWS");
	unsetenv("MSP_LOG_LEVEL");
	unsetenv("MSP_KAFKA_NOBODY_KNOWS");
	result = expect(2, "config", "check", "--codec", "morse", "-b", "sqlite:x.db", NULL);
	assert_contains(result.err, "msp: --codec: codec: this build of msp has no codec \"morse\"");
	assert_null(strstr(result.err + 5, "msp: --codec"));
	result_free(&result);
	write_file("msp.yaml", "models: {echo: {codec.input: morse}}\n");
	result = expect(2, "config", "check", NULL);
	assert_contains(result.err, "msp.yaml:1:17: models.echo.codec.input: this build of msp has no codec \"morse\"");
	result_free(&result);
	result = expect(0, "config", "check", "--codec", "json", "-b", "sqlite:x.db", NULL);
	result_free(&result);
	remove("msp.yaml");
	result = expect(2, "config", "check", "-b", "carrier://pigeon", NULL);
	assert_contains(result.err, "this build of msp has no transport for carrier://; it has: ");
	result_free(&result);
}

static void references_are_expanded(void **state)
{
	(void)state;
	write_file("name.txt", "from file\r\n");
	write_file("msp.yaml", "instance: a ${MSP_TEST_NAME} b ${file:name.txt} $${not} $5\n");
	setenv("MSP_TEST_NAME", "from variable", 1);
	struct result result = expect(0, "config", "show", NULL);
	/* People are shown what is written. */
	assert_contains(result.out, "instance: \"a ${MSP_TEST_NAME} b ${file:name.txt} $${not} $5\"");
	result_free(&result);
	write_file("msp.yaml", "topic.prefix: a-${MSP_TEST_WORD}-${file:word.txt}$5\n");
	write_file("word.txt", "file\r\n");
	setenv("MSP_TEST_WORD", "variable", 1);
	result = expect(0, "models", "list", "-X", "topic.prefix=a-${MSP_TEST_WORD}-${file:word.txt}-b", "echo", NULL);
	assert_contains(result.out, "a-variable-file-b.echo.1.0.{inputs");
	result_free(&result);
	result = expect(2, "models", "list", "echo", NULL);
	assert_contains(result.err, "msp.yaml:1:1: topic.prefix: ");
	assert_lacks(result.err, "variable");
	result_free(&result);
	unsetenv("MSP_TEST_WORD");
	unsetenv("MSP_TEST_NAME");
	remove("msp.yaml");
}

static void what_show_prints_can_be_read_again(void **state)
{
	(void)state;
	struct result first =
	    expect(0, "config", "show", "-b", "sqlite:x.db?a=b", "-X", "instance=- \"a\": #b\\", "-m", "echo", NULL);
	write_file("shown.yaml", first.out);
	struct result second = expect(0, "config", "show", "-F", "shown.yaml", NULL);
	assert_contains(second.out, "broker: \"sqlite:x.db?a=b\"");
	assert_contains(second.out, "instance: \"- \\\"a\\\": #b\\\\\"");
	assert_contains(second.out, "models.echo.workers: 1 ");
	result_free(&first);
	result_free(&second);
}

static void secrets_are_never_shown(void **state)
{
	static const char *const urls[] = {"redis://user:hunter2@host:6379/0", "redis://:hunter2@host",
	                                   "redis://u:hun/hunter2@h"};
	static const char *const forgotten[] = {"redis://:hunter2", "redis://u:hunter2", "redis://[::1]:hunter2/0",
	                                        "kafka://h:9092,g:hunter2"};
	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct result result = expect(0, "config", "show", "-b", urls[i], NULL);
		assert_contains(result.out, ":********@h");
		assert_lacks(result.out, "hunter2");
		assert_lacks(result.err, "hunter2");
		result_free(&result);
		result = msp("topics", "list", "--timeout", "0.1", "-b", urls[i], NULL);
		assert_lacks(result.out, "hunter2");
		assert_lacks(result.err, "hunter2");
		result_free(&result);
	}
	for (size_t i = 0; i < sizeof(forgotten) / sizeof(forgotten[0]); i++) {
		struct result result = msp("config", "show", "-b", forgotten[i], NULL);
		assert_contains(result.out, ":********");
		assert_lacks(result.out, "hunter2");
		assert_lacks(result.err, "hunter2");
		result_free(&result);
		result = msp("topics", "list", "--timeout", "0.1", "-b", forgotten[i], NULL);
		assert_lacks(result.out, "hunter2");
		assert_lacks(result.err, "hunter2");
		result_free(&result);
	}
}

/* A key, and what is written there instead of a path. */
static void secret_keys_are_masked(void **state)
{
	static const char *const keys[] = {"kafka.sasl.oauthbearer.config", "kafka.sasl.oauthbearer.client.secret",
	                                   "kafka.ssl.key.pem", "kafka.ssl.certificate.pem", "kafka.ssl.key.password"};
	char property[96];
	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(property, sizeof(property), "%s=hunter2", keys[i]);
		struct result result = msp("config", "show", "-X", property, NULL);
		assert_lacks(result.out, "hunter2");
		assert_lacks(result.err, "hunter2");
		result_free(&result);
	}
}

static void a_fifo_is_no_file(void **state)
{
	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	struct result result = expect(2, "config", "check", "-F", "fifo", NULL);
	assert_contains(result.err, "fifo: a FIFO, not a file");
	result_free(&result);
	result = expect(2, "config", "check", "-X", "instance=${file:fifo}", NULL);
	assert_contains(result.err, "a FIFO");
	result_free(&result);
	char path[4096 + 8];
	assert_non_null(realpath("fifo", path));
	result = expect(2, "predict", "-m", path, NULL);
	assert_contains(result.err, "is no regular file");
	result_free(&result);
}

static void what_references_stand_for_is_never_shown(void **state)
{
	static const char *const keys[] = {
	    "batch.max.ms", "processing.guarantee", "codec", "models.echo.codec.input", "topic.prefix", "broker"};
	char text[160];
	(void)state;
	setenv("MSP_TEST_SECRET", "hunter2:// hunter2", 1);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(text, sizeof(text), "%s: ${MSP_TEST_SECRET}\n", keys[i]);
		write_file("msp.yaml", text);
		struct result result = expect(2, "config", "check", "-m", "echo", NULL);
		assert_contains(result.err, "msp.yaml:1:1: ");
		assert_lacks(result.err, "hunter2");
		result_free(&result);
	}
	setenv("MSP_TEST_SECRET", "hunter2", 1);
	write_file("msp.yaml", "instance: ${MSP_TEST_SECRET}\nbroker: sqlite:none/${MSP_TEST_SECRET}@x\n");
	struct result result = expect(0, "config", "show", NULL);
	assert_contains(result.out, "instance: \"${MSP_TEST_SECRET}\"");
	assert_lacks(result.out, "hunter2");
	result_free(&result);
	unsetenv("MSP_TEST_SECRET");
	remove("msp.yaml");
}

static void secrets_of_urls_are_masked(void **state)
{
	static const char *const urls[][2] = {
	    {"redis://hunter2@host/0", "redis://********@host/0"},
	    {"kafka://h:9092?a=b&sasl.password=hunter2&c=d", "kafka://h:9092?a=b&sasl.password=********&c=d"},
	    {"redis://u:hunter2@h?token=hunter2", "redis://u:********@h?token=********"},
	    {"sqlite:a@b/x.db", "sqlite:a@b/x.db"},
	    {"SQLITE:a@b/x.db", "SQLITE:a@b/x.db"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct result result = expect(0, "config", "show", "-b", urls[i][0], NULL);
		assert_contains(result.out, urls[i][1]);
		assert_lacks(result.out, "hunter2");
		result_free(&result);
	}
}

static void every_key_is_described(void **state)
{
	(void)state;
	struct result plain = expect(0, "config", "describe", "-m", "echo", NULL);
	assert_contains(plain.out, "batch.max.ms\n    how long predict may take");
	assert_contains(plain.out, "integer 1–3600000, default 1000\n");
	assert_contains(plain.out, "models.<label>.workers\n");
	assert_contains(plain.out, "sqlite.");
	result_free(&plain);
	struct result table = expect(0, "config", "describe", "--markdown", NULL);
	assert_contains(table.out, "| `processing.guarantee` | at_least_once \\| exactly_once | `at_least_once` | ");
	result_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(later_layers_win),
	    cmocka_unit_test(files_that_are_named_must_exist),
	    cmocka_unit_test(a_model_starts_from_what_holds_for_all),
	    cmocka_unit_test(all_mistakes_are_told_at_once),
	    cmocka_unit_test(what_is_no_configuration_is_refused),
	    cmocka_unit_test(a_key_that_stands_twice_is_told_once),
	    cmocka_unit_test(keys_with_a_word_forgotten_are_recognised),
	    cmocka_unit_test(long_paths_keep_line_and_column),
	    cmocka_unit_test(a_pipe_may_be_the_file),
	    cmocka_unit_test(schemes_have_no_case),
	    cmocka_unit_test(properties_and_variables_are_checked_too),
	    cmocka_unit_test(references_are_expanded),
	    cmocka_unit_test(what_show_prints_can_be_read_again),
	    cmocka_unit_test(secrets_are_never_shown),
	    cmocka_unit_test(secret_keys_are_masked),
	    cmocka_unit_test(a_fifo_is_no_file),
	    cmocka_unit_test(what_references_stand_for_is_never_shown),
	    cmocka_unit_test(secrets_of_urls_are_masked),
	    cmocka_unit_test(every_key_is_described),
	};
	return cmocka_run_group_tests_name("config", tests, enter_directory, leave_directory);
}
