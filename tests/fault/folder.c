#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

bool folder_make(const char *name, char *path, size_t size)
{
	const char *parent = getenv("TMPDIR");
	snprintf(path, size, "%s/msp-%s-XXXXXX", parent && *parent ? parent : "/tmp", name);
	if (mkdtemp(path))
		return true;
	*path = 0;
	return false;
}

static int file_remove(const char *path, const struct stat *info, int type, struct FTW *place)
{
	(void)info, (void)type, (void)place;
	return remove(path);
}

void folder_remove(const char *path)
{
	if (*path)
		nftw(path, file_remove, 16, FTW_DEPTH | FTW_PHYS);
}
