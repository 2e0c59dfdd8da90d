#include "arena_test.h"
#include "check.h"
#include "value_text.h"

#include <msp/schema.h>

#include <stdio.h>

#define APPEND(...) assert_int_equal(msp_buffer_printf(__VA_ARGS__), MSP_OK)

static void show_schema(const struct msp_schema *schema, struct msp_buffer *to);

/* A field as "integer? [1, 2] 'description'"; "?" is nullable. */
static void show_field(const struct msp_field *field, struct msp_buffer *to)
{
	if (field->type == MSP_ARRAY && field->items) {
		APPEND(to, "[");
		show_field(field->items, to);
		APPEND(to, "]");
	} else if (field->type == MSP_OBJECT && field->object) {
		show_schema(field->object, to);
	} else {
		APPEND(to, "%s", msp_type_name(field->type));
	}
	APPEND(to, "%s", field->nullable ? "?" : "");
	if (field->minimum.set)
		APPEND(to, " >=%.17g", field->minimum.value);
	if (field->maximum.set)
		APPEND(to, " <=%.17g", field->maximum.value);
	for (const char *const *choice = field->enumeration; choice && *choice; choice++)
		APPEND(to, "%s%s", choice == field->enumeration ? " " : "|", *choice);
	if (field->description)
		APPEND(to, " '%s'", field->description);
}

/* A table as "{a: string, b=: number, …}"; "=" is optional, "…" additional. */
static void show_schema(const struct msp_schema *schema, struct msp_buffer *to)
{
	APPEND(to, "{");
	for (size_t i = 0; i < schema->field_count; i++) {
		const struct msp_field *field = &schema->fields[i];
		APPEND(to, "%s%s%s: ", i ? ", " : "", field->name, field->optional ? "=" : "");
		show_field(field, to);
	}
	APPEND(to, "%s}", schema->additional ? (schema->field_count ? ", ..." : "...") : "");
}

/* Parses `text`; shows the table and what it leaves out, as "/pointer keyword; …". */
static void check_parsed(struct msp_arena *arena, const char *text, const char *table, const char *omitted)
{
	struct msp_value value = value_read(text, arena);
	const struct msp_schema *schema;
	struct msp_schema_omissions omissions;
	struct msp_error err = {.text = ""};
	struct msp_buffer shown;
	if (msp_schema_parse(&value, arena, &schema, &omissions, &err) != MSP_OK)
		fail_msg("%s: %s", text, err.text);
	if (msp_schema_check(schema, &err) != MSP_OK)
		fail_msg("%s: %s", text, err.text);
	msp_buffer_init(&shown, 100000);
	show_schema(schema, &shown);
	APPEND(&shown, " | ");
	for (size_t i = 0; i < omissions.count; i++)
		APPEND(&shown, "%s%s %s", i ? "; " : "", omissions.list[i].pointer, omissions.list[i].keyword);
	char expected[4000];
	snprintf(expected, sizeof(expected), "%s | %s", table, omitted);
	struct msp_bytes bytes = msp_buffer_bytes(&shown);
	if (!msp_bytes_equal(bytes, msp_bytes_of_string(expected)))
		fail_msg("%s\n  is       %.*s\n  expected %s", text, (int)bytes.size, (const char *)bytes.data, expected);
	msp_buffer_done(&shown);
}

struct row {
	const char *text, *field, *omitted;
};

/* The schema of one property `a`, and its field. */
static void check_fields(struct msp_arena *arena, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[2000], table[1000];
		snprintf(text, sizeof(text),
		         "{'type':'object','properties':{'a':%s},'$defs':{'s':{'type':'string'},'m':{'minimum':1}}}",
		         rows[i].text);
		snprintf(table, sizeof(table), "{a=: %s, ...}", rows[i].field);
		check_parsed(arena, text, table, rows[i].omitted);
	}
}

#define CHECK_FIELDS(state, ...)                                                                                       \
	do {                                                                                                               \
		static const struct row rows[] = {__VA_ARGS__};                                                                \
		check_fields(*(state), rows, sizeof(rows) / sizeof(rows[0]));                                                  \
	} while (0)

static void types(void **state)
{
	CHECK_FIELDS(
	    state, {"{'type':'null'}", "null", ""}, {"{'type':'boolean'}", "boolean", ""},
	    {"{'type':'integer'}", "integer", ""}, {"{'type':'number'}", "number", ""}, {"{'type':'string'}", "string", ""},
	    {"{'type':'array'}", "array", ""}, {"{'type':'object'}", "object", ""}, {"{}", "any", ""}, {"true", "any", ""},
	    {"{'type':['string','null']}", "string?", ""}, {"{'type':['null']}", "null", ""},
	    {"{'type':['integer','number']}", "number", ""}, {"{'type':['integer','string']}", "any", "/properties/a type"},
	    {"{'type':['null','boolean','number','string','array','object']}", "any", ""},
	    {"{'type':'float'}", "any", "/properties/a type"}, {"{'type':[]}", "any", "/properties/a type"},
	    {"{'type':'string','contentEncoding':'base64'}", "binary", ""},
	    {"{'type':['string','null'],'contentEncoding':'base64'}", "binary?", ""},
	    {"{'type':'string','contentEncoding':'base16'}", "string", "/properties/a contentEncoding"},
	    {"{'contentEncoding':'base64'}", "any", "/properties/a contentEncoding"},
	    {"{'type':'integer','contentEncoding':'base64'}", "integer", ""},
	    {"{'type':'string','title':'A','default':1,'examples':[2],'description':'d','x-y':3}", "string 'd'", ""},
	    {"{'type':'string','description':'d\\u0000'}", "string", ""}, {"5", "any", "/properties/a schema"});
}

static void bounds(void **state)
{
	CHECK_FIELDS(
	    state, {"{'type':'integer','minimum':1,'maximum':5}", "integer >=1 <=5", ""},
	    {"{'type':'integer','minimum':0.5}", "integer >=0.5", ""},
	    {"{'type':'integer','exclusiveMinimum':1,'exclusiveMaximum':5}", "integer >=2 <=4", ""},
	    {"{'type':'integer','exclusiveMinimum':1.0}", "integer >=2", ""},
	    {"{'type':'integer','exclusiveMinimum':0.5}", "integer >=0.5", ""},
	    {"{'type':'integer','minimum':3,'exclusiveMinimum':1}", "integer >=3", ""},
	    {"{'type':'integer','minimum':3,'exclusiveMinimum':3}", "integer >=4", ""},
	    {"{'type':'integer','minimum':9007199254740993}", "integer >=9007199254740992", "/properties/a minimum"},
	    {"{'type':'integer','maximum':9007199254740993}", "integer <=9007199254740994", "/properties/a maximum"},
	    {"{'type':'integer','exclusiveMaximum':9007199254740993}", "integer <=9007199254740992", ""},
	    {"{'type':'integer','exclusiveMinimum':9223372036854775807}", "integer >=1.8446744073709552e+19", ""},
	    {"{'type':'integer','maximum':1e30}", "integer <=1e+30", ""},
	    {"{'type':'number','minimum':0.1}", "number >=0.10000000000000001", ""},
	    {"{'type':'number','exclusiveMinimum':0}", "number >=4.9406564584124654e-324", ""},
	    {"{'type':'number','exclusiveMaximum':1}", "number <=0.99999999999999989", ""},
	    {"{'type':'number','exclusiveMinimum':9007199254740992}", "number >=9007199254740992",
	     "/properties/a exclusiveMinimum"},
	    {"{'type':'number','minimum':-9007199254740993}", "number >=-9007199254740994", "/properties/a minimum"},
	    {"{'type':'number','exclusiveMaximum':1.7976931348623157e308}", "number <=1.7976931348623155e+308", ""},
	    {"{'type':'number','exclusiveMinimum':1.7976931348623157e308}", "number >=1.7976931348623157e+308",
	     "/properties/a exclusiveMinimum"},
	    {"{'type':'integer','minimum':5,'maximum':3}", "integer", "/properties/a minimum"},
	    {"{'type':'number','exclusiveMinimum':true}", "number", "/properties/a exclusiveMinimum"},
	    {"{'type':'string','minimum':5}", "string", ""}, {"{'minimum':5}", "any", "/properties/a minimum"},
	    {"{'type':['integer','null'],'minimum':5}", "integer? >=5", ""});
}

static void choices(void **state)
{
	CHECK_FIELDS(
	    state, {"{'type':'string','enum':['x','y']}", "string x|y", ""}, {"{'enum':['x','y','x']}", "string x|y", ""},
	    {"{'enum':['x',null]}", "string? x", ""}, {"{'type':'string','enum':['x',null,1]}", "string x", ""},
	    {"{'type':['string','null'],'enum':['x']}", "string x", ""}, {"{'enum':[null]}", "null", ""},
	    {"{'enum':['x',1]}", "any", "/properties/a enum"},
	    {"{'type':'string','enum':['','y\\u0000']}", "string", "/properties/a enum"}, {"{'const':'x'}", "string x", ""},
	    {"{'const':'x','enum':['x','y'],'type':'string'}", "string x", ""}, {"{'const':null}", "null", ""},
	    {"{'const':5}", "integer >=5 <=5", ""}, {"{'const':5.0,'type':'number'}", "number >=5 <=5", ""},
	    {"{'const':0.5}", "number >=0.5 <=0.5", ""},
	    {"{'const':1e300}", "number >=1.0000000000000001e+300 <=1.0000000000000001e+300", ""},
	    {"{'type':'number','enum':[1,2.5,2]}", "number >=1 <=2.5", "/properties/a enum"},
	    {"{'enum':[3,1]}", "integer >=1 <=3", "/properties/a enum"},
	    {"{'enum':[3,1],'minimum':2}", "integer >=2 <=3", "/properties/a enum"},
	    {"{'type':'integer','enum':[1.5,2]}", "integer >=2 <=2", ""}, {"{'enum':[true,false]}", "boolean", ""},
	    {"{'const':true}", "boolean", "/properties/a const"}, {"{'enum':[{'b':1}]}", "object", "/properties/a enum"},
	    {"{'enum':[[1],[1.0]]}", "array", "/properties/a enum"}, {"{'enum':'x'}", "any", "/properties/a enum"},
	    {"{'type':'string','contentEncoding':'base64','enum':['eA==']}", "binary", "/properties/a enum"},
	    {"{'allOf':[{'enum':['x','y']},{'enum':['y','z']}]}", "string y", ""});
	check_parsed(*state, "{'type':'object','enum':[{'a':1}]}", "{...}", " enum");
}

static void alternatives(void **state)
{
	CHECK_FIELDS(
	    state, {"{'anyOf':[{'type':'integer','minimum':1},{'type':'null'}],'description':'d'}", "integer? >=1 'd'", ""},
	    {"{'oneOf':[{'type':'null'},{'enum':['x'],'description':'d'}]}", "string? x 'd'", ""},
	    {"{'oneOf':[{'type':['string','null']},{'type':'null'}]}", "string?", "/properties/a oneOf"},
	    {"{'anyOf':[{'type':['string','null']},{'const':null}]}", "string?", ""},
	    {"{'anyOf':[{'type':'string'}]}", "string", ""}, {"{'anyOf':[false,{'type':'string'}]}", "string", ""},
	    {"{'anyOf':[{'$ref':'#/$defs/s'},{'type':'null'}]}", "string?", ""},
	    {"{'anyOf':[{'anyOf':[{'type':'string'},{'type':'null'}]},{'type':'null'}]}", "string?", ""},
	    {"{'type':'string','anyOf':[{'type':'string'},{'type':'null'}]}", "string", ""},
	    {"{'anyOf':[{'type':'string','format':'date'},{'type':'string','pattern':'x'}]}", "string",
	     "/properties/a anyOf"},
	    {"{'anyOf':[{'type':'integer'},{'type':'number','minimum':1},{'type':'null'}]}", "number?",
	     "/properties/a anyOf"},
	    {"{'anyOf':[{'type':'integer'},{'type':'string'}]}", "any", "/properties/a anyOf"},
	    {"{'anyOf':[{'type':'object','properties':{'x':{}}},{'type':'object'}]}", "object", "/properties/a anyOf"},
	    {"{'anyOf':[{'type':'string'},{'type':'string','contentEncoding':'base64'}]}", "any", "/properties/a anyOf"},
	    {"{'anyOf':[]}", "any", "/properties/a anyOf"}, {"{'anyOf':{}}", "any", "/properties/a anyOf"},
	    {"{'allOf':[{'type':'integer'},{'minimum':1},{'maximum':2}],'minimum':2}", "integer >=2 <=2", ""},
	    {"{'allOf':[{'$ref':'#/$defs/s'}],'description':'d'}", "string 'd'", ""});
}

static void what_a_table_cannot_say(void **state)
{
	CHECK_FIELDS(
	    state,
	    {"{'type':'string','pattern':'^x','minLength':1,'format':'date'}", "string",
	     "/properties/a format; /properties/a pattern; /properties/a minLength"},
	    {"{'type':'integer','multipleOf':2,'minLength':1}", "integer", "/properties/a multipleOf"},
	    {"{'type':'array','items':{'type':'string'},'minItems':1,'uniqueItems':false}", "[string]",
	     "/properties/a minItems"},
	    {"{'type':'array','prefixItems':[{'type':'string'}],'items':false}", "array", "/properties/a prefixItems"},
	    {"{'type':'array','items':[{'type':'string'}]}", "array", "/properties/a items"},
	    {"{'type':'array','items':false}", "array", "/properties/a/items false"},
	    {"{'items':{'type':'string'}}", "any", "/properties/a items"},
	    {"{'not':{'type':'string'}}", "any", "/properties/a not"},
	    {"{'type':'string','if':{},'then':false}", "string", "/properties/a if"},
	    {"{'type':'object','patternProperties':{'x':{}},'additionalProperties':false}", "{...}",
	     "/properties/a patternProperties"},
	    {"{'type':'object','unevaluatedProperties':false}", "object", "/properties/a unevaluatedProperties"},
	    {"{'type':'object','unevaluatedProperties':true,'patternProperties':{}}", "object", ""},
	    {"{'properties':{'b':{'type':'string'}}}", "any", "/properties/a properties"});
}

static void members(void **state)
{
	CHECK_FIELDS(
	    state,
	    {"{'type':'object','properties':{'x':{'type':'string'}},'required':['x','y']}", "{x: string, y: any, ...}", ""},
	    {"{'type':'object','properties':{'x':{}},'required':['y'],'additionalProperties':false}", "{x=: any}",
	     "/properties/a required"},
	    {"{'type':'object','additionalProperties':false}", "{}", ""},
	    {"{'type':'object','additionalProperties':{}}", "{...}", ""},
	    {"{'type':'object','additionalProperties':{'description':'d'}}", "{...}", ""},
	    {"{'type':'object','additionalProperties':{'type':'string','pattern':'x'}}", "{...}",
	     "/properties/a additionalProperties"},
	    {"{'type':'object','properties':{'x':false,'y':true},'additionalProperties':false}", "{y=: any}", ""},
	    {"{'type':'object','properties':{'x':false}}", "{...}", "/properties/a/properties/x false"},
	    {"{'type':'object','properties':{'x':{'type':'string','enum':[1]}},'additionalProperties':false}", "{}", ""},
	    {"{'type':'object','properties':{'':{},'x':{}},'additionalProperties':false}", "{x=: any, ...}",
	     "/properties/a properties"},
	    {"{'type':'object','properties':{'x\\u0000':{}},'required':['']}", "{...}",
	     "/properties/a properties; /properties/a required"},
	    {"{'type':'object','properties':[],'required':{}}", "object",
	     "/properties/a properties; /properties/a required"},
	    {"{'type':'object','required':['x',1]}", "{x: any, ...}", "/properties/a required"},
	    {"{'type':'object','allOf':[{'properties':{'x':{'minimum':1}}},{'properties':{'x':{'type':'integer'},'y':{}}}]"
	     "}",
	     "{x=: integer >=1, y=: any, ...}", ""},
	    {"{'type':'object','properties':{'x':{}},'allOf':[{'properties':{'y':{}},'additionalProperties':false}]}",
	     "{y=: any}", ""});
}

static void references(void **state)
{
	CHECK_FIELDS(state, {"{'$ref':'#/$defs/s'}", "string", ""},
	             {"{'$ref':'#/$defs/s','description':'d','default':'x'}", "string 'd'", ""},
	             {"{'$ref':'#/$defs/s','maxLength':3,'minimum':1}", "string", "/properties/a maxLength"},
	             {"{'$ref':'#/$defs/none'}", "any", "/properties/a $ref"},
	             {"{'$ref':'other.json'}", "any", "/properties/a $ref"}, {"{'$ref':5}", "any", "/properties/a $ref"},
	             {"{'$ref':'#s'}", "any", "/properties/a $ref"},
	             {"{'$ref':'#/properties/a'}", "any", "/properties/a $ref"},
	             {"{'$id':'other','properties':{'x':{'$ref':'#/$defs/s'}},'type':'object'}", "{x=: any, ...}",
	              "/properties/a/properties/x $ref"});
	check_parsed(*state,
	             "{'$ref':'#/definitions/A~1%25','definitions':{'A/%':{'type':'object','properties':"
	             "{'x':{'$ref':'#/definitions/list/1'}}},'list':[0,{'type':'number','multipleOf':2}]}}",
	             "{x=: number, ...}", "/definitions/list/1 multipleOf");
	/* What is in a part with an $id is named from there. */
	check_parsed(*state,
	             "{'properties':{'x':{'$ref':'#/$defs/e/$defs/i'},'y':{'$ref':'#/$defs/e'}},'$defs':{'e':{'$id':'e',"
	             "'type':'array','items':{'$ref':'#/$defs/i'},'$defs':{'i':{'type':'integer'}}}}}",
	             "{x=: any, y=: [any], ...}", "/properties/x $ref; /$defs/e/items $ref");
#define SIBLINGS(draft)                                                                                                \
	"{'$schema':'" draft "','type':'object','properties':{'x':{'$ref':'#/$defs/i','minimum':1}},"                      \
	"'$defs':{'i':{'type':'integer'}}}"
	check_parsed(*state, SIBLINGS("https://json-schema.org/draft/2020-12/schema"), "{x=: integer >=1, ...}", "");
	check_parsed(*state, SIBLINGS("http://json-schema.org/draft-07/schema#"), "{x=: integer, ...}", "");
	check_parsed(*state, SIBLINGS("https://example.org/mine"), "{x=: integer, ...}", "/properties/x minimum");
}

static void recursion(void **state)
{
	check_parsed(*state, "{'type':'object','properties':{'next':{'anyOf':[{'$ref':'#'},{'type':'null'}]}}}",
	             "{next=: object?, ...}", "/properties/next/anyOf/0 $ref");
	check_parsed(*state,
	             "{'$ref':'#/$defs/n','$defs':{'n':{'type':'object','properties':{'v':{'type':'string'},"
	             "'all':{'type':'array','items':{'$ref':'#/$defs/n'}}}}}}",
	             "{v=: string, all=: [object], ...}", "/$defs/n/properties/all/items $ref");
	check_parsed(*state, "{'type':'object','allOf':[{'$ref':'#'}]}", "{...}", "/allOf/0 $ref");
}

static void as_pydantic_writes_it(void **state)
{
	check_parsed(*state,
	             "{'$defs':{'Colour':{'enum':['red','green'],'title':'Colour','type':'string'},'Item':{'properties':{"
	             "'price':{'minimum':0,'title':'Price','type':'number'},"
	             "'note':{'anyOf':[{'type':'string'},{'type':'null'}],'default':null,'title':'Note'}},"
	             "'required':['price'],'title':'Item','type':'object'}},'additionalProperties':false,'properties':{"
	             "'colour':{'$ref':'#/$defs/Colour','default':'red'},"
	             "'items':{'items':{'$ref':'#/$defs/Item'},'title':'Items','type':'array'},"
	             "'count':{'default':1,'exclusiveMaximum':10,'minimum':1,'title':'Count','type':'integer'}},"
	             "'required':['items'],'title':'Order','type':'object'}",
	             "{colour=: string red|green, items: [{price: number >=0, note=: string?, ...}], "
	             "count=: integer >=1 <=9}",
	             "");
}

static void no_objects(void **state)
{
	static const char *const texts[] = {
	    "5", "[]", "false", "{'type':'string'}", "{'enum':['x']}", "{'type':'object','allOf':[false]}"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct msp_value value = value_read(texts[i], *state);
		const struct msp_schema *schema;
		struct msp_error err = {.text = ""};
		assert_int_equal(msp_schema_parse(&value, *state, &schema, NULL, &err), MSP_E_INVALID);
		assert_int_equal(err.status, MSP_E_INVALID);
	}
	check_parsed(*state, "true", "{...}", "");
	check_parsed(*state, "{'title':'T','properties':{'x':{}}}", "{x=: any, ...}", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ARENA_TEST(types),
	    ARENA_TEST(bounds),
	    ARENA_TEST(choices),
	    ARENA_TEST(alternatives),
	    ARENA_TEST(what_a_table_cannot_say),
	    ARENA_TEST(members),
	    ARENA_TEST(references),
	    ARENA_TEST(recursion),
	    ARENA_TEST(as_pydantic_writes_it),
	    ARENA_TEST(no_objects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
