/* SPDX-License-Identifier: Apache-2.0
 *
 * collectives: NCCL and RCCL kernels of an imported run that belong together: who came when, who came last, how long data
 * moved and how long ranks waited.
 *
 * A kernel is matched over devices in its group (process group or communicator where the trace says so, else the n-th stream
 * with collectives): sequence   by the sequence number that the trace has; order      by position: all devices have the same
 * names in the same order; time       by name and overlap in time, where number or order differ: members of one collective
 * always overlap. All members wait until the last has come, so an arrival after another member's end (beyond
 * COLLECTIVE_CLOCK_NS) contradicts the matching: such a collective is not consistent and counts for nothing.
 */
#ifndef TANDEM_TRACES_COLLECTIVES_H
#define TANDEM_TRACES_COLLECTIVES_H

#include "traces/gpu_model.h"

#define COLLECTIVE_CLOCK_NS 20000 /* how far clocks of ranks may be apart */

/* X(NAME, word): stored as words. */
#define COLLECTIVE_MATCH_MAP(X) X(SEQUENCE, "sequence") X(ORDER, "order") X(TIME, "time") X(ALONE, "alone")
enum collective_match {
#define X(name, word) COLLECTIVE_BY_##name,
	COLLECTIVE_MATCH_MAP(X)
#undef X
};
const char *collective_match_word(enum collective_match match);

/* Kernels that are matched with one another. */
struct collective_group {
	uint32_t key;            /* string of the process group or communicator; GPU_NONE: not told */
	uint32_t stream;         /* without a key: n-th stream with collectives of each device; GPU_NONE: all streams of each */
	enum collective_match match; /* ALONE: only one device is in the trace */
	uint32_t n_devices;
	uint32_t n_agreeing;     /* devices whose kernels agree with the first's in number and order */
	uint32_t n_collectives, n_consistent;
	uint32_t n_unmatched;    /* kernels that found no counterpart */
};

struct collective_member {
	uint32_t span, device;
	uint32_t collective;
	int64_t wait_ns;         /* from its arrival to the last one's, at most to its own end; 0 for the last */
};

struct collective {
	uint32_t group, first, n; /* members, by device */
	uint32_t last;            /* member, index into members; GPU_NONE when alone or not consistent */
	int64_t start_ns;         /* first arrival */
	int64_t last_ns, end_ns;  /* last arrival, last end */
	int64_t moving_ns;        /* shortest duration of a member: nobody waited in it */
	int64_t wait_ns;          /* sum over members */
	bool is_consistent;
};

struct collectives {
	struct collective *items; /* by group, then as they came */
	struct collective_member *members;
	struct collective_group *groups;
	uint32_t n, n_members, n_groups;
	uint32_t *by_span;        /* [n_members] members by span, for collectives_of_span */
};

/* What a trace says of a collective kernel beyond its span: number of its string, −1: nothing. */
struct collective_fact {
	uint32_t span;
	int64_t group_text, sequence;
};

/* Facts as the args in the file have them; *ret_facts [*ret_n], by span, is released with free. */
int collectives_facts(const struct gpu_model *model, struct error *error, struct collective_fact **ret_facts, uint32_t *ret_n);
/* Matches. `facts` by span. On success *ret must be finished. */
int collectives_make(const struct gpu_model *model, const struct collective_fact *facts, uint32_t n_facts, struct error *error,
	struct collectives *ret);
void collectives_finish(struct collectives *set);

/* The member that a span is; NULL when it is none. */
const struct collective_member *collectives_of_span(const struct collectives *set, uint32_t span);
/* The span of the member that came last in the collective of `span`; GPU_NONE: not known, or `span` itself. */
uint32_t collectives_last(const struct collectives *set, uint32_t span);

/* Into the tables collective_group, collective, collective_rank. */
int collectives_store(const struct collectives *set, const struct gpu_model *model, struct error *error);

#endif
