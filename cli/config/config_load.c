/* The layers of the configuration, in the order in which later ones win. */
#include "args.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_CONFIG "msp.yaml"

static bool environment_is_valid(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name);
}

/* msp.yaml and prod give msp.prod.yaml. The caller frees it. */
static char *overlay_path(const char *file, const char *environment)
{
	const char *slash = strrchr(file, '/');
	const char *dot = strrchr(slash ? slash : file, '.');
	size_t size = dot ? (size_t)(dot - file) : strlen(file);
	char *path = NULL;
	return asprintf(&path, "%.*s.%s%s", (int)size, file, environment, dot ? dot : "") < 0 ? NULL : path;
}

static void overlay_read(struct config *config, const char *file, const char *flag)
{
	const char *name = flag ? flag : getenv("MSP_ENV");
	if (!name || (!flag && !*name))
		return;
	if (!environment_is_valid(name)) {
		const struct config_origin origin = {.layer = CONFIG_OVERLAY, .name = flag ? "--env" : "MSP_ENV"};
		config_problem(config, &origin, "\"%s\" is no name of an environment", name);
		return;
	}
	char *path = overlay_path(file, name);
	struct config_origin origin = {.layer = CONFIG_OVERLAY, .name = path ? config_name(config, path) : NULL};
	if (!path)
		config->no_memory = true;
	else if (access(path, F_OK) != 0)
		config_problem(config, &origin, "%s; %s names the environment \"%s\"", strerror(errno),
		               flag ? "--env" : "MSP_ENV", name);
	else
		config_read_file(config, path, CONFIG_OVERLAY, true);
	free(path);
}

static void flag_read(struct config *config, const char *key, const char *name, const char *value)
{
	const struct config_origin origin = {.layer = CONFIG_FLAG, .name = name};
	if (value)
		config_set(config, key, value, &origin);
}

void config_load(struct config *config, const struct common_args *args)
{
	const char *file = args->config_file ? args->config_file : DEFAULT_CONFIG;
	config_read_file(config, file, CONFIG_FILE, args->config_file != NULL);
	overlay_read(config, file, args->environment);
	for (size_t i = 0; i < args->properties.count; i++)
		config_read_property(config, args->properties.items[i]);
	flag_read(config, "broker", "--broker", args->broker);
	flag_read(config, "codec", "--codec", args->codec);
	flag_read(config, "codec.input", "--codec", args->codec);
	flag_read(config, "codec.output", "--codec", args->codec);
	flag_read(config, "log.level", "-q", args->quiet ? "error" : NULL);
	flag_read(config, "log.level", "-v", args->verbose ? "debug" : NULL);
}
