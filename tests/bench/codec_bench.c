/* The JSON codec beside what it cannot do without: json_loadb alone for reading. CPU time of this thread. */
#include "bench.h"

#include <jansson.h>
#include <msp_codec_json.h>
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
};

static void load(struct bench *bench)
{
	json_t *tree = json_loadb(bench->input.data, bench->input.size, 0, NULL);
	bench_must(tree != NULL, "json_loadb");
	json_decref(tree);
}

static void decode(struct bench *bench)
{
	struct msp_value value;
	bench_must(bench->codec->ops->decode(bench->codec, bench->input, &bench->arena, &value, NULL) == MSP_OK, "decode");
	msp_arena_reset(&bench->arena, SIZE_MAX);
}

static void encode(struct bench *bench)
{
	msp_buffer_clear(&bench->buffer);
	bench_must(bench->codec->ops->encode(bench->codec, &bench->output, &bench->buffer, NULL) == MSP_OK, "encode");
}

static void decode_and_encode(struct bench *bench)
{
	decode(bench);
	encode(bench);
}

static double run_ns(struct bench *bench, void (*step)(struct bench *))
{
	double start = bench_thread_cpu_ns();
	for (int i = 0; i < ITERATIONS; i++)
		step(bench);
	return (bench_thread_cpu_ns() - start) / ITERATIONS;
}

static void report(struct bench *bench, const char *what, void (*ours)(struct bench *), double slack_ns)
{
	double floors[ROUNDS], times[ROUNDS];
	for (int i = 0; i < ROUNDS; i++) {
		floors[i] = run_ns(bench, load);
		times[i] = run_ns(bench, ours);
	}
	double floor_ns = bench_median(floors, ROUNDS), ours_ns = bench_median(times, ROUNDS);
	char target[48];
	snprintf(target, sizeof(target), "<= json_loadb + %.0f ns", slack_ns);
	bench_report(what, floor_ns, ours_ns, "ns", 0, ours_ns <= floor_ns + slack_ns, target);
}

/* What writing alone costs; no floor, because jansson writes other digits. */
static void report_writing(struct bench *bench, const char *what)
{
	double times[ROUNDS];
	for (int i = 0; i < ROUNDS; i++)
		times[i] = run_ns(bench, encode);
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

int main(void)
{
	struct bench bench = {.input = {iris, sizeof(iris) - 1}};
	struct msp_codec_config config = {.max_depth = 64};
	struct msp_arena arena;
	msp_arena_init(&arena, SIZE_MAX);
	msp_arena_init(&bench.arena, SIZE_MAX);
	msp_buffer_init(&bench.buffer, SIZE_MAX);
	bench_must(msp_codec_json.open(&config, &bench.codec, NULL) == MSP_OK, "open");

	struct msp_value species;
	bench_must(msp_value_object(&arena, 1, &species), "msp_value_object");
	msp_value_set(&species, 0, "species", msp_value_string("setosa"));
	bench.output = species;
	report(&bench, "JSON, iris decoded and its species encoded, per message", decode_and_encode, 300);
	report_writing(&bench, "{\"species\": \"setosa\"}");
	bench.output = numbers_of(&arena, (const double[]){5.1, 3.5, 1.4, 0.2});
	report_writing(&bench, "four numbers of one decimal");
	bench.output = numbers_of(&arena, (const double[]){1.0 / 3, 2.0 / 3, 1.0 / 7, 1.0 / 9});
	report_writing(&bench, "four numbers of 16 or 17 digits");
	bench.output = numbers_of(&arena, (const double[]){1e-7 / 3, 2e20 / 3, 1e-9 / 7, 1e30 / 9});
	report_writing(&bench, "four such numbers with exponents");

	msp_codec_json.free(bench.codec);
	msp_buffer_done(&bench.buffer);
	msp_arena_done(&bench.arena);
	msp_arena_done(&arena);
	return 0;
}
