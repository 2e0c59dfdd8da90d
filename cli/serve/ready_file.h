/* The file that exists while the program is ready: empty, regular, ours. Nothing else is ever replaced or removed, no
 * link is followed, and nothing here blocks. */
#ifndef CLI_READY_FILE_H
#define CLI_READY_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/* Caller storage. */
struct ready_file {
	const char *path; /* borrowed; NULL: none is asked for */
	bool exists;
	dev_t device; /* of the file that was made */
	ino_t inode;
};

/* Removes what a killed predecessor left behind. Complains of anything else at that path and returns EXIT_USAGE. */
int ready_file_init(struct ready_file *file, const char *path);
/* Makes or removes the file. Complains of what stands in its way and returns EXIT_USAGE. */
int ready_file_set(struct ready_file *file, bool ready);

#endif
