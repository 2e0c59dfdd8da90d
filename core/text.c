#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many bytes the sequence has that begins with `lead`; 1 for what begins none. */
static size_t sequence_size(unsigned char lead)
{
	if (lead >= 0xF0)
		return 4;
	if (lead >= 0xE0)
		return 3;
	return lead >= 0xC0 ? 2 : 1;
}

size_t msp_text_cut(const char *text, size_t size)
{
	size_t start = size;
	while (start > 0 && size - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0)
		return size;
	start--;
	return sequence_size((unsigned char)text[start]) > size - start ? start : size;
}

bool msp_text_pointer(char *pointer, size_t capacity, size_t *size, const char *token, size_t token_size)
{
	size_t at = *size;
	if (at + 1 >= capacity)
		return false;
	pointer[at++] = '/';
	for (size_t i = 0; i < token_size; i++) {
		bool escaped = token[i] == '~' || token[i] == '/';
		if (token[i] == '\0' || at + escaped + 1 >= capacity) {
			pointer[*size] = '\0';
			return false;
		}
		if (escaped)
			pointer[at++] = '~';
		pointer[at++] = token[i] == '~' ? '0' : token[i] == '/' ? '1' : token[i];
	}
	pointer[at] = '\0';
	*size = at;
	return true;
}

size_t msp_text_integer(char text[MSP_TEXT_INTEGER_SIZE], int64_t integer)
{
	char digits[MSP_TEXT_INTEGER_SIZE];
	char *first = digits + sizeof(digits);
	/* INT64_MIN has no positive counterpart in int64_t. */
	uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
	do {
		*--first = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (integer < 0)
		*--first = '-';
	size_t length = (size_t)(digits + sizeof(digits) - first);
	memcpy(text, first, length);
	text[length] = '\0';
	return length;
}

size_t msp_text_number(char text[MSP_TEXT_NUMBER_SIZE], double number)
{
	int length = 0;
	/* 17 significant digits always read back equal. */
	for (int digits = 15; digits <= 17; digits++) {
		length = snprintf(text, MSP_TEXT_NUMBER_SIZE, "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	return (size_t)length;
}

/* Writes `count` digits with leading zeros. */
static void put_digits(char *to, int count, unsigned number)
{
	while (count > 0) {
		to[--count] = (char)('0' + number % 10);
		number /= 10;
	}
}

/* Days since 0000-03-01 to a date. The year is counted from March, so that the leap day is its last day and months
 * 3 to 14 have lengths that repeat every five months (153 days). */
static void date_of_days(uint64_t days, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	uint64_t era = days / 146097; /* 400 years */
	unsigned day_of_era = (unsigned)(days % 146097);
	unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned shifted_month = (5 * day_of_year + 2) / 153;
	*ret_day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
	*ret_month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
	*ret_year = (unsigned)era * 400 + year_of_era + (*ret_month <= 2);
}

void msp_text_time(char text[MSP_TEXT_TIME_LENGTH + 1], int64_t time_ms)
{
	static const int64_t first_ms = INT64_C(-719468) * 86400000; /* 0000-03-01T00:00:00.000Z */
	static const int64_t last_ms = INT64_C(253402300799999);     /* 9999-12-31T23:59:59.999Z */
	int64_t clamped_ms = time_ms < first_ms ? first_ms : time_ms > last_ms ? last_ms : time_ms;
	uint64_t ms = (uint64_t)(clamped_ms - first_ms);
	unsigned year, month, day;
	date_of_days(ms / 86400000, &year, &month, &day);
	unsigned of_day = (unsigned)(ms % 86400000);

	memcpy(text, "0000-00-00T00:00:00.000Z", MSP_TEXT_TIME_LENGTH + 1);
	put_digits(text, 4, year);
	put_digits(text + 5, 2, month);
	put_digits(text + 8, 2, day);
	put_digits(text + 11, 2, of_day / 3600000);
	put_digits(text + 14, 2, of_day / 60000 % 60);
	put_digits(text + 17, 2, of_day / 1000 % 60);
	put_digits(text + 20, 3, of_day % 1000);
}
