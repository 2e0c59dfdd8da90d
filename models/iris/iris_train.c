/* iris_train CSV > iris_table.h: trains the model and prints it as C. */
#include "iris_training.h"

#include <stdlib.h>

/* The fewest digits that read back exactly; 17 always do. */
static void print_double(double value)
{
	char text[32];
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	fputs(text, stdout);
}

static void print_doubles(const char *name, const double *values, int count)
{
	printf("static const double %s[%d] = {\n", name, count);
	for (int i = 0; i < count; i++) {
		printf("    ");
		print_double(values[i]);
		printf(",\n");
	}
	printf("};\n\n");
}

static void print_vectors(const struct svm_model *model)
{
	printf("static const double iris_vectors[%d][%d] = {\n", model->l, IRIS_FEATURES);
	for (int i = 0; i < model->l; i++) {
		printf("    /* row %d */ {", model->sv_indices[i]);
		for (int feature = 0; feature < IRIS_FEATURES; feature++) {
			printf("%s", feature ? ", " : "");
			print_double(model->SV[i][feature].value);
		}
		printf("},\n");
	}
	printf("};\n\n");
}

static void print_classes(const struct iris_training *training)
{
	const struct svm_model *model = training->model;
	printf("static const char *const iris_species[] = {\n");
	for (int i = 0; i < model->nr_class; i++)
		printf("    \"%s\",\n", training->classes[model->label[i]]);
	printf("    NULL,\n};\n\n");
	printf("/* How many support vectors belong to each species, in their order. */\n");
	printf("static const int iris_vector_counts[%d] = {", model->nr_class);
	for (int i = 0; i < model->nr_class; i++)
		printf("%s%d", i ? ", " : "", model->nSV[i]);
	printf("};\n\n");
}

static void print_table(const struct iris_training *training)
{
	const struct svm_model *model = training->model;
	printf("/* The trained model. Made by iris_train from iris.csv (see README.md); do not edit. */\n");
	printf("#ifndef IRIS_TABLE_H\n#define IRIS_TABLE_H\n\n#include <stddef.h>\n\n");
	printf("#define IRIS_TABLE_CLASSES  %d\n", model->nr_class);
	printf("#define IRIS_TABLE_FEATURES %d\n", IRIS_FEATURES);
	printf("#define IRIS_TABLE_PAIRS    %d\n", model->nr_class * (model->nr_class - 1) / 2);
	printf("#define IRIS_TABLE_VECTORS  %d\n", model->l);
	printf("#define IRIS_TABLE_GAMMA    ");
	print_double(model->param.gamma);
	printf("\n\n");
	print_classes(training);
	print_vectors(model);
	printf("/* Coefficients of the vectors in the decision functions, as in svm_model.sv_coef. */\n");
	print_doubles("iris_coefficients_0", model->sv_coef[0], model->l);
	print_doubles("iris_coefficients_1", model->sv_coef[1], model->l);
	print_doubles("iris_rho", model->rho, model->nr_class * (model->nr_class - 1) / 2);
	printf("#endif\n");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: iris_train CSV > iris_table.h\n");
		return 2;
	}
	FILE *csv = fopen(argv[1], "r");
	if (!csv) {
		perror(argv[1]);
		return 2;
	}
	struct iris_training training;
	bool trained = iris_training_init(&training, csv);
	if (trained)
		print_table(&training);
	iris_training_done(&training);
	fclose(csv);
	return trained && fflush(stdout) == 0 ? 0 : 1;
}
