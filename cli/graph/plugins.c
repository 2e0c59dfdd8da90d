#include "plugins.h"

#include "args.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char ending[] = ".so";

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

bool plugins_nearest(const char *search_path, const char *name, char *nearest, size_t size)
{
	for (const char *folder = search_path; folder && *folder;) {
		size_t length = strcspn(folder, ":");
		char path[PATH_MAX];
		snprintf(path, sizeof(path), "%.*s", (int)length, folder);
		if (length > 0 && folder_nearest(path, name, nearest, size))
			return true;
		folder += length + (folder[length] == ':');
	}
	return false;
}
