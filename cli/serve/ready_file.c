#include "ready_file.h"

#include "complain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int path_refuse(const char *path, const char *why)
{
	complain("--ready-file %s: %s", path, why);
	return EXIT_USAGE;
}

/* Why what is there may not be removed, or NULL. */
static const char *objection(const struct stat *info)
{
	if (!S_ISREG(info->st_mode))
		return "there is something that is no regular file";
	if (info->st_size != 0)
		return "there is a file that is not empty";
	return info->st_uid == geteuid() ? NULL : "there is a file of somebody else";
}

static bool is_made_by_us(const struct ready_file *file)
{
	struct stat info;
	return lstat(file->path, &info) == 0 && !objection(&info) && info.st_dev == file->device &&
	       info.st_ino == file->inode;
}

int ready_file_init(struct ready_file *file, const char *path)
{
	struct stat info;
	*file = (struct ready_file){.path = path};
	if (!path)
		return EXIT_DONE;
	if (lstat(path, &info) != 0)
		return errno == ENOENT ? EXIT_DONE : path_refuse(path, strerror(errno));
	const char *why = objection(&info);
	if (why)
		return path_refuse(path, why);
	return unlink(path) == 0 || errno == ENOENT ? EXIT_DONE : path_refuse(path, strerror(errno));
}

/* O_EXCL makes the file or fails, in one step: it neither follows a link nor opens what is there. */
static int file_make(struct ready_file *file)
{
	struct stat info;
	int fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return path_refuse(file->path, strerror(errno));
	int status = fstat(fd, &info) == 0 ? EXIT_DONE : path_refuse(file->path, strerror(errno));
	close(fd);
	if (status == EXIT_DONE) {
		file->exists = true;
		file->device = info.st_dev;
		file->inode = info.st_ino;
	}
	return status;
}

int ready_file_set(struct ready_file *file, bool ready)
{
	if (!file->path || file->exists == ready)
		return EXIT_DONE;
	if (ready)
		return file_make(file);
	file->exists = false;
	if (is_made_by_us(file))
		unlink(file->path);
	return EXIT_DONE;
}
