/* The codecs beside what they cannot do without: their libraries alone, which build a tree of their own and nothing
 * else. CPU time of this thread. */
#include "bench.h"

#include <jansson.h>
#include <msgpack.h>
#include <msp_codec_json.h>
#include <msp_codec_msgpack.h>
#include <stdio.h>

#define ROUNDS     31
#define ITERATIONS 20000

static const char iris[] = "{\"sepal_length\": 5.1, \"sepal_width\": 3.5, \"petal_length\": 1.4, \"petal_width\": 0.2}";

/* What both sides work with. */
struct bench {
	struct msp_codec *codec;
	struct msp_arena arena;
	struct msp_buffer buffer;
	struct msp_bytes input;
	struct msp_value output;
	msgpack_zone zone;
	msgpack_sbuffer packed;
};

/* ---- the libraries alone ---- */

static void jansson_load(struct bench *bench)
{
	json_t *tree = json_loadb(bench->input.data, bench->input.size, 0, NULL);
	bench_must(tree != NULL, "json_loadb");
	json_decref(tree);
}

static void library_unpack(struct bench *bench)
{
	msgpack_object object;
	size_t offset = 0;
	msgpack_unpack_return result = msgpack_unpack(bench->input.data, bench->input.size, &offset, &bench->zone, &object);
	bench_must(result == MSGPACK_UNPACK_SUCCESS, "msgpack_unpack");
	msgpack_zone_clear(&bench->zone);
}

static void library_unpack_and_pack(struct bench *bench)
{
	msgpack_packer packer;
	library_unpack(bench);
	msgpack_sbuffer_clear(&bench->packed);
	msgpack_packer_init(&packer, &bench->packed, msgpack_sbuffer_write);
	int failed = msgpack_pack_map(&packer, 1) | msgpack_pack_str_with_body(&packer, "species", 7) |
	             msgpack_pack_str_with_body(&packer, "setosa", 6);
	bench_must(!failed, "msgpack_pack");
}

/* ---- the codecs ---- */

static void decode(struct bench *bench)
{
	struct msp_value value;
	bench_must(msp_codec_decode(bench->codec, bench->input, MSP_NO_HEADERS, &bench->arena, &value, NULL) == MSP_OK,
	           "decode");
	msp_arena_reset(&bench->arena, SIZE_MAX);
}

static void encode(struct bench *bench)
{
	msp_buffer_clear(&bench->buffer);
	bench_must(msp_codec_encode(bench->codec, &bench->output, &bench->buffer, NULL, NULL) == MSP_OK, "encode");
}

static void decode_and_encode(struct bench *bench)
{
	decode(bench);
	encode(bench);
}

/* ---- measuring ---- */

static double run_ns(struct bench *bench, void (*step)(struct bench *))
{
	double start = bench_thread_cpu_ns();
	for (int i = 0; i < ITERATIONS; i++)
		step(bench);
	return (bench_thread_cpu_ns() - start) / ITERATIONS;
}

/* Ours may take `factor` times what the floor takes, and `slack_ns` more. */
static void report(struct bench *bench, const char *what, void (*floor)(struct bench *), void (*ours)(struct bench *),
                   double factor, double slack_ns, const char *target)
{
	double floors[ROUNDS], times[ROUNDS];
	for (int i = 0; i < ROUNDS; i++) {
		floors[i] = run_ns(bench, floor);
		times[i] = run_ns(bench, ours);
	}
	double floor_ns = bench_median(floors, ROUNDS), ours_ns = bench_median(times, ROUNDS);
	bench_report(what, floor_ns, ours_ns, "ns", 0, ours_ns <= factor * floor_ns + slack_ns, target);
}

/* What one step alone costs, for people; no floor, because jansson writes other digits. */
static void report_step(struct bench *bench, void (*step)(struct bench *), const char *what)
{
	double times[ROUNDS];
	for (int i = 0; i < ROUNDS; i++)
		times[i] = run_ns(bench, step);
	printf("codec_bench: %s: %.0f ns\n", what, bench_median(times, ROUNDS));
}

static struct msp_value numbers_of(struct msp_arena *arena, const double numbers[4])
{
	static const char *const names[] = {"sepal_length", "sepal_width", "petal_length", "petal_width"};
	struct msp_value object;
	bench_must(msp_value_object(arena, 4, &object), "msp_value_object");
	for (uint32_t i = 0; i < 4; i++)
		msp_value_set(&object, i, names[i], msp_value_number(numbers[i]));
	return object;
}

static void codec_open(struct bench *bench, const struct msp_codec_ops *ops)
{
	const struct msp_codec_config config = {.max_depth = 64};
	bench_must(ops->open(&config, &bench->codec, NULL) == MSP_OK, "open");
}

static void json_run(struct bench *bench, struct msp_value species, struct msp_arena *arena)
{
	codec_open(bench, &msp_codec_json);
	bench->input = msp_bytes_of(iris, sizeof(iris) - 1);
	bench->output = species;
	report(bench, "JSON, iris decoded and its species encoded, per message", jansson_load, decode_and_encode, 1, 300,
	       "<= json_loadb + 300 ns");
	report_step(bench, decode, "JSON, iris decoded");
	report_step(bench, encode, "JSON, {\"species\": \"setosa\"} encoded");
	bench->output = numbers_of(arena, (const double[]){5.1, 3.5, 1.4, 0.2});
	report_step(bench, encode, "JSON, four numbers of one decimal");
	bench->output = numbers_of(arena, (const double[]){1.0 / 3, 2.0 / 3, 1.0 / 7, 1.0 / 9});
	report_step(bench, encode, "JSON, four numbers of 16 or 17 digits");
	bench->output = numbers_of(arena, (const double[]){1e-7 / 3, 2e20 / 3, 1e-9 / 7, 1e30 / 9});
	report_step(bench, encode, "JSON, four such numbers with exponents");
	msp_codec_free(bench->codec);
}

static void msgpack_run(struct bench *bench, struct msp_value species, struct msp_arena *arena)
{
	struct msp_bytes input;
	codec_open(bench, &msp_codec_msgpack);
	bench->output = numbers_of(arena, (const double[]){5.1, 3.5, 1.4, 0.2});
	encode(bench);
	bench_must(msp_arena_copy(arena, msp_buffer_bytes(&bench->buffer), &input), "msp_arena_copy");
	bench->input = input;
	report_step(bench, encode, "MessagePack, iris encoded");
	bench->output = species;
	report(bench, "MessagePack, iris decoded and its species encoded, per message", library_unpack_and_pack,
	       decode_and_encode, 2, 0, "<= 2 x msgpack-c");
	report_step(bench, library_unpack, "MessagePack, iris unpacked by msgpack-c");
	report_step(bench, decode, "MessagePack, iris decoded");
	report_step(bench, encode, "MessagePack, {\"species\": \"setosa\"} encoded");
	msp_codec_free(bench->codec);
}

int main(void)
{
	struct bench bench = {0};
	struct msp_arena arena;
	msp_arena_init(&arena, SIZE_MAX);
	msp_arena_init(&bench.arena, SIZE_MAX);
	msp_buffer_init(&bench.buffer, SIZE_MAX);
	bench_must(msgpack_zone_init(&bench.zone, MSGPACK_ZONE_CHUNK_SIZE), "msgpack_zone_init");
	msgpack_sbuffer_init(&bench.packed);

	struct msp_value species;
	bench_must(msp_value_object(&arena, 1, &species), "msp_value_object");
	msp_value_set(&species, 0, "species", msp_value_string("setosa"));
	json_run(&bench, species, &arena);
	msgpack_run(&bench, species, &arena);

	msgpack_sbuffer_destroy(&bench.packed);
	msgpack_zone_destroy(&bench.zone);
	msp_buffer_done(&bench.buffer);
	msp_arena_done(&bench.arena);
	msp_arena_done(&arena);
	return 0;
}
