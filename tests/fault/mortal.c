/* A model that answers every object with itself, and dies with its process at the fault points after_receive and
 * after_predict. */
#include "fault_point.h"

#include <msp/model.h>

static enum msp_status mortal_open(struct msp_model_shared *shared, const void *options, struct msp_model **ret_model,
                                   struct msp_error *err)
{
	(void)shared, (void)options;
	struct msp_model *model = calloc(1, sizeof(*model));
	if (!model)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the model");
	*ret_model = model;
	return MSP_OK;
}

static enum msp_status mortal_predict(struct msp_model *model, struct msp_arena *arena,
                                      const struct msp_value *const inputs[], struct msp_prediction predictions[],
                                      size_t count, struct msp_error *err)
{
	(void)model, (void)arena, (void)err;
	fault_point("after_receive");
	for (size_t i = 0; i < count; i++)
		predictions[i].value = *inputs[i];
	fault_point("after_predict");
	return MSP_OK;
}

static void mortal_close(struct msp_model *model)
{
	free(model);
}

static const struct msp_schema any_object = {.title = "Any object", .additional = true};

static const struct msp_model_info info = {
    .name = "mortal",
    .major = 1,
    .summary = "Answers every object with itself until it dies",
    .input = &any_object,
    .output = &any_object,
};

const struct msp_model_plugin msp_model_plugin = {
    MSP_MODEL_HEADER, .info = &info, .open = mortal_open, .predict = mortal_predict, .close = mortal_close,
};
