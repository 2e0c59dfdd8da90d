#include "value_inputs.h"

#include "check.h"
#include "value_recipe.h"

#include <dirent.h>
#include <math.h>
#include <msp_codec_json.h>
#include <msp_codec_msgpack.h>
#include <stdio.h>

#define MAX_DEPTH  64
#define MAX_MEMORY ((size_t)1 << 24)

/* ---- the inputs of tests/data ---- */

static void file_read(const char *folder, const char *name, struct msp_buffer *buffer)
{
	enum { CASE_SIZE = 1 << 18 };
	char path[1024];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	msp_buffer_clear(buffer);
	assert_int_equal(msp_buffer_reserve(buffer, CASE_SIZE), MSP_OK);
	buffer->size = fread(buffer->data, 1, CASE_SIZE, file);
	fclose(file);
}

struct folder {
	const struct msp_codec_ops *codec;
	const char *path;
	const char *extension; /* NULL: any file may be a value */
	int at_least;          /* so many are */
};

/* Whether the file is a value that JSON can hold too; it has then been visited. */
static bool file_visit(const struct folder *folder, const char *name, struct msp_codec *codec, value_visit_fn *visit)
{
	struct msp_buffer bytes;
	struct msp_arena arena;
	struct msp_value value;
	msp_buffer_init(&bytes, MAX_MEMORY);
	msp_arena_init(&arena, MAX_MEMORY);
	file_read(folder->path, name, &bytes);
	bool is_value = msp_codec_decode(codec, msp_buffer_bytes(&bytes), MSP_NO_HEADERS, &arena, &value, NULL) == MSP_OK &&
	                !value_judge(&value).binary;
	if (is_value)
		visit(&value);
	msp_arena_done(&arena);
	msp_buffer_done(&bytes);
	return is_value;
}

static void folder_visit(const struct folder *folder, value_visit_fn *visit)
{
	const struct msp_codec_config config = {.max_depth = MAX_DEPTH};
	struct msp_codec *codec;
	int count = 0;
	DIR *directory = opendir(folder->path);
	assert_non_null(directory);
	assert_int_equal(folder->codec->open(&config, &codec, NULL), MSP_OK);
	for (struct dirent *entry; (entry = readdir(directory));)
		if (entry->d_name[0] != '.' && (!folder->extension || strstr(entry->d_name, folder->extension)))
			count += file_visit(folder, entry->d_name, codec, visit);
	assert_true(count >= folder->at_least);
	folder->codec->free(codec);
	closedir(directory);
}

void inputs_that_we_keep(value_visit_fn *visit)
{
	const struct folder folders[] = {
	    {&msp_codec_json, TEST_DATA "/json/valid", ".json", 20},
	    {&msp_codec_json, TEST_DATA "/bad_input/json", NULL, 15},
	    {&msp_codec_msgpack, TEST_DATA "/msgpack/valid", ".msgpack", 20},
	    {&msp_codec_msgpack, TEST_DATA "/bad_input/msgpack", NULL, 15},
	};
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		folder_visit(&folders[i], visit);
}

/* ---- generated inputs ---- */

static uint64_t random_next(uint64_t *bits)
{
	*bits ^= *bits << 13;
	*bits ^= *bits >> 7;
	*bits ^= *bits << 17;
	return *bits;
}

typedef struct msp_value value_make_fn(uint64_t *bits, struct msp_arena *arena);

static void values_visit(value_make_fn *make, uint64_t bits, size_t count, value_visit_fn *visit)
{
	struct msp_arena arena;
	msp_arena_init(&arena, MAX_MEMORY);
	while (count > 0) {
		msp_arena_reset(&arena, MAX_MEMORY);
		struct msp_value value = make(&bits, &arena);
		struct value_verdict verdict = value_judge(&value);
		if (!verdict.writable || verdict.binary || !verdict.unique)
			continue;
		visit(&value);
		count--;
	}
	msp_arena_done(&arena);
}

static struct msp_value anything_make(uint64_t *bits, struct msp_arena *arena)
{
	char recipe[256];
	for (size_t i = 0; i < sizeof(recipe); i++) {
		uint64_t random = random_next(bits);
		/* Bytes of text more often than not, so that some strings are UTF-8. */
		recipe[i] = (char)(random >> 8) & (random % 16 ? 0x7F : -1);
	}
	return value_cook(msp_bytes_of(recipe, sizeof(recipe)), arena);
}

void inputs_of_any_kind(size_t count, value_visit_fn *visit)
{
	values_visit(anything_make, 2862933555777941757, count, visit);
}

static struct msp_value flower_make(uint64_t *bits, struct msp_arena *arena)
{
	static const char *const names[] = {"sepal_length", "sepal_width", "petal_length", "petal_width"};
	struct msp_value flower;
	uint64_t kind = random_next(bits) % 3, odd = random_next(bits) % 4;
	assert_true(msp_value_object(arena, kind == 2 ? 3 : 4, &flower));
	for (uint32_t i = 0; i < flower.count; i++) {
		double number = (double)(random_next(bits) % 800) / 100;
		bool whole = number == floor(number);
		msp_value_set(&flower, i, names[i], whole ? msp_value_integer((int64_t)number) : msp_value_number(number));
	}
	if (kind == 1) {
		char recipe[16];
		for (size_t i = 0; i < sizeof(recipe); i++)
			recipe[i] = (char)(random_next(bits) % 128);
		flower.as.members[odd].value = value_cook(msp_bytes_of(recipe, sizeof(recipe)), arena);
	}
	return flower;
}

void inputs_of_flowers(size_t count, value_visit_fn *visit)
{
	values_visit(flower_make, 3935559000370003845, count, visit);
}
