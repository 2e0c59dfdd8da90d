#include "schema_limit.h"

#include <math.h>

/* From here on a double does not have all integers. */
#define SAFE 0x1p53

static bool is_int64(double number)
{
	return number >= -0x1p63 && number < 0x1p63;
}

static int integer_compare(int64_t integer, double number)
{
	if (!is_int64(number))
		return number > 0 ? -1 : 1;
	int64_t whole = (int64_t)floor(number);
	if (integer != whole)
		return integer < whole ? -1 : 1;
	return number > floor(number) ? -1 : 0;
}

int msp_schema_compare(const struct msp_value *a, const struct msp_value *b)
{
	if (a->type == MSP_INTEGER && b->type == MSP_INTEGER)
		return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
	if (a->type == MSP_INTEGER)
		return integer_compare(a->as.integer, b->as.number);
	if (b->type == MSP_INTEGER)
		return -integer_compare(b->as.integer, a->as.number);
	return (a->as.number > b->as.number) - (a->as.number < b->as.number);
}

void msp_schema_limit_tighten(struct msp_schema_limit *limit, const struct msp_schema_limit *other,
                              enum msp_schema_side side)
{
	if (!other->set)
		return;
	int order = limit->set ? (int)side * msp_schema_compare(&other->value, &limit->value) : 1;
	if (order > 0 || (order == 0 && other->exclusive))
		*limit = *other;
}

/* The nearest double that is not on the refused side of `integer`. */
static double outside(int64_t integer, enum msp_schema_side side)
{
	double number = (double)integer;
	bool refuses = integer_compare(integer, number) * (int)side < 0;
	return refuses ? nextafter(number, -(int)side * (double)INFINITY) : number;
}

/* Of integers; `limit` is one of 64 bits. */
static bool whole_bound(int64_t limit, bool exclusive, enum msp_schema_side side, double *ret_bound)
{
	int64_t last = side == MSP_SCHEMA_LOWER ? INT64_MAX : INT64_MIN;
	if (exclusive && limit == last) {
		*ret_bound = (int)side * 0x1p64;
		return true;
	}
	int64_t first = exclusive ? limit + (int)side : limit;
	*ret_bound = outside(first, side);
	return integer_compare(first, *ret_bound) == 0;
}

static bool integer_bound(const struct msp_schema_limit *limit, enum msp_schema_side side, double *ret_bound)
{
	if (limit->value.type == MSP_INTEGER)
		return whole_bound(limit->value.as.integer, limit->exclusive, side, ret_bound);
	double number = limit->value.as.number;
	/* What has a fraction, or is beyond all integers, is none of them. */
	bool apart = number != floor(number) || !is_int64(number);
	if (limit->exclusive && !apart)
		return whole_bound((int64_t)number, true, side, ret_bound);
	*ret_bound = number;
	return true;
}

static bool number_bound(const struct msp_schema_limit *limit, enum msp_schema_side side, double *ret_bound)
{
	const struct msp_value *value = &limit->value;
	double number = value->type == MSP_INTEGER ? outside(value->as.integer, side) : value->as.number;
	*ret_bound = number;
	if (value->type == MSP_INTEGER && integer_compare(value->as.integer, number) != 0)
		return false;
	if (!limit->exclusive)
		return true;
	/* Integers beyond the bound may become the bound itself when they become numbers. */
	if (fabs(number) >= SAFE && fabs(number) <= 0x1p63)
		return false;
	double next = nextafter(number, (int)side * (double)INFINITY);
	if (!isfinite(next))
		return false;
	*ret_bound = next;
	return true;
}

bool msp_schema_limit_bound(const struct msp_schema_limit *limit, enum msp_schema_side side, enum msp_type type,
                            struct msp_bound *ret_bound)
{
	double bound = 0;
	bool exact = type == MSP_INTEGER ? integer_bound(limit, side, &bound) : number_bound(limit, side, &bound);
	*ret_bound = (struct msp_bound){.set = true, .value = bound};
	return exact;
}
