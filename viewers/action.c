/* SPDX-License-Identifier: Apache-2.0
 *
 * action: the table of actions, by number and by name.
 */
#include <stddef.h>
#include <string.h>

#include "viewers/event.h"

static const struct action_info action_infos[] = {
#define X(name, word, keys, help) [ACTION_##name] = { word, keys, help },
	ACTION_MAP(X)
#undef X
};

const struct action_info *action_info(enum action action)
{
	return action > ACTION_NONE && action < ACTION_COUNT ? &action_infos[action] : NULL;
}

enum action action_find(const char *name)
{
	for (int i = ACTION_NONE + 1; i < ACTION_COUNT; i++) {
		if (strcmp(action_infos[i].name, name) == 0)
			return (enum action)i;
	}
	return ACTION_NONE;
}
