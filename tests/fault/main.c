/* msp_faults: the fault matrix. `msp_faults --help` tells how. */
#include "cells.h"
#include "random.h"
#include "table.h"

#include <getopt.h>
#include <libgen.h>
#include <msp/clock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct arguments {
	struct trial_options options;
	const char *cell; /* NULL: all */
	int guarantee;    /* enum msp_guarantee, or -1: both */
	bool list, markdown;
	char program[PATH_MAX], plugin_path[2 * PATH_MAX];
};

static void usage(FILE *file)
{
	char names[128];
	broker_names(names, sizeof(names));
	fprintf(file,
	        "usage: msp_faults [OPTION…]\n"
	        "Breaks `msp run` in every way of the fault matrix and counts what becomes of each message.\n\n"
	        "  --broker NAME|URL   %s, or the URL of one that runs (default: all)\n"
	        "  --codec NAME        json or msgpack: what the messages are written in (default: json)\n"
	        "  --program PATH      msp (default: of this build)\n"
	        "  --cell NAME         one cell (default: all)\n"
	        "  --guarantee NAME    at_least_once or exactly_once (default: both)\n"
	        "  --messages N        instead of what the cell wants\n"
	        "  --seed N            to repeat a run (default: from the clock)\n"
	        "  --full              the large form of each cell\n"
	        "  --markdown          at the end the table of the README\n"
	        "  --list              the names of the cells\n\n"
	        "Exit: 0 every expectation held; 1 some did not; 2 usage.\n",
	        names);
}

static bool number_read(const char *text, uint64_t *ret_number)
{
	char *end;
	*ret_number = strtoull(text, &end, 0);
	return *text && *text != '-' && !*end;
}

static int guarantee_find(const char *name)
{
	for (int i = 0; i < GUARANTEES; i++)
		if (strcmp(guarantee_names[i], name) == 0)
			return i;
	return -1;
}

static const struct msp_codec_ops *codec_find(const char *name)
{
	size_t i = 0;
	while (plan_codecs[i] && strcmp(plan_codecs[i]->name, name) != 0)
		i++;
	return plan_codecs[i];
}

static bool argument_take(struct arguments *arguments, int option, const char *value)
{
	uint64_t number = 0;
	switch (option) {
	case 'b':
		arguments->options.broker = broker_find(value);
		arguments->options.url = strchr(value, ':') ? value : NULL;
		return arguments->options.broker != NULL;
	case 'C':
		arguments->options.codec = codec_find(value);
		return arguments->options.codec != NULL;
	case 'p':
		return realpath(value, arguments->program) != NULL;
	case 'c':
		arguments->cell = value;
		return true;
	case 'g':
		arguments->guarantee = guarantee_find(value);
		return arguments->guarantee >= 0;
	case 'n':
		/* Fewer than this cannot be spread over the faults of a cell. */
		return number_read(value, &number) && (arguments->options.messages = number) >= 1000;
	case 's':
		return number_read(value, &arguments->options.seed);
	case 'F':
		arguments->options.full = true;
		return true;
	case 'l':
		arguments->list = true;
		return true;
	case 'm':
		arguments->markdown = true;
		return true;
	default:
		return false;
	}
}

static bool cell_applies(const struct cell *cell, const struct broker *broker)
{
	unsigned lacks = broker->test->lacks;
	if ((cell->needs_attempts && (lacks & TRANSPORT_LACKS_ATTEMPTS)) ||
	    (cell->needs_limits && (lacks & TRANSPORT_LACKS_LIMITS)) ||
	    (cell->setup.breaks_server && !broker->server_start))
		return false;
	return !cell->transport || strcmp(cell->transport, broker->test->ops->name) == 0;
}

/* NULL: those of any broker. */
static void cells_list(const struct broker *broker)
{
	for (size_t i = 0; i < cell_count; i++)
		if (!broker || cell_applies(&cells[i], broker))
			puts(cells[i].name);
}

/* Everything stands where the build has put it: <build>/msp, <build>/models, <build>/tests/fault/msp_faults. */
static bool places_find(struct arguments *arguments)
{
	char self[PATH_MAX], folder[PATH_MAX];
	struct trial_options *options = &arguments->options;
	if (!realpath("/proc/self/exe", self))
		return false;
	snprintf(options->folder, sizeof(options->folder), "%.*s", (int)sizeof(options->folder) - 1, dirname(self));
	if (!*arguments->program)
		snprintf(arguments->program, sizeof(arguments->program), "%s/../../msp", options->folder);
	snprintf(folder, sizeof(folder), "%s", options->folder);
	snprintf(arguments->plugin_path, sizeof(arguments->plugin_path), "%s/models:%s/tests/models:%s",
	         dirname(dirname(folder)), folder, options->folder);
	options->program = arguments->program;
	options->plugin_path = arguments->plugin_path;
	if (access(options->program, X_OK) == 0)
		return true;
	fprintf(stderr, "msp_faults: no program %s\n", options->program);
	return false;
}

/* -1: go on; otherwise the exit status. */
static int arguments_read(struct arguments *arguments, int count, char **texts)
{
	static const struct option options[] = {
	    {"broker", required_argument, NULL, 'b'},
	    {"codec", required_argument, NULL, 'C'},
	    {"program", required_argument, NULL, 'p'},
	    {"cell", required_argument, NULL, 'c'},
	    {"guarantee", required_argument, NULL, 'g'},
	    {"messages", required_argument, NULL, 'n'},
	    {"seed", required_argument, NULL, 's'},
	    {"full", no_argument, NULL, 'F'},
	    {"list", no_argument, NULL, 'l'},
	    {"markdown", no_argument, NULL, 'm'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;
	while ((option = getopt_long(count, texts, "", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return 0;
		}
		if (!argument_take(arguments, option, optarg)) {
			if (option != '?')
				fprintf(stderr, "msp_faults: not acceptable: %s\n", optarg);
			return 2;
		}
	}
	if (optind < count) {
		fprintf(stderr, "msp_faults: what is %s?\n", texts[optind]);
		return 2;
	}
	if (arguments->list) {
		cells_list(arguments->options.broker);
		return 0;
	}
	return places_find(arguments) ? -1 : 2;
}

/* ---- the matrix ---- */

static bool cell_run(const struct arguments *arguments, size_t cell, enum msp_guarantee guarantee, struct table *table)
{
	const struct trial_options *options = &arguments->options;
	size_t messages = options->full ? cells[cell].full_messages : cells[cell].small_messages;
	struct trial trial;
	int64_t begin_ms = msp_monotonic_ms();
	if (trial_init(&trial, options, &cells[cell].setup, cells[cell].name, guarantee,
	               options->messages ? options->messages : messages))
		(void)cells[cell].run(&trial);
	trial_done(&trial);
	table_add(table, cell, (size_t)(options->broker - brokers), &trial, (double)(msp_monotonic_ms() - begin_ms) / 1000);
	bool failed = *trial.progress.failure != 0;
	if (failed)
		fprintf(stderr, "%s, %s, seed %llu: %s\n  its files are in %s\n", cells[cell].name, guarantee_names[guarantee],
		        (unsigned long long)options->seed, trial.progress.failure, trial.folder);
	return !failed;
}

static bool cell_is_wanted(const struct arguments *arguments, const struct cell *cell)
{
	if (!cell_applies(cell, arguments->options.broker))
		return false;
	return !arguments->cell || strcmp(arguments->cell, cell->name) == 0;
}

struct tally_of_cells {
	size_t ran, failed;
};

static void broker_run(const struct arguments *arguments, struct table *table, struct tally_of_cells *tally)
{
	const struct trial_options *options = &arguments->options;
	printf("%s, %s, seed %llu\n", options->broker->test->ops->name, options->codec->name,
	       (unsigned long long)options->seed);
	table_print_heading();
	for (size_t i = 0; i < cell_count; i++)
		for (int guarantee = 0; guarantee < GUARANTEES && cell_is_wanted(arguments, &cells[i]); guarantee++) {
			if (arguments->guarantee >= 0 && arguments->guarantee != guarantee)
				continue;
			tally->ran++;
			tally->failed += !cell_run(arguments, i, (enum msp_guarantee)guarantee, table);
		}
}

static int matrix_run(struct arguments *arguments)
{
	struct table table;
	struct tally_of_cells tally = {0};
	bool all = !arguments->options.broker;
	if (!table_init(&table))
		return EXIT_FAILURE;
	for (size_t i = 0; i < (all ? broker_count : 1); i++) {
		arguments->options.broker = all ? &brokers[i] : arguments->options.broker;
		broker_run(arguments, &table, &tally);
	}
	if (all || arguments->markdown)
		table_print(&table, arguments->markdown);
	table_done(&table);
	if (tally.ran == 0) {
		fprintf(stderr, "msp_faults: no such cell; --list names them\n");
		return 2;
	}
	return tally.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int count, char **texts)
{
	struct arguments arguments = {.guarantee = -1};
	arguments.options.codec = codec_find("json");
	arguments.options.seed = (uint64_t)msp_wall_ms();
	int status = arguments_read(&arguments, count, texts);
	if (status >= 0)
		return status;
	signal(SIGPIPE, SIG_IGN);
	status = matrix_run(&arguments);
	servers_end();
	return status;
}
