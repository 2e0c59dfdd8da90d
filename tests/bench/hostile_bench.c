/* Messages that are made to cost as much as they can, at the size limit: what a byte costs must not grow with the size
 * of the message. CPU time of this thread, and the memory of the values. */
#include "bench.h"

#include <msp_codec_json.h>
#include <msp_codec_msgpack.h>
#include <stdio.h>

#define ROUNDS     7
#define FULL_SIZE  ((size_t)1 << 20) /* message.max.bytes as it is by default */
#define SMALL_SIZE (FULL_SIZE / 8)
#define MAX_FACTOR 2.5 /* of a byte of the large message: caches, and n log n for names */

/* Fills `buffer` with a message of about `size` bytes. */
typedef void fill_fn(struct msp_buffer *buffer, size_t size);

struct hostile {
	const char *what;
	const struct msp_codec_ops *codec;
	fill_fn *fill;
};

static void append(struct msp_buffer *buffer, const void *data, size_t size)
{
	bench_must(msp_buffer_append(buffer, data, size) == MSP_OK, "memory");
}

static void repeat(struct msp_buffer *buffer, const char *text, size_t text_size, size_t size)
{
	while (buffer->size + text_size <= size)
		append(buffer, text, text_size);
}

/* ---- JSON ---- */

static void json_brackets(struct msp_buffer *buffer, size_t size)
{
	repeat(buffer, "[", 1, size);
}

static void json_objects(struct msp_buffer *buffer, size_t size)
{
	append(buffer, "[{}", 3);
	repeat(buffer, ",{}", 3, size);
	append(buffer, "]", 1);
}

static void json_escapes(struct msp_buffer *buffer, size_t size)
{
	append(buffer, "\"", 1);
	repeat(buffer, "\\ud83d\\ude00", 12, size);
	append(buffer, "\"", 1);
}

static void json_digits(struct msp_buffer *buffer, size_t size)
{
	append(buffer, "0.", 2);
	repeat(buffer, "7", 1, size);
}

static void json_names(struct msp_buffer *buffer, size_t size)
{
	append(buffer, "{\"\":0", 5);
	for (unsigned i = 0; buffer->size < size; i++)
		bench_must(msp_buffer_printf(buffer, ",\"%x\":0", i) == MSP_OK, "memory");
	append(buffer, "}", 1);
}

static void json_open_string(struct msp_buffer *buffer, size_t size)
{
	append(buffer, "[\"", 2);
	repeat(buffer, "x", 1, size);
}

/* ---- MessagePack ---- */

static void big_endian(struct msp_buffer *buffer, unsigned char head, size_t count)
{
	const unsigned char bytes[] = {head, (unsigned char)(count >> 24), (unsigned char)(count >> 16),
	                               (unsigned char)(count >> 8), (unsigned char)count};
	append(buffer, bytes, sizeof(bytes));
}

static void msgpack_bombs(struct msp_buffer *buffer, size_t size)
{
	repeat(buffer, "\xDD\x10\x00\x00\x00", 5, size);
}

static void msgpack_claims(struct msp_buffer *buffer, size_t size)
{
	/* As many items as there are bytes, all but the last of which are there. */
	big_endian(buffer, 0xDD, size - 5);
	repeat(buffer, "\x90", 1, size - 1);
}

static void msgpack_arrays(struct msp_buffer *buffer, size_t size)
{
	big_endian(buffer, 0xDD, size - 5);
	repeat(buffer, "\x90", 1, size);
}

static void msgpack_strings(struct msp_buffer *buffer, size_t size)
{
	big_endian(buffer, 0xDD, (size - 5) / 2);
	repeat(buffer, "\xA1x", 2, size);
}

static void msgpack_text(struct msp_buffer *buffer, size_t size)
{
	big_endian(buffer, 0xDB, (size - 5) / 2 * 2);
	repeat(buffer, "\xC3\xA9", 2, size);
}

static void msgpack_names(struct msp_buffer *buffer, size_t size)
{
	/* A name takes four bytes, its value one. */
	size_t count = (size - 5) / 5;
	big_endian(buffer, 0xDF, count);
	for (size_t i = 0; i < count; i++) {
		const unsigned char member[] = {0xA3, (unsigned char)(1 + i / 10000), (unsigned char)(1 + i / 100 % 100),
		                                (unsigned char)(1 + i % 100), 0xC0};
		append(buffer, member, sizeof(member));
	}
}

static void msgpack_depth(struct msp_buffer *buffer, size_t size)
{
	repeat(buffer, "\x91", 1, size);
}

/* ---- measuring ---- */

struct cost {
	double ns_per_byte;
	double memory_per_byte;
};

static struct cost cost_of(const struct hostile *hostile, struct msp_codec *codec, size_t size)
{
	struct msp_buffer buffer;
	struct msp_arena arena;
	struct msp_value value;
	double samples[ROUNDS];
	struct cost cost = {0};
	msp_buffer_init(&buffer, SIZE_MAX);
	hostile->fill(&buffer, size);
	for (int i = 0; i < ROUNDS; i++) {
		msp_arena_init(&arena, SIZE_MAX);
		double start = bench_thread_cpu_ns();
		enum msp_status status =
		    msp_codec_decode(codec, msp_buffer_bytes(&buffer), MSP_NO_HEADERS, &arena, &value, NULL);
		samples[i] = (bench_thread_cpu_ns() - start) / (double)buffer.size;
		bench_must(status == MSP_OK || status == MSP_E_INVALID || status == MSP_E_LIMIT, "decode");
		cost.memory_per_byte = (double)msp_arena_used(&arena) / (double)buffer.size;
		msp_arena_done(&arena);
	}
	msp_buffer_done(&buffer);
	cost.ns_per_byte = bench_median(samples, ROUNDS);
	return cost;
}

static void report(const struct hostile *hostile)
{
	const struct msp_codec_config config = {.max_depth = 64};
	struct msp_codec *codec;
	char what[128];
	bench_must(hostile->codec->open(&config, &codec, NULL) == MSP_OK, "open");
	struct cost small = cost_of(hostile, codec, SMALL_SIZE), full = cost_of(hostile, codec, FULL_SIZE);
	hostile->codec->free(codec);
	snprintf(what, sizeof(what), "%s, %s: a byte in 1 MiB beside one in 128 KiB", hostile->codec->name, hostile->what);
	/* Below a tenth of a nanosecond there is nothing to compare. */
	bool linear = full.ns_per_byte <= MAX_FACTOR * small.ns_per_byte + 0.1;
	bench_report(what, small.ns_per_byte, full.ns_per_byte, "ns", 2, linear, "<= 2.5 x");
	printf("hostile_bench: %s, %s: values of %.1f bytes per byte\n", hostile->codec->name, hostile->what,
	       full.memory_per_byte);
}

int main(void)
{
	static const struct hostile all[] = {
	    {"brackets alone", &msp_codec_json, json_brackets},
	    {"empty objects", &msp_codec_json, json_objects},
	    {"one string of escapes", &msp_codec_json, json_escapes},
	    {"one number of digits", &msp_codec_json, json_digits},
	    {"one object of names", &msp_codec_json, json_names},
	    {"a string without end", &msp_codec_json, json_open_string},
	    {"claims of 268 million items in one another", &msp_codec_msgpack, msgpack_bombs},
	    {"an array that lacks its last item", &msp_codec_msgpack, msgpack_claims},
	    {"empty arrays", &msp_codec_msgpack, msgpack_arrays},
	    {"short strings", &msp_codec_msgpack, msgpack_strings},
	    {"one string beyond ASCII", &msp_codec_msgpack, msgpack_text},
	    {"one map of names", &msp_codec_msgpack, msgpack_names},
	    {"depth alone", &msp_codec_msgpack, msgpack_depth},
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		report(&all[i]);
	return 0;
}
