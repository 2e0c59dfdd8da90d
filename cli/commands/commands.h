/* Every command of the program. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "args.h"

extern const struct command command_run;
extern const struct command command_predict;
extern const struct command command_topics_create;
extern const struct command command_topics_list;
extern const struct command command_topics_describe;
extern const struct command command_topics_delete;
extern const struct command command_send;
extern const struct command command_receive;
extern const struct command command_models_list;
extern const struct command command_models_describe;
extern const struct command command_config_show;
extern const struct command command_config_check;
extern const struct command command_config_describe;

#endif
