/* The settings of the program and of each model, and the tables that fill them. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include <msp/option.h>

/* What there is once in a process. */
struct program_settings {
	const char *broker;
	const char *topic_prefix;
	const char *instance;    /* or NULL */
	const char *plugin_path; /* or NULL: beside the program */
	int log_level;           /* enum msp_log_level */
	int64_t stop_timeout_ms;
	bool topics_log_append_time;
};

/* How a model is served. Stands at the top level for all models, and under models.<label> for one. */
struct service_settings {
	const char *codec, *codec_input, *codec_output;
	int64_t codec_max_depth;
	int guarantee;     /* enum msp_guarantee */
	const char *group; /* or NULL: "<prefix>.<name>.<major>.<minor>" */
	int64_t batch_max_messages, batch_max_bytes, batch_max_memory_bytes, batch_max_ms;
	int64_t commit_interval_ms;
	int64_t delivery_limit;
	int64_t message_max_bytes;
	bool output_headers;
};

/* What stands only under models.<label>. */
struct model_settings {
	const char *plugin; /* or NULL: the label */
	int64_t workers;
};

extern const struct msp_option_table program_options;
extern const struct msp_option_table service_options;
extern const struct msp_option_table model_options;

#endif
