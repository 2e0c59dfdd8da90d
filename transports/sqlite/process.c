#include "process.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	/* The name of the program stands in parentheses and may itself hold any character. */
	const char *rest = strrchr(line, ')');
	char state;
	unsigned long long start;
	if (!rest || sscanf(rest, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
	                    &state, &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}

static unsigned long long namespace_read(void)
{
	struct stat info;
	return stat("/proc/self/ns/pid", &info) == 0 ? (unsigned long long)info.st_ino : 0;
}

void lite_process_self(struct lite_process *process)
{
	char boot[40];
	boot_id_read(boot);
	long pid = (long)getpid();
	snprintf(process->text, sizeof(process->text), "%s/%llu/%ld/%llu", boot, namespace_read(), pid,
	         start_time_read(pid));
}

enum lite_life lite_process_life(const char *text)
{
	char boot[40], own_boot[40];
	unsigned long long namespace, start;
	long pid;
	boot_id_read(own_boot);
	if (sscanf(text, "%39[^/]/%llu/%ld/%llu", boot, &namespace, &pid, &start) != 4)
		return LITE_UNKNOWN;
	if (strcmp(boot, own_boot) != 0)
		return LITE_DEAD;
	if (namespace == 0 || namespace != namespace_read())
		return LITE_UNKNOWN;
	return start_time_read(pid) == start ? LITE_ALIVE : LITE_DEAD;
}
