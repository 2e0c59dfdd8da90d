#include "table.h"

#include <stdio.h>
#include <stdlib.h>

#define ROW "%-20s | %-13s | %8s | %5s | %7s | %9s | %7s | %7s | %5s | %7s | %s\n"

#define COLUMN 22 /* characters */

const char *const guarantee_names[GUARANTEES] = {
    [MSP_AT_LEAST_ONCE] = "at_least_once", [MSP_EXACTLY_ONCE] = "exactly_once"};

static struct result *result_at(const struct table *table, size_t cell, size_t broker, size_t guarantee)
{
	return &table->results[cell * broker_count + broker][guarantee];
}

bool table_init(struct table *table)
{
	table->results = calloc(cell_count * broker_count, sizeof(*table->results));
	return table->results != NULL;
}

void table_done(struct table *table)
{
	free(table->results);
}

/* ---- a row for each trial ---- */

void table_print_heading(void)
{
	printf(ROW, "cell", "guarantee", "messages", "lost", "doubled", "reordered", "in both", "phantom", "kills",
	       "seconds", "verdict");
}

static void verdict_write(const struct trial *trial, char *text, size_t size)
{
	const struct counts *counts = &trial->counts;
	if (*trial->progress.failure)
		snprintf(text, size, "FAILED");
	else if (counts->gone || counts->repeated)
		snprintf(text, size, "ok, %zu gone and %zu repeated as must be", counts->gone, counts->repeated);
	else
		snprintf(text, size, "ok");
}

void table_add(struct table *table, size_t cell, size_t broker, const struct trial *trial, double seconds)
{
	const struct counts *counts = &trial->counts;
	char verdict[96];
	*result_at(table, cell, broker, trial->guarantee) = (struct result){
	    .ran = true,
	    .failed = *trial->progress.failure != 0,
	    .messages = trial->messages,
	    .kills = trial->kills,
	    .counts = *counts,
	};
	verdict_write(trial, verdict, sizeof(verdict));
	printf("%-20s | %-13s | %8zu | %5zu | %7zu | %9zu | %7zu | %7zu | %5zu | %7.1f | %s\n", cells[cell].name,
	       guarantee_names[trial->guarantee], trial->messages, counts->lost, counts->doubled, counts->reordered,
	       counts->both, counts->phantom, trial->kills, seconds, verdict);
	fflush(stdout);
}

/* ---- all brokers side by side ---- */

static bool broker_ran(const struct table *table, size_t broker)
{
	bool ran = false;
	for (size_t cell = 0; cell < cell_count; cell++)
		for (size_t guarantee = 0; guarantee < GUARANTEES; guarantee++)
			ran |= result_at(table, cell, broker, guarantee)->ran;
	return ran;
}

/* The first broker's word on how large the cell was; NULL: it did not run. */
static const struct result *cell_size(const struct table *table, size_t cell)
{
	for (size_t broker = 0; broker < broker_count; broker++)
		for (size_t guarantee = 0; guarantee < GUARANTEES; guarantee++)
			if (result_at(table, cell, broker, guarantee)->ran)
				return result_at(table, cell, broker, guarantee);
	return NULL;
}

static void result_write(const struct result *result, char *text, size_t size)
{
	const struct counts *counts = &result->counts;
	if (!result->ran)
		snprintf(text, size, "–");
	else
		snprintf(text, size, "%s%zu / %zu / %zu", result->failed ? "FAILED " : "", counts->lost, counts->doubled,
		         counts->reordered);
}

static void grouped_write(size_t number, char *text, size_t size)
{
	if (number < 1000)
		snprintf(text, size, "%zu", number);
	else
		snprintf(text, size, "%zu,%03zu", number / 1000, number % 1000);
}

static void markdown_heading(const struct table *table)
{
	printf("| what happens | messages | times |");
	for (size_t broker = 0; broker < broker_count; broker++)
		for (size_t guarantee = 0; guarantee < GUARANTEES && broker_ran(table, broker); guarantee++)
			printf(" %s, %s |", brokers[broker].test->ops->name, guarantee_names[guarantee]);
	printf("\n|---|---|---|");
	for (size_t broker = 0; broker < broker_count; broker++)
		printf("%s", broker_ran(table, broker) ? "---|---|" : "");
	printf("\n");
}

static void markdown_row(const struct table *table, size_t cell, const struct result *size)
{
	char messages[32], times[32], text[96];
	grouped_write(size->messages, messages, sizeof(messages));
	if (size->kills)
		snprintf(times, sizeof(times), "%zu", size->kills);
	else
		snprintf(times, sizeof(times), "–");
	printf("| %s | %s | %s |", cells[cell].title, messages, times);
	for (size_t broker = 0; broker < broker_count; broker++)
		for (size_t guarantee = 0; guarantee < GUARANTEES && broker_ran(table, broker); guarantee++) {
			result_write(result_at(table, cell, broker, guarantee), text, sizeof(text));
			printf(" %s |", text);
		}
	printf("\n");
}

static void plain_heading(const struct table *table)
{
	printf("%-26s | %-13s", "lost / doubled / reordered", "");
	for (size_t broker = 0; broker < broker_count; broker++)
		if (broker_ran(table, broker))
			printf(" | %-*s", COLUMN, brokers[broker].test->ops->name);
	printf("\n");
}

/* Of columns on a terminal, not of bytes. */
static int width_of(const char *text)
{
	int width = 0;
	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void plain_row(const struct table *table, size_t cell, size_t guarantee)
{
	char text[96];
	printf("%-26s | %-13s", cells[cell].name, guarantee_names[guarantee]);
	for (size_t broker = 0; broker < broker_count; broker++) {
		if (!broker_ran(table, broker))
			continue;
		result_write(result_at(table, cell, broker, guarantee), text, sizeof(text));
		printf(" | %s%*s", text, COLUMN > width_of(text) ? COLUMN - width_of(text) : 0, "");
	}
	printf("\n");
}

void table_print(const struct table *table, bool markdown)
{
	printf("\n");
	(markdown ? markdown_heading : plain_heading)(table);
	for (size_t cell = 0; cell < cell_count; cell++) {
		const struct result *size = cell_size(table, cell);
		if (size && markdown)
			markdown_row(table, cell, size);
		for (size_t guarantee = 0; size && !markdown && guarantee < GUARANTEES; guarantee++)
			plain_row(table, cell, guarantee);
	}
}
