/* Training again gives the model that is checked in. */
#include "iris_table.h"
#include "iris_training.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Far below what moves a prediction, far above what another C library's exp() changes. */
#define TOLERANCE 1e-6

static void check_numbers(const double *trained, const double *table, int count)
{
	for (int i = 0; i < count; i++)
		if (fabs(trained[i] - table[i]) > TOLERANCE)
			fail_msg("number %d: trained %.17g, checked in %.17g", i, trained[i], table[i]);
}

static void gives_the_table(void **state)
{
	(void)state;
	FILE *csv = fopen(IRIS_CSV, "r");
	assert_non_null(csv);
	struct iris_training *training = malloc(sizeof(*training));
	assert_non_null(training);
	assert_true(iris_training_init(training, csv));
	fclose(csv);
	const struct svm_model *model = training->model;
	assert_int_equal(model->nr_class, IRIS_TABLE_CLASSES);
	assert_int_equal(model->l, IRIS_TABLE_VECTORS);
	assert_true(model->param.gamma == IRIS_TABLE_GAMMA);
	for (int i = 0; i < IRIS_TABLE_CLASSES; i++) {
		assert_string_equal(training->classes[model->label[i]], iris_species[i]);
		assert_int_equal(model->nSV[i], iris_vector_counts[i]);
	}
	for (int i = 0; i < IRIS_TABLE_VECTORS; i++)
		for (int feature = 0; feature < IRIS_TABLE_FEATURES; feature++)
			assert_true(model->SV[i][feature].value == iris_vectors[i][feature]);
	check_numbers(model->sv_coef[0], iris_coefficients_0, IRIS_TABLE_VECTORS);
	check_numbers(model->sv_coef[1], iris_coefficients_1, IRIS_TABLE_VECTORS);
	check_numbers(model->rho, iris_rho, IRIS_TABLE_PAIRS);
	iris_training_done(training);
	free(training);
}

static void refuses_another_file(void **state)
{
	(void)state;
	static const char *const texts[] = {
	    "",
	    "a,b\n",
	    "sepal_length,sepal_width,petal_length,petal_width,species\n",
	    "sepal_length,sepal_width,petal_length,petal_width,species\n1,2,3\n",
	    "sepal_length,sepal_width,petal_length,petal_width,species\n1,2,3,x,setosa\n",
	};
	struct iris_training *training = malloc(sizeof(*training));
	assert_non_null(training);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *csv = tmpfile();
		assert_non_null(csv);
		assert_true(fputs(texts[i], csv) >= 0);
		rewind(csv);
		assert_false(iris_training_init(training, csv));
		iris_training_done(training);
		fclose(csv);
	}
	free(training);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(gives_the_table), cmocka_unit_test(refuses_another_file)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
