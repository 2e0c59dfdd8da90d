#include "schema_keyword.h"

#include "schema_shape.h"

/* Whose values a keyword can refuse; 0: it only describes. */
static const struct {
	const char *name;
	unsigned types;
} keywords[MSP_KEYWORD_COUNT] = {
    [MSP_KEYWORD_ID] = {"$id", 0},
    [MSP_KEYWORD_TITLE] = {"title", 0},
    [MSP_KEYWORD_DESCRIPTION] = {"description", 0},
    [MSP_KEYWORD_REF] = {"$ref", MSP_SHAPE_ANY},
    [MSP_KEYWORD_TYPE] = {"type", MSP_SHAPE_ANY},
    [MSP_KEYWORD_ENUM] = {"enum", MSP_SHAPE_ANY},
    [MSP_KEYWORD_CONST] = {"const", MSP_SHAPE_ANY},
    [MSP_KEYWORD_CONTENT_ENCODING] = {"contentEncoding", MSP_SHAPE_STRING},
    [MSP_KEYWORD_MINIMUM] = {"minimum", MSP_SHAPE_NUMBER},
    [MSP_KEYWORD_MAXIMUM] = {"maximum", MSP_SHAPE_NUMBER},
    [MSP_KEYWORD_EXCLUSIVE_MINIMUM] = {"exclusiveMinimum", MSP_SHAPE_NUMBER},
    [MSP_KEYWORD_EXCLUSIVE_MAXIMUM] = {"exclusiveMaximum", MSP_SHAPE_NUMBER},
    [MSP_KEYWORD_PROPERTIES] = {"properties", MSP_SHAPE_OBJECT},
    [MSP_KEYWORD_REQUIRED] = {"required", MSP_SHAPE_OBJECT},
    [MSP_KEYWORD_ADDITIONAL_PROPERTIES] = {"additionalProperties", MSP_SHAPE_OBJECT},
    [MSP_KEYWORD_PATTERN_PROPERTIES] = {"patternProperties", MSP_SHAPE_OBJECT},
    [MSP_KEYWORD_ITEMS] = {"items", MSP_SHAPE_ARRAY},
    [MSP_KEYWORD_PREFIX_ITEMS] = {"prefixItems", MSP_SHAPE_ARRAY},
    [MSP_KEYWORD_ALL_OF] = {"allOf", MSP_SHAPE_ANY},
    [MSP_KEYWORD_ANY_OF] = {"anyOf", MSP_SHAPE_ANY},
    [MSP_KEYWORD_ONE_OF] = {"oneOf", MSP_SHAPE_ANY},
    [MSP_KEYWORD_NOT] = {"not", MSP_SHAPE_ANY},
    [MSP_KEYWORD_IF] = {"if", MSP_SHAPE_ANY},
    [MSP_KEYWORD_DYNAMIC_REF] = {"$dynamicRef", MSP_SHAPE_ANY},
    [MSP_KEYWORD_RECURSIVE_REF] = {"$recursiveRef", MSP_SHAPE_ANY},
    [MSP_KEYWORD_FORMAT] = {"format", MSP_SHAPE_STRING | MSP_SHAPE_NUMBER},
    [MSP_KEYWORD_PATTERN] = {"pattern", MSP_SHAPE_STRING},
    [MSP_KEYWORD_MIN_LENGTH] = {"minLength", MSP_SHAPE_STRING},
    [MSP_KEYWORD_MAX_LENGTH] = {"maxLength", MSP_SHAPE_STRING},
    [MSP_KEYWORD_CONTENT_MEDIA_TYPE] = {"contentMediaType", MSP_SHAPE_STRING},
    [MSP_KEYWORD_MULTIPLE_OF] = {"multipleOf", MSP_SHAPE_NUMBER},
    [MSP_KEYWORD_MIN_ITEMS] = {"minItems", MSP_SHAPE_ARRAY},
    [MSP_KEYWORD_MAX_ITEMS] = {"maxItems", MSP_SHAPE_ARRAY},
    [MSP_KEYWORD_UNIQUE_ITEMS] = {"uniqueItems", MSP_SHAPE_ARRAY},
    [MSP_KEYWORD_CONTAINS] = {"contains", MSP_SHAPE_ARRAY},
    [MSP_KEYWORD_UNEVALUATED_ITEMS] = {"unevaluatedItems", MSP_SHAPE_ARRAY},
    [MSP_KEYWORD_MIN_PROPERTIES] = {"minProperties", MSP_SHAPE_OBJECT},
    [MSP_KEYWORD_MAX_PROPERTIES] = {"maxProperties", MSP_SHAPE_OBJECT},
    [MSP_KEYWORD_PROPERTY_NAMES] = {"propertyNames", MSP_SHAPE_OBJECT},
    [MSP_KEYWORD_DEPENDENT_REQUIRED] = {"dependentRequired", MSP_SHAPE_OBJECT},
    [MSP_KEYWORD_DEPENDENT_SCHEMAS] = {"dependentSchemas", MSP_SHAPE_OBJECT},
    [MSP_KEYWORD_DEPENDENCIES] = {"dependencies", MSP_SHAPE_OBJECT},
    [MSP_KEYWORD_UNEVALUATED_PROPERTIES] = {"unevaluatedProperties", MSP_SHAPE_OBJECT},
};

void msp_schema_keywords_read(const struct msp_value *node, struct msp_schema_keywords *ret_keywords)
{
	*ret_keywords = (struct msp_schema_keywords){{NULL}};
	for (uint32_t i = 0; i < node->count; i++) {
		const struct msp_member *member = &node->as.members[i];
		for (size_t at = 0; at < MSP_KEYWORD_COUNT; at++) {
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
	bool idle = value->type == MSP_OBJECT && value->count == 0 && keyword >= MSP_KEYWORD_DEPENDENT_REQUIRED;
	if (keyword == MSP_KEYWORD_PATTERN_PROPERTIES)
		idle = value->type == MSP_OBJECT && value->count == 0;
	if (value->type == MSP_BOOLEAN &&
	    (keyword == MSP_KEYWORD_UNEVALUATED_ITEMS || keyword == MSP_KEYWORD_UNEVALUATED_PROPERTIES))
		idle = value->as.boolean;
	if (value->type == MSP_BOOLEAN && keyword == MSP_KEYWORD_UNIQUE_ITEMS)
		idle = !value->as.boolean;
	return idle ? 0 : keywords[keyword].types;
}
