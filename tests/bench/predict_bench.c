/* `msp predict -m iris` beside the bare loop that it cannot do without: read a line, json_loadb, svm_predict, print. */
#include "bench.h"
#include "iris_training.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES      500000
#define RUNS       5
#define TARGET     1.2
#define INPUTS     "flowers.jsonl"
#define FEATURE(i) ((const char *const[]){"sepal_length", "sepal_width", "petal_length", "petal_width"}[i])

static struct iris_training training;

/* Flowers like those of the data, no two alike for long. */
static void write_inputs(void)
{
	static const double smallest[] = {4.3, 2.0, 1.0, 0.1}, spread[] = {3.6, 2.4, 5.9, 2.4};
	FILE *file = fopen(INPUTS, "w");
	bench_must(file != NULL, "writing the inputs");
	srand(1);
	for (int line = 0; line < LINES; line++) {
		for (int i = 0; i < IRIS_FEATURES; i++)
			fprintf(file, "%s\"%s\": %.1f", i ? ", " : "{", FEATURE(i), smallest[i] + spread[i] * rand() / RAND_MAX);
		fputs("}\n", file);
	}
	bench_must(fclose(file) == 0, "writing the inputs");
}

static void bare_loop(void)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;
	while ((size = getline(&line, &capacity, stdin)) > 0) {
		struct svm_node nodes[IRIS_FEATURES + 1];
		json_t *tree = json_loadb(line, (size_t)size, 0, NULL);
		for (int i = 0; i < IRIS_FEATURES; i++)
			nodes[i] = (struct svm_node){i + 1, json_number_value(json_object_get(tree, FEATURE(i)))};
		nodes[IRIS_FEATURES] = (struct svm_node){-1, 0.0};
		json_decref(tree);
		printf("{\"species\": \"%s\"}\n", training.classes[(int)svm_predict(training.model, nodes)]);
	}
	free(line);
}

static bool same_content(const char *a, const char *b)
{
	const char *const argv[] = {"/usr/bin/cmp", a, b, NULL};
	return bench_run(argv, NULL, NULL).cpu_ns >= 0;
}

int main(void)
{
	const char *program = bench_program();
	char csv_path[4096];
	snprintf(csv_path, sizeof(csv_path), "%s/models/iris/iris.csv", getenv("MSP_SOURCE_DIR"));
	FILE *csv = fopen(csv_path, "r");
	bench_must(csv && iris_training_init(&training, csv), "training the floor's model");
	fclose(csv);
	bench_enter_directory();
	write_inputs();

	const char *const argv[] = {program, "predict", "-q", "-m", "iris", NULL};
	double floors[RUNS], ours[RUNS];
	for (int run = 0; run < RUNS; run++) {
		floors[run] = bench_call(bare_loop, INPUTS, "floor.jsonl").cpu_ns / LINES / 1000;
		ours[run] = bench_run(argv, INPUTS, "ours.jsonl").cpu_ns / LINES / 1000;
	}
	bench_must(same_content("floor.jsonl", "ours.jsonl"), "giving the same answers");
	double floor_us = bench_median(floors, RUNS), ours_us = bench_median(ours, RUNS);
	bench_report("msp predict -m iris, CPU per message", floor_us, ours_us, "us", 2, ours_us <= TARGET * floor_us,
	             "<= 1.2 x the floor");
	iris_training_done(&training);
	return 0;
}
