/* SPDX-License-Identifier: Apache-2.0
 *
 * term: curses knows the terminal: its modes, its keys, the texts that move the cursor and set colours. What is written is decided here: the cells
 * that differ from those shown before, in one write a frame.
 */
#include "viewers/term.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define NCURSES_NOMACROS 1
#include <curses.h>

#include "engine/base/clock.h"
#include "engine/base/strbuf.h"
#include "engine/base/utf8.h"
#include "viewers/canvas_private.h"
#include "viewers/term_hold.h"

#define ESCAPE_MS 40
#define KEY_CODE_SGR_MOUSE 900 /* beyond curses' own */
#define DOUBLE_NS INT64_C(400000000)
#define LONG_WORK_NS INT64_C(300000000)
#define GAP_CELLS 6 /* unchanged cells that are written rather than jumped over */
#define LOOKS (16 * 16 * 8)

static_assert(COLOUR_COUNT <= 16, "a look is a number below LOOKS");

struct term {
	SCREEN *screen;
	WINDOW *input;           /* reading from a pad never refreshes anything */
	const struct theme *theme;
	bool is_ascii, has_mouse, has_sync, wraps_late;
	int n_colours;
	int wake[2];
	const char *clear, *plain, *bold, *underline, *reverse, *front, *back, *move;
	char *looks[LOOKS];      /* the text that sets a look; made when first used */
	struct canvas shown;
	bool is_known;           /* shown is what is on the terminal */
	struct strbuf out;
	int64_t returned_ns;     /* when term_wait gave the last event */
	struct { int64_t time_ns; int x, y; } press;
	bool is_pressed;
};

/* -- opening ------------------------------------------------------------------------------------------------------------------ */

static const char *capability(const char *name)
{
	const char *text = tigetstr(name);
	return text && text != (const char *)-1 ? text : "";
}

static void add_text(struct term_hold_text *text, const char *add)
{
	size_t length = strlen(add);
	if (text->n + length > sizeof(text->bytes))
		return;
	memcpy(text->bytes + text->n, add, length);
	text->n += length;
}

static void make_texts(const struct term *term, struct term_hold_text *enter, struct term_hold_text *leave)
{
	add_text(enter, capability("smcup"));
	add_text(enter, capability("smkx"));
	add_text(enter, capability("civis"));
	add_text(leave, term->has_sync ? "\033[?2026l" : "");
	if (term->has_mouse) {
		add_text(enter, "\033[?1002h\033[?1006h");
		add_text(leave, "\033[?1006l\033[?1002l");
	}
	add_text(leave, term->plain);
	add_text(leave, capability("cnorm"));
	add_text(leave, capability("rmkx"));
	add_text(leave, capability("rmcup"));
}

/* Sequences that terminals send whatever their description says. */
static void define_keys(void)
{
	static const struct {
		const char *text;
		int code;
	} keys[] = {
		{ "\033[<", KEY_CODE_SGR_MOUSE }, { "\033[1;2A", KEY_SR }, { "\033[1;2B", KEY_SF },
		{ "\033[1;2C", KEY_SRIGHT },
		{ "\033[1;2D", KEY_SLEFT }, { "\033[A", KEY_UP }, { "\033[B", KEY_DOWN }, { "\033[C", KEY_RIGHT },
		{ "\033[D", KEY_LEFT },
		{ "\033[H", KEY_HOME }, { "\033[F", KEY_END }, { "\033[1~", KEY_HOME }, { "\033[4~", KEY_END },
		{ "\033[3~", KEY_DC },
		{ "\033[5~", KEY_PPAGE }, { "\033[6~", KEY_NPAGE }, { "\033[Z", KEY_BTAB }, { "\033OP", KEY_F(1) },
	};
	define_key(NULL, KEY_MOUSE);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		define_key(keys[i].text, keys[i].code);
}

static void read_capabilities(struct term *term)
{
	int n = tigetnum("colors");
	term->n_colours = n > 0 ? n : 0;
	term->clear = capability("clear");
	term->plain = capability("sgr0");
	term->bold = capability("bold");
	term->underline = capability("smul");
	term->reverse = capability("rev");
	term->front = capability("setaf");
	term->back = capability("setab");
	term->move = capability("cup");
	term->wraps_late = tigetflag("xenl") > 0 || tigetflag("am") <= 0;
	term->has_sync = strstr(capability("smcup"), "[?1049h") != NULL;
}

static int check_terminal(struct error *error)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(error, STATUS_UNSUPPORTED, "this is no terminal; --batch prints a screen as text");
	return STATUS_OK;
}

static int refuse_type(struct error *error)
{
	const char *type = getenv("TERM");
	return error_set(error, STATUS_UNSUPPORTED, "the terminal type '%s' (TERM) is not known or cannot move the cursor; --batch prints a screen"
		" as text", type ? type : "");
}

static int begin(struct term *term, const struct config *config, struct error *error)
{
	struct termios before, during;
	struct term_hold_text enter = { .n = 0 }, leave = { .n = 0 };
	if (pipe2(term->wake, O_CLOEXEC | O_NONBLOCK))
		return error_set_errno(error, STATUS_SYSTEM, "no pipe for signals");
	tcgetattr(STDIN_FILENO, &before);
	set_escdelay(ESCAPE_MS);
	term->screen = newterm(NULL, stdout, stdin);
	if (!term->screen || !*capability("cup"))
		return refuse_type(error);
	term->input = newpad(1, 1);
	if (!term->input)
		return error_set(error, STATUS_SYSTEM, "the terminal could not be set up");
	read_capabilities(term);
	cbreak();
	noecho();
	nonl();
	keypad(term->input, TRUE);
	define_keys();
	refresh();
	tcgetattr(STDIN_FILENO, &during);
	make_texts(term, &enter, &leave);
	term_hold(&enter, &leave, &before, &during, term->wake[1]);
	strbuf_add_bytes(&term->out, enter.bytes, enter.n);
	return STATUS_OK;
}

int term_open(const struct config *config, struct error *error, struct term **ret_term)
{
	int status = check_terminal(error);
	if (status != STATUS_OK)
		return status;
	struct term *term = calloc(1, sizeof(*term));
	if (!term)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the terminal");
	*term = (struct term){ .theme = config->theme, .is_ascii = config->is_ascii, .has_mouse = config->has_mouse, .wake = { -1, -1 },
		.press.x = -1 };
	status = begin(term, config, error);
	if (status != STATUS_OK) {
		term_close(term);
		return status;
	}
	*ret_term = term;
	return STATUS_OK;
}

static void forget_looks(struct term *term)
{
	for (int i = 0; i < LOOKS; i++) {
		free(term->looks[i]);
		term->looks[i] = NULL;
	}
}

static void write_out(struct term *term);

void term_close(struct term *term)
{
	if (!term)
		return;
	if (term->input) {
		strbuf_clear(&term->out);
		strbuf_add(&term->out, term->has_mouse ? "\033[?1006l\033[?1002l" : "");
		strbuf_add(&term->out, term->plain);
		strbuf_add(&term->out, capability("cnorm"));
		write_out(term);
		delwin(term->input);
	}
	if (term->screen) {
		endwin();
		delscreen(term->screen);
	}
	term_release();
	for (int i = 0; i < 2; i++) {
		if (term->wake[i] >= 0)
			close(term->wake[i]);
	}
	forget_looks(term);
	canvas_finish(&term->shown);
	strbuf_finish(&term->out);
	free(term);
}

void term_size(const struct term *term, int *ret_width, int *ret_height)
{
	struct winsize size = { 0 };
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row) {
		size.ws_col = 80;
		size.ws_row = 24;
	}
	*ret_width = size.ws_col;
	*ret_height = size.ws_row;
}

void term_forget(struct term *term)
{
	term->is_known = false;
}

void term_set_theme(struct term *term, const struct theme *theme)
{
	if (term->theme == theme)
		return;
	term->theme = theme;
	forget_looks(term);
	term_forget(term);
}

const volatile sig_atomic_t *term_interrupt(void)
{
	return term_hold_interrupt();
}

int term_signal(void)
{
	return term_hold_signal();
}

/* -- showing ------------------------------------------------------------------------------------------------------------------ */

static void write_out(struct term *term)
{
	for (size_t at = 0; at < term->out.length;) {
		ssize_t n = write(STDOUT_FILENO, term->out.text + at, term->out.length - at);
		if (n >= 0) {
			at += (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
			poll(&fd, 1, 1000);
		} else if (errno != EINTR) {
			break;
		}
	}
	strbuf_clear(&term->out);
}

/* Terminals of 8 colours show the other 8 as bold. */
static void add_colour(const struct term *term, struct theme_colour colour, const char *sets, bool is_front, struct strbuf *out)
{
	int number = term->n_colours >= 256 ? colour.colour256 : colour.colour16;
	if (number < 0 || term->n_colours < 8 || !*sets)
		return;
	if (number >= 8 && term->n_colours < 16) {
		number -= 8;
		if (is_front)
			strbuf_add(out, term->bold);
	}
	const char *text = tparm(sets, number);
	strbuf_add(out, text ? text : "");
}

static const char *look_text(struct term *term, struct look look)
{
	char **text = &term->looks[(look.front & 15) << 7 | (look.back & 15) << 3 | (look.attributes & 7)];
	if (*text)
		return *text;
	const struct theme *theme = term->n_colours < 8 ? theme_get(THEME_MONO) : term->theme;
	struct theme_paint paint = theme_paint(theme, look);
	struct strbuf out = STRBUF_INIT;
	strbuf_add(&out, term->plain);
	if (paint.attributes & LOOK_BOLD)
		strbuf_add(&out, term->bold);
	if (paint.attributes & LOOK_UNDERLINE)
		strbuf_add(&out, term->underline);
	if (paint.attributes & LOOK_REVERSE)
		strbuf_add(&out, term->reverse);
	add_colour(term, paint.front, term->front, true, &out);
	add_colour(term, paint.back, term->back, false, &out);
	*text = strbuf_take(&out);
	return *text ? *text : "";
}

/* Where the next character goes and how it looks; x -1: not known. */
struct pen {
	int x, y;
	struct look look;
	bool has_look;
};

static bool is_same_look(struct look a, struct look b)
{
	return a.front == b.front && a.back == b.back && a.attributes == b.attributes;
}

static bool is_same_cell(const struct canvas_cell *a, const struct canvas_cell *b)
{
	return a->code == b->code && is_same_look(a->look, b->look) && memcmp(a->combining, b->combining, sizeof(a->combining)) == 0;
}

/* A character whose width the terminal may see otherwise is not sent. */
static bool is_sure(const struct canvas_cell *cell, int width)
{
	if (cell->code < 0x300 && !cell->combining[0])
		return true;
	for (int i = 0; i < CANVAS_COMBINING_MAX && cell->combining[i]; i++) {
		if (wcwidth((wchar_t)cell->combining[i]) != 0)
			return false;
	}
	return wcwidth((wchar_t)cell->code) == width;
}

static void put_cell(struct term *term, struct pen *pen, int x, int y, const struct canvas_cell *cell, int width)
{
	if (pen->x != x || pen->y != y) {
		const char *text = tparm(term->move, y, x);
		strbuf_add(&term->out, text ? text : "");
	}
	if (!pen->has_look || !is_same_look(pen->look, cell->look))
		strbuf_add(&term->out, look_text(term, cell->look));
	pen->look = cell->look;
	pen->has_look = true;
	bool is_sent = term->is_ascii || is_sure(cell, width);
	if (is_sent)
		canvas_cell_text(cell, term->is_ascii, &term->out);
	else
		strbuf_add(&term->out, width == 2 ? "? " : "?");
	pen->x = x + width;
	pen->y = y;
	if (pen->x >= term->shown.width || (cell->code >= 0x300 && (width == 2 || cell->combining[0])))
		pen->x = -1;
}

static void show_row(struct term *term, struct pen *pen, const struct canvas *canvas, int y)
{
	const struct canvas_cell *row = &canvas->cells[(size_t)y * (size_t)canvas->width];
	struct canvas_cell *shown = &term->shown.cells[(size_t)y * (size_t)canvas->width];
	for (int x = 0; x < canvas->width; x++) {
		if (row[x].code == 0)
			continue;
		int width = x + 1 < canvas->width && row[x + 1].code == 0 ? 2 : 1;
		bool is_corner = y == canvas->height - 1 && x + width == canvas->width && !term->wraps_late;
		bool has_changed = !is_same_cell(&row[x], &shown[x]) || (width == 2 && !is_same_cell(&row[x + 1], &shown[x + 1]));
		if (!has_changed || is_corner)
			continue;
		if (pen->y == y && pen->x >= 0 && pen->x < x && x - pen->x <= GAP_CELLS) {
			for (int i = pen->x; i < x && pen->x == i; i++) {
				if (row[i].code && !(i + 1 < canvas->width && row[i + 1].code == 0))
					put_cell(term, pen, i, y, &row[i], 1);
			}
		}
		put_cell(term, pen, x, y, &row[x], width);
	}
	memcpy(shown, row, (size_t)canvas->width * sizeof(*row));
}

void term_show(struct term *term, const struct canvas *canvas)
{
	struct pen pen = { .x = -1, .y = -1 };
	bool is_resized = term->shown.width != canvas->width || term->shown.height != canvas->height;
	size_t before = term->out.length;
	strbuf_add(&term->out, term->has_sync ? "\033[?2026h" : "");
	size_t begun = term->out.length;
	if (!term->is_known || is_resized) {
		if (canvas_resize(&term->shown, canvas->width, canvas->height, NULL) != STATUS_OK)
			return;
		strbuf_add(&term->out, look_text(term, LOOK(NONE)));
		strbuf_add(&term->out, term->clear);
		term->is_known = true;
	}
	for (int y = 0; y < canvas->height; y++)
		show_row(term, &pen, canvas, y);
	if (term->out.length == begun && before == 0) {
		strbuf_clear(&term->out);
		return;
	}
	strbuf_add(&term->out, term->plain);
	strbuf_add(&term->out, term->has_sync ? "\033[?2026l" : "");
	write_out(term);
}

/* -- events ------------------------------------------------------------------------------------------------------------------- */

static uint32_t key_of_code(int code)
{
	static const struct {
		int code;
		uint32_t key;
	} codes[] = {
		{ KEY_LEFT, KEY_ARROW_LEFT }, { KEY_RIGHT, KEY_ARROW_RIGHT }, { KEY_UP, KEY_ARROW_UP },
		{ KEY_DOWN, KEY_ARROW_DOWN },
		{ KEY_SLEFT, KEY_SHIFT_LEFT }, { KEY_SRIGHT, KEY_SHIFT_RIGHT }, { KEY_SR, KEY_SHIFT_UP },
		{ KEY_SF, KEY_SHIFT_DOWN },
		{ KEY_PPAGE, KEY_PAGE_UP }, { KEY_NPAGE, KEY_PAGE_DOWN }, { KEY_HOME, KEY_HOME_ },
		{ KEY_END, KEY_END_ },
		{ KEY_DC, KEY_DELETE }, { KEY_IC, KEY_INSERT }, { KEY_BTAB, KEY_BACKTAB }, { KEY_ENTER, '\n' },
		{ KEY_BACKSPACE, 127 },
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].code == code)
			return codes[i].key;
	}
	return code >= KEY_F(1) && code <= KEY_F(12) ? KEY_FUNCTION_1 + (uint32_t)(code - KEY_F(1)) : 0;
}

/* "b;x;y" and M or m, behind the prefix. */
static bool read_mouse(struct term *term, int *ret_button, int *ret_x, int *ret_y, bool *ret_is_release)
{
	int numbers[3] = { 0 }, at = 0;
	wint_t character;
	wtimeout(term->input, ESCAPE_MS);
	while (wget_wch(term->input, &character) == OK) {
		if (character >= '0' && character <= '9' && numbers[at] < 100000) {
			numbers[at] = 10 * numbers[at] + (int)(character - '0');
		} else if (character == ';' && at < 2) {
			at++;
		} else {
			*ret_button = numbers[0];
			*ret_x = numbers[1] - 1;
			*ret_y = numbers[2] - 1;
			*ret_is_release = character == 'm';
			return at == 2 && (character == 'M' || character == 'm');
		}
	}
	return false;
}

static enum event_kind press_kind(struct term *term, int x, int y)
{
	int64_t now_ns = clock_now().ns;
	bool is_double = x == term->press.x && y == term->press.y && now_ns - term->press.time_ns < DOUBLE_NS;
	term->press.time_ns = now_ns;
	term->press.x = is_double ? -1 : x; /* a third press is a first one */
	term->press.y = y;
	return is_double ? EVENT_MOUSE_DOUBLE : EVENT_MOUSE_PRESS;
}

static bool mouse_event(struct term *term, struct event *event)
{
	int button, x, y;
	bool is_release;
	if (!read_mouse(term, &button, &x, &y, &is_release) || x < 0 || y < 0)
		return false;
	*event = (struct event){ .x = x, .y = y, .has_ctrl = button & 16, .has_shift = button & 4 };
	if (button & 64) {
		event->kind = button & 1 ? EVENT_WHEEL_DOWN : EVENT_WHEEL_UP;
		return !(button & 2);
	}
	if (button & 3) /* the left one only */
		return false;
	if (is_release)
		event->kind = EVENT_MOUSE_RELEASE;
	else
		event->kind = button & 32 ? EVENT_MOUSE_DRAG : press_kind(term, x, y);
	return true;
}

/* An event from what the terminal has sent so far; false when that is none. */
static bool read_input(struct term *term, struct event *event)
{
	wint_t character = 0;
	for (;;) {
		wtimeout(term->input, 0);
		int got = wget_wch(term->input, &character);
		if (got == ERR)
			return false;
		if (got == KEY_CODE_YES && character == KEY_CODE_SGR_MOUSE) {
			if (mouse_event(term, event))
				return true;
			continue;
		}
		uint32_t key = got == KEY_CODE_YES ? key_of_code((int)character) : (uint32_t)character;
		if (key == 0)
			continue;
		*event = (struct event){ .kind = EVENT_KEY, .key = key == '\r' ? '\n' : key == 8 ? 127 : key };
		return true;
	}
}

static bool signal_event(struct term *term, bool was_waiting, struct event *event)
{
	int width, height;
	switch (term_hold_take()) {
	case TERM_HOLD_NOTHING: return false;
	case TERM_HOLD_END: *event = (struct event){ .kind = EVENT_END }; return true;
	case TERM_HOLD_INTERRUPT:
		*event = (struct event){ .kind = EVENT_KEY, .key = 3 };
		return was_waiting || clock_now().ns - term->returned_ns < LONG_WORK_NS;
	case TERM_HOLD_CONTINUED: term_forget(term); break;
	case TERM_HOLD_RESIZED: break;
	}
	term_size(term, &width, &height);
	*event = (struct event){ .kind = EVENT_RESIZE, .x = width, .y = height };
	return true;
}

/* Waits for something to come; false when nothing did in time. */
static bool wait_for_any(struct term *term, int timeout_ms, int extra_fd, bool *ret_is_over)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = term->wake[0], .events = POLLIN },
		{ .fd = extra_fd, .events = POLLIN } };
	char bytes[64];
	int n = poll(fds, 3, timeout_ms), n_bytes = 0;
	if (n < 0)
		return errno == EINTR;
	while (fds[1].revents && read(term->wake[0], bytes, sizeof(bytes)) > 0)
		;
	*ret_is_over = (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		|| ((fds[0].revents & POLLIN) && ioctl(STDIN_FILENO, FIONREAD, &n_bytes) == 0 && n_bytes == 0);
	return n > 0 && !fds[2].revents;
}

struct event term_wait(struct term *term, int timeout_ms, int extra_fd)
{
	struct event event = { .kind = EVENT_TICK };
	int64_t until_ns = clock_now().ns + (int64_t)timeout_ms * 1000000;
	bool is_over = false, was_waiting = false;
	while (!signal_event(term, was_waiting, &event) && !read_input(term, &event)) {
		int64_t left_ns = until_ns - clock_now().ns;
		int left_ms = timeout_ms < 0 ? -1 : left_ns > 0 ? (int)((left_ns + 999999) / 1000000) : 0;
		event = (struct event){ .kind = EVENT_TICK };
		if (is_over) {
			event.kind = EVENT_END;
			break;
		}
		was_waiting = true;
		bool has_any = wait_for_any(term, left_ms, extra_fd, &is_over);
		if (!has_any && !is_over)
			break;
	}
	term->returned_ns = clock_now().ns;
	return event;
}
