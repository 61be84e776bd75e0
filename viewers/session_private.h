/* SPDX-License-Identifier: Apache-2.0
 *
 * session_private: what the parts of session share.
 */
#ifndef TANDEM_VIEWERS_SESSION_PRIVATE_H
#define TANDEM_VIEWERS_SESSION_PRIVATE_H

#include "viewers/session.h"

void session_filter_finish(struct session_filter *filter);

/* A moment of the side's run, the nearest one. */
int64_t session_clamp_time(const struct session *session, int side, int64_t time_ns);

#endif
