/* Fault points: places at which msp can be made to die, as kill -9 would end it. MSP_FAULT_POINT names the place,
 * MSP_FAULT_COUNTDOWN says at which passage (1: the first). It is the last thing that the process says. The program
 * under test knows nothing of them: they are in what it loads, in a model (mortal.c) and in a library that stands
 * before the client library (fault_points_*.c). */
#ifndef FAULT_POINT_H
#define FAULT_POINT_H

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULT_POINT_STRUCK "killed at the fault point %s"

/* [any thread] */
static inline void fault_point(const char *name)
{
	static atomic_long passages;
	const char *armed = getenv("MSP_FAULT_POINT"), *countdown = getenv("MSP_FAULT_COUNTDOWN");
	if (!armed || !countdown || strcmp(armed, name) != 0)
		return;
	if (atomic_fetch_add(&passages, 1) + 1 != strtol(countdown, NULL, 10))
		return;
	dprintf(STDERR_FILENO, FAULT_POINT_STRUCK "\n", name);
	kill(getpid(), SIGKILL);
}

#endif
