/* The species of an iris flower, by a support vector machine through libsvm. */
#include "iris_table.h"

#include <msp/model.h>

#include <stdlib.h>

#include <libsvm/svm.h>

/* libsvm wants a tree of writable arrays: all of them stand in the instance. */
struct iris {
	struct msp_model base;
	struct svm_model svm;
	struct svm_node *rows[IRIS_TABLE_VECTORS];
	struct svm_node nodes[IRIS_TABLE_VECTORS][IRIS_TABLE_FEATURES + 1];
	double *coefficient_rows[IRIS_TABLE_CLASSES - 1];
	double coefficients[IRIS_TABLE_CLASSES - 1][IRIS_TABLE_VECTORS];
	double rho[IRIS_TABLE_PAIRS];
	int labels[IRIS_TABLE_CLASSES];
	int vector_counts[IRIS_TABLE_CLASSES];
};

static const struct msp_field input_fields[IRIS_TABLE_FEATURES] = {
    {.name = "sepal_length", .type = MSP_NUMBER, .description = "Length of the sepals in centimetres"},
    {.name = "sepal_width", .type = MSP_NUMBER, .description = "Width of the sepals in centimetres"},
    {.name = "petal_length", .type = MSP_NUMBER, .description = "Length of the petals in centimetres"},
    {.name = "petal_width", .type = MSP_NUMBER, .description = "Width of the petals in centimetres"},
};

static void iris_fill_vectors(struct iris *iris)
{
	for (int i = 0; i < IRIS_TABLE_VECTORS; i++) {
		for (int feature = 0; feature < IRIS_TABLE_FEATURES; feature++)
			iris->nodes[i][feature] = (struct svm_node){feature + 1, iris_vectors[i][feature]};
		iris->nodes[i][IRIS_TABLE_FEATURES].index = -1;
		iris->rows[i] = iris->nodes[i];
	}
}

static void iris_fill_svm(struct iris *iris)
{
	memcpy(iris->coefficients[0], iris_coefficients_0, sizeof(iris_coefficients_0));
	memcpy(iris->coefficients[1], iris_coefficients_1, sizeof(iris_coefficients_1));
	memcpy(iris->rho, iris_rho, sizeof(iris_rho));
	memcpy(iris->vector_counts, iris_vector_counts, sizeof(iris_vector_counts));
	for (int i = 0; i < IRIS_TABLE_CLASSES - 1; i++)
		iris->coefficient_rows[i] = iris->coefficients[i];
	for (int i = 0; i < IRIS_TABLE_CLASSES; i++)
		iris->labels[i] = i;
	iris->svm = (struct svm_model){
	    .param = {.svm_type = C_SVC, .kernel_type = RBF, .gamma = IRIS_TABLE_GAMMA},
	    .nr_class = IRIS_TABLE_CLASSES,
	    .l = IRIS_TABLE_VECTORS,
	    .SV = iris->rows,
	    .sv_coef = iris->coefficient_rows,
	    .rho = iris->rho,
	    .label = iris->labels,
	    .nSV = iris->vector_counts,
	};
}

static enum msp_status iris_open(struct msp_model_shared *shared, const void *options, struct msp_model **ret_model,
                                 struct msp_error *err)
{
	(void)shared, (void)options;
	struct iris *iris = calloc(1, sizeof(*iris));
	if (!iris)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the model");
	iris_fill_vectors(iris);
	iris_fill_svm(iris);
	*ret_model = &iris->base;
	return MSP_OK;
}

/* An index into iris_species. svm_predict_values votes as svm_predict does, which wraps it with one allocation more. */
static int iris_classify(const struct iris *iris, const struct msp_value *flower)
{
	struct svm_node nodes[IRIS_TABLE_FEATURES + 1];
	for (int feature = 0; feature < IRIS_TABLE_FEATURES; feature++) {
		const struct msp_value *value = msp_value_member(flower, input_fields[feature].name);
		nodes[feature] = (struct svm_node){feature + 1, value->as.number};
	}
	nodes[IRIS_TABLE_FEATURES] = (struct svm_node){-1, 0.0};
	double decisions[IRIS_TABLE_PAIRS];
	return (int)svm_predict_values(&iris->svm, nodes, decisions);
}

static enum msp_status iris_predict(struct msp_model *model, struct msp_arena *arena,
                                    const struct msp_value *const inputs[], struct msp_prediction predictions[],
                                    size_t count, struct msp_error *err)
{
	const struct iris *iris = (const struct iris *)model;
	for (size_t i = 0; i < count; i++) {
		struct msp_value *answer = &predictions[i].value;
		if (!msp_value_object(arena, 1, answer))
			return msp_error_set(err, msp_arena_status(arena), "no memory for %zu answers", count);
		msp_value_set(answer, 0, "species", msp_value_string(iris_species[iris_classify(iris, inputs[i])]));
	}
	return MSP_OK;
}

static void iris_close(struct msp_model *model)
{
	free((struct iris *)model);
}

static const struct msp_schema input = {
    .title = "Iris flower",
    .fields = input_fields,
    .field_count = IRIS_TABLE_FEATURES,
};

static const struct msp_field output_fields[] = {
    {.name = "species", .type = MSP_STRING, .enumeration = iris_species, .description = "Species of the flower"},
};

static const struct msp_schema output = {
    .title = "Iris species",
    .fields = output_fields,
    .field_count = 1,
};

static const struct msp_model_info info = {
    .name = "iris_model",
    .major = 0,
    .minor = 1,
    .summary = "Species of an iris flower from the size of its sepals and petals",
    .input = &input,
    .output = &output,
};

const struct msp_model_plugin msp_model_plugin = {
    MSP_MODEL_HEADER, .info = &info, .open = iris_open, .predict = iris_predict, .close = iris_close,
};
