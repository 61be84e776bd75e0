/* SPDX-License-Identifier: Apache-2.0
 *
 * config: theme and keys from $XDG_CONFIG_HOME/tandem/config (~/.config/tandem/config): lines `theme NAME`, `ascii yes|no`, `mouse yes|no`,
 * `key KEY ACTION`; # begins a comment. A line that is wrong is a mistake with its number.
 */
#ifndef TANDEM_VIEWERS_CONFIG_H
#define TANDEM_VIEWERS_CONFIG_H

#include "viewers/event.h"
#include "viewers/theme.h"

struct config_key {
	uint32_t key;
	enum action action; /* ACTION_NONE: unbound */
};

struct config {
	const struct theme *theme;
	bool is_ascii;      /* also when the locale is not UTF-8 */
	bool has_mouse;
	struct config_key *keys; /* defaults and the file's, one for each key */
	int n_keys;
};

/* Defaults, then the file (NULL: the XDG place; a missing one is fine), then the environment: NO_COLOR gives the mono theme, the locale
 * says whether UTF-8 can be shown. STATUS_SYNTAX names file and line. */
int config_load(const char *file, struct config *ret_config, struct error *error);
void config_finish(struct config *config);

enum action config_action(const struct config *config, uint32_t key);
/* "S-left", "C-l", "F1", "enter", "q" ↔ key. 0 when there is no such key. */
uint32_t config_parse_key(const char *text);
char *config_key_name(uint32_t key, char *text, size_t size);

#endif
