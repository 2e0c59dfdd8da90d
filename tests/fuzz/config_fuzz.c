/* Any bytes as a configuration file: every mistake has a place, every key that is taken stands there once, and each
 * value that is shown reads back as the same. */
#include "complain.h"
#include "config/config.h"
#include "config/settings.h"
#include "fuzz.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

/* Mistakes are counted, not printed. */
static size_t complaints;

void complain(const char *format, ...)
{
	char text[4096];
	va_list arguments;
	va_start(arguments, format);
	must(vsnprintf(text, sizeof(text), format, arguments) > 0, "a complaint says something");
	va_end(arguments);
	complaints++;
}

void report(const char *format, ...)
{
	(void)format;
}

static char path[64];
static int fd = -1;

/* The file that the configuration is read from. */
static void file_write(const void *data, size_t size)
{
	if (fd < 0) {
		fd = memfd_create("config", MFD_CLOEXEC);
		must(fd >= 0, "there is a file");
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	must(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size, "the file is written");
}

static void check_entries(const struct config *config)
{
	for (size_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];
		must(entry->key && entry->key[0], "a key has a name");
		must(config_find(config, entry->key) == entry, "a key stands there once");
		must(entry->origin.line > 0 && entry->origin.column > 0, "a key has a place");
	}
}

static void check_shown(const char *value)
{
	struct msp_buffer line;
	struct config config;
	msp_buffer_init(&line, SIZE_MAX);
	config_init(&config);
	must(msp_buffer_append_string(&line, "key: ") == MSP_OK && config_append_scalar(&line, value) == MSP_OK, "shown");
	file_write(line.data, line.size);
	config_read_file(&config, path, CONFIG_FILE, true);
	const struct config_entry *entry = config_find(&config, "key");
	must(config_report(&config) == EXIT_DONE && entry && entry->value, "what is shown is a value");
	must(strcmp(entry->value, value) == 0, "and reads back as the same");
	config_done(&config);
	msp_buffer_done(&line);
}

static void check_values(const struct config *config)
{
	for (size_t i = 0; i < config->entry_count; i++) {
		const char *value = config->entries[i].value;
		/* A reference would be looked up again. */
		if (value && !strstr(value, "${"))
			check_shown(value);
	}
}

/* Fills the settings as the program does. */
static void check_binding(struct config *config)
{
	struct program_settings program;
	struct service_settings service;
	must(msp_options_init(&program_options, &program, NULL) == MSP_OK, "there is memory");
	must(msp_options_init(&service_options, &service, NULL) == MSP_OK, "there is memory");
	config_bind(config, "", NULL, &program_options, &program);
	config_bind(config, "", NULL, &service_options, &service);
	config_refuse_unknown(config);
	int status = config_report(config);
	must(status == (config->problem_count ? EXIT_USAGE : EXIT_DONE), "mistakes end the program");
	must(!config->problem_count || complaints > 0, "and are told");
	msp_options_done(&service_options, &service);
	msp_options_done(&program_options, &program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;
	complaints = 0;
	config_init(&config);
	file_write(data, size);
	config_read_file(&config, path, CONFIG_FILE, true);
	check_entries(&config);
	check_values(&config);
	check_binding(&config);
	config_done(&config);
	return 0;
}
