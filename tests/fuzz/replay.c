/* Feeds files, and the files in directories, to a fuzz target once: for compilers without libFuzzer, and for ctest. */
#include "fuzz.h"
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define MAX_SIZE ((size_t)1 << 20)

/* The data is exactly as large as the file, so that a sanitizer sees a read past its end. */
static int replay_file(const char *path)
{
	static uint8_t content[MAX_SIZE];
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return -1;
	}
	size_t size = fread(content, 1, sizeof(content), file);
	fclose(file);
	uint8_t *data = malloc(size ? size : 1);
	must(data != NULL, "there is memory");
	for (size_t i = 0; i < size; i++)
		data[i] = content[i];
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

/* How many files were fed, or -1. */
static int replay_directory(const char *path)
{
	int count = 0;
	DIR *directory = opendir(path);
	if (!directory) {
		perror(path);
		return -1;
	}
	for (struct dirent *entry; (entry = readdir(directory));) {
		char file[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		count += replay_file(file) > 0;
	}
	closedir(directory);
	return count;
}

int main(int argc, char **argv)
{
	int total = 0;
	for (int i = 1; i < argc; i++) {
		struct stat status;
		bool directory = stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode);
		int count = directory ? replay_directory(argv[i]) : replay_file(argv[i]);
		if (count < 0)
			return 2;
		total += count;
	}
	printf("%d inputs\n", total);
	return total > 0 ? 0 : 2;
}
