/* The keywords of a JSON Schema that can refuse a value, and those that describe. Private to core. */
#ifndef MSP_CORE_SCHEMA_KEYWORD_H
#define MSP_CORE_SCHEMA_KEYWORD_H

#include <msp/value.h>

enum msp_schema_keyword {
	KEYWORD_ID,
	KEYWORD_TITLE,
	KEYWORD_DESCRIPTION,
	KEYWORD_REF,
	KEYWORD_TYPE,
	KEYWORD_ENUM,
	KEYWORD_CONST,
	KEYWORD_CONTENT_ENCODING,
	KEYWORD_MINIMUM,
	KEYWORD_MAXIMUM,
	KEYWORD_EXCLUSIVE_MINIMUM,
	KEYWORD_EXCLUSIVE_MAXIMUM,
	KEYWORD_PROPERTIES,
	KEYWORD_REQUIRED,
	KEYWORD_ADDITIONAL_PROPERTIES,
	KEYWORD_PATTERN_PROPERTIES,
	KEYWORD_ITEMS,
	KEYWORD_PREFIX_ITEMS,
	KEYWORD_ALL_OF,
	KEYWORD_ANY_OF,
	KEYWORD_ONE_OF,
	KEYWORD_SAID, /* the keywords up to here are understood; a table has no word for those below */
	KEYWORD_NOT = KEYWORD_SAID,
	KEYWORD_IF,
	KEYWORD_DYNAMIC_REF,
	KEYWORD_RECURSIVE_REF,
	KEYWORD_FORMAT,
	KEYWORD_PATTERN,
	KEYWORD_MIN_LENGTH,
	KEYWORD_MAX_LENGTH,
	KEYWORD_CONTENT_MEDIA_TYPE,
	KEYWORD_MULTIPLE_OF,
	KEYWORD_MIN_ITEMS,
	KEYWORD_MAX_ITEMS,
	KEYWORD_UNIQUE_ITEMS,
	KEYWORD_CONTAINS,
	KEYWORD_UNEVALUATED_ITEMS,
	KEYWORD_MIN_PROPERTIES,
	KEYWORD_MAX_PROPERTIES,
	KEYWORD_PROPERTY_NAMES,
	KEYWORD_DEPENDENT_REQUIRED,
	KEYWORD_DEPENDENT_SCHEMAS,
	KEYWORD_DEPENDENCIES,
	KEYWORD_UNEVALUATED_PROPERTIES,
	KEYWORD_COUNT,
};

/* The keywords of one schema; NULL: not there. */
struct msp_schema_keywords {
	const struct msp_value *by[KEYWORD_COUNT];
};

/* `node` is an object. */
void msp_schema_keywords_read(const struct msp_value *node, struct msp_schema_keywords *ret_keywords);

/* "exclusiveMinimum" */
const char *msp_schema_keyword_name(enum msp_schema_keyword keyword);

/* The types (MSP_SHAPE_…) of which a value may be refused by a keyword for which a table has no word, or 0 with a
 * `value` that refuses nothing. Also of those that are understood, as far as one node by itself tells. */
unsigned msp_schema_keyword_types(enum msp_schema_keyword keyword, const struct msp_value *value);

#endif
