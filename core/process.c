#include <msp/process.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fields of /proc/<pid>/stat, counted from 1 as proc(5) does. */
#define STATE_FIELD      3
#define START_TIME_FIELD 22

static void boot_id_read(char text[static 40])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (!file || fscanf(file, "%39s", text) != 1)
		snprintf(text, 40, "unknown");
	if (file)
		fclose(file);
}

/* Start time of a process in clock ticks since boot, from /proc/<pid>/stat; 0: there is no such process, or it has
 * ended and only waits for its parent. */
static unsigned long long start_time_read(long pid)
{
	char path[64], line[1024];
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	size_t size = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[size] = '\0';
	/* The name of the program, the second field, stands in parentheses and may itself hold any character. */
	const char *field = strrchr(line, ')');
	for (int i = 2; field && i < STATE_FIELD; i++)
		field = strchr(field + 1, ' ');
	if (!field || field[1] == 'Z' || field[1] == 'X')
		return 0;
	for (int i = STATE_FIELD; field && i < START_TIME_FIELD; i++)
		field = strchr(field + 1, ' ');
	return field ? strtoull(field, NULL, 10) : 0;
}

static unsigned long long namespace_read(void)
{
	struct stat info;
	return stat("/proc/self/ns/pid", &info) == 0 ? (unsigned long long)info.st_ino : 0;
}

void msp_process_self(struct msp_process *process)
{
	char boot[40];
	boot_id_read(boot);
	long pid = (long)getpid();
	snprintf(process->text, sizeof(process->text), "%s/%llu/%ld/%llu", boot, namespace_read(), pid,
	         start_time_read(pid));
}

enum msp_life msp_process_life(const char *text)
{
	char boot[40];
	boot_id_read(boot);
	size_t boot_length = strlen(boot);
	if (strncmp(text, boot, boot_length) != 0 || text[boot_length] != '/')
		return MSP_LIFE_OTHER_BOOT;
	char *rest;
	unsigned long long namespace = strtoull(text + boot_length + 1, &rest, 10);
	if (namespace == 0 || namespace != namespace_read() || *rest != '/')
		return MSP_LIFE_UNKNOWN;
	long pid = strtol(rest + 1, &rest, 10);
	unsigned long long start = *rest == '/' ? strtoull(rest + 1, NULL, 10) : 0;
	return start != 0 && start_time_read(pid) == start ? MSP_LIFE_ALIVE : MSP_LIFE_DEAD;
}
