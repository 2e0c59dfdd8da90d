/* The commands that serve a stream: msp, and the floors beside it. */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include "stream.h"

#include <stdbool.h>

struct program {
	const char *broker; /* its URL */
	const struct stream *stream;
	const char *model;      /* NULL: iris */
	const char *codec;      /* NULL: json */
	const char *group;      /* fresh ones begin at the oldest input */
	const char *guarantee;  /* NULL: at_least_once */
	const char *instance;   /* NULL: none */
	const char *ready_file; /* NULL: none */
	int workers;            /* 0: 1 */
	bool exits;             /* at the end of the backlog */
};

/* msp run so, for server_start and bench_run; constant until the next call. */
const char *const *program_command(const struct program *program);

/* A floor, which is a program beside the benches. */
struct program_floor {
	const char *name;    /* "kafka_floor" */
	const char *kind;    /* which of its floors: "relay", "fused" */
	const char *manner;  /* its second argument, a guarantee or the like */
	const char *address; /* of the broker, as it wants it */
	const struct stream *stream;
	const char *group;
	size_t count; /* messages after which it ends; 0: at SIGTERM */
};

const char *const *program_floor_command(const struct program_floor *floor);

#endif
