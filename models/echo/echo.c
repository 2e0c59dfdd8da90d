/* The skeleton model: answers every object with itself. Copy this folder to begin a model of your own. */
#include <msp/model.h>

#include <stdlib.h>

/* What an instance needs between calls stands behind `base`; this one needs nothing. */
struct echo {
	struct msp_model base;
};

static enum msp_status echo_open(struct msp_model_shared *shared, const void *options, struct msp_model **ret_model,
                                 struct msp_error *err)
{
	(void)shared, (void)options;
	struct echo *echo = calloc(1, sizeof(*echo));
	if (!echo)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the model");
	*ret_model = &echo->base;
	return MSP_OK;
}

static enum msp_status echo_predict(struct msp_model *model, struct msp_arena *arena,
                                    const struct msp_value *const inputs[], struct msp_prediction predictions[],
                                    size_t count, struct msp_error *err)
{
	(void)model, (void)arena, (void)err;
	for (size_t i = 0; i < count; i++)
		predictions[i].value = *inputs[i];
	return MSP_OK;
}

static void echo_close(struct msp_model *model)
{
	free((struct echo *)model);
}

static const struct msp_schema any_object = {
    .title = "Any object",
    .additional = true,
};

static const struct msp_model_info info = {
    .name = "echo",
    .major = 1,
    .minor = 0,
    .summary = "Answers every object with itself",
    .input = &any_object,
    .output = &any_object,
};

const struct msp_model_plugin msp_model_plugin = {
    MSP_MODEL_HEADER, .info = &info, .open = echo_open, .predict = echo_predict, .close = echo_close,
};
