/* A model that takes its name from its options, so that one plugin serves as a hundred models. It answers every object
 * with itself. */
#include <msp/model.h>

#include <stdio.h>
#include <stdlib.h>

struct idle_options {
	char *name;
};

struct idle_shared {
	struct msp_model_shared base;
	struct msp_model_info info;
	char name[64];
};

static const struct msp_schema any_object = {.title = "Any object", .additional = true};

static enum msp_status idle_load(const void *options, struct msp_model_shared **ret_shared, struct msp_error *err)
{
	const struct idle_options *idle_options = options;
	struct idle_shared *shared = calloc(1, sizeof(*shared));
	if (!shared)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the model");
	snprintf(shared->name, sizeof(shared->name), "%s", idle_options->name);
	shared->info = (struct msp_model_info){
	    .name = shared->name, .major = 1, .minor = 0, .input = &any_object, .output = &any_object};
	shared->base.info = &shared->info;
	*ret_shared = &shared->base;
	return MSP_OK;
}

static void idle_unload(struct msp_model_shared *shared)
{
	free((struct idle_shared *)shared);
}

static enum msp_status idle_open(struct msp_model_shared *shared, const void *options, struct msp_model **ret_model,
                                 struct msp_error *err)
{
	(void)shared, (void)options;
	*ret_model = calloc(1, sizeof(**ret_model));
	return *ret_model ? MSP_OK : msp_error_set(err, MSP_E_NO_MEMORY, "no memory for an instance");
}

static enum msp_status idle_predict(struct msp_model *model, struct msp_arena *arena,
                                    const struct msp_value *const inputs[], struct msp_prediction predictions[],
                                    size_t count, struct msp_error *err)
{
	(void)model, (void)arena, (void)err;
	for (size_t i = 0; i < count; i++)
		predictions[i].value = *inputs[i];
	return MSP_OK;
}

static void idle_close(struct msp_model *model)
{
	free(model);
}

static const struct msp_option idle_option_list[] = {
    {.name = "name",
     .type = MSP_OPTION_STRING,
     .offset = offsetof(struct idle_options, name),
     .default_text = "idle",
     .help = "the model's name"},
};

static const struct msp_option_table idle_option_table = MSP_OPTION_TABLE(idle_option_list, struct idle_options);

const struct msp_model_plugin msp_model_plugin = {
    MSP_MODEL_HEADER,  .options = &idle_option_table, .load = idle_load,   .unload = idle_unload,
    .open = idle_open, .predict = idle_predict,       .close = idle_close,
};
