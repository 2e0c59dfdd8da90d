/* A schema: a constant table of fields that says which objects a model takes or gives. */
#ifndef MSP_SCHEMA_H
#define MSP_SCHEMA_H

#include <msp/value.h>

/* An inclusive bound: `.minimum = MSP_BOUND(0)`. Left out: no bound. */
struct msp_bound {
	bool set;
	double value;
};
#define MSP_BOUND(number)                                                                                              \
	{                                                                                                                  \
		true, (number)                                                                                                 \
	}

struct msp_schema;

/* A field of an object, or what the items of an array look like (then `name` and `optional` are not read). */
struct msp_field {
	const char *name;
	enum msp_type type; /* MSP_NUMBER accepts an integer, MSP_INTEGER a number without fraction such as 5.0 */
	bool optional;      /* may be left out */
	bool nullable;      /* may be null */
	struct msp_bound minimum, maximum; /* of integers and numbers */
	const char *const *enumeration;    /* of strings: NULL-terminated, or NULL */
	const char *description;           /* a sentence for people, or NULL */
	const struct msp_field *items;     /* of arrays: each item; NULL: anything */
	const struct msp_schema *object;   /* of objects: its fields; NULL: anything */
};

struct msp_schema {
	const char *title;       /* or NULL */
	const char *description; /* or NULL */
	const struct msp_field *fields;
	size_t field_count;
	bool additional; /* members that no field names are accepted */
};

/* Size of msp_violation.path with its NUL. A pointer that is longer, or that has a token with U+0000, is cut before the
 * first reference token that does not go in: it then names what contains the offending value. */
#define MSP_PATH_SIZE 256

/* The first thing that is wrong with a value. */
struct msp_violation {
	char path[MSP_PATH_SIZE];       /* JSON pointer (RFC 6901) of the offending value; "" is the whole value. For a
	                                   missing field: where it should be */
	char text[MSP_ERROR_TEXT_SIZE]; /* one sentence; quotes field names of the schema, never bytes of the input */
};

/* Checks `value` against `schema` and brings it into the schema's types in place: an integer where the schema says
 * number becomes a number, 5.0 where it says integer becomes 5. True when it is valid; otherwise `ret_violation` is
 * filled with the first violation in the order of the schema's fields, unknown members last. NaN and infinities are
 * refused everywhere. [any thread] */
bool msp_schema_validate(const struct msp_schema *schema, struct msp_value *value, struct msp_violation *ret_violation);

/* The schema as JSON Schema, draft 2020-12, as an object in `arena`. A binary field is a string with
 * contentEncoding base64. MSP_E_NO_MEMORY, MSP_E_LIMIT. */
enum msp_status msp_schema_describe(const struct msp_schema *schema, struct msp_arena *arena,
                                    struct msp_value *ret_value) MSP_NODISCARD;

/* Whether two schemas say the same of objects; titles and descriptions do not count. [any thread] */
bool msp_schema_equal(const struct msp_schema *a, const struct msp_schema *b);

/* Fields of objects and items of arrays nest at most this deep; a field of the schema itself is 1 deep. */
#define MSP_SCHEMA_NESTING_MAX 32

/* Checks the table itself: names present, unique and UTF-8, bounds only on numbers and in order, enumerations only on
 * strings, nesting at most MSP_SCHEMA_NESTING_MAX deep. MSP_E_INVALID with the field's name. */
enum msp_status msp_schema_check(const struct msp_schema *schema, struct msp_error *err) MSP_NODISCARD;

/* A keyword of a JSON Schema that a table cannot say, so that the table accepts more than the JSON Schema does. */
struct msp_schema_omission {
	const char *pointer; /* of the schema that has it, a JSON pointer in the document; cut as msp_violation.path */
	const char *keyword; /* a constant: "pattern"; "false" and "schema" for a boolean or malformed schema as a whole */
	const char *reason;  /* a constant, what became of it: "is not checked" */
};

#define MSP_SCHEMA_OMISSIONS_MAX 64

/* What a table does not say. Each place is listed once, however many references lead to it. */
struct msp_schema_omissions {
	size_t count; /* of what is listed; 0: the table accepts exactly what the JSON Schema accepts */
	bool more;    /* there are others, for which the list has no room */
	struct msp_schema_omission list[MSP_SCHEMA_OMISSIONS_MAX];
};

/* A JSON Schema (draft 2020-12 back to draft-06) as a table in `arena`, which borrows nothing from `json_schema` and
 * passes msp_schema_check: the inverse of msp_schema_describe. The table may accept more than the JSON Schema, never
 * less; `ret_omissions` (or NULL) says where it accepts more. Read as everywhere here: the whole value is an object, an
 * integer one of 64 bits, a number a double, a string with contentEncoding base64 a binary value. Annotations that
 * refuse nothing (title of a field, default, examples, unknown keywords) are left out and not listed. Beside a `$ref`
 * keywords count from draft 2019-09 on, when `$schema` says so; otherwise they are ignored, and listed unless `$schema`
 * names a draft that ignores them, too. MSP_E_INVALID: it is no schema, or accepts no object. MSP_E_LIMIT: it has, with
 * all that its references repeat, more than some 100,000 parts, or the arena is full. MSP_E_NO_MEMORY. [any thread] */
enum msp_status msp_schema_parse(const struct msp_value *json_schema, struct msp_arena *arena,
                                 const struct msp_schema **ret_schema, struct msp_schema_omissions *ret_omissions,
                                 struct msp_error *err) MSP_NODISCARD;

#endif
