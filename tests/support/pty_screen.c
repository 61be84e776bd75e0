/* SPDX-License-Identifier: Apache-2.0
 *
 * pty_screen: see the header.
 */
#include "tests/support/pty_screen.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#include "engine/base/strbuf.h"
#include "engine/base/utf8.h"

#define MOMENT_MS 20
#define SETTLE_MS 150
#define PARAMETERS_MAX 8

/* By nohup, or by a shell that started the tests with `&`; programs inherit that. */
static const int ignored_in_background[] = { SIGHUP, SIGINT, SIGQUIT };

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* -- the screen --------------------------------------------------------------------------------------------------------------- */

static void erase(struct pty_screen *screen, int from, int until)
{
	for (int i = from; i < until; i++)
		screen->cells[i] = ' ';
}

static void make_cells(struct pty_screen *screen, int width, int height)
{
	free(screen->cells);
	screen->cells = calloc((size_t)(width * height), sizeof(*screen->cells));
	cr_assert(screen->cells != NULL);
	screen->width = width;
	screen->height = height;
	screen->x = screen->y = 0;
	erase(screen, 0, width * height);
}

static void put(struct pty_screen *screen, uint32_t code)
{
	int width = utf8_code_width(code);
	if (width == 0)
		return;
	if (screen->x + width > screen->width) {
		screen->x = 0;
		screen->y += screen->y + 1 < screen->height;
	}
	for (int i = 0; i < width; i++)
		screen->cells[screen->y * screen->width + screen->x++] = i ? 0 : code;
}

static int clamp(int value, int size)
{
	return value < 0 ? 0 : value >= size ? size - 1 : value;
}

static void set_mode(struct pty_screen *screen, int number, bool is_set)
{
	switch (number) {
	case 1049:
		screen->is_alternate = is_set;
		erase(screen, 0, screen->width * screen->height);
		break;
	case 25: screen->is_cursor_hidden = !is_set; break;
	case 1002: screen->has_mouse = is_set; break;
	case 2026: screen->n_frames += is_set; break;
	default: break;
	}
}

static void erase_line(struct pty_screen *screen, int how)
{
	int row = screen->y * screen->width, at = row + clamp(screen->x, screen->width);
	erase(screen, how == 0 ? at : row, how == 1 ? at + 1 : row + screen->width);
}

static void erase_screen(struct pty_screen *screen, int how)
{
	int at = screen->y * screen->width + clamp(screen->x, screen->width);
	erase(screen, how == 0 ? at : 0, how == 1 ? at + 1 : screen->width * screen->height);
}

static void obey(struct pty_screen *screen, char final, bool is_private, const int *parameters, int n)
{
	int first = n && parameters[0] ? parameters[0] : 1;
	switch (final) {
	case 'H':
	case 'f':
		screen->y = clamp(first - 1, screen->height);
		screen->x = clamp(n > 1 ? parameters[1] - 1 : 0, screen->width);
		break;
	case 'A': screen->y = clamp(screen->y - first, screen->height); break;
	case 'B': screen->y = clamp(screen->y + first, screen->height); break;
	case 'C': screen->x = clamp(screen->x + first, screen->width); break;
	case 'D': screen->x = clamp(screen->x - first, screen->width); break;
	case 'G': screen->x = clamp(first - 1, screen->width); break;
	case 'd': screen->y = clamp(first - 1, screen->height); break;
	case 'J': erase_screen(screen, n ? parameters[0] : 0); break;
	case 'K': erase_line(screen, n ? parameters[0] : 0); break;
	case 'h':
	case 'l':
		for (int i = 0; i < n && is_private; i++)
			set_mode(screen, parameters[i], final == 'h');
		break;
	default: break;
	}
}

/* "\033[…X"; returns its length, 0 while it is unfinished. */
static int read_csi(struct pty_screen *screen, const char *text, int n)
{
	int parameters[PARAMETERS_MAX] = { 0 }, count = 0, at = 2;
	bool is_private = n > 2 && text[2] == '?';
	for (at += is_private; at < n; at++) {
		char sign = text[at];
		if (sign >= '0' && sign <= '9') {
			count += count == 0;
			parameters[count - 1] = parameters[count - 1] * 10 + (sign - '0');
		} else if (sign == ';' || sign == ':') {
			count += count == 0;
			count += count < PARAMETERS_MAX;
		} else if (sign >= 0x40 && sign <= 0x7e) {
			obey(screen, sign, is_private, parameters, count);
			return at + 1;
		} else if (sign == '\033') {
			return at; /* it was cut short */
		}
	}
	return 0;
}

static int read_escape(struct pty_screen *screen, const char *text, int n)
{
	if (n < 2)
		return 0;
	if (text[1] == '[')
		return read_csi(screen, text, n);
	if (text[1] == '(' || text[1] == ')')
		return n < 3 ? 0 : 3;
	return 2;
}

static int read_one(struct pty_screen *screen, const char *text, int n)
{
	uint32_t code;
	switch (text[0]) {
	case '\033': return read_escape(screen, text, n);
	case '\r': screen->x = 0; return 1;
	case '\n': screen->y = clamp(screen->y + 1, screen->height); return 1;
	case '\b': screen->x = clamp(screen->x - 1, screen->width); return 1;
	default: break;
	}
	if ((unsigned char)text[0] < 0x20)
		return 1;
	char utf8[5] = "";
	int length = (unsigned char)text[0] < 0x80 ? 1 : (unsigned char)text[0] < 0xe0 ? 2 : (unsigned char)text[0] < 0xf0 ? 3 : 4;
	if (length > n)
		return 0;
	memcpy(utf8, text, (size_t)length);
	if (utf8_decode(utf8, &code) == (size_t)length) {
		put(screen, code);
		return length;
	}
	put(screen, 0xfffd); /* as when a program is stopped amid a frame */
	return 1;
}

static void take(struct pty_screen *screen, const char *bytes, int n)
{
	char text[4096 + sizeof(screen->pending)];
	int at = 0, used = 1;
	memcpy(text, screen->pending, (size_t)screen->n_pending);
	memcpy(text + screen->n_pending, bytes, (size_t)n);
	n += screen->n_pending;
	for (; at < n && used; at += used)
		used = read_one(screen, text + at, n - at);
	screen->n_pending = n - at;
	cr_assert(screen->n_pending <= (int)sizeof(screen->pending), "a sequence of %d bytes", screen->n_pending);
	memcpy(screen->pending, text + at, (size_t)screen->n_pending);
}

/* Whether something came within that time. */
static bool read_some(struct pty_screen *screen, int timeout_ms)
{
	struct pollfd fd = { .fd = screen->master, .events = POLLIN };
	char bytes[4096];
	if (poll(&fd, 1, timeout_ms) <= 0)
		return false;
	ssize_t n = read(screen->master, bytes, sizeof(bytes));
	if (n <= 0)
		return false;
	screen->n_bytes += n;
	take(screen, bytes, (int)n);
	return true;
}

/* -- the program -------------------------------------------------------------------------------------------------------------- */

void pty_screen_start(struct pty_screen *screen, int width, int height, const char *home, const char *const *words)
{
	struct winsize size = { .ws_col = (unsigned short)width, .ws_row = (unsigned short)height };
	*screen = (struct pty_screen){ 0 };
	make_cells(screen, width, height);
	cr_assert(openpty(&screen->master, &screen->slave, NULL, NULL, &size) == 0, "openpty: %s", strerror(errno));
	cr_assert(tcgetattr(screen->slave, &screen->before) == 0);
	fcntl(screen->master, F_SETFD, FD_CLOEXEC);
	screen->pid = fork();
	cr_assert(screen->pid >= 0);
	if (screen->pid == 0) {
		int slave = screen->slave;
		if (login_tty(slave))
			_exit(126);
		setenv("TERM", "xterm-256color", 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		setenv("HOME", home, 1);
		setenv("XDG_CONFIG_HOME", home, 1);
		unsetenv("NO_COLOR");
		for (size_t i = 0; i < sizeof(ignored_in_background) / sizeof(ignored_in_background[0]); i++)
			signal(ignored_in_background[i], SIG_DFL);
		execvp(words[0], (char *const *)(uintptr_t)words);
		_exit(127);
	}
}

void pty_screen_finish(struct pty_screen *screen)
{
	if (screen->pid > 0) {
		kill(screen->pid, SIGKILL);
		kill(screen->pid, SIGCONT);
		waitpid(screen->pid, NULL, 0);
	}
	close(screen->master);
	close(screen->slave);
	free(screen->cells);
}

void pty_screen_send(struct pty_screen *screen, const char *keys)
{
	size_t length = strlen(keys);
	cr_assert(write(screen->master, keys, length) == (ssize_t)length, "write: %s", strerror(errno));
}

void pty_screen_settle(struct pty_screen *screen)
{
	while (read_some(screen, SETTLE_MS))
		;
}

void pty_screen_resize(struct pty_screen *screen, int width, int height)
{
	struct winsize size = { .ws_col = (unsigned short)width, .ws_row = (unsigned short)height };
	pty_screen_settle(screen);
	make_cells(screen, width, height);
	cr_assert(ioctl(screen->master, TIOCSWINSZ, &size) == 0);
}

static bool wait_until(struct pty_screen *screen, const char *text, bool is_shown)
{
	int64_t until_ms = now_ms() + 1000 * PTY_SCREEN_PATIENCE_S;
	while (pty_screen_shows(screen, text) != is_shown) {
		if (now_ms() > until_ms)
			return false;
		read_some(screen, MOMENT_MS);
	}
	return true;
}

bool pty_screen_wait(struct pty_screen *screen, const char *text)
{
	return wait_until(screen, text, true);
}

bool pty_screen_wait_gone(struct pty_screen *screen, const char *text)
{
	return wait_until(screen, text, false);
}

static bool wait_state(struct pty_screen *screen, int flags, int *ret_status)
{
	int64_t until_ms = now_ms() + 1000 * PTY_SCREEN_PATIENCE_S;
	while (waitpid(screen->pid, ret_status, flags | WNOHANG) != screen->pid) {
		if (now_ms() > until_ms)
			return false;
		read_some(screen, MOMENT_MS);
	}
	pty_screen_settle(screen);
	return true;
}

int pty_screen_wait_end(struct pty_screen *screen)
{
	int status = 0;
	cr_assert(wait_state(screen, 0, &status), "the program does not end");
	screen->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool pty_screen_wait_stopped(struct pty_screen *screen)
{
	int status = 0;
	return wait_state(screen, WUNTRACED, &status) && WIFSTOPPED(status);
}

/* -- looking ------------------------------------------------------------------------------------------------------------------ */

static void add_code(struct strbuf *out, uint32_t code)
{
	char text[5] = "";
	if (code < 0x80)
		text[0] = (char)code;
	else if (code < 0x800)
		snprintf(text, sizeof(text), "%c%c", (int)(0xc0 | code >> 6), (int)(0x80 | (code & 63)));
	else if (code < 0x10000)
		snprintf(text, sizeof(text), "%c%c%c", (int)(0xe0 | code >> 12), (int)(0x80 | (code >> 6 & 63)),
		(int)(0x80 | (code & 63)));
	else
		snprintf(text, sizeof(text), "%c%c%c%c", (int)(0xf0 | code >> 18), (int)(0x80 | (code >> 12 & 63)),
			(int)(0x80 | (code >> 6 & 63)), (int)(0x80 | (code & 63)));
	strbuf_add(out, text);
}

char *pty_screen_text(const struct pty_screen *screen)
{
	struct strbuf out = STRBUF_INIT;
	for (int y = 0; y < screen->height; y++) {
		const uint32_t *row = &screen->cells[y * screen->width];
		int width = screen->width;
		while (width > 0 && row[width - 1] == ' ')
			width--;
		for (int x = 0; x < width; x++) {
			if (row[x])
				add_code(&out, row[x]);
		}
		strbuf_add(&out, "\n");
	}
	return strbuf_take(&out);
}

bool pty_screen_shows(const struct pty_screen *screen, const char *text)
{
	char *all = pty_screen_text(screen);
	bool shows = all && strstr(all, text);
	free(all);
	return shows;
}

bool pty_screen_is_restored(const struct pty_screen *screen)
{
	struct termios now;
	cr_assert(tcgetattr(screen->slave, &now) == 0);
	return now.c_iflag == screen->before.c_iflag && now.c_oflag == screen->before.c_oflag && now.c_cflag == screen->before.c_cflag
		&& now.c_lflag == screen->before.c_lflag && memcmp(now.c_cc, screen->before.c_cc, sizeof(now.c_cc)) == 0;
}
