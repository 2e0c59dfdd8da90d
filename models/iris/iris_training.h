/* How the iris model is trained: C-SVC, RBF kernel, on the first rows of iris.csv. Not part of the plugin. */
#ifndef IRIS_TRAINING_H
#define IRIS_TRAINING_H

#include <stdbool.h>
#include <stdio.h>

#include <libsvm/svm.h>

#define IRIS_FEATURES   4
#define IRIS_MAX_ROWS   149 /* the 150th row is left out, as in the original example */
#define IRIS_CLASSES    3
#define IRIS_GAMMA      0.001
#define IRIS_C          100.0
#define IRIS_CLASS_SIZE 32

/* What is trained on, and what came of it. The support vectors in `model` point into `nodes`. Caller storage. */
struct iris_training {
	struct svm_model *model; /* owned */
	int row_count;
	int class_count;
	char classes[IRIS_CLASSES][IRIS_CLASS_SIZE]; /* species in order of appearance; a label is an index */
	double labels[IRIS_MAX_ROWS];
	struct svm_node nodes[IRIS_MAX_ROWS][IRIS_FEATURES + 1];
	struct svm_node *rows[IRIS_MAX_ROWS];
};

/* Reads the rows and trains. False, with a line on stderr, when `csv` is not the file that is expected. */
bool iris_training_init(struct iris_training *training, FILE *csv);
void iris_training_done(struct iris_training *training);

#endif
