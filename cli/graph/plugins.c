#include "plugins.h"

#include "args.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ending[] = ".so";

/* Takes the next folder that is not empty off the path. */
static bool folder_next(const char **search_path, char folder[PATH_MAX])
{
	size_t size = 0;
	while (!size && **search_path) {
		size = strcspn(*search_path, ":");
		snprintf(folder, PATH_MAX, "%.*s", (int)size, *search_path);
		*search_path += size + ((*search_path)[size] == ':');
	}
	return size != 0;
}

/* The first that is near will do: few plugins have names alike. */
static bool folder_nearest(const char *folder, const char *name, char *nearest, size_t size)
{
	DIR *directory = opendir(folder);
	bool found = false;
	const struct dirent *entry;
	while (directory && !found && (entry = readdir(directory))) {
		size_t length = strlen(entry->d_name), ending_size = sizeof(ending) - 1;
		if (length <= ending_size || strcmp(entry->d_name + length - ending_size, ending) != 0)
			continue;
		snprintf(nearest, size, "%.*s", (int)(length - ending_size), entry->d_name);
		found = nearest_name(name, (const char *const *)&nearest, 1) != NULL;
	}
	if (directory)
		closedir(directory);
	return found;
}

bool plugins_find(const char *search_path, const char *name, char path[PATH_MAX])
{
	char folder[PATH_MAX], file[2 * PATH_MAX];
	if (*name == '/')
		return realpath(name, path) != NULL;
	while (folder_next(&search_path, folder)) {
		snprintf(file, sizeof(file), "%s/%s%s", folder, name, ending);
		if (realpath(file, path))
			return true;
	}
	return false;
}

bool plugins_nearest(const char *search_path, const char *name, char *nearest, size_t size)
{
	char folder[PATH_MAX];
	while (folder_next(&search_path, folder))
		if (folder_nearest(folder, name, nearest, size))
			return true;
	return false;
}
