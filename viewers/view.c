/* SPDX-License-Identifier: Apache-2.0
 *
 * view: the list of views.
 */
#include "viewers/view.h"

#include <string.h>

const struct view *const views[] = {
	&view_timeline,
	&view_stalls,
	&view_compare,
	&view_graph,
	&view_plan,
	NULL
};

const struct view *view_find(const char *name)
{
	for (int i = 0; views[i]; i++) {
		if (strcmp(views[i]->name, name) == 0)
			return views[i];
	}
	return NULL;
}
