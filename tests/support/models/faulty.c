/* A model that misbehaves on request; otherwise it answers every object with itself.
 *
 *     {"fail": true}      the whole call fails while this input is part of it
 *     {"error": true}     this input is answered with an error text, {"error": "TEXT"} with this one
 *     {"invalid": true}   the answer is no object
 *     {"nan": true}       the answer holds a NaN
 *     {"count": true}     the answer is {"calls": N}, the calls of predict on this instance so far
 *     {"touch": "PATH"}   the call makes this file first, to tell that it has begun
 *     {"sleep_ms": N}     the call takes N ms longer
 *     {"abort": true}     the process aborts */
#include <msp/model.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct faulty_options {
	bool always_fail;
	int64_t sleep_us;
	int64_t no_memory_calls;
	bool open_fails, open_hangs;
	const char *open_error;
};

static const struct msp_option option_list[] = {
    {.name = "always.fail",
     .type = MSP_OPTION_BOOLEAN,
     .offset = offsetof(struct faulty_options, always_fail),
     .default_text = "false",
     .help = "Every call of predict fails as a whole"},
    {.name = "sleep.us",
     .type = MSP_OPTION_INTEGER,
     .offset = offsetof(struct faulty_options, sleep_us),
     .default_text = "0",
     .max = 60000000,
     .help = "How long each input takes, in microseconds"},
    {.name = "no.memory.calls",
     .type = MSP_OPTION_INTEGER,
     .offset = offsetof(struct faulty_options, no_memory_calls),
     .default_text = "0",
     .max = 1000,
     .help = "How many calls at first find no memory"},
    {.name = "open.fails",
     .type = MSP_OPTION_BOOLEAN,
     .offset = offsetof(struct faulty_options, open_fails),
     .default_text = "false",
     .help = "No instance can be opened"},
    {.name = "open.error",
     .type = MSP_OPTION_STRING,
     .offset = offsetof(struct faulty_options, open_error),
     .help = "No instance can be opened, for this reason"},
    {.name = "open.hangs",
     .type = MSP_OPTION_BOOLEAN,
     .offset = offsetof(struct faulty_options, open_hangs),
     .default_text = "false",
     .help = "No instance is ever opened"},
};

static const struct msp_option_table option_table = MSP_OPTION_TABLE(option_list, struct faulty_options);

struct faulty {
	struct msp_model base;
	const struct faulty_options *options;
	int64_t calls;
};

static void sleep_us(int64_t us)
{
	struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	while (us > 0 && nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

static bool asked_for(const struct msp_value *input, const char *name)
{
	const struct msp_value *value = msp_value_member(input, name);
	return value && value->type == MSP_BOOLEAN && value->as.boolean;
}

static void file_touch(const struct msp_value *input)
{
	const struct msp_value *path = msp_value_member(input, "touch");
	char text[256];
	if (!path || path->type != MSP_STRING || path->count >= sizeof(text))
		return;
	memcpy(text, path->as.string, path->count);
	text[path->count] = '\0';
	int fd = open(text, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

/* How long this input takes, over and above predicting it. */
static int64_t input_sleep_us(const struct faulty *faulty, const struct msp_value *input)
{
	const struct msp_value *value = msp_value_member(input, "sleep_ms");
	bool given = value && value->type == MSP_INTEGER && value->as.integer > 0;
	return faulty->options->sleep_us + (given ? value->as.integer * 1000 : 0);
}

static bool object_of_one(struct msp_arena *arena, const char *name, struct msp_value value,
                          struct msp_value *ret_object)
{
	if (!msp_value_object(arena, 1, ret_object))
		return false;
	msp_value_set(ret_object, 0, name, value);
	return true;
}

/* The text of {"error": "TEXT"}, or NULL. */
static const char *error_text_of(struct msp_arena *arena, const struct msp_value *input)
{
	const struct msp_value *value = msp_value_member(input, "error");
	if (!value || value->type != MSP_STRING)
		return NULL;
	char *text = msp_arena_alloc(arena, value->count + 1);
	if (text) {
		memcpy(text, value->as.string, value->count);
		text[value->count] = '\0';
	}
	return text;
}

static bool faulty_answer(const struct faulty *faulty, struct msp_arena *arena, const struct msp_value *input,
                          struct msp_prediction *prediction)
{
	const char *error_text = error_text_of(arena, input);
	if (error_text)
		prediction->error_text = error_text;
	else if (asked_for(input, "error"))
		prediction->error_text = "the input asks for an error";
	else if (asked_for(input, "invalid"))
		prediction->value = msp_value_integer(1);
	else if (asked_for(input, "nan"))
		return object_of_one(arena, "nan", msp_value_number(NAN), &prediction->value);
	else if (asked_for(input, "count"))
		return object_of_one(arena, "calls", msp_value_integer(faulty->calls), &prediction->value);
	else
		prediction->value = *input;
	return true;
}

static enum msp_status faulty_predict(struct msp_model *model, struct msp_arena *arena,
                                      const struct msp_value *const inputs[], struct msp_prediction predictions[],
                                      size_t count, struct msp_error *err)
{
	struct faulty *faulty = (struct faulty *)model;
	faulty->calls++;
	if (faulty->calls <= faulty->options->no_memory_calls)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory, as configured");
	if (faulty->options->always_fail)
		return msp_error_set(err, MSP_E_INTERNAL, "every call fails, as configured");
	for (size_t i = 0; i < count; i++) {
		file_touch(inputs[i]);
		sleep_us(input_sleep_us(faulty, inputs[i]));
		if (asked_for(inputs[i], "abort"))
			abort();
		if (asked_for(inputs[i], "fail"))
			return msp_error_set(err, MSP_E_INTERNAL, "an input asks for a failure of the whole call");
		if (!faulty_answer(faulty, arena, inputs[i], &predictions[i]))
			return msp_error_set(err, msp_arena_status(arena), "no memory for the answers");
	}
	return MSP_OK;
}

static enum msp_status faulty_open(struct msp_model_shared *shared, const void *options, struct msp_model **ret_model,
                                   struct msp_error *err)
{
	(void)shared;
	const struct faulty_options *faulty_options = options;
	if (faulty_options->open_fails)
		return msp_error_set(err, MSP_E_INVALID, "no instance can be opened, as configured");
	while (faulty_options->open_hangs)
		sleep_us(1000000);
	if (faulty_options->open_error)
		return msp_error_set(err, MSP_E_INVALID, "%s", faulty_options->open_error);
	struct faulty *faulty = calloc(1, sizeof(*faulty));
	if (!faulty)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the model");
	faulty->options = faulty_options;
	*ret_model = &faulty->base;
	return MSP_OK;
}

static void faulty_close(struct msp_model *model)
{
	free((struct faulty *)model);
}

static const struct msp_schema any_object = {.title = "Any object", .additional = true};

static const struct msp_model_info info = {
    .name = "faulty",
    .major = 1,
    .summary = "Misbehaves on request",
    .input = &any_object,
    .output = &any_object,
};

const struct msp_model_plugin msp_model_plugin = {
    MSP_MODEL_HEADER,          .info = &info,         .options = &option_table, .open = faulty_open,
    .predict = faulty_predict, .close = faulty_close,
};
