/* The settings tree: what models inherit, for a codec that has options. The program's own codecs have none. */
#include "args.h"
#include "builtin.h"
#include "check.h"
#include "complain.h"
#include "config/settings_tree.h"

#include <stdlib.h>

/* ---- what this build has ---- */

struct pigeon_options {
	const char *loft;
	int64_t speed;
};

static const struct msp_option pigeon_array[] = {
    {.name = "loft", .type = MSP_OPTION_STRING, .offset = offsetof(struct pigeon_options, loft), .help = "home"},
    {.name = "speed",
     .type = MSP_OPTION_INTEGER,
     .offset = offsetof(struct pigeon_options, speed),
     .default_text = "70",
     .min = 1,
     .max = 140,
     .help = "how fast it flies"},
};

static const struct msp_option_table pigeon_table = MSP_OPTION_TABLE(pigeon_array, struct pigeon_options);
static const struct msp_codec_ops pigeon = {.name = "pigeon", .options = &pigeon_table};
static const struct msp_codec_ops plain = {.name = "json"};

const struct msp_transport_ops *const builtin_transports[] = {NULL};
const struct msp_codec_ops *const builtin_codecs[] = {&plain, &pigeon, NULL};

enum msp_status builtin_codec_find(const char *name, const struct msp_codec_ops **ret_ops, struct msp_error *err)
{
	for (const struct msp_codec_ops *const *codec = builtin_codecs; *codec; codec++)
		if (!strcmp((*codec)->name, name)) {
			*ret_ops = *codec;
			return MSP_OK;
		}
	return msp_error_set(err, MSP_E_INVALID, "no codec \"%s\"", name);
}

/* ---- the tree ---- */

static struct settings_tree tree;

static void tree_load(const char *codec, const char *const *properties, size_t count)
{
	const char *items[16];
	assert_true(count <= 16);
	memcpy(items, properties, count * sizeof(*items));
	const struct common_args args = {.codec = codec, .properties = {items, count}};
	settings_tree_load(&tree, &args);
	config_refuse_unknown(&tree.config);
}

/* With these -X, and a --codec or NULL. */
#define TREE_LOAD(codec, ...)                                                                                          \
	tree_load((codec), (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const struct pigeon_options *pigeon_of(const char *label)
{
	const struct settings_model *model = label ? settings_model_find(&tree, label) : NULL;
	return settings_codec_options(model ? &model->level : &tree.level, &pigeon);
}

static void options_of_codecs_are_inherited(void **state)
{
	(void)state;
	TREE_LOAD(NULL, "pigeon.loft=roof", "pigeon.speed=80", "models.a.pigeon.speed=90", "models.b.workers=2");
	assert_int_equal(config_report(&tree.config), EXIT_DONE);
	assert_int_equal(tree.model_count, 2);
	assert_int_equal(pigeon_of(NULL)->speed, 80);
	assert_int_equal(pigeon_of("a")->speed, 90);
	assert_string_equal(pigeon_of("a")->loft, "roof");
	assert_int_equal(pigeon_of("b")->speed, 80);
	assert_ptr_not_equal(pigeon_of("b"), pigeon_of(NULL));
	assert_null(settings_codec_options(&tree.level, &plain));
	settings_tree_done(&tree);
}

static void the_environment_is_asked_for_each_model(void **state)
{
	(void)state;
	setenv("MSP_PIGEON_SPEED", "100", 1);
	setenv("MSP_MODELS_A_PIGEON_SPEED", "110", 1);
	TREE_LOAD(NULL, "models.a.workers=1", "models.b.workers=1");
	assert_int_equal(pigeon_of("a")->speed, 110);
	assert_int_equal(pigeon_of("b")->speed, 100);
	/* A model that is named later starts from the same. */
	const struct settings_model *late = settings_model_add(&tree, "c", "/opt/pigeon.so");
	assert_string_equal(late->own->plugin, "/opt/pigeon.so");
	assert_int_equal(pigeon_of("c")->speed, 100);
	assert_int_equal(config_report(&tree.config), EXIT_DONE);
	settings_tree_done(&tree);
	unsetenv("MSP_PIGEON_SPEED");
	unsetenv("MSP_MODELS_A_PIGEON_SPEED");
}

static void mistakes_in_them_are_told(void **state)
{
	(void)state;
	TREE_LOAD(NULL, "models.a.pigeon.speed=141", "models.a.pigeon.sped=1", "models.a.dove.speed=1");
	assert_int_equal(tree.config.problem_count, 3);
	settings_tree_done(&tree);
}

/* Of one level the later layer wins, and of one layer what is set for the side alone. */
static void a_codec_stands_for_both_sides(void **state)
{
	static const struct {
		const char *properties[3];
		const char *input, *output;
	} cases[] = {
	    {{"codec=json", "codec=pigeon"}, "pigeon", "pigeon"},
	    {{"codec=pigeon", "codec.input=json"}, "json", "pigeon"},
	    {{"codec=pigeon", "models.a.codec=json"}, "json", "json"},
	    {{"codec.output=pigeon", "models.a.codec=json"}, "json", "json"},
	    {{"codec.output=pigeon", "models.a.codec.input=pigeon"}, "pigeon", "pigeon"},
	    {{"models.a.codec=pigeon", "models.a.codec.output=json"}, "pigeon", "json"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		TREE_LOAD(NULL, "models.a.workers=1", cases[i].properties[0], cases[i].properties[1]);
		const struct service_settings *service = settings_model_find(&tree, "a")->level.service;
		assert_string_equal(settings_codec(service, MSP_SIDE_INPUT), cases[i].input);
		assert_string_equal(settings_codec(service, MSP_SIDE_OUTPUT), cases[i].output);
		settings_tree_done(&tree);
	}
	setenv("MSP_CODEC_INPUT", "json", 1);
	setenv("MSP_MODELS_A_CODEC_OUTPUT", "json", 1);
	TREE_LOAD(NULL, "codec=pigeon", "models.a.codec=pigeon", "models.b.workers=1");
	assert_string_equal(settings_codec(tree.level.service, MSP_SIDE_INPUT), "pigeon");
	assert_string_equal(settings_codec(settings_model_find(&tree, "a")->level.service, MSP_SIDE_OUTPUT), "pigeon");
	settings_tree_done(&tree);
	TREE_LOAD("pigeon", "models.a.codec.output=json", "models.a.codec=json");
	assert_string_equal(settings_codec(settings_model_find(&tree, "a")->level.service, MSP_SIDE_INPUT), "pigeon");
	assert_string_equal(settings_codec(settings_model_find(&tree, "a")->level.service, MSP_SIDE_OUTPUT), "pigeon");
	settings_tree_done(&tree);
	unsetenv("MSP_CODEC_INPUT");
	unsetenv("MSP_MODELS_A_CODEC_OUTPUT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_of_codecs_are_inherited),
	    cmocka_unit_test(the_environment_is_asked_for_each_model),
	    cmocka_unit_test(mistakes_in_them_are_told),
	    cmocka_unit_test(a_codec_stands_for_both_sides),
	};
	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
