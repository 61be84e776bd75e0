/* SPDX-License-Identifier: Apache-2.0
 *
 * commands: what the files cmd_*.c offer; each entry is explained by its own help text.
 */
#ifndef TANDEM_TOOL_COMMANDS_H
#define TANDEM_TOOL_COMMANDS_H

#include "tool/command.h"

extern const struct command command_run;
extern const struct command command_debug;
extern const struct command command_check;
extern const struct command command_view;
extern const struct command command_report;
extern const struct command command_compare;
extern const struct command command_query;
extern const struct command command_export;
extern const struct command command_import;
extern const struct command command_trim;
extern const struct command command_merge;
extern const struct command command_anonymise;
extern const struct command command_devices;
extern const struct command command_bench;
extern const struct command command_completion;

#endif
