/* Any text as the FORMAT of receive -f and as a delimiter: it is refused with a reason, or writes every message. */
#include "builtin.h"
#include "fuzz.h"
#include "message/format.h"
#include "message/input.h"

/* Nothing here needs a codec. */
enum msp_status builtin_json(const struct msp_codec_ops **ret_ops, struct msp_error *err)
{
	(void)ret_ops;
	return msp_error_set(err, MSP_E_UNSUPPORTED, "no JSON");
}

static const struct msp_header headers[] = {{{"name", 4}, {"value", 5}}, {{"\xff", 1}, {NULL, 0}}, {{"", 0}, {"", 0}}};

static const struct msp_message messages[] = {
    {.value = {"value", 5},
     .key = {"key", 3},
     .headers = headers,
     .header_count = 3,
     .timestamp_ms = 1700000000000,
     .topic = "topic",
     .offset = INT64_MAX},
    {.timestamp_ms = MSP_TIMESTAMP_NONE, .topic = "", .partition = INT32_MAX, .id = "1-2"},
};

static struct output out;

static void check_refused(const struct msp_error *err)
{
	must(err->status == MSP_E_INVALID && err->text[0], "a format is refused with a reason");
}

/* Text without escapes and tokens is written as it is. */
static void check_plain(const char *text, struct msp_bytes written)
{
	if (!strpbrk(text, "%\\"))
		must(msp_bytes_equal(written, msp_bytes_of_string(text)), "plain text is written as it is");
}

static void check_format(const char *text, struct format *format)
{
	struct msp_error err;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		out.size = 0;
		must(format_write(format, &messages[i], &out, &err) == MSP_OK, "a message is written");
		check_plain(text, msp_bytes_of(out.buffer, out.size));
	}
}

static void check_delimiter(const char *text)
{
	struct msp_bytes delimiter = MSP_BYTES_ABSENT;
	struct msp_error err;
	if (input_unescape(text, &delimiter, &err) != MSP_OK) {
		check_refused(&err);
		return;
	}
	must(delimiter.size > 0 && delimiter.size <= strlen(text), "a delimiter is not longer than its text");
	free((void *)(uintptr_t)delimiter.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct format format;
	struct msp_error err;
	char *text = strndup((const char *)data, size > 512 ? 512 : size);
	must(text != NULL, "there is memory");
	output_init(&out, -1);
	if (format_init(&format, text, &err) == MSP_OK)
		check_format(text, &format);
	else
		check_refused(&err);
	format_done(&format);
	check_delimiter(text);
	free(text);
	return 0;
}
