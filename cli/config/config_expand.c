#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_VALUE_BYTES ((size_t)1 << 20)

static bool is_fifo_of_a_folder(int fd, const struct stat *info)
{
	struct statfs system;
	return S_ISFIFO(info->st_mode) && (fstatfs(fd, &system) != 0 || system.f_type != PIPEFS_MAGIC);
}

int config_open(const char *path, const char **ret_why)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	bool known = fstat(fd, &info) == 0;
	if (known && S_ISDIR(info.st_mode))
		*ret_why = strerror(EISDIR);
	else if (!known || is_fifo_of_a_folder(fd, &info))
		*ret_why = "a FIFO, not a file";
	else if (!S_ISFIFO(info.st_mode) || fcntl(fd, F_SETFL, 0) == 0) /* opened anew, so the flag is ours alone */
		return fd;
	close(fd);
	return -1;
}

static enum msp_status file_read(const char *path, struct msp_buffer *buffer, struct msp_error *err)
{
	const char *why = NULL;
	int fd = config_open(path, &why);
	if (fd < 0)
		return msp_error_set(err, MSP_E_INVALID, "cannot read %s: %s", path, why ? why : strerror(errno));
	enum msp_status status = MSP_OK;
	ssize_t size = 1;
	while (size && status == MSP_OK) {
		status = msp_buffer_reserve(buffer, 4096);
		if (status != MSP_OK) {
			msp_error_set(err, status, "%s is too large for a value", path);
			break;
		}
		size = read(fd, buffer->data + buffer->size, 4096);
		if (size < 0)
			status = msp_error_set(err, MSP_E_INVALID, "cannot read %s: %s", path, strerror(errno));
		else
			buffer->size += (size_t)size;
	}
	close(fd);
	return status;
}

/* Appends the content of a file without the line end that editors put at its end. */
static enum msp_status file_append(const char *path, struct msp_buffer *buffer, struct msp_error *err)
{
	size_t start = buffer->size;
	enum msp_status status = file_read(path, buffer, err);
	if (status != MSP_OK)
		return status;
	if (buffer->size > start && buffer->data[buffer->size - 1] == '\n')
		buffer->size--;
	if (buffer->size > start && buffer->data[buffer->size - 1] == '\r')
		buffer->size--;
	if (memchr(buffer->data + start, 0, buffer->size - start))
		return msp_error_set(err, MSP_E_INVALID, "%s holds a NUL character", path);
	return MSP_OK;
}

static enum msp_status relative_file_append(const char *path, const char *base_file, struct msp_buffer *buffer,
                                            struct msp_error *err)
{
	const char *slash = base_file ? strrchr(base_file, '/') : NULL;
	if (*path == '/' || !slash)
		return file_append(path, buffer, err);
	char *joined = NULL;
	if (asprintf(&joined, "%.*s/%s", (int)(slash - base_file), base_file, path) < 0)
		return msp_error_set(err, MSP_E_NO_MEMORY, "out of memory");
	enum msp_status status = file_append(joined, buffer, err);
	free(joined);
	return status;
}

static bool name_is_valid(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return !*name;
}

static enum msp_status variable_append(const char *name, struct msp_buffer *buffer, struct msp_error *err)
{
	if (!name_is_valid(name))
		return msp_error_set(err, MSP_E_INVALID,
		                     "\"${%s}\" is neither ${NAME} nor ${file:PATH}; write $${ for a plain ${", name);
	const char *value = getenv(name);
	if (!value)
		return msp_error_set(err, MSP_E_INVALID, "the environment variable %s is not set", name);
	enum msp_status status = msp_buffer_append_string(buffer, value);
	return status == MSP_OK ? MSP_OK : msp_error_set(err, status, "the value of %s is too large", name);
}

static enum msp_status reference_append(const char *reference, const char *base_file, struct msp_buffer *buffer,
                                        struct msp_error *err)
{
	if (!strncmp(reference, "file:", 5))
		return relative_file_append(reference + 5, base_file, buffer, err);
	return variable_append(reference, buffer, err);
}

/* Expands the reference at `text`, which starts with "${", and moves on behind it. */
static enum msp_status reference_expand(const char **text, const char *base_file, struct msp_buffer *buffer,
                                        struct msp_error *err)
{
	const char *end = strchr(*text, '}');
	if (!end)
		return msp_error_set(err, MSP_E_INVALID, "\"${\" without \"}\"; write $${ for a plain ${");
	char *reference = strndup(*text + 2, (size_t)(end - *text - 2));
	if (!reference)
		return msp_error_set(err, MSP_E_NO_MEMORY, "out of memory");
	enum msp_status status = reference_append(reference, base_file, buffer, err);
	free(reference);
	*text = end + 1;
	return status;
}

/* Appends what the next characters of `text` stand for and moves on behind them. */
static enum msp_status next_expand(const char **text, const char *base_file, struct msp_buffer *buffer,
                                   struct msp_error *err)
{
	if (!strncmp(*text, "${", 2))
		return reference_expand(text, base_file, buffer, err);
	size_t size = !strncmp(*text, "$${", 3) ? 3 : 1;
	const char *plain = *text + (size == 3);
	*text += size;
	enum msp_status status = msp_buffer_append(buffer, plain, size == 3 ? 2 : 1);
	return status == MSP_OK ? MSP_OK : msp_error_set(err, status, "the value is too large");
}

enum msp_status config_expand(const char *text, const char *base_file, char **ret_text, struct msp_error *err)
{
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, MAX_VALUE_BYTES);
	enum msp_status status = MSP_OK;
	while (*text && status == MSP_OK)
		status = next_expand(&text, base_file, &buffer, err);
	if (status == MSP_OK && msp_buffer_append_char(&buffer, 0) != MSP_OK)
		status = msp_error_set(err, MSP_E_LIMIT, "the value is too large");
	if (status == MSP_OK)
		*ret_text = buffer.data;
	else
		msp_buffer_done(&buffer);
	return status;
}
