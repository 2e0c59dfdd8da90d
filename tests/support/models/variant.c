/* A model with one thing of its own, chosen by definitions: what is wrong with a plugin, its name, its version. */
#include <msp/model.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifndef VARIANT_ABI
#define VARIANT_ABI MSP_MODEL_ABI
#endif
#ifndef VARIANT_SIZE
#define VARIANT_SIZE sizeof(struct msp_model_plugin)
#endif
#ifndef VARIANT_SYMBOL
#define VARIANT_SYMBOL msp_model_plugin
#endif
#ifndef VARIANT_INFO
#define VARIANT_INFO &info
#endif
#ifndef VARIANT_OPEN_INFO
#define VARIANT_OPEN_INFO NULL
#endif
#ifndef VARIANT_LOAD
#define VARIANT_LOAD NULL
#endif
#ifndef VARIANT_UNLOAD
#define VARIANT_UNLOAD variant_unload
#endif
#ifndef VARIANT_LOAD_INFO
#define VARIANT_LOAD_INFO &info
#endif
#ifndef VARIANT_OPEN
#define VARIANT_OPEN variant_open
#endif
#ifndef VARIANT_PREDICT
#define VARIANT_PREDICT variant_predict
#endif
#ifndef VARIANT_CLOSE
#define VARIANT_CLOSE variant_close
#endif
#ifndef VARIANT_NAME
#define VARIANT_NAME "variant"
#endif
#ifndef VARIANT_MAJOR
#define VARIANT_MAJOR 1
#endif
#ifndef VARIANT_MINOR
#define VARIANT_MINOR 0
#endif
#ifndef VARIANT_INPUT
#define VARIANT_INPUT &any_object
#endif
#ifndef VARIANT_OUTPUT
#define VARIANT_OUTPUT &any_object
#endif

#define LOAD_ARGUMENTS const void *options, struct msp_model_shared **ret_shared, struct msp_error *err
#define OPEN_ARGUMENTS                                                                                                 \
	struct msp_model_shared *shared, const void *options, struct msp_model **ret_model, struct msp_error *err

extern const struct msp_schema any_object, nameless_field;
extern const struct msp_model_info info, same_info, other_info;
enum msp_status variant_load(LOAD_ARGUMENTS);
enum msp_status variant_load_refused(LOAD_ARGUMENTS);
enum msp_status variant_load_silent(LOAD_ARGUMENTS);
enum msp_status variant_load_empty(LOAD_ARGUMENTS);
enum msp_status variant_load_alone(LOAD_ARGUMENTS);
enum msp_status variant_load_traced(LOAD_ARGUMENTS);
void variant_unload(struct msp_model_shared *shared);
enum msp_status variant_open(OPEN_ARGUMENTS);
enum msp_status variant_open_refused(OPEN_ARGUMENTS);
enum msp_status variant_open_silent(OPEN_ARGUMENTS);
enum msp_status variant_open_empty(OPEN_ARGUMENTS);
enum msp_status variant_predict(struct msp_model *model, struct msp_arena *arena,
                                const struct msp_value *const inputs[], struct msp_prediction predictions[],
                                size_t count, struct msp_error *err);
void variant_close(struct msp_model *model);
/* Defined nowhere: a plugin that uses it has an undefined symbol. */
enum msp_status variant_undefined(OPEN_ARGUMENTS);

enum msp_status variant_load(LOAD_ARGUMENTS)
{
	(void)options;
	struct msp_model_shared *shared = calloc(1, sizeof(*shared));
	if (!shared)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the model");
	shared->info = VARIANT_LOAD_INFO;
	*ret_shared = shared;
	return MSP_OK;
}

enum msp_status variant_load_refused(LOAD_ARGUMENTS)
{
	(void)options, (void)ret_shared;
	return msp_error_set(err, MSP_E_NOT_FOUND, "the model file is not there");
}

enum msp_status variant_load_silent(LOAD_ARGUMENTS)
{
	(void)options, (void)ret_shared, (void)err;
	return MSP_E_NOT_FOUND;
}

enum msp_status variant_load_empty(LOAD_ARGUMENTS)
{
	(void)options, (void)ret_shared, (void)err;
	return MSP_OK;
}

/* Fails when another thread is in here too. It stays a while, so that there is a chance of that. */
enum msp_status variant_load_alone(LOAD_ARGUMENTS)
{
	static atomic_int inside;
	bool alone = atomic_fetch_add(&inside, 1) == 0;
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	atomic_fetch_sub(&inside, 1);
	return alone ? variant_load(options, ret_shared, err) : msp_error_set(err, MSP_E_INTERNAL, "two at once");
}

/* Leaves its name in the file that the environment names. */
enum msp_status variant_load_traced(LOAD_ARGUMENTS)
{
	const char *path = getenv("TEST_LOADED_MODELS");
	FILE *file = path ? fopen(path, "a") : NULL;
	if (!file || fprintf(file, "%s\n", info.name ? info.name : "") < 0 || fclose(file) != 0)
		return msp_error_set(err, MSP_E_DENIED, "it cannot be said that the model is loaded");
	return variant_load(options, ret_shared, err);
}

void variant_unload(struct msp_model_shared *shared)
{
	free(shared);
}

enum msp_status variant_open(OPEN_ARGUMENTS)
{
	(void)shared, (void)options;
	struct msp_model *model = calloc(1, sizeof(*model));
	if (!model)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the model");
	model->info = VARIANT_OPEN_INFO;
	*ret_model = model;
	return MSP_OK;
}

enum msp_status variant_open_refused(OPEN_ARGUMENTS)
{
	(void)shared, (void)options, (void)ret_model;
	return msp_error_set(err, MSP_E_NOT_FOUND, "the model file is not there");
}

enum msp_status variant_open_silent(OPEN_ARGUMENTS)
{
	(void)shared, (void)options, (void)ret_model, (void)err;
	return MSP_E_NOT_FOUND;
}

enum msp_status variant_open_empty(OPEN_ARGUMENTS)
{
	(void)shared, (void)options, (void)ret_model, (void)err;
	return MSP_OK;
}

enum msp_status variant_predict(struct msp_model *model, struct msp_arena *arena,
                                const struct msp_value *const inputs[], struct msp_prediction predictions[],
                                size_t count, struct msp_error *err)
{
	(void)model, (void)arena, (void)err;
	for (size_t i = 0; i < count; i++)
		predictions[i].value = *inputs[i];
	return MSP_OK;
}

void variant_close(struct msp_model *model)
{
	free(model);
}

const struct msp_schema any_object = {.additional = true};

static const struct msp_field nameless_fields[] = {{.name = NULL, .type = MSP_NUMBER}};
const struct msp_schema nameless_field = {.fields = nameless_fields, .field_count = 1};

const struct msp_model_info info = {
    .name = VARIANT_NAME,
    .major = VARIANT_MAJOR,
    .minor = VARIANT_MINOR,
    .input = VARIANT_INPUT,
    .output = VARIANT_OUTPUT,
};

/* What an instance may say of itself: the same in other words, or something else. */
static const struct msp_schema same_object = {.title = "The same", .additional = true};
const struct msp_model_info same_info = {
    .name = VARIANT_NAME,
    .major = VARIANT_MAJOR,
    .minor = VARIANT_MINOR,
    .input = &same_object,
    .output = &same_object,
};
static const struct msp_schema no_object = {.additional = false};
const struct msp_model_info other_info = {
    .name = VARIANT_NAME,
    .major = VARIANT_MAJOR,
    .minor = VARIANT_MINOR,
    .input = &any_object,
    .output = &no_object,
};

extern MSP_MODEL_EXPORT const struct msp_model_plugin VARIANT_SYMBOL;

const struct msp_model_plugin VARIANT_SYMBOL = {
    .abi = VARIANT_ABI,
    .size = VARIANT_SIZE,
    .info = VARIANT_INFO,
    .load = VARIANT_LOAD,
    .unload = VARIANT_UNLOAD,
    .open = VARIANT_OPEN,
    .predict = VARIANT_PREDICT,
    .close = VARIANT_CLOSE,
};
