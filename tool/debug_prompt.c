/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_prompt: libedit, told what to do between two keys. It reads keys through read_key, which also hears signals and what the run prints; what
 * these mean for the line is told to the editor as keys of their own, CANCEL and WAKE.
 */
#include "tool/debug_prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "tool/debug_words.h"
#include "tool/interrupt.h"

#define HISTORY_LINES 1000
#define IDLE_MS 200
#define KEY_CANCEL '\003' /* Ctrl-C */
#define KEY_END '\004'    /* Ctrl-D */
#define KEY_WAKE '\037'   /* Ctrl-_: draws the line anew below what was printed */
#define FALLBACK_COLUMNS 80

struct debug_prompt {
	struct debug_prompt_options options;
	EditLine *editor;
	History *history;
	char file[4096];         /* of the history; "": none */
	struct termios before;   /* the terminal's own mode */
	struct strbuf shown[2];  /* to be printed above the line, by stream */
	struct strbuf line;
	bool holds_terminal, is_cancelled;
};

static struct debug_prompt *prompt_of(EditLine *editor)
{
	struct debug_prompt *prompt = NULL;
	el_get(editor, EL_CLIENTDATA, (void *)&prompt);
	return prompt;
}

static char *give_text(EditLine *editor)
{
	return (char *)(uintptr_t)debug_prompt(prompt_of(editor)->options.context);
}

/* -- keys --------------------------------------------------------------------------------------------------------------------- */

/* Puts the terminal into the editor's mode, before it shows anything; from then on every way out is held open. */
static void hold_terminal(struct debug_prompt *prompt)
{
	struct termios during;
	if (el_set(prompt->editor, EL_PREP_TERM, 1) != 0 || tcgetattr(STDIN_FILENO, &during) != 0)
		return;
	interrupt_hold_terminal(&prompt->before, &during);
	prompt->holds_terminal = true;
}

static void forget_wakes(const struct debug_signals *signals)
{
	uint64_t count;
	while (read(signals->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
		;
}

/* What has happened, as a key; 0: nothing. */
static int look_around(struct debug_prompt *prompt)
{
	struct debug_signals *signals = prompt->options.signals;
	if (atomic_exchange(&signals->is_cancelled, false))
		return KEY_CANCEL;
	if (atomic_exchange(&signals->has_resized, false)) {
		el_resize(prompt->editor);
		return KEY_WAKE;
	}
	return prompt->shown[0].length || prompt->shown[1].length ? KEY_WAKE : 0;
}

/* One character from the terminal. 1, or 0 at its end. */
static int read_sign(wchar_t *sign)
{
	mbstate_t state = { 0 };
	for (;;) {
		char byte;
		ssize_t n = read(STDIN_FILENO, &byte, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		if (byte == '\0') /* what a Ctrl-D becomes that was typed ahead, before the terminal was in the editor's mode */
			byte = KEY_END;
		size_t length = mbrtowc(sign, &byte, 1, &state);
		if (length == (size_t)-2)
			continue;
		if (length == (size_t)-1)
			*sign = L'?';
		return 1;
	}
}

static int read_key(EditLine *editor, wchar_t *key)
{
	struct debug_prompt *prompt = prompt_of(editor);
	struct debug_signals *signals = prompt->options.signals;
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = signals->wake_fd, .events = POLLIN } };
	for (;;) {
		int special = look_around(prompt);
		if (atomic_load(&signals->end_signal))
			return 0;
		if (special) {
			*key = special;
			return 1;
		}
		int n = poll(fds, 2, IDLE_MS);
		if (n < 0) /* a signal: back from having been stopped */
			el_set(editor, EL_REFRESH);
		else if (fds[0].revents)
			return read_sign(key);
		else if (fds[1].revents)
			forget_wakes(signals);
		if (prompt->options.idle)
			prompt->options.idle(prompt->options.user);
	}
}

static void print_now(int stream, const char *text)
{
	fputs(text, stream ? stderr : stdout);
	fflush(stream ? stderr : stdout);
}

static unsigned char on_cancel(EditLine *editor, int key)
{
	struct debug_prompt *prompt = prompt_of(editor);
	prompt->is_cancelled = true;
	print_now(0, "^C\r\n");
	return CC_NEWLINE;
}

static unsigned char on_wake(EditLine *editor, int key)
{
	struct debug_prompt *prompt = prompt_of(editor);
	for (int stream = 0; stream < 2; stream++) {
		if (!prompt->shown[stream].length)
			continue;
		print_now(0, "\r\033[K");
		print_now(stream, strbuf_text(&prompt->shown[stream]));
		strbuf_clear(&prompt->shown[stream]);
	}
	return CC_REDISPLAY;
}

void debug_prompt_show(struct debug_prompt *prompt, int stream, const char *text)
{
	strbuf_add(&prompt->shown[stream], text);
}

/* -- completion ----------------------------------------------------------------------------------------------------------------- */

static void print_words(char **words)
{
	struct winsize size;
	size_t columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : FALLBACK_COLUMNS;
	struct strbuf out = STRBUF_INIT;
	strbuf_add(&out, "\r\n");
	debug_words_columns(words, (int)columns, &out);
	print_now(0, strbuf_text(&out));
	strbuf_finish(&out);
}

static unsigned char on_complete(EditLine *editor, int key)
{
	struct debug_prompt *prompt = prompt_of(editor);
	const LineInfo *info = el_line(editor);
	struct strbuf line = STRBUF_INIT, more = STRBUF_INIT;
	size_t cursor = (size_t)(info->cursor - info->buffer), start = 0;
	unsigned char result = CC_ERROR;
	strbuf_add_bytes(&line, info->buffer, (size_t)(info->lastchar - info->buffer));
	char **words = debug_words_complete(prompt->options.context, strbuf_text(&line), cursor, &start);
	if (words && words[0]) {
		bool is_only = debug_words_extend(words, strbuf_text(&line) + start, cursor - start, &more);
		if (more.length && el_insertstr(editor, strbuf_text(&more)) == 0)
			result = CC_REFRESH;
		else if (!is_only)
			result = CC_REDISPLAY;
		if (result == CC_REDISPLAY)
			print_words(words);
	}
	debug_words_free(words);
	strbuf_finish(&line);
	strbuf_finish(&more);
	return result;
}

/* -- history -------------------------------------------------------------------------------------------------------------------- */

bool debug_prompt_history_file(char *file, size_t size)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n = -1;
	if (state && *state == '/')
		n = snprintf(file, size, "%s/tandem/debug_history", state);
	else if (home && *home == '/')
		n = snprintf(file, size, "%s/.local/state/tandem/debug_history", home);
	return n > 0 && (size_t)n < size;
}

/* Makes the folders that lead to it, for its owner alone, as far as they are missing. */
static void make_folders(char *file)
{
	for (char *slash = strchr(file + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(file, 0700);
		*slash = '/';
	}
}

static void open_history(struct debug_prompt *prompt)
{
	HistEvent event;
	history(prompt->history, &event, H_SETSIZE, HISTORY_LINES);
	history(prompt->history, &event, H_SETUNIQUE, 1);
	if (!debug_prompt_history_file(prompt->file, sizeof prompt->file)) {
		prompt->file[0] = '\0';
		return;
	}
	make_folders(prompt->file);
	int fd = open(prompt->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	else
		prompt->file[0] = '\0';
	if (prompt->file[0])
		history(prompt->history, &event, H_LOAD, prompt->file);
}

const char *debug_prompt_recall(struct debug_prompt *prompt, int idx)
{
	HistEvent event;
	int result = history(prompt->history, &event, H_FIRST);
	for (int i = 0; i < idx && result >= 0; i++)
		result = history(prompt->history, &event, H_NEXT);
	if (result < 0)
		return NULL;
	strbuf_clear(&prompt->line);
	strbuf_add(&prompt->line, "");
	strbuf_add_bytes(&prompt->line, event.str, strcspn(event.str, "\r\n"));
	return strbuf_text(&prompt->line);
}

void debug_prompt_remember(struct debug_prompt *prompt, const char *line)
{
	HistEvent event;
	if (!line[strspn(line, " \t")])
		return;
	history(prompt->history, &event, H_ENTER, line);
	if (prompt->file[0])
		history(prompt->history, &event, H_SAVE, prompt->file);
}

/* -- lines ---------------------------------------------------------------------------------------------------------------------- */

static bool set_up(struct debug_prompt *prompt)
{
	EditLine *editor = prompt->editor;
	el_set(editor, EL_CLIENTDATA, prompt);
	el_set(editor, EL_PROMPT, give_text);
	el_set(editor, EL_EDITOR, "emacs");
	el_set(editor, EL_SIGNAL, 0);
	el_set(editor, EL_HIST, history, prompt->history);
	el_set(editor, EL_GETCFN, read_key);
	el_set(editor, EL_ADDFN, "tandem-cancel", "gives the line up", on_cancel);
	el_set(editor, EL_ADDFN, "tandem-wake", "draws the line anew", on_wake);
	el_set(editor, EL_ADDFN, "tandem-complete", "completes the word", on_complete);
	return el_set(editor, EL_BIND, "^C", "tandem-cancel", NULL) == 0 && el_set(editor, EL_BIND, "^_", "tandem-wake", NULL) == 0
		&& el_set(editor, EL_BIND, "^I", "tandem-complete", NULL) == 0
		&& el_set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL) == 0;
}

int debug_prompt_create(const struct debug_prompt_options *options, struct error *error, struct debug_prompt **ret_prompt)
{
	struct debug_prompt *prompt = calloc(1, sizeof *prompt);
	if (!prompt)
		return error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	prompt->options = *options;
	setlocale(LC_CTYPE, "");
	tcgetattr(STDIN_FILENO, &prompt->before);
	prompt->history = history_init();
	prompt->editor = el_init("tandem", stdin, stdout, stderr);
	if (!prompt->history || !prompt->editor || !set_up(prompt)) {
		debug_prompt_destroy(prompt);
		return error_set(error, STATUS_SYSTEM, "the terminal cannot be used for typing; give commands by -x or --command");
	}
	open_history(prompt);
	*ret_prompt = prompt;
	return STATUS_OK;
}

void debug_prompt_destroy(struct debug_prompt *prompt)
{
	if (!prompt)
		return;
	if (prompt->editor)
		el_end(prompt->editor);
	if (prompt->history)
		history_end(prompt->history);
	for (int i = 0; i < 2; i++)
		strbuf_finish(&prompt->shown[i]);
	strbuf_finish(&prompt->line);
	free(prompt);
}

enum debug_prompt_end debug_prompt_read(struct debug_prompt *prompt, const char **ret_line)
{
	struct debug_signals *signals = prompt->options.signals;
	int n = 0;
	prompt->is_cancelled = false;
	atomic_store(&signals->is_cancelled, false);
	atomic_store(&signals->is_editing, true);
	hold_terminal(prompt);
	const char *line = el_gets(prompt->editor, &n);
	atomic_store(&signals->is_editing, false);
	if (prompt->holds_terminal)
		interrupt_release_terminal();
	prompt->holds_terminal = false;
	for (int i = 0; i < 2; i++) { /* what came with the last key */
		print_now(i, strbuf_text(&prompt->shown[i]));
		strbuf_clear(&prompt->shown[i]);
	}
	if (prompt->is_cancelled)
		return DEBUG_PROMPT_CANCELLED;
	if (!line || n <= 0) {
		print_now(0, "\n");
		return DEBUG_PROMPT_END;
	}
	strbuf_clear(&prompt->line);
	strbuf_add_bytes(&prompt->line, line, strcspn(line, "\r\n"));
	*ret_line = strbuf_text(&prompt->line);
	debug_prompt_remember(prompt, *ret_line);
	return DEBUG_PROMPT_LINE;
}
