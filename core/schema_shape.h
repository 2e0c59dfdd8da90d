/* What a JSON Schema asks of one place, gathered from all its keywords, references and combinations before it becomes a
 * field of a table. Private to core. */
#ifndef MSP_CORE_SCHEMA_SHAPE_H
#define MSP_CORE_SCHEMA_SHAPE_H

#include "schema_keyword.h"
#include "schema_limit.h"

/* Sets of types. A number is an integer or a fraction; a binary value is a string. */
#define MSP_SHAPE_NULL     0x01u
#define MSP_SHAPE_BOOLEAN  0x02u
#define MSP_SHAPE_INTEGER  0x04u
#define MSP_SHAPE_FRACTION 0x08u
#define MSP_SHAPE_NUMBER   (MSP_SHAPE_INTEGER | MSP_SHAPE_FRACTION)
#define MSP_SHAPE_STRING   0x10u
#define MSP_SHAPE_ARRAY    0x20u
#define MSP_SHAPE_OBJECT   0x40u
#define MSP_SHAPE_ANY      0x7fu

/* A place in the JSON Schema: tokens up to the root. */
struct msp_schema_place {
	const struct msp_schema_place *parent; /* NULL: the root */
	const char *keyword;                   /* first token, or NULL */
	const char *name;                      /* second token, or NULL */
	uint32_t name_size;
	uint32_t index;
	bool indexed;  /* the second token is `index` */
	bool embedded; /* in a part with an `$id` of its own, where a local reference means something else */
};

/* A schema that a place has to satisfy, among others. */
struct msp_schema_part {
	struct msp_schema_part *next;
	const struct msp_value *schema;
	struct msp_schema_place *place;
};

/* What `enum` or `const` allow. */
struct msp_schema_choices {
	struct msp_schema_choices *next;
	const struct msp_value *values;
	uint32_t count;
	const struct msp_schema_place *place;
	const char *keyword;
};

/* The keywords about members that stand together; NULL: not there. */
struct msp_schema_members {
	struct msp_schema_members *next;
	const struct msp_value *properties; /* an object */
	const struct msp_value *required;   /* an array */
	const struct msp_value *additional; /* boolean or object */
	bool patterns;                      /* patternProperties name further members */
	struct msp_schema_place *place;
	const char *keyword; /* one that is there */
};

enum msp_schema_encoding {
	MSP_SCHEMA_PLAIN,
	MSP_SCHEMA_BASE64,
	MSP_SCHEMA_MIXED, /* some alternatives are binary, others are not */
};

/* More references are followed, but recursion through them is found some levels later. */
#define MSP_SHAPE_REFERENCES_MAX 16

/* All that holds at one place: the lists are conjunctions, newest first. In scratch memory. */
struct msp_schema_shape {
	unsigned types;
	bool says_number; /* "type" names "number" */
	enum msp_schema_encoding encoding;
	struct msp_schema_limit minimum, maximum;
	struct msp_schema_choices *choices;
	struct msp_schema_members *members;
	struct msp_schema_part *items;
	const struct msp_value *title, *description; /* strings, or NULL */
	const struct msp_schema_place *narrowed;     /* where `types` became less than any, or NULL */
	const char *narrowed_by;
	const struct msp_value *references[MSP_SHAPE_REFERENCES_MAX]; /* what `$ref`s here led to */
	size_t reference_count;
};

/* The fields around the one that is being parsed. */
struct msp_schema_level {
	const struct msp_schema_level *outer; /* NULL: the root */
	const struct msp_schema_shape *shape;
	int depth;
};

/* One call of msp_schema_parse. Functions that fail have said so in `status`. */
struct msp_schema_parser {
	const struct msp_value *root;
	struct msp_arena *arena;  /* of the table */
	struct msp_arena scratch; /* of all else */
	bool siblings_count;      /* keywords beside `$ref` do; otherwise they are ignored … */
	bool siblings_known;      /* … as the draft wants it */
	size_t steps_left;        /* schemas, properties, required names and choices that it may still meet */
	bool exhausted;           /* it met more */
	enum msp_status status;
	struct msp_schema_omissions *omissions;
};

/* `size` bytes of `arena`, zeroed; NULL and `status` set when there are none. */
void *msp_schema_alloc(struct msp_schema_parser *parser, struct msp_arena *arena, size_t count, size_t size);
/* Takes `count` steps of work from what the schema may cost. */
bool msp_schema_step(struct msp_schema_parser *parser, size_t count);

/* A place within `parent`, in scratch memory; NULL when there is none. */
struct msp_schema_place *msp_schema_place_new(struct msp_schema_parser *parser, const struct msp_schema_place *parent,
                                              const char *keyword);
struct msp_schema_place *msp_schema_place_item(struct msp_schema_parser *parser, const struct msp_schema_place *parent,
                                               const char *keyword, uint32_t index);
struct msp_schema_place *msp_schema_place_member(struct msp_schema_parser *parser,
                                                 const struct msp_schema_place *parent, const char *keyword,
                                                 const char *name, uint32_t name_size);

/* Lists what the table does not say. False when there is no memory. */
bool msp_schema_omit(struct msp_schema_parser *parser, const struct msp_schema_place *place, const char *keyword,
                     const char *reason);

/* What a local `$ref` of `place` leads to. True with *ret_target NULL when that is unknown. */
bool msp_schema_resolve(struct msp_schema_parser *parser, const struct msp_value *reference,
                        const struct msp_schema_place *place, const struct msp_value **ret_target,
                        struct msp_schema_place **ret_place);

/* Lists a keyword whose value has none of the forms that it may have. */
bool msp_schema_malformed(struct msp_schema_parser *parser, const struct msp_schema_place *place,
                          enum msp_schema_keyword keyword);

/* Takes away all types but `types`, as `keyword` at `place` asks. */
void msp_schema_shape_narrow(struct msp_schema_shape *shape, unsigned types, const struct msp_schema_place *place,
                             const char *keyword);
/* Notes that a reference led to `target`. */
void msp_schema_shape_note(struct msp_schema_shape *shape, const struct msp_value *target);
/* Adds what a schema asks by itself, without what it refers to or combines. `shallow`: without members and items. */
bool msp_schema_shape_add(struct msp_schema_parser *parser, struct msp_schema_shape *shape,
                          const struct msp_schema_keywords *keywords, struct msp_schema_place *place, bool shallow);
/* Adds what `other` asks; its lists become those of `shape`. */
void msp_schema_shape_merge(struct msp_schema_shape *shape, struct msp_schema_shape *other);

/* Gathers what all of `parts` ask, without going into their members and items. `outer`: the field around it. */
bool msp_schema_gather(struct msp_schema_parser *parser, const struct msp_schema_part *parts,
                       const struct msp_schema_level *outer, struct msp_schema_shape *ret_shape);

/* What `shape->choices` leave. */
struct msp_schema_chosen {
	const struct msp_value **values; /* scratch */
	size_t count;
	const struct msp_schema_place *place; /* of the choices that the values are from */
	const char *keyword;
};

/* Finds the values that all `choices` allow, and takes the types that none of them has out of `shape->types`. All zero
 * without choices. */
bool msp_schema_choose(struct msp_schema_parser *parser, struct msp_schema_shape *shape,
                       struct msp_schema_chosen *ret_chosen);

/* Puts what was chosen into a field of the type that was found: an enumeration of strings, the bounds of numbers. Lists
 * what else it would be. Before the bounds are put in. */
bool msp_schema_chosen_put(struct msp_schema_parser *parser, const struct msp_schema_chosen *chosen,
                           struct msp_schema_shape *shape, struct msp_field *field);

/* A field that has to satisfy `parts`, in the field or object `outer`. *ret_nothing when no value at all does. */
typedef bool msp_schema_field_fn(struct msp_schema_parser *parser, const struct msp_schema_part *parts,
                                 const struct msp_schema_level *outer, struct msp_field *ret_field, bool *ret_nothing);
msp_schema_field_fn msp_schema_field_parse;
/* The table of the objects that `level->shape` asks for; `field_parse` makes a field of each member. */
bool msp_schema_object_parse(struct msp_schema_parser *parser, const struct msp_schema_level *level,
                             msp_schema_field_fn *field_parse, struct msp_schema **ret_object);

/* Whether a field, an enumeration or a description can have that text: it is UTF-8 without U+0000. */
bool msp_schema_sayable(const char *text, size_t size);
/* A copy in the table's arena with a NUL, which costs steps for its size; NULL when there is none. */
char *msp_schema_text(struct msp_schema_parser *parser, const char *text, size_t size);

#endif
