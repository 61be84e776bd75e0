/* SPDX-License-Identifier: Apache-2.0
 *
 * legend: kinds that look alike share a line; marks are a table.
 */
#include "viewers/legend.h"

#include "engine/base/strbuf.h"
#include "viewers/spans.h"

#define SAMPLE_X 2
#define SAMPLE_CELLS 5

/* Of the first kind of each line. */
static const char *const meanings[PHASE_COUNT] = {
	[PHASE_UNKNOWN] = "no record says what it was",
	[PHASE_COMPUTE] = "the op itself",
	[PHASE_READ] = "bytes moved by the host",
	[PHASE_COLLECTIVE] = "together with the other ranks",
	[PHASE_STARVED] = "an input is not there",
	[PHASE_BACKPRESSURE] = "no free slot: the slowest reader holds them",
	[PHASE_LATE_RANK] = "in a collective, for another rank",
	[PHASE_DISPATCH] = "overhead",
	[PHASE_LIMIT] = "the submitter stands at --in-flight; nothing is in flight",
};

/* Glyphs of one look, at most two. */
struct sample {
	const char *text[2];
	struct look looks[2];
	const char *meaning;
};

static const struct sample marks[] = {
	{ { "▐██", "▌" }, { LOOK(COMPUTE), LOOK(COMPUTE) }, "a span; its ends lie where they are, to an eighth of a cell" },
	{ { "▏ │ ▕", NULL }, { LOOK(COMPUTE) }, "a span narrower than a cell, on the side where it lies" },
	{ { "╎", NULL }, { LOOK(STARVED) }, "the same of a wait" },
	{ { "▁▃▅", "▃█" }, { LOOK(NONE), LOOK(COMPUTE) },
		"folded spans: as high as their share of work, coloured if one kind" },
	{ { "█████", NULL }, { LOOK(ERROR) }, "an op that failed" },
	{ { "█████", NULL }, { LOOK(DIM) }, "what the filter leaves out" },
	{ { "▁▃▅▇█", NULL }, { LOOK(MOVE) }, "a channel: slots in use, of its depth" },
	{ { "✗", NULL }, { LOOK(ERROR) }, "records of this lane were lost; the details say how many" },
	{ { "◆", NULL }, { LOOK(ACCENT) }, "a bookmark" },
	{ { "", NULL }, { LOOK(NONE) }, "empty: nothing was recorded" },
};

static bool looks_alike(int a, int b)
{
	return spans_colour((enum phase)a) == spans_colour((enum phase)b) && spans_texture((enum phase)a) == spans_texture((enum phase)b);
}

/* Unknown comes last: it is what the others leave. */
static int phase_at(int i)
{
	return (i + 1) % PHASE_COUNT;
}

/* The phase that begins line `idx` of the kinds, as a number for phase_at; -1: there are fewer lines. */
static int first_of(int idx)
{
	for (int i = 0; i < PHASE_COUNT; i++) {
		bool is_first = true;
		for (int k = 0; k < i; k++)
			is_first &= !looks_alike(phase_at(k), phase_at(i));
		if (is_first && idx-- == 0)
			return i;
	}
	return -1;
}

static void draw_kinds(int first, struct pane pane, int y, int text_x)
{
	struct strbuf titles = STRBUF_INIT;
	int phase = phase_at(first);
	for (int x = 0; x < SAMPLE_CELLS; x++)
		pane_put(pane, SAMPLE_X + x, y, spans_texture((enum phase)phase), (struct look){ .front = (uint8_t)spans_colour((enum phase)phase) });
	for (int i = first; i < PHASE_COUNT; i++) {
		if (looks_alike(phase_at(i), phase))
			strbuf_addf(&titles, "%s%s", titles.length ? ", " : "", spans_phase_title((enum phase)phase_at(i)));
	}
	int x = pane_text(pane, text_x, y, LOOK(NONE), strbuf_text(&titles));
	if (meanings[phase])
		pane_textf(pane, x, y, LOOK(DIM), ": %s", meanings[phase]);
	strbuf_finish(&titles);
}

/* The phases that imported kinds are drawn as, in the order of the enum. */
bool legend_imported_line(int idx, struct pane pane, int y, int text_x)
{
	static const struct timeline imported = { .is_imported = true };
	int phase = 0;
	for (; phase < PHASE_COUNT; phase++) {
		if (spans_imported_meaning((enum phase)phase) && idx-- == 0)
			break;
	}
	if (phase == PHASE_COUNT)
		return false;
	const char *meaning = spans_imported_meaning((enum phase)phase);
	for (int x = 0; x < SAMPLE_CELLS; x++)
		pane_put(pane, SAMPLE_X + x, y, spans_texture_in(&imported, (enum phase)phase),
			(struct look){ .front = (uint8_t)spans_colour_in(&imported, (enum phase)phase) });
	int x = pane_text(pane, text_x, y, LOOK(NONE), spans_title_in(&imported, (enum phase)phase));
	if (*meaning)
		pane_textf(pane, x, y, LOOK(DIM), ": %s", meaning);
	return true;
}

static void draw_mark(const struct sample *sample, struct pane pane, int y, int text_x)
{
	int x = SAMPLE_X;
	for (int i = 0; i < 2 && sample->text[i]; i++)
		x = pane_text(pane, x, y, sample->looks[i], sample->text[i]);
	pane_text(pane, text_x, y, LOOK(NONE), sample->meaning);
}

bool legend_line(int idx, struct pane pane, int y, int text_x)
{
	int n_kinds = 0;
	while (first_of(n_kinds) >= 0)
		n_kinds++;
	if (idx < n_kinds)
		draw_kinds(first_of(idx), pane, y, text_x);
	else if (idx - n_kinds < (int)ARRAY_LEN(marks))
		draw_mark(&marks[idx - n_kinds], pane, y, text_x);
	return idx < n_kinds + (int)ARRAY_LEN(marks);
}
