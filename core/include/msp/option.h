/* Option tables: one constant table next to the struct that it fills gives parsing, range checks, help and reference.
 */
#ifndef MSP_OPTION_H
#define MSP_OPTION_H

#include <msp/bytes.h>
#include <stdint.h>

enum msp_option_type {
	MSP_OPTION_BOOLEAN, /* bool: true | false */
	MSP_OPTION_INTEGER, /* int64_t, within min and max; units are in the name: batch.max.ms, message.max.bytes */
	MSP_OPTION_NUMBER,  /* double, finite, within min and max */
	MSP_OPTION_STRING,  /* const char *, owned by the struct; NULL when the default is NULL and nothing was set */
	MSP_OPTION_CHOICE,  /* int: index into choices */
};

struct msp_option {
	const char *name; /* dotted lower case */
	enum msp_option_type type;
	size_t offset;              /* offsetof the field */
	const char *default_text;   /* as a user would write it; NULL (strings only): unset */
	int64_t min, max;           /* both 0: no bounds */
	const char *const *choices; /* NULL-terminated */
	bool secret;                /* never shown */
	bool not_empty;             /* a string of no characters is refused */
	const char *help;           /* one sentence, without a full stop */
};

struct msp_option_table {
	const struct msp_option *options;
	size_t count;
	size_t struct_size;
};

#define MSP_OPTION_TABLE(array, type)                                                                                  \
	{                                                                                                                  \
		(array), sizeof(array) / sizeof((array)[0]), sizeof(type)                                                      \
	}

/* Fills `target` (struct_size bytes, content not read) with the defaults. On failure it is as after done. */
enum msp_status msp_options_init(const struct msp_option_table *table, void *target,
                                 struct msp_error *err) MSP_NODISCARD;
/* Frees the strings. Safe on a zeroed struct. */
void msp_options_done(const struct msp_option_table *table, void *target);

const struct msp_option *msp_option_find(const struct msp_option_table *table, const char *name);
/* Parses `text` into the field. MSP_E_INVALID: wrong type or out of range, with the accepted range or choices in the
 * text and never the value of a secret; the field is unchanged. */
enum msp_status msp_option_set(const struct msp_option *option, void *target, const char *text,
                               struct msp_error *err) MSP_NODISCARD;
/* Appends the field's value as a user would write it; "********" for a secret that is set. */
enum msp_status msp_option_format(const struct msp_option *option, const void *target,
                                  struct msp_buffer *buffer) MSP_NODISCARD;
/* "boolean", "integer", "number", "string", or the choices joined by " | ". */
enum msp_status msp_option_type_text(const struct msp_option *option, struct msp_buffer *buffer) MSP_NODISCARD;

/* Edit distance (insert, delete, replace, swap of neighbours: 1 each) for suggestions; at most 255. */
int msp_edit_distance(const char *a, const char *b);

#endif
