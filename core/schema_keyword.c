#include "schema_keyword.h"

#include "schema_shape.h"

/* Whose values a keyword can refuse; 0: it only describes. */
static const struct {
	const char *name;
	unsigned types;
} keywords[KEYWORD_COUNT] = {
    [KEYWORD_ID] = {"$id", 0},
    [KEYWORD_TITLE] = {"title", 0},
    [KEYWORD_DESCRIPTION] = {"description", 0},
    [KEYWORD_REF] = {"$ref", MSP_SHAPE_ANY},
    [KEYWORD_TYPE] = {"type", MSP_SHAPE_ANY},
    [KEYWORD_ENUM] = {"enum", MSP_SHAPE_ANY},
    [KEYWORD_CONST] = {"const", MSP_SHAPE_ANY},
    [KEYWORD_CONTENT_ENCODING] = {"contentEncoding", MSP_SHAPE_STRING},
    [KEYWORD_MINIMUM] = {"minimum", MSP_SHAPE_NUMBER},
    [KEYWORD_MAXIMUM] = {"maximum", MSP_SHAPE_NUMBER},
    [KEYWORD_EXCLUSIVE_MINIMUM] = {"exclusiveMinimum", MSP_SHAPE_NUMBER},
    [KEYWORD_EXCLUSIVE_MAXIMUM] = {"exclusiveMaximum", MSP_SHAPE_NUMBER},
    [KEYWORD_PROPERTIES] = {"properties", MSP_SHAPE_OBJECT},
    [KEYWORD_REQUIRED] = {"required", MSP_SHAPE_OBJECT},
    [KEYWORD_ADDITIONAL_PROPERTIES] = {"additionalProperties", MSP_SHAPE_OBJECT},
    [KEYWORD_PATTERN_PROPERTIES] = {"patternProperties", MSP_SHAPE_OBJECT},
    [KEYWORD_ITEMS] = {"items", MSP_SHAPE_ARRAY},
    [KEYWORD_PREFIX_ITEMS] = {"prefixItems", MSP_SHAPE_ARRAY},
    [KEYWORD_ALL_OF] = {"allOf", MSP_SHAPE_ANY},
    [KEYWORD_ANY_OF] = {"anyOf", MSP_SHAPE_ANY},
    [KEYWORD_ONE_OF] = {"oneOf", MSP_SHAPE_ANY},
    [KEYWORD_NOT] = {"not", MSP_SHAPE_ANY},
    [KEYWORD_IF] = {"if", MSP_SHAPE_ANY},
    [KEYWORD_DYNAMIC_REF] = {"$dynamicRef", MSP_SHAPE_ANY},
    [KEYWORD_RECURSIVE_REF] = {"$recursiveRef", MSP_SHAPE_ANY},
    [KEYWORD_FORMAT] = {"format", MSP_SHAPE_STRING | MSP_SHAPE_NUMBER},
    [KEYWORD_PATTERN] = {"pattern", MSP_SHAPE_STRING},
    [KEYWORD_MIN_LENGTH] = {"minLength", MSP_SHAPE_STRING},
    [KEYWORD_MAX_LENGTH] = {"maxLength", MSP_SHAPE_STRING},
    [KEYWORD_CONTENT_MEDIA_TYPE] = {"contentMediaType", MSP_SHAPE_STRING},
    [KEYWORD_MULTIPLE_OF] = {"multipleOf", MSP_SHAPE_NUMBER},
    [KEYWORD_MIN_ITEMS] = {"minItems", MSP_SHAPE_ARRAY},
    [KEYWORD_MAX_ITEMS] = {"maxItems", MSP_SHAPE_ARRAY},
    [KEYWORD_UNIQUE_ITEMS] = {"uniqueItems", MSP_SHAPE_ARRAY},
    [KEYWORD_CONTAINS] = {"contains", MSP_SHAPE_ARRAY},
    [KEYWORD_UNEVALUATED_ITEMS] = {"unevaluatedItems", MSP_SHAPE_ARRAY},
    [KEYWORD_MIN_PROPERTIES] = {"minProperties", MSP_SHAPE_OBJECT},
    [KEYWORD_MAX_PROPERTIES] = {"maxProperties", MSP_SHAPE_OBJECT},
    [KEYWORD_PROPERTY_NAMES] = {"propertyNames", MSP_SHAPE_OBJECT},
    [KEYWORD_DEPENDENT_REQUIRED] = {"dependentRequired", MSP_SHAPE_OBJECT},
    [KEYWORD_DEPENDENT_SCHEMAS] = {"dependentSchemas", MSP_SHAPE_OBJECT},
    [KEYWORD_DEPENDENCIES] = {"dependencies", MSP_SHAPE_OBJECT},
    [KEYWORD_UNEVALUATED_PROPERTIES] = {"unevaluatedProperties", MSP_SHAPE_OBJECT},
};

void msp_schema_keywords_read(const struct msp_value *node, struct msp_schema_keywords *ret_keywords)
{
	*ret_keywords = (struct msp_schema_keywords){{NULL}};
	for (uint32_t i = 0; i < node->count; i++) {
		const struct msp_member *member = &node->as.members[i];
		for (size_t at = 0; at < KEYWORD_COUNT; at++) {
			const char *name = keywords[at].name;
			if (strlen(name) == member->name_size && memcmp(name, member->name, member->name_size) == 0)
				ret_keywords->by[at] = &member->value;
		}
	}
}

const char *msp_schema_keyword_name(enum msp_schema_keyword keyword)
{
	return keywords[keyword].name;
}

unsigned msp_schema_keyword_types(enum msp_schema_keyword keyword, const struct msp_value *value)
{
	/* An empty set of rules, "true" for what else may be, "false" for what must be. */
	bool idle = value->type == MSP_OBJECT && value->count == 0 && keyword >= KEYWORD_DEPENDENT_REQUIRED;
	if (keyword == KEYWORD_PATTERN_PROPERTIES)
		idle = value->type == MSP_OBJECT && value->count == 0;
	if (value->type == MSP_BOOLEAN &&
	    (keyword == KEYWORD_UNEVALUATED_ITEMS || keyword == KEYWORD_UNEVALUATED_PROPERTIES))
		idle = value->as.boolean;
	if (value->type == MSP_BOOLEAN && keyword == KEYWORD_UNIQUE_ITEMS)
		idle = !value->as.boolean;
	return idle ? 0 : keywords[keyword].types;
}
