/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_private: what the parts of the debugger's screen share.
 *
 *     debug_screen.c         the handle: modes, events, commands, halts
 *     debug_screen_keys.c    one table of keys, which dispatches and which the help page shows
 *     debug_screen_line.c    the command line: completion, history
 *     debug_screen_layout.c  which panels are on screen and where
 *     debug_screen_draw.c    the frame around the panels, the help page
 *     debug_screen_lists.c   panels: nodes, workers, executions
 *     debug_screen_graph.c   panel: the graph
 *     debug_screen_tensor.c  panel: a tensor
 *     debug_screen_texts.c   panels: watch list, twin, messages, output
 *     debug_screen_past.c    what the history tells, and the panel with the time line
 */
#ifndef TANDEM_VIEWERS_DEBUG_SCREEN_PRIVATE_H
#define TANDEM_VIEWERS_DEBUG_SCREEN_PRIVATE_H

#include "viewers/debug_screen.h"
#include "viewers/layer_lines.h"
#include "viewers/line_edit.h"

#define DEBUG_SCREEN_WIDTH_MIN 60
#define DEBUG_SCREEN_HEIGHT_MIN 16
#define DEBUG_SCREEN_LINES 2000     /* of messages, of output */

/* X(NAME, name): the order is that of the digits that choose them. */
#define DEBUG_PANEL_MAP(X)            \
	X(NODES, nodes)               \
	X(GRAPH, graph)               \
	X(TENSOR, tensor)             \
	X(WATCH, watch)               \
	X(TWIN, twin)                 \
	X(WORKERS, workers)           \
	X(EXECUTIONS, executions)     \
	X(TIMELINE, timeline)         \
	X(MESSAGES, messages)         \
	X(OUTPUT, output)
enum debug_panel_id {
#define X(name, word) DEBUG_PANEL_##name,
	DEBUG_PANEL_MAP(X)
#undef X
	DEBUG_PANELS,
};

struct debug_screen;

/* One kind of panel. */
struct debug_panel_kind {
	const char *name;
	const char *hints;  /* for the bottom line when it has the focus */
	void (*draw)(struct debug_screen *screen, struct pane pane);
	/* up −1 or down +1, left and right likewise, by so many rows or columns; INT_MAX: to the end */
	void (*move)(struct debug_screen *screen, int columns, int rows);
	void (*enter)(struct debug_screen *screen);                         /* may be NULL */
	void (*press)(struct debug_screen *screen, int x, int y, bool is_double); /* coordinates of the panel below its title; may be NULL */
	void (*zoom)(struct debug_screen *screen, int direction);           /* + or −, 0: everything; may be NULL */
};
extern const struct debug_panel_kind debug_panel_kinds[DEBUG_PANELS];

struct debug_panel {
	struct pane area;   /* as drawn last, below its title; width 0: not on screen */
	int top, row;       /* first line in sight; chosen line */
	int n_lines;
	uint64_t shown;     /* the larger one is in front of others in the same place */
	char info[80];      /* in its title, on the right */
};

/* Lines of text. */
struct debug_text {
	char **lines;       /* owned */
	uint8_t *kinds;     /* enum debug_text_kind */
	int n, capacity;
	int n_dropped;      /* older ones */
};
enum debug_text_kind { DEBUG_TEXT_PLAIN, DEBUG_TEXT_COMMAND, DEBUG_TEXT_ERROR, DEBUG_TEXT_CHANGED, DEBUG_TEXT_DIM };
void debug_text_add(struct debug_text *text, enum debug_text_kind kind, const char *lines); /* split at line ends */
void debug_text_clear(struct debug_text *text);
void debug_text_finish(struct debug_text *text);

/* A node in an execution, as the history has it. */
struct debug_past_item {
	uint64_t execution, start, op_ticks, waited_ticks;
	uint32_t node, worker;
	bool has_failed;
};
/* What the history has of one execution. */
struct debug_past_execution {
	uint64_t execution;
	int n_nodes, n_failed;
};
/* All that the history tells. Times shown are without the pauses in which nobody computed for long. */
struct debug_past {
	struct debug_past_item *items; /* by start */
	int n, capacity;
	struct debug_past_execution *executions; /* [n_executions], the newest first */
	int n_executions;
	int64_t *begins_ns;            /* [n] of their ops, on the axis */
	int n_pauses;
	int64_t *pauses_ns;            /* [n_pauses] on the axis; pauses last no time there */
	int64_t longest_pause_ns;
	int64_t length_ns;             /* of the axis */
	int64_t from_ns, cell_ns;      /* window; cell 0: all of it */
};

/* One display: what it said, at this halt and at the one before. */
struct debug_watched {
	int id;
	char *text, *before; /* owned; before may be NULL */
};

/* The selected tensor. */
struct debug_shown_tensor {
	struct debug_value value;
	struct debug_slice slice;
	void *copy;             /* owned; NULL: `error` says why */
	struct debug_stats stats;
	struct debug_bins bins;
	struct error error;
	char slice_text[100];
	bool is_hex;
	int per_row;            /* elements in a row, as drawn last */
	int64_t top, n_rows;
};

enum debug_screen_mode { DEBUG_SCREEN_BROWSING, DEBUG_SCREEN_TYPING, DEBUG_SCREEN_HELP, DEBUG_SCREEN_OVER };
enum debug_screen_prompt { DEBUG_SCREEN_COMMAND, DEBUG_SCREEN_SLICE };

struct debug_screen {
	struct debug_screen_options options;
	struct debug_context *context;
	struct debugger *debugger;
	enum debug_screen_mode mode;
	enum debug_screen_end end;
	struct debug_panel panels[DEBUG_PANELS];
	enum debug_panel_id focus;
	uint64_t n_shown;
	bool is_zoomed;          /* the panel with the focus has the whole screen */
	bool wants_redraw;
	int width, height;
	char status[300], question[300];
	char waiting[LINE_EDIT_BYTES]; /* a command for the next turn; "": none */

	enum debug_screen_prompt prompt;
	struct line_edit line;
	int history_at;          /* −1: the line itself */

	uint32_t node;           /* selected; PROGRAM_NONE: there is no program */
	int tensor;              /* of the node's inputs, then outputs */
	bool is_stale;           /* what is kept of the run is to be read again */
	char **letters;          /* [n_letters] by node; NULL: not looked up since the last halt */
	uint32_t n_letters;
	struct debug_worker_state *states; /* [n_states] by process, as last looked at */
	uint32_t n_states;
	struct debug_past_execution *executions; /* rows of the panel, the newest first */
	int n_executions;
	struct debug_past past;
	struct debug_shown_tensor shown;
	struct debug_text messages, output, twin, watch;
	struct debug_watched *watched;
	int n_watched;
	struct layers layers;
	struct layers_edge *edges;
	struct layer_lines lines;
	bool has_layers;
	const struct program_header *laid_out; /* of this program */
	int help_top, help_lines;
};

/* debug_screen.c */
void debug_screen_status(struct debug_screen *screen, const char *format, ...) PRINTF_LIKE(2, 3);
/* Carries out a line as if it had been typed; what it says stands in the messages. */
void debug_screen_command(struct debug_screen *screen, const char *line);
void debug_screen_commandf(struct debug_screen *screen, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same out of sight: what it says comes back in *out; it is not repeated by an empty line. */
int debug_screen_ask_quietly(struct debug_screen *screen, const char *line, struct strbuf *out, struct error *error);
const struct program *debug_screen_program(const struct debug_screen *screen); /* NULL: none */
bool debug_screen_has_target(const struct debug_screen *screen);
void debug_screen_select(struct debug_screen *screen, uint32_t node);
/* What is kept of the run is read again when it is needed, if it stands still. */
void debug_screen_refresh(struct debug_screen *screen);
/* A node's name, printable, and as a command needs it. */
void debug_screen_add_name(const char *name, struct strbuf *out);
/* Looks what each process does: once a frame, for it asks the system. */
void debug_screen_look_around(struct debug_screen *screen);
/* What a process did then; NULL without a run. */
const struct debug_worker_state *debug_screen_look(const struct debug_screen *screen, uint32_t worker);
/* Whether it is at `state->node`, and not just idle or gone. */
bool debug_screen_is_somewhere(const struct debug_worker_state *state);
/* The process that is at a node, the one of the halt first; PROGRAM_NONE. */
uint32_t debug_screen_who_is_at(const struct debug_screen *screen, uint32_t node);

/* debug_screen_keys.c */
void debug_screen_key(struct debug_screen *screen, uint32_t key);
/* Row by row: keys, name, what it does; false behind the last one. */
bool debug_screen_key_help(int idx, const char **ret_keys, const char **ret_name, const char **ret_help);

/* debug_screen_line.c */
void debug_screen_type(struct debug_screen *screen, enum debug_screen_prompt prompt, const char *text);
void debug_screen_line_key(struct debug_screen *screen, uint32_t key);
void debug_screen_line_draw(struct debug_screen *screen, struct pane line);

/* debug_screen_layout.c */
void debug_screen_show_panel(struct debug_screen *screen, enum debug_panel_id id); /* in front, with the focus */
void debug_screen_next_panel(struct debug_screen *screen, int direction);
void debug_screen_draw_panels(struct debug_screen *screen, struct pane body);
/* A press on the canvas: on a panel's title, or in a panel. */
void debug_screen_press(struct debug_screen *screen, const struct event *event);
/* The panel under a cell; DEBUG_PANELS: none. */
enum debug_panel_id debug_screen_panel_at(const struct debug_screen *screen, int x, int y);
/* Keeps `top` so that the panel shows its n_lines as far as it has rows, and `row` in sight if `has_row`. */
void debug_panel_scroll(struct debug_panel *panel, int rows, bool has_row);
int debug_screen_clamp(int64_t value, int64_t least, int64_t most);

/* debug_screen_draw.c */
enum colour debug_screen_colour(const struct debug_worker_state *state);
uint32_t debug_screen_mark(const struct debug_worker_state *state);

/* debug_screen_lists.c */
void debug_screen_forget_letters(struct debug_screen *screen);

/* debug_screen_graph.c */
void debug_screen_graph_finish(struct debug_screen *screen);

/* debug_screen_tensor.c */
void debug_screen_tensor_load(struct debug_screen *screen);
void debug_screen_tensor_finish(struct debug_screen *screen);
int debug_screen_n_tensors(const struct debug_screen *screen);
/* As a command names it; false when the node has none. */
bool debug_screen_add_tensor(const struct debug_screen *screen, bool with_slice, struct strbuf *out);

/* debug_screen_texts.c */
void debug_screen_watch_load(struct debug_screen *screen, bool is_new_halt);
void debug_screen_texts_finish(struct debug_screen *screen);

/* debug_screen_past.c */
int debug_screen_past_load(struct debug_screen *screen, struct error *error);
void debug_past_finish(struct debug_past *past);

/* The functions of the panels; those that a panel does not have are NULL in the table. */
#define X(name, word)                                                            \
	void debug_panel_##word##_draw(struct debug_screen *screen, struct pane pane); \
	void debug_panel_##word##_move(struct debug_screen *screen, int columns, int rows);
DEBUG_PANEL_MAP(X)
#undef X
void debug_panel_nodes_enter(struct debug_screen *screen);
void debug_panel_nodes_press(struct debug_screen *screen, int x, int y, bool is_double);
void debug_panel_graph_press(struct debug_screen *screen, int x, int y, bool is_double);
void debug_panel_tensor_press(struct debug_screen *screen, int x, int y, bool is_double);
void debug_panel_workers_press(struct debug_screen *screen, int x, int y, bool is_double);
void debug_panel_workers_enter(struct debug_screen *screen);
void debug_panel_executions_press(struct debug_screen *screen, int x, int y, bool is_double);
void debug_panel_executions_enter(struct debug_screen *screen);
void debug_panel_timeline_press(struct debug_screen *screen, int x, int y, bool is_double);
void debug_panel_timeline_zoom(struct debug_screen *screen, int direction);

#endif
