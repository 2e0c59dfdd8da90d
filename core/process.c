#include <msp/process.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fields of /proc/<pid>/stat, counted from 1 as proc(5) does. */
#define STATE_FIELD      3
#define START_TIME_FIELD 22

/* What stands for a boot id that could not be read. */
#define BOOT_UNKNOWN "unknown"

static void boot_id_read(char text[static 40])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (!file || fscanf(file, "%39s", text) != 1)
		snprintf(text, 40, BOOT_UNKNOWN);
	if (file)
		fclose(file);
}

/* Start time of a process in clock ticks since boot, from /proc/<pid>/stat; 0: it has ended and only waits for its
 * parent. False: it cannot be read, which says nothing about the process. */
static bool start_time_read(long pid, unsigned long long *ret_start)
{
	char path[64], line[1024];
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	size_t size = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[size] = '\0';
	/* The name of the program, the second field, stands in parentheses and may itself hold any character. */
	const char *field = strrchr(line, ')');
	for (int i = 2; field && i < STATE_FIELD; i++)
		field = strchr(field + 1, ' ');
	bool has_ended = field && (field[1] == 'Z' || field[1] == 'X');
	for (int i = STATE_FIELD; field && i < START_TIME_FIELD; i++)
		field = strchr(field + 1, ' ');
	*ret_start = field && !has_ended ? strtoull(field, NULL, 10) : 0;
	return field != NULL;
}

static unsigned long long namespace_read(void)
{
	struct stat info;
	return stat("/proc/self/ns/pid", &info) == 0 ? (unsigned long long)info.st_ino : 0;
}

void msp_process_self(struct msp_process *process)
{
	char boot[40];
	unsigned long long start;
	boot_id_read(boot);
	long pid = (long)getpid();
	if (!start_time_read(pid, &start))
		start = 0;
	snprintf(process->text, sizeof(process->text), "%s/%llu/%ld/%llu", boot, namespace_read(), pid, start);
}

/* Of a process in our pid namespace; `start` 0: it did not know its start time. One whose /proc entry is out of our
 * sight (hidepid, no file descriptors left) may well live. */
static enum msp_life life_look(long pid, unsigned long long start)
{
	unsigned long long seen;
	if (pid <= 0)
		return MSP_LIFE_UNKNOWN;
	if (start != 0 && start_time_read(pid, &seen))
		return seen == start ? MSP_LIFE_ALIVE : MSP_LIFE_DEAD;
	return kill((pid_t)pid, 0) != 0 && errno == ESRCH ? MSP_LIFE_DEAD : MSP_LIFE_UNKNOWN;
}

enum msp_life msp_process_life(const char *text)
{
	char boot[40];
	boot_id_read(boot);
	size_t boot_length = strlen(boot);
	if (strcmp(boot, BOOT_UNKNOWN) == 0 || strncmp(text, BOOT_UNKNOWN "/", sizeof(BOOT_UNKNOWN)) == 0)
		return MSP_LIFE_UNKNOWN;
	if (strncmp(text, boot, boot_length) != 0 || text[boot_length] != '/')
		return MSP_LIFE_OTHER_BOOT;
	char *rest;
	unsigned long long namespace = strtoull(text + boot_length + 1, &rest, 10);
	if (namespace == 0 || namespace != namespace_read() || *rest != '/')
		return MSP_LIFE_UNKNOWN;
	long pid = strtol(rest + 1, &rest, 10);
	return life_look(pid, *rest == '/' ? strtoull(rest + 1, NULL, 10) : 0);
}
