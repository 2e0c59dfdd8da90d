#include "flower.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOWERS    10000
#define FEATURES   4
#define FLOWER_MAX 96

static const char *const features[FEATURES] = {"sepal_length", "sepal_width", "petal_length", "petal_width"};

/* Like those of the data, in millimetres. */
static int measure(unsigned *seed, int feature)
{
	static const int smallest[FEATURES] = {43, 20, 10, 1}, spread[FEATURES] = {36, 24, 59, 24};
	return smallest[feature] + rand_r(seed) % spread[feature];
}

struct msp_bytes flower_json(size_t number)
{
	static char flowers[FLOWERS][FLOWER_MAX];
	char *flower = flowers[number % FLOWERS];
	if (*flower)
		return msp_bytes_of_string(flower);
	unsigned seed = (unsigned)(number % FLOWERS);
	size_t end = 0;
	for (int i = 0; i < FEATURES; i++) {
		int tenths = measure(&seed, i);
		end += (size_t)snprintf(flower + end, FLOWER_MAX - end, "%s\"%s\": %d.%d", i ? ", " : "{", features[i],
		                        tenths / 10, tenths % 10);
	}
	memcpy(flower + end, "}", 2);
	return msp_bytes_of_string(flower);
}

/* ---- MessagePack, by its specification ---- */

#define FIXMAP  0x80
#define FIXSTR  0xa0
#define FLOAT64 0xcb

static size_t put_string(unsigned char *to, const char *text)
{
	size_t size = strlen(text);
	to[0] = (unsigned char)(FIXSTR | size);
	memcpy(to + 1, text, size);
	return 1 + size;
}

static size_t put_double(unsigned char *to, double number)
{
	uint64_t bits;
	memcpy(&bits, &number, sizeof(bits));
	*to++ = FLOAT64;
	for (int shift = 56; shift >= 0; shift -= 8)
		*to++ = (unsigned char)(bits >> shift);
	return 9;
}

struct msp_bytes flower_msgpack(size_t number)
{
	static unsigned char flowers[FLOWERS][FLOWER_MAX];
	static size_t sizes[FLOWERS];
	size_t i = number % FLOWERS, end = 1;
	if (sizes[i] > 0)
		return msp_bytes_of(flowers[i], sizes[i]);
	unsigned seed = (unsigned)i;
	flowers[i][0] = FIXMAP | FEATURES;
	for (int feature = 0; feature < FEATURES; feature++) {
		end += put_string(flowers[i] + end, features[feature]);
		end += put_double(flowers[i] + end, measure(&seed, feature) / 10.0);
	}
	sizes[i] = end;
	return msp_bytes_of(flowers[i], end);
}
