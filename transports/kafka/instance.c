#include "instance.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* FNV-1a, 64 bits. */
static uint64_t hash_string(uint64_t hash, const char *string)
{
	do {
		hash = (hash ^ (unsigned char)*string) * UINT64_C(0x100000001b3);
	} while (*string++);
	return hash;
}

/* A socket in Linux's abstract namespace: no file, and the kernel frees the name with its last owner, however that
 * ends. */
enum msp_status kafka_instance_claim(const struct kafka_settings *settings, const char *group, const char *name,
                                     int *ret_fd, struct msp_error *err)
{
	uint64_t hash = hash_string(UINT64_C(0xcbf29ce484222325), settings->brokers);
	hash = hash_string(hash_string(hash, group), name);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "msp-kafka-%016" PRIx64, hash);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return msp_error_set(err, MSP_E_UNAVAILABLE, "no socket: %s", strerror(errno));
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
	if (bind(fd, (struct sockaddr *)&address, size) == 0) {
		*ret_fd = fd;
		return MSP_OK;
	}
	int error = errno;
	close(fd);
	if (error == EADDRINUSE)
		return msp_error_set(err, MSP_E_CONFLICT, "another live process has the instance name %s in group %s", name,
		                     group);
	return msp_error_set(err, MSP_E_UNAVAILABLE, "cannot claim the instance name %s: %s", name, strerror(error));
}
