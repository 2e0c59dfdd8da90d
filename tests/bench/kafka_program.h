/* msp run on a stream of a bench. */
#ifndef BENCH_KAFKA_PROGRAM_H
#define BENCH_KAFKA_PROGRAM_H

#include "kafka_stream.h"

#include <stdbool.h>

struct kafka_program {
	const struct kafka_stream *stream;
	const char *group;      /* fresh ones begin at the oldest input */
	const char *guarantee;  /* NULL: at_least_once */
	const char *instance;   /* NULL: none */
	const char *ready_file; /* NULL: none */
	int workers;            /* 0: 1 */
	bool exits;             /* at the end of the backlog */
};

#define KAFKA_PROGRAM_MAX 32

/* The command that serves iris so, for server_start and bench_run; constant until the next call. */
const char *const *kafka_program_command(const struct kafka_program *program);
/* The same for a floor ("relay" or "fused"), which ends after `count` messages; 0: at SIGTERM. */
const char *const *kafka_floor_command(const char *floor, const struct kafka_program *program, size_t count);

#endif
