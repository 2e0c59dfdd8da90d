#include "fake_model.h"

#include <stdlib.h>
#include <time.h>

struct fake_model_tally fake_model_tally;

void fake_model_tally_reset(void)
{
	atomic_store(&fake_model_tally.calls, 0);
	atomic_store(&fake_model_tally.memory_was_refused, false);
	atomic_store(&fake_model_tally.memory_is_short, false);
	atomic_store(&fake_model_tally.is_away, false);
	atomic_store(&fake_model_tally.refused, 0);
	atomic_store(&fake_model_tally.is_woken, false);
	atomic_store(&fake_model_tally.is_blocked, false);
	atomic_store(&fake_model_tally.open, 0);
}

static const struct msp_field fields[] = {
    {.name = "n", .type = MSP_INTEGER, .maximum = MSP_BOUND(1000)},
};
static const struct msp_schema schema = {.fields = fields, .field_count = 1};
static const struct msp_model_info info = {.name = "fake", .major = 1, .minor = 0, .input = &schema, .output = &schema};

static enum msp_status fake_refuse(struct msp_error *err)
{
	fake_model_tally.refused++;
	return msp_error_set(err, MSP_E_UNAVAILABLE, "the fake model is away");
}

static enum msp_status fake_open(struct msp_model_shared *shared, const void *options, struct msp_model **ret_model,
                                 struct msp_error *err)
{
	(void)shared, (void)options;
	if (fake_model_tally.is_away)
		return fake_refuse(err);
	struct msp_model *model = calloc(1, sizeof(*model));
	if (!model)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory");
	model->plugin = &fake_model_plugin;
	model->info = &info;
	fake_model_tally.open++;
	*ret_model = model;
	return MSP_OK;
}

static void fake_refuse_one(int64_t n, struct msp_prediction *prediction)
{
	static const enum msp_prediction_code codes[] = {
	    [FAKE_N_ITEM_ERROR] = MSP_PREDICTION_MODEL_ERROR,
	    [FAKE_N_VIOLATES] = MSP_PREDICTION_SCHEMA_VIOLATION,
	    [FAKE_N_CRASHES] = MSP_PREDICTION_MODEL_CRASHED,
	    [FAKE_N_HANGS] = MSP_PREDICTION_MODEL_TIMEOUT,
	};
	prediction->error_text = "unlucky";
	prediction->code = codes[n];
	prediction->path = n == FAKE_N_VIOLATES ? "/n" : NULL;
}

/* As a model whose process does not answer. */
static enum msp_status fake_block(struct msp_error *err)
{
	fake_model_tally.is_blocked = true;
	while (!fake_model_tally.is_woken)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	fake_model_tally.is_blocked = false;
	return fake_refuse(err);
}

static enum msp_status fake_predict_one(struct msp_arena *arena, const struct msp_value *input,
                                        struct msp_prediction *prediction, struct msp_error *err)
{
	int64_t n = msp_value_member(input, "n")->as.integer;
	prediction->value = *input;
	if (n == FAKE_N_FAILS_THE_CALL)
		return msp_error_set(err, MSP_E_INTERNAL, "the model stumbled");
	if (n == FAKE_N_ITEM_ERROR || (n >= FAKE_N_VIOLATES && n <= FAKE_N_HANGS))
		fake_refuse_one(n, prediction);
	if (n == FAKE_N_AWAY && fake_model_tally.is_away)
		return fake_refuse(err);
	if (n == FAKE_N_BLOCKS)
		return fake_block(err);
	if (n == FAKE_N_HUNGRY && !msp_arena_alloc(arena, (size_t)1 << 20))
		return msp_error_set(err, msp_arena_status(arena), "no room");
	if (n == FAKE_N_HUNGRY_ITEM && !msp_arena_alloc(arena, (size_t)1 << 20))
		prediction->error_text = "no room";
	if (n == FAKE_N_NO_MEMORY)
		return msp_error_set(err, MSP_E_NO_MEMORY, "too much is asked for");
	if (n == FAKE_N_SLOW)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	if (n == FAKE_N_NO_MEMORY_ONCE && (fake_model_tally.memory_is_short || !fake_model_tally.memory_was_refused)) {
		fake_model_tally.memory_was_refused = true;
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory");
	}
	if (n == FAKE_N_INVALID_OUTPUT) {
		if (!msp_value_object(arena, 1, &prediction->value))
			return msp_error_set(err, msp_arena_status(arena), "no room");
		msp_value_set(&prediction->value, 0, "n", msp_value_integer(5000));
	}
	return MSP_OK;
}

static enum msp_status fake_predict(struct msp_model *model, struct msp_arena *arena,
                                    const struct msp_value *const inputs[], struct msp_prediction predictions[],
                                    size_t count, struct msp_error *err)
{
	(void)model;
	fake_model_tally.calls++;
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < count && status == MSP_OK; i++)
		status = fake_predict_one(arena, inputs[i], &predictions[i], err);
	return status;
}

static void fake_wake(struct msp_model *model)
{
	(void)model;
	fake_model_tally.is_woken = true;
}

static void fake_close(struct msp_model *model)
{
	fake_model_tally.open--;
	free(model);
}

const struct msp_model_plugin fake_model_plugin = {
    MSP_MODEL_HEADER, .info = &info, .open = fake_open, .predict = fake_predict, .wake = fake_wake, .close = fake_close,
};
