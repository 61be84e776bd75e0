/* SPDX-License-Identifier: Apache-2.0
 *
 * details: lays out the items in the rows that there are.
 */
#include "viewers/details.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "viewers/axis.h"
#include "viewers/details_private.h"

#define LABEL_CELLS 11

static const char *const words[DETAILS_COUNT] = {
#define X(name, word) [DETAILS_##name] = word,
	DETAILS_MAP(X)
#undef X
};

static const char *const imported_words[DETAILS_COUNT] = {
#define X(name, word) [DETAILS_##name] = word,
	DETAILS_IMPORTED_MAP(X)
#undef X
};

struct strbuf *details_part(struct details *details, enum details_item item)
{
	if (details->n_parts[item] == DETAILS_PARTS_MAX) {
		details->n_more[item]++;
		return NULL;
	}
	return &details->parts[item][details->n_parts[item]++];
}

void details_add(struct details *details, enum details_item item, const char *format, ...)
{
	char text[1000];
	va_list args;
	struct strbuf *part = details_part(details, item);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (part)
		strbuf_add(part, text);
}

char *details_time(const struct session *session, int64_t time_ns, char *text, size_t size)
{
	const struct timeline *timeline = session_timeline(session);
	int64_t cell_ns = timeline_scale_ns(session->sides[session->selection.side].window.scale);
	return axis_format(time_ns - timeline->origin_ns, cell_ns, text, size);
}

int details_make(struct session *session, struct details *details, struct error *error)
{
	const struct session_selection *selection = &session->selection;
	const struct timeline *timeline = session_timeline(session);
	*details = (struct details){ 0 };
	if (selection->has_span && timeline->is_imported)
		return details_of_imported(session, &selection->span, details, error);
	if (selection->has_span)
		return details_of_span(session, &selection->span, details, error);
	if (selection->lane != TIMELINE_NONE && timeline->lanes[selection->lane].kind == TIMELINE_CHANNEL)
		return details_of_channel(session, selection->lane, details, error);
	details->is_nothing = details->is_short = true;
	return details_of_nothing(session, details, error);
}

void details_finish(struct details *details)
{
	for (int item = 0; item < DETAILS_COUNT; item++) {
		for (int i = 0; i < DETAILS_PARTS_MAX; i++)
			strbuf_finish(&details->parts[item][i]);
	}
}

/* -- rows ---------------------------------------------------------------------------------------------------------------------- */

/* Text that ends at `until`, with … where it was cut. */
static int put_line(struct pane pane, int x, int y, int until, struct look look, const char *text)
{
	struct pane line = pane_sub(pane, 0, y, until, 1);
	int end = pane_text(line, x, 0, look, text);
	if (x + canvas_text_width(text) > until)
		pane_put(line, until - 1, 0, 0x2026, look);
	return end;
}

/* Parts [first, end) in one line; `separator` stands between them. */
static void join(const struct details *details, enum details_item item, int first, int end, const char *separator, struct strbuf *out)
{
	strbuf_clear(out);
	for (int i = first; i < end; i++)
		strbuf_addf(out, "%s%s", i > first ? separator : "", strbuf_text(&details->parts[item][i]));
	if (end == details->n_parts[item] && details->n_more[item])
		strbuf_addf(out, "%sand %d more", separator, details->n_more[item]);
}

/* How much of the text fits a line: up to the last blank, if there is one. */
static size_t fit_line(const char *text, int width)
{
	size_t n = 0, fits = 0, word = 0;
	uint32_t code;
	for (int cells = 0; text[n]; cells++) {
		if (cells >= width)
			return word ? word : fits;
		n += utf8_decode(text + n, &code);
		word = text[n] == ' ' ? n : word;
		fits = n;
	}
	return n;
}

/* Puts, or only counts, lines; the last one that there is room for is cut. */
static int wrap_lines(const char *text, struct pane pane, int n_most, bool is_drawn)
{
	char line[1000];
	int n = 0;
	while (*text && n < n_most) {
		size_t length = n + 1 < n_most || !is_drawn ? fit_line(text, pane.width - LABEL_CELLS) : strlen(text);
		snprintf(line, sizeof(line), "%.*s", (int)length, text);
		if (is_drawn)
			put_line(pane, LABEL_CELLS, n, pane.width, LOOK(NONE), line);
		text += length;
		text += strspn(text, " ");
		n++;
	}
	return n;
}

static struct look look_of(const struct details *details, enum details_item item)
{
	return item == DETAILS_WHAT && !details->is_nothing ? LOOK(TITLE) : LOOK(NONE);
}

static void put_label(const struct details *details, struct pane pane, int y, enum details_item item)
{
	pane_text(pane, 1, y, LOOK(DIM), details->is_imported && imported_words[item] ? imported_words[item] : words[item]);
}

/* Two items a row: what and how long, when and waited, inputs, outputs and versus. */
static void draw_small(const struct details *details, struct pane pane, struct strbuf *text)
{
	struct strbuf more = STRBUF_INIT;
	join(details, DETAILS_WHAT, 0, details->n_parts[DETAILS_WHAT] < 2 ? details->n_parts[DETAILS_WHAT] : 2, ", ", text);
	int x = put_line(pane, 1, 0, pane.width, look_of(details, DETAILS_WHAT), strbuf_text(text));
	join(details, DETAILS_WHERE, 0, details->n_parts[DETAILS_WHERE] > 0, ", ", text);
	if (text->length)
		x = put_line(pane, put_line(pane, x, 0, pane.width, LOOK(DIM), " on "), 0, pane.width, LOOK(NONE), strbuf_text(text));
	join(details, DETAILS_WHEN, 0, details->n_parts[DETAILS_WHEN] > 0, "", &more);
	if (more.length) {
		strbuf_clear(text);
		strbuf_addf(text, "   %s", strbuf_text(&more));
		put_line(pane, x, 0, pane.width, LOOK(DIM), strbuf_text(text));
	}
	for (int i = 0; i < 3; i++) {
		static const enum details_item items[] = { DETAILS_LONG, DETAILS_WAITED, DETAILS_INPUTS };
		if (!details->n_parts[items[i]])
			continue;
		put_label(details, pane, i + 1, items[i]);
		join(details, items[i], 0, details->n_parts[items[i]], ", ", text);
		put_line(pane, LABEL_CELLS, i + 1, pane.width, LOOK(NONE), strbuf_text(text));
	}
	strbuf_finish(&more);
}

/* The versus of the small pane stands at the right end of the row of durations. */
static void draw_small_versus(const struct details *details, struct pane pane, struct strbuf *text)
{
	if (!details->n_parts[DETAILS_VERSUS] || details->is_imported)
		return;
	strbuf_clear(text);
	strbuf_addf(text, "vs %s", strbuf_text(&details->parts[DETAILS_VERSUS][0]));
	int width = canvas_text_width(strbuf_text(text));
	if (width + 2 > pane.width - LABEL_CELLS)
		return;
	pane_field(pane, pane.width - width - 3, 1, width + 3, PANE_LEFT, LOOK(NONE), "");
	pane_text(pane, pane.width - width - 1, 1, LOOK(ACCENT), strbuf_text(text));
}

/* An item a row; those with parts get more where there is room. */
static void draw_full(const struct details *details, struct pane pane, struct strbuf *text)
{
	int spare = pane.height - DETAILS_COUNT, y = 0;
	for (int item = 0; item < DETAILS_COUNT && y < pane.height; item++) {
		bool is_split = item == DETAILS_LONG || item == DETAILS_WAITED || item == DETAILS_INPUTS || item == DETAILS_OUTPUTS
			|| item == DETAILS_VERSUS;
		int n = details->n_parts[item], n_rows = is_split && n > 1 && spare >= n - 1 ? n : 1;
		spare -= n_rows - 1;
		if (n == 0 && details->is_short)
			continue;
		put_label(details, pane, y, (enum details_item)item);
		if (item == DETAILS_VERSUS && details->is_imported && n) {
			wrap_lines(strbuf_text(&details->parts[item][0]), pane_sub(pane, 0, y, pane.width, pane.height - y), pane.height - y, true);
			break;
		}
		if (n == 0)
			pane_put(pane, LABEL_CELLS, y, 0x2013, LOOK(DIM));
		for (int i = 0; i < n_rows; i++, y++) {
			join(details, (enum details_item)item, n_rows > 1 ? i : 0, n_rows > 1 ? i + 1 : n, ", ", text);
			put_line(pane, LABEL_CELLS, y, pane.width, look_of(details, (enum details_item)item), strbuf_text(text));
		}
	}
}

/* -- what was reported --------------------------------------------------------------------------------------------------------- */

static void draw_reported(const struct message *reported, struct pane *pane)
{
	int n_most = pane->height / 2;
	if (pane->width <= LABEL_CELLS || n_most == 0)
		return;
	int n = wrap_lines(reported->text, *pane, n_most, false);
	struct pane rows = pane_cut_rows(pane, -n);
	pane_text(rows, 1, 0, reported->is_error ? LOOK(ERROR) : LOOK(DIM), "reported");
	wrap_lines(reported->text, rows, n, true);
}

int details_draw(struct session *session, const struct message *reported, struct pane pane, struct error *error)
{
	struct details details;
	struct strbuf text = STRBUF_INIT;
	if (reported)
		draw_reported(reported, &pane);
	int status = details_make(session, &details, error);
	if (status == STATUS_OK && pane.height >= (reported ? DETAILS_ROWS_SMALL + 1 : DETAILS_ROWS)) {
		draw_full(&details, pane, &text);
	} else if (status == STATUS_OK) {
		draw_small(&details, pane, &text);
		draw_small_versus(&details, pane, &text);
	}
	strbuf_finish(&text);
	details_finish(&details);
	return status;
}
