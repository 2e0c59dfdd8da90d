#include "json_number.h"
#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

/* digits x 10^exponent. */
struct decimal {
	uint64_t digits;
	int exponent;
};

/* The most digits that any double needs. */
#define MAX_DIGITS 17
/* Texts with at most so many places before or zeros after the point have no exponent. */
#define MAX_PLACES 16
#define MAX_ZEROS  4

static size_t digits_write(uint64_t digits, char *text)
{
	char reversed[20];
	size_t size = 0;
	do {
		reversed[size++] = (char)('0' + digits % 10);
		digits /= 10;
	} while (digits);
	for (size_t i = 0; i < size; i++)
		text[i] = reversed[size - 1 - i];
	return size;
}

size_t json_integer_write(int64_t integer, char text[JSON_NUMBER_SIZE])
{
	if (integer >= 0)
		return digits_write((uint64_t)integer, text);
	text[0] = '-';
	return 1 + digits_write(-(uint64_t)integer, text + 1);
}

/* Decimals of up to 15 digits with up to 6 of them after the point, which is what people and sensors send. Both
 * operands of the division are exact doubles, so its result is the double nearest to the decimal; and no two decimals
 * of 15 digits share a double, so the first one found is the shortest. */
static bool decimal_from_short(double number, struct decimal *ret_decimal)
{
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
	for (int places = 0; places < (int)(sizeof(powers) / sizeof(powers[0])); places++) {
		double scaled = number * powers[places];
		if (scaled >= 1e15)
			return false;
		uint64_t digits = (uint64_t)(scaled + 0.5);
		if ((double)digits / powers[places] == number) {
			*ret_decimal = (struct decimal){digits, -places};
			return true;
		}
	}
	return false;
}

static uint128 power_of_ten(int exponent)
{
	uint128 power = 1;
	while (exponent-- > 0)
		power *= 10;
	return power;
}

/* The integers that, scaled back, read as the number: first to last; and the number itself, scaled, as
 * value / 2^fraction_bits. */
struct range {
	uint64_t first, last;
	uint128 value;
	int fraction_bits;
};

/* Scales a number from 2^-16 to 2^53 by 10^places so that it has 17 or 18 digits before the point. All of it is exact:
 * in quarters of the number's last bit, 55 bits, times at most 10^21, 70 bits. */
static struct range range_of(double number, int *ret_places)
{
	int exponent;
	uint64_t mantissa = (uint64_t)ldexp(frexp(number, &exponent), DBL_MANT_DIG);
	/* 2^(exponent - 1) <= number, and 0.30103 is log10(2): at least 17 digits. */
	int places = MAX_DIGITS - 1 - (int)floor((exponent - 1) * 0.30102999);
	uint128 scale = power_of_ten(places);
	int fraction_bits = DBL_MANT_DIG - exponent + 2;

	/* The next double below a power of two is only half as far away. */
	uint64_t below = mantissa == (uint64_t)1 << (DBL_MANT_DIG - 1) ? 1 : 2;
	uint128 low = (4 * mantissa - below) * scale;
	uint128 high = (4 * mantissa + 2) * scale;
	uint128 fraction = ((uint128)1 << fraction_bits) - 1;
	/* What lies half-way between two doubles reads as the even one. */
	if (mantissa % 2) {
		low++;
		high--;
	}
	*ret_places = places;
	return (struct range){.first = (uint64_t)((low + fraction) >> fraction_bits),
	                      .last = (uint64_t)(high >> fraction_bits),
	                      .value = 4 * mantissa * scale,
	                      .fraction_bits = fraction_bits};
}

/* The multiple of `unit` in the range that is nearest to its value; of two, the even one. */
static uint64_t range_nearest(const struct range *range, uint64_t unit)
{
	uint64_t count = (uint64_t)(range->value >> range->fraction_bits) / unit;
	uint128 twice_rest = (range->value - ((uint128)(count * unit) << range->fraction_bits)) * 2;
	uint128 scaled_unit = (uint128)unit << range->fraction_bits;
	bool up = twice_rest > scaled_unit || (twice_rest == scaled_unit && count % 2);
	if (count * unit < range->first || (up && (count + 1) * unit <= range->last))
		count++;
	return count;
}

static struct decimal decimal_from_range(double number)
{
	int places;
	struct range range = range_of(number, &places);
	uint64_t unit = 1, first = range.first, last = range.last;
	int zeros = 0;
	while (last / 10 >= (first + 9) / 10) {
		first = (first + 9) / 10;
		last /= 10;
		unit *= 10;
		zeros++;
	}
	return (struct decimal){range_nearest(&range, unit), zeros - places};
}

static struct decimal decimal_rounded(double number, int digits)
{
	char text[JSON_NUMBER_SIZE];
	snprintf(text, sizeof(text), "%.*e", digits - 1, number);
	struct decimal decimal = {0, 1 - digits};
	const char *c = text;
	for (; *c != 'e'; c++) {
		if (*c != '.')
			decimal.digits = decimal.digits * 10 + (uint64_t)(*c - '0');
	}
	decimal.exponent += (int)strtol(c + 1, NULL, 10);
	return decimal;
}

static bool decimal_reads_as(struct decimal decimal, double number)
{
	char text[JSON_NUMBER_SIZE];
	snprintf(text, sizeof(text), "%" PRIu64 "e%d", decimal.digits, decimal.exponent);
	return strtod(text, NULL) == number;
}

/* The rest: very large and very small. */
static struct decimal decimal_from_text(double number)
{
	int exponent;
	bool power_of_two = frexp(number, &exponent) == 0.5;
	/* 15 digits are never too many, except for the subnormal numbers. */
	for (int digits = number < DBL_MIN ? 1 : DBL_DIG; digits < MAX_DIGITS; digits++) {
		struct decimal decimal = decimal_rounded(number, digits);
		if (decimal_reads_as(decimal, number))
			return decimal;
		/* There is twice as much room above a power of two as below. */
		decimal.digits++;
		if (power_of_two && decimal_reads_as(decimal, number))
			return decimal;
	}
	return decimal_rounded(number, MAX_DIGITS);
}

static struct decimal decimal_from(double number)
{
	struct decimal decimal;
	if (decimal_from_short(number, &decimal))
		return decimal;
	bool exact = number >= 0x1p-16 && number < 0x1p53;
	decimal = exact ? decimal_from_range(number) : decimal_from_text(number);
	while (decimal.digits % 10 == 0) {
		decimal.digits /= 10;
		decimal.exponent++;
	}
	return decimal;
}

/* d.ddde±x */
static size_t scientific_write(const char *digits, size_t size, int exponent, char *text)
{
	size_t end = 0;
	text[end++] = digits[0];
	if (size > 1) {
		text[end++] = '.';
		memcpy(text + end, digits + 1, size - 1);
		end += size - 1;
	}
	text[end++] = 'e';
	return end + json_integer_write(exponent, text + end);
}

/* `before` digits stand before the point; 0 or less: so many zeros follow it. */
static size_t plain_write(const char *digits, int size, int before, char *text)
{
	size_t end = 0;
	int i = 0;
	if (before <= 0)
		text[end++] = '0';
	for (; i < before; i++)
		text[end++] = i < size ? digits[i] : '0';
	text[end++] = '.';
	for (int zeros = before; zeros < 0; zeros++)
		text[end++] = '0';
	if (i >= size)
		text[end++] = '0';
	for (; i < size; i++)
		text[end++] = digits[i];
	return end;
}

size_t json_number_write(double number, char text[JSON_NUMBER_SIZE])
{
	assert(isfinite(number));
	char digits[20];
	size_t sign = signbit(number) ? 1 : 0;
	text[0] = '-';
	struct decimal decimal = decimal_from(fabs(number));
	int size = (int)digits_write(decimal.digits, digits);
	int before = size + decimal.exponent;
	if (before > MAX_PLACES || before < -MAX_ZEROS)
		return sign + scientific_write(digits, (size_t)size, before - 1, text + sign);
	return sign + plain_write(digits, size, before, text + sign);
}
