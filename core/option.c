#include <msp/option.h>

#include "text.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Longer names than this are never a slip of the pen. */
#define EDIT_DISTANCE_MAX 255

static void *option_field(const struct msp_option *option, void *target)
{
	return (char *)target + option->offset;
}

static const void *option_const_field(const struct msp_option *option, const void *target)
{
	return (const char *)target + option->offset;
}

static enum msp_status option_refuse(const struct msp_option *option, const char *expected, const char *text,
                                     struct msp_error *err)
{
	if (option->secret)
		return msp_error_set(err, MSP_E_INVALID, "%s must be %s", option->name, expected);
	return msp_error_set(err, MSP_E_INVALID, "%s must be %s, not \"%s\"", option->name, expected, text);
}

/* `kind` is "an integer" or "a number". */
static enum msp_status option_refuse_number(const struct msp_option *option, const char *kind, const char *text,
                                            struct msp_error *err)
{
	char expected[80];
	if (option->min == 0 && option->max == 0)
		snprintf(expected, sizeof(expected), "%s", kind);
	else if (option->max == INT64_MAX)
		snprintf(expected, sizeof(expected), "%s of at least %lld", kind, (long long)option->min);
	else if (option->min == INT64_MIN)
		snprintf(expected, sizeof(expected), "%s of at most %lld", kind, (long long)option->max);
	else
		snprintf(expected, sizeof(expected), "%s from %lld to %lld", kind, (long long)option->min,
		         (long long)option->max);
	return option_refuse(option, expected, text, err);
}

static enum msp_status boolean_set(const struct msp_option *option, bool *field, const char *text,
                                   struct msp_error *err)
{
	bool is_true = strcmp(text, "true") == 0;
	if (!is_true && strcmp(text, "false") != 0)
		return option_refuse(option, "true or false", text, err);
	*field = is_true;
	return MSP_OK;
}

static enum msp_status integer_set(const struct msp_option *option, int64_t *field, const char *text,
                                   struct msp_error *err)
{
	static_assert(sizeof(long long) == sizeof(int64_t), "strtoll parses an int64_t");
	char *end;
	errno = 0;
	long long integer = strtoll(text, &end, 10);
	/* strtoll itself would skip white space and take "+1". */
	bool whole = text[0] != '\0' && text[strspn(text, "-0123456789")] == '\0' && *end == '\0' && errno == 0;
	bool bounded = option->min != 0 || option->max != 0;
	if (!whole || (bounded && (integer < option->min || integer > option->max)))
		return option_refuse_number(option, "an integer", text, err);
	*field = integer;
	return MSP_OK;
}

static enum msp_status number_set(const struct msp_option *option, double *field, const char *text,
                                  struct msp_error *err)
{
	char *end;
	double number = strtod(text, &end);
	/* strtod itself would skip white space and take "0x1p3", "nan" and "inf". */
	bool whole = text[0] != '\0' && text[strspn(text, "+-.0123456789eE")] == '\0' && *end == '\0' && isfinite(number);
	bool bounded = option->min != 0 || option->max != 0;
	if (!whole || (bounded && (number < (double)option->min || number > (double)option->max)))
		return option_refuse_number(option, "a number", text, err);
	*field = number;
	return MSP_OK;
}

static enum msp_status string_set(const struct msp_option *option, char **field, const char *text,
                                  struct msp_error *err)
{
	if (option->not_empty && !*text)
		return msp_error_set(err, MSP_E_INVALID, "%s must not be empty", option->name);
	char *copy = strdup(text);
	if (!copy)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %s", option->name);
	free(*field);
	*field = copy;
	return MSP_OK;
}

static enum msp_status choice_set(const struct msp_option *option, int *field, const char *text, struct msp_error *err)
{
	char expected[MSP_ERROR_TEXT_SIZE] = "";
	size_t length = 0;
	for (int i = 0; option->choices[i]; i++) {
		if (strcmp(option->choices[i], text) == 0) {
			*field = i;
			return MSP_OK;
		}
		const char *joint = i == 0 ? "" : option->choices[i + 1] ? ", " : " or ";
		int added = snprintf(expected + length, sizeof(expected) - length, "%s%s", joint, option->choices[i]);
		length =
		    added < 0 || (size_t)added >= sizeof(expected) - length ? sizeof(expected) - 1 : length + (size_t)added;
	}
	return option_refuse(option, expected, text, err);
}

enum msp_status msp_option_set(const struct msp_option *option, void *target, const char *text, struct msp_error *err)
{
	void *field = option_field(option, target);
	switch (option->type) {
	case MSP_OPTION_BOOLEAN:
		return boolean_set(option, field, text, err);
	case MSP_OPTION_INTEGER:
		return integer_set(option, field, text, err);
	case MSP_OPTION_NUMBER:
		return number_set(option, field, text, err);
	case MSP_OPTION_STRING:
		return string_set(option, field, text, err);
	case MSP_OPTION_CHOICE:
		return choice_set(option, field, text, err);
	}
	return msp_error_set(err, MSP_E_INTERNAL, "%s has no known type", option->name);
}

enum msp_status msp_options_init(const struct msp_option_table *table, void *target, struct msp_error *err)
{
	memset(target, 0, table->struct_size);
	for (size_t i = 0; i < table->count; i++) {
		const struct msp_option *option = &table->options[i];
		if (!option->default_text)
			continue;
		enum msp_status status = msp_option_set(option, target, option->default_text, err);
		if (status != MSP_OK) {
			msp_options_done(table, target);
			return status;
		}
	}
	return MSP_OK;
}

void msp_options_done(const struct msp_option_table *table, void *target)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->options[i].type != MSP_OPTION_STRING)
			continue;
		char **field = option_field(&table->options[i], target);
		free(*field);
		*field = NULL;
	}
}

const struct msp_option *msp_option_find(const struct msp_option_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->options[i].name, name) == 0)
			return &table->options[i];
	}
	return NULL;
}

enum msp_status msp_option_format(const struct msp_option *option, const void *target, struct msp_buffer *buffer)
{
	const void *field = option_const_field(option, target);
	const char *text = NULL;
	char number[MSP_TEXT_NUMBER_SIZE];
	switch (option->type) {
	case MSP_OPTION_BOOLEAN:
		text = *(const bool *)field ? "true" : "false";
		break;
	case MSP_OPTION_INTEGER:
		msp_text_integer(number, *(const int64_t *)field);
		text = number;
		break;
	case MSP_OPTION_NUMBER:
		msp_text_number(number, *(const double *)field);
		text = number;
		break;
	case MSP_OPTION_STRING:
		text = *(char *const *)field;
		break;
	case MSP_OPTION_CHOICE:
		text = option->choices[*(const int *)field];
		break;
	}
	if (!text)
		return MSP_OK;
	return msp_buffer_append_string(buffer, option->secret ? "********" : text);
}

static enum msp_status choices_append(const char *const *choices, struct msp_buffer *buffer)
{
	enum msp_status status = MSP_OK;
	for (size_t i = 0; choices[i] && status == MSP_OK; i++)
		status = msp_buffer_printf(buffer, "%s%s", i ? " | " : "", choices[i]);
	return status;
}

enum msp_status msp_option_type_text(const struct msp_option *option, struct msp_buffer *buffer)
{
	static const char *const names[] = {
	    [MSP_OPTION_BOOLEAN] = "boolean",
	    [MSP_OPTION_INTEGER] = "integer",
	    [MSP_OPTION_NUMBER] = "number",
	    [MSP_OPTION_STRING] = "string",
	};
	if (option->type != MSP_OPTION_CHOICE)
		return msp_buffer_append_string(buffer, names[option->type]);
	size_t before = buffer->size;
	enum msp_status status = choices_append(option->choices, buffer);
	if (status != MSP_OK)
		buffer->size = before;
	return status;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

int msp_edit_distance(const char *a, const char *b)
{
	size_t a_size = strlen(a), b_size = strlen(b);
	if (a_size > EDIT_DISTANCE_MAX || b_size > EDIT_DISTANCE_MAX)
		return strcmp(a, b) == 0 ? 0 : EDIT_DISTANCE_MAX;
	/* Distances between prefixes: of a's first i, i - 1 and i - 2 bytes to b's first j (optimal string alignment). */
	int rows[3][EDIT_DISTANCE_MAX + 1];
	for (size_t j = 0; j <= b_size; j++)
		rows[0][j] = (int)j;
	for (size_t i = 1; i <= a_size; i++) {
		int *row = rows[i % 3], *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];
		row[0] = (int)i;
		for (size_t j = 1; j <= b_size; j++) {
			row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a_size % 3][b_size];
}
