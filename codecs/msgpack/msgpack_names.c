#include "msgpack_names.h"
#include <stdlib.h>

/* Up to here comparing each with each is faster than sorting. */
#define FEW_MEMBERS 16

/* Any order will do; by size first, because it mostly decides. */
static int names_compare(const struct msp_member *a, const struct msp_member *b)
{
	if (a->name_size != b->name_size)
		return a->name_size < b->name_size ? -1 : 1;
	return memcmp(a->name, b->name, a->name_size);
}

static bool few_are_unique(const struct msp_member *members, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (names_compare(&members[i], &members[j]) == 0)
				return false;
		}
	}
	return true;
}

static int entries_compare(const void *a, const void *b)
{
	return names_compare(*(const struct msp_member *const *)a, *(const struct msp_member *const *)b);
}

/* Members keep the order of the input, so that pointers to them are what is sorted. */
static enum msp_status many_check(const struct msp_member *members, uint32_t count)
{
	const struct msp_member **sorted = malloc(count * sizeof(const struct msp_member *));
	if (!sorted)
		return MSP_E_NO_MEMORY;
	for (uint32_t i = 0; i < count; i++)
		sorted[i] = &members[i];
	qsort(sorted, count, sizeof(sorted[0]), entries_compare);
	enum msp_status status = MSP_OK;
	for (uint32_t i = 1; i < count && status == MSP_OK; i++) {
		if (names_compare(sorted[i - 1], sorted[i]) == 0)
			status = MSP_E_INVALID;
	}
	free(sorted);
	return status;
}

enum msp_status msgpack_names_check(const struct msp_value *object)
{
	if (object->count > FEW_MEMBERS)
		return many_check(object->as.members, object->count);
	return few_are_unique(object->as.members, object->count) ? MSP_OK : MSP_E_INVALID;
}
