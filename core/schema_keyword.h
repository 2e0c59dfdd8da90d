/* The keywords of a JSON Schema that can refuse a value, and those that describe. Private to core. */
#ifndef MSP_CORE_SCHEMA_KEYWORD_H
#define MSP_CORE_SCHEMA_KEYWORD_H

#include <msp/value.h>

enum msp_schema_keyword {
	MSP_KEYWORD_ID,
	MSP_KEYWORD_TITLE,
	MSP_KEYWORD_DESCRIPTION,
	MSP_KEYWORD_REF,
	MSP_KEYWORD_TYPE,
	MSP_KEYWORD_ENUM,
	MSP_KEYWORD_CONST,
	MSP_KEYWORD_CONTENT_ENCODING,
	MSP_KEYWORD_MINIMUM,
	MSP_KEYWORD_MAXIMUM,
	MSP_KEYWORD_EXCLUSIVE_MINIMUM,
	MSP_KEYWORD_EXCLUSIVE_MAXIMUM,
	MSP_KEYWORD_PROPERTIES,
	MSP_KEYWORD_REQUIRED,
	MSP_KEYWORD_ADDITIONAL_PROPERTIES,
	MSP_KEYWORD_PATTERN_PROPERTIES,
	MSP_KEYWORD_ITEMS,
	MSP_KEYWORD_PREFIX_ITEMS,
	MSP_KEYWORD_ALL_OF,
	MSP_KEYWORD_ANY_OF,
	MSP_KEYWORD_ONE_OF,
	MSP_KEYWORD_SAID, /* the keywords up to here are understood; a table has no word for those below */
	MSP_KEYWORD_NOT = MSP_KEYWORD_SAID,
	MSP_KEYWORD_IF,
	MSP_KEYWORD_DYNAMIC_REF,
	MSP_KEYWORD_RECURSIVE_REF,
	MSP_KEYWORD_FORMAT,
	MSP_KEYWORD_PATTERN,
	MSP_KEYWORD_MIN_LENGTH,
	MSP_KEYWORD_MAX_LENGTH,
	MSP_KEYWORD_CONTENT_MEDIA_TYPE,
	MSP_KEYWORD_MULTIPLE_OF,
	MSP_KEYWORD_MIN_ITEMS,
	MSP_KEYWORD_MAX_ITEMS,
	MSP_KEYWORD_UNIQUE_ITEMS,
	MSP_KEYWORD_CONTAINS,
	MSP_KEYWORD_UNEVALUATED_ITEMS,
	MSP_KEYWORD_MIN_PROPERTIES,
	MSP_KEYWORD_MAX_PROPERTIES,
	MSP_KEYWORD_PROPERTY_NAMES,
	MSP_KEYWORD_DEPENDENT_REQUIRED,
	MSP_KEYWORD_DEPENDENT_SCHEMAS,
	MSP_KEYWORD_DEPENDENCIES,
	MSP_KEYWORD_UNEVALUATED_PROPERTIES,
	MSP_KEYWORD_COUNT,
};

/* The keywords of one schema; NULL: not there. */
struct msp_schema_keywords {
	const struct msp_value *by[MSP_KEYWORD_COUNT];
};

/* `node` is an object. */
void msp_schema_keywords_read(const struct msp_value *node, struct msp_schema_keywords *ret_keywords);

/* "exclusiveMinimum" */
const char *msp_schema_keyword_name(enum msp_schema_keyword keyword);

/* The types (MSP_SHAPE_…) of which a value may be refused by a keyword for which a table has no word, or 0 with a
 * `value` that refuses nothing. Also of those that are understood, as far as one node by itself tells. */
unsigned msp_schema_keyword_types(enum msp_schema_keyword keyword, const struct msp_value *value);

#endif
