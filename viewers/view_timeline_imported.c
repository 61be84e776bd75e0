/* SPDX-License-Identifier: Apache-2.0
 *
 * view_timeline_imported: from span to span of an imported trace: by name, from a call to its work and back; from iteration to iteration, which
 * are the executions of a run.
 */
#include <stdlib.h>

#include "traces/timeline_import.h"
#include "viewers/kernel_name.h"
#include "viewers/spans.h"
#include "viewers/view_timeline_private.h"

static void tell(struct session *session, int status, const struct error *error)
{
	if (status != STATUS_OK)
		session_error(session, error);
}

/* The same name on the same thread or stream. */
static void go_to_name(struct session *session, int direction)
{
	const struct session_selection *selection = &session->selection;
	struct timeline *timeline = session_timeline(session);
	struct timeline_span span;
	struct error error = { 0 };
	bool has_found = false;
	if (!selection->has_span || selection->span.name <= 0) {
		session_status(session, "select a span with a name first");
		return;
	}
	int64_t name = selection->span.name;
	uint8_t *names = calloc((size_t)name + 1, sizeof(*names));
	bool *lanes = calloc((size_t)timeline->n_lanes, sizeof(*lanes));
	if (!names || !lanes) {
		session_status(session, "no memory to look for the name");
	} else {
		struct timeline_query query = { .names = names, .n_texts = name, .lanes = lanes, .phase = TIMELINE_NONE, .execution = TIMELINE_NONE };
		names[name] = 1;
		for (int i = 0; i < timeline->n_lanes; i++)
			lanes[i] = timeline->lanes[i].track == timeline->lanes[selection->lane].track;
		int status = timeline_search(timeline, &query, selection->span.start_ns, direction, session->interrupt, &span, &has_found, &error);
		tell(session, status, &error);
		if (status == STATUS_OK && has_found)
			session_select_span(session, selection->side, &span);
		else if (status == STATUS_OK)
			session_status(session, "no %s span of this name on this %s", direction > 0 ? "later" : "earlier",
				timeline->lanes[selection->lane].is_stream ? "stream" : "thread");
	}
	free(names);
	free(lanes);
}

/* -- from calls to work and back ------------------------------------------------------------------------------------------------ */

static void go_along_link(struct session *session)
{
	const struct session_selection *selection = &session->selection;
	struct timeline *timeline = session_timeline(session);
	struct timeline_span span;
	struct error error = { 0 };
	bool has_found = false;
	char name[KERNEL_NAME_BYTES];
	if (!timeline->is_imported || !selection->has_span) {
		session_status(session, timeline->is_imported ? "select a call or its work first"
							      : "calls and their work are known of imported traces");
		return;
	}
	bool is_work = timeline_is_work(&selection->span);
	int status = timeline_linked(timeline, &selection->span, &span, &has_found, &error);
	tell(session, status, &error);
	if (status == STATUS_OK && has_found) {
		session_select_span(session, selection->side, &span);
		spans_name(timeline, &span, name, sizeof(name));
		session_status(session, is_work ? "launched by %s" : "the work launched: %s", name);
	} else if (status == STATUS_OK) {
		session_status(session, is_work ? "the call that launched this was not recorded" : "no work of this span was recorded");
	}
}

/* -- from iteration to iteration ------------------------------------------------------------------------------------------------- */

/* The first execution in the direction whose beginning was recorded. */
static int find_iteration(struct timeline *timeline, int64_t from, int direction, struct timeline_execution *ret_found, bool *ret_has_found,
	struct error *error)
{
	int64_t first = 0, last = 0, n = 0;
	int status = timeline_executions(timeline, &first, &last, &n, error);
	*ret_has_found = false;
	for (int64_t i = from; status == STATUS_OK && n && i >= first && i <= last; i += direction) {
		status = timeline_execution(timeline, i, ret_found, ret_has_found, error);
		if (status != STATUS_OK || (*ret_has_found && ret_found->start_ns != INT64_MIN))
			break;
		*ret_has_found = false;
	}
	return status;
}

static void go_to_iteration(struct session *session, int direction)
{
	struct session_selection *selection = &session->selection;
	struct timeline *timeline = session_timeline(session);
	const char *word = timeline->is_imported ? "iteration" : "execution";
	struct timeline_execution at = { .start_ns = INT64_MIN };
	struct error error = { 0 };
	int64_t execution = 0, first = 0, last = 0, n = 0;
	bool has_found = false, is_known = false;
	int status = timeline_executions(timeline, &first, &last, &n, &error);
	if (status == STATUS_OK)
		status = timeline_execution_at(timeline, selection->time_ns, &execution, &is_known, &error);
	if (status == STATUS_OK && is_known)
		status = timeline_execution(timeline, execution, &at, &has_found, &error);
	bool is_inside = is_known && has_found && at.start_ns != INT64_MIN && selection->time_ns > at.start_ns;
	if (status == STATUS_OK && !(direction < 0 && is_inside))
		status = find_iteration(timeline,
			is_known        ? execution + direction
			: direction > 0 ? first
					: first - 1,
			direction, &at, &has_found, &error);
	tell(session, status, &error);
	if (status == STATUS_OK && !n)
		session_status(session, "no %ss were %s in this trace", word, timeline->is_imported ? "found" : "recorded");
	else if (status == STATUS_OK && !has_found)
		session_status(session, "no %s %s", direction > 0 ? "later" : "earlier", word);
	if (status != STATUS_OK || !n || !has_found)
		return;
	session_select_time(session, selection->side, selection->lane, at.start_ns);
	selection->execution = at.execution;
	session_show(session, selection->side, selection->time_ns);
}

bool timeline_view_follow_imported(struct session *session, enum action action)
{
	bool is_imported = session_timeline(session)->is_imported;
	switch (action) {
	case ACTION_NEXT_ITERATION: go_to_iteration(session, 1); return true;
	case ACTION_PREVIOUS_ITERATION: go_to_iteration(session, -1); return true;
	case ACTION_LINK: go_along_link(session); return true;
	default: break;
	}
	if (!is_imported)
		return false;
	switch (action) {
	case ACTION_NEXT_EXECUTION: go_to_name(session, 1); return true;
	case ACTION_PREVIOUS_EXECUTION: go_to_name(session, -1); return true;
	case ACTION_PRODUCER:
	case ACTION_CONSUMER: session_status(session, "an imported trace has no edges; %% goes from a call to its work and back"); return true;
	case ACTION_CRITICAL_BACK:
	case ACTION_CRITICAL_FORWARD: session_status(session, "critical paths are shown of runs that tandem recorded"); return true;
	default: return false;
	}
}
