/* SPDX-License-Identifier: Apache-2.0
 *
 * event: what a user does, and what it means. Keys are bound to actions by one table (action.c), which dispatching, the help page, the command
 * line and the config file all read.
 */
#ifndef TANDEM_VIEWERS_EVENT_H
#define TANDEM_VIEWERS_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* Keys beyond characters; characters are their Unicode code, Ctrl-A is 1, Enter is '\n', Escape 27, Backspace 127, Tab '\t'. */
enum key {
	KEY_BASE = 0x110000,
	KEY_ARROW_LEFT, KEY_ARROW_RIGHT, KEY_ARROW_UP, KEY_ARROW_DOWN,
	KEY_SHIFT_LEFT, KEY_SHIFT_RIGHT, KEY_SHIFT_UP, KEY_SHIFT_DOWN,
	KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME_, KEY_END_, KEY_DELETE, KEY_INSERT, KEY_BACKTAB,
	KEY_FUNCTION_1, KEY_FUNCTION_12 = KEY_FUNCTION_1 + 11,
};

enum event_kind {
	EVENT_KEY,
	EVENT_MOUSE_PRESS, EVENT_MOUSE_DOUBLE, EVENT_MOUSE_DRAG, EVENT_MOUSE_RELEASE, EVENT_WHEEL_UP, EVENT_WHEEL_DOWN,
	EVENT_RESIZE,  /* the canvas must get this size */
	EVENT_TICK,    /* time has passed: follow a run that goes on */
	EVENT_END,     /* the terminal is gone, or a signal asks to end */
};

struct event {
	enum event_kind kind;
	uint32_t key;   /* EVENT_KEY: a character or enum key */
	int x, y;       /* mouse: cell on the canvas; EVENT_RESIZE: width and height */
	bool has_ctrl, has_shift; /* mouse */
};

/* X(NAME, name, keys, help): `name` is what the command line and the config file call it, `keys` the default bindings separated by blanks
 * ("left", "S-left", "C-l", "F1", "enter", "space", "tab", "esc", or the character), `help` one phrase. The order is that of the help page. */
#define ACTION_MAP(X)                                                                                       \
	X(LEFT, "left", "left h", "move or pan left")                                                       \
	X(RIGHT, "right", "right l", "move or pan right")                                                   \
	X(UP, "up", "up k", "one row up")                                                                   \
	X(DOWN, "down", "down j", "one row down")                                                           \
	X(PAGE_LEFT, "page-left", "S-left H", "half a screen left")                                         \
	X(PAGE_RIGHT, "page-right", "S-right L", "half a screen right")                                     \
	X(PAGE_UP, "page-up", "pageup C-b", "a page up")                                                    \
	X(PAGE_DOWN, "page-down", "pagedown C-f space", "a page down")                                      \
	X(FIRST, "first", "home <", "to the beginning")                                                     \
	X(LAST, "last", "end >", "to the end; follows a run that goes on")                                  \
	X(TOP, "top", "S-up", "first row")                                                                  \
	X(BOTTOM, "bottom", "S-down", "last row")                                                           \
	X(ZOOM_IN, "zoom-in", "+ =", "twice as large, about the cursor")                                    \
	X(ZOOM_OUT, "zoom-out", "-", "half as large")                                                       \
	X(ZOOM_IN_FINE, "zoom-in-fine", "]", "a tenth larger")                                              \
	X(ZOOM_OUT_FINE, "zoom-out-fine", "[", "a tenth smaller")                                           \
	X(FIT, "fit", "0 f", "the whole run")                                                               \
	X(FIT_SELECTION, "fit-selection", "z", "what is selected, large")                                   \
	X(ENTER, "enter", "enter", "open what is selected")                                                 \
	X(BACK, "back", "esc", "close, go back")                                                            \
	X(NEXT_SPAN, "next-span", "w", "next span on the lane")                                             \
	X(PREVIOUS_SPAN, "previous-span", "b", "previous span on the lane")                                 \
	X(NEXT_EXECUTION, "next-execution", "n", "the same node, next execution (next hit after a search)") \
	X(PREVIOUS_EXECUTION, "previous-execution", "p N", "the same node, previous execution (previous hit)") \
	X(NEXT_ITERATION, "next-iteration", ".", "to the beginning of the next execution, or iteration")      \
	X(PREVIOUS_ITERATION, "previous-iteration", ",", "to that of this one, then the one before")        \
	X(GO_EXECUTION, "execution", "e", "go to an execution by number")                                   \
	X(PRODUCER, "producer", "{", "along an edge to what was waited for")                                \
	X(CONSUMER, "consumer", "}", "along an edge to who uses the result")                                \
	X(LINK, "link", "%", "imported: from a call to the work that it launched, and back")                \
	X(CRITICAL_BACK, "critical-back", "(", "back along the critical path")                              \
	X(CRITICAL_FORWARD, "critical-forward", ")", "forward along the critical path")                     \
	X(SEARCH, "search", "/", "search: name, kind:starved, >1ms, <10us, exec:118, failed")               \
	X(FILTER, "filter", "&", "dim what does not match; empty: everything")                              \
	X(FOLD, "fold", "tab", "fold or unfold the group of lanes; next panel elsewhere")                   \
	X(FOLD_PROCESS, "fold-process", "F", "imported: fold or unfold the lane's process")                 \
	X(FOLD_ALL, "fold-all", "M", "imported: fold or unfold what nests on all threads and streams")      \
	X(LANE_UP, "lane-up", "K", "move the lane up")                                                      \
	X(LANE_DOWN, "lane-down", "J", "move the lane down")                                                \
	X(MARK_A, "mark", "m", "set a mark; a second one measures between them, a third clears")            \
	X(BOOKMARK, "bookmark", "B", "bookmark this moment, with a note")                                   \
	X(BOOKMARKS, "bookmarks", "'", "go to a bookmark")                                                  \
	X(SORT, "sort", "o", "sort by the next column")                                                     \
	X(SORT_REVERSE, "sort-reverse", "O", "turn the order round")                                        \
	X(SIDE, "side", "x", "the other run")                                                               \
	X(VIEW_TIMELINE, "timeline", "t 1", "timeline")                                                     \
	X(VIEW_STALLS, "stalls", "s 2", "stalls: where time went")                                          \
	X(VIEW_COMPARE, "compare", "c 3", "compare two runs")                                               \
	X(VIEW_GRAPH, "graph", "g 4", "graph")                                                              \
	X(VIEW_PLAN, "plan", "P 5", "plan: each worker's steps")                                            \
	X(NEXT_VIEW, "next-view", "S-tab", "next view")                                                     \
	X(SPLIT, "split", "|", "a second view beside or below; again: one view")                            \
	X(OTHER_PANE, "other-pane", "C-w", "to the other pane")                                             \
	X(DETAILS, "details", "d", "more or fewer details")                                                 \
	X(COMMAND, "command", ":", "command line, with completion")                                         \
	X(HELP, "help", "? F1", "this page")                                                                \
	X(REDRAW, "redraw", "C-l", "draw everything anew")                                                  \
	X(QUIT, "quit", "q C-c", "leave")

enum action {
	ACTION_NONE,
#define X(name, word, keys, help) ACTION_##name,
	ACTION_MAP(X)
#undef X
	ACTION_COUNT
};

struct action_info {
	const char *name, *keys, *help;
};
const struct action_info *action_info(enum action action);
/* ACTION_NONE when there is none of this name. */
enum action action_find(const char *name);

#endif
