/* SPDX-License-Identifier: Apache-2.0
 *
 * pty_screen: a program on a terminal of the test's own: keys go in, what it writes becomes a screen that can be read. Enough of a VT for programs
 * that move the cursor absolutely. Failures end the test.
 */
#ifndef TANDEM_TESTS_SUPPORT_PTY_SCREEN_H
#define TANDEM_TESTS_SUPPORT_PTY_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#define PTY_SCREEN_PATIENCE_S 60 /* against hanging only */

struct pty_screen {
	int master, slave;
	pid_t pid;
	int width, height;
	uint32_t *cells;          /* [height × width]; 0: right half of a wide character */
	int x, y;                 /* cursor, from 0 */
	bool is_alternate, is_cursor_hidden, has_mouse; /* modes 1049, 25, 1002 */
	int64_t n_bytes, n_frames; /* what it wrote; synchronised updates */
	struct termios before;    /* modes before it began */
	char pending[64];         /* an unfinished sequence */
	int n_pending;
};

/* Starts words[0] (NULL-ended) with TERM=xterm-256color and a UTF-8 locale; HOME and XDG_CONFIG_HOME are `home`. */
void pty_screen_start(struct pty_screen *screen, int width, int height, const char *home, const char *const *words);
/* Kills it if need be. */
void pty_screen_finish(struct pty_screen *screen);

void pty_screen_send(struct pty_screen *screen, const char *keys);
/* Reads until the screen shows (or does not show any more) a text; false when that does not happen. */
bool pty_screen_wait(struct pty_screen *screen, const char *text);
bool pty_screen_wait_gone(struct pty_screen *screen, const char *text);
/* Reads what comes until nothing has come for a moment. */
void pty_screen_settle(struct pty_screen *screen);
void pty_screen_resize(struct pty_screen *screen, int width, int height);

/* Reads until it has ended (returns exit status, or 128 + signal) or was stopped. */
int pty_screen_wait_end(struct pty_screen *screen);
bool pty_screen_wait_stopped(struct pty_screen *screen);

bool pty_screen_shows(const struct pty_screen *screen, const char *text);
/* The whole as text, rows without trailing blanks; the caller frees. */
char *pty_screen_text(const struct pty_screen *screen);
/* Whether the terminal's modes are those from before the start. */
bool pty_screen_is_restored(const struct pty_screen *screen);

#endif
