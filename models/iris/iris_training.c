#include "iris_training.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_LINE "sepal_length,sepal_width,petal_length,petal_width,species\n"

/* libsvm reports its progress on stdout. */
static void print_nothing(const char *text)
{
	(void)text;
}

/* The label of a species, a new one when it has not been seen yet; -1 when there are too many. */
static int training_label(struct iris_training *training, const char *species)
{
	for (int label = 0; label < training->class_count; label++)
		if (strcmp(training->classes[label], species) == 0)
			return label;
	if (training->class_count == IRIS_CLASSES || strlen(species) >= IRIS_CLASS_SIZE)
		return -1;
	memcpy(training->classes[training->class_count], species, strlen(species) + 1);
	return training->class_count++;
}

static bool training_add_row(struct iris_training *training, char *line)
{
	struct svm_node *nodes = training->nodes[training->row_count];
	char *next = line;
	for (int feature = 0; feature < IRIS_FEATURES; feature++) {
		char *end;
		nodes[feature] = (struct svm_node){feature + 1, strtod(next, &end)};
		if (end == next || *end != ',')
			return false;
		next = end + 1;
	}
	nodes[IRIS_FEATURES] = (struct svm_node){-1, 0.0};
	next[strcspn(next, "\r\n")] = '\0';
	int label = training_label(training, next);
	if (label < 0)
		return false;
	training->labels[training->row_count] = label;
	training->rows[training->row_count++] = nodes;
	return true;
}

static bool training_read(struct iris_training *training, FILE *csv)
{
	char line[128];
	if (!fgets(line, sizeof(line), csv) || strcmp(line, HEADER_LINE) != 0) {
		fprintf(stderr, "line 1: expected " HEADER_LINE);
		return false;
	}
	while (training->row_count < IRIS_MAX_ROWS) {
		if (!fgets(line, sizeof(line), csv) || !training_add_row(training, line)) {
			fprintf(stderr, "line %d: expected four numbers and a species\n", training->row_count + 2);
			return false;
		}
	}
	return true;
}

bool iris_training_init(struct iris_training *training, FILE *csv)
{
	memset(training, 0, sizeof(*training));
	if (!training_read(training, csv))
		return false;
	struct svm_problem problem = {.l = training->row_count, .y = training->labels, .x = training->rows};
	/* eps is libsvm's default: at tighter ones a few points near the border fall to the other side than they do in
	 * scikit-learn, which has the same default. */
	struct svm_parameter parameter = {
	    .svm_type = C_SVC,
	    .kernel_type = RBF,
	    .gamma = IRIS_GAMMA,
	    .C = IRIS_C,
	    .eps = 1e-3,
	    .cache_size = 100,
	    .shrinking = 1,
	};
	svm_set_print_string_function(print_nothing);
	training->model = svm_train(&problem, &parameter);
	return true;
}

void iris_training_done(struct iris_training *training)
{
	if (training->model)
		svm_free_and_destroy_model(&training->model);
}
