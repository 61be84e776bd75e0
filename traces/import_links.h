/* SPDX-License-Identifier: Apache-2.0
 *
 * import_links: which call launched which device work: by (process, correlation). Calls come before their work, for spans
 * come in order of time; where clocks disagree they do not, and are linked at the end.
 */
#ifndef TANDEM_TRACES_IMPORT_LINKS_H
#define TANDEM_TRACES_IMPORT_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

struct import_links {
	struct import_link *slots; /* by hash; span 0: free */
	uint64_t n_slots, n;
	struct import_link *late;  /* work whose call was not known yet */
	uint64_t n_late, late_capacity;
};

/* A call; the first of several with one number counts. */
int import_links_add(struct import_links *links, uint32_t process, int64_t correlation, int64_t span, struct error *error);
/* The call of some work; *ret_launch stays as it is when that is not known, and the work is remembered. */
int import_links_find(struct import_links *links, uint32_t process, int64_t correlation, int64_t span, int64_t *ret_launch,
	struct error *error);
/* Whether there is a call, without remembering that it was asked for. */
bool import_links_has(const struct import_links *links, uint32_t process, int64_t correlation, int64_t *ret_span);
/* At the end: visits the work that was remembered and has a call after all. */
typedef int import_late_fn(void *user, int64_t span, int64_t launch, struct error *error);
int import_links_late(struct import_links *links, import_late_fn *visit, void *user, struct error *error);
void import_links_finish(struct import_links *links);

#endif
