/* SPDX-License-Identifier: Apache-2.0
 *
 * The debugger's screen over real runs of a small graph: whole screens at three sizes in both modes, every key, panels, the command line, the mouse;
 * and random events at random sizes.
 */
#include "viewers/debug_screen.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/clock.h"
#include "tests/debug/script_world.h"
#include "tests/support/run_tool.h"
#include "tests/support/trials.h"
#include "viewers/canvas_print.h"
#include "viewers/debug_screen_private.h"

#define LIMIT_NS INT64_C(60000000000)

struct scene {
	struct script_world world;
	struct debug_screen *screen;
	struct canvas canvas;
	char history[20][LINE_EDIT_BYTES]; /* the newest last */
	int n_history;
	enum debug_screen_end end;
};

static const char *recall(void *user, int idx)
{
	const struct scene *scene = user;
	return idx < scene->n_history ? scene->history[scene->n_history - 1 - idx] : NULL;
}

static void remember(void *user, const char *line)
{
	struct scene *scene = user;
	if (scene->n_history < (int)ARRAY_LEN(scene->history))
		snprintf(scene->history[scene->n_history++], LINE_EDIT_BYTES, "%s", line);
}

static void open_screen(struct scene *scene)
{
	const struct debug_screen_options options = { .context = &scene->world.context, .title = "chain.dot", .recall = recall, .remember = remember,
		.user = scene };
	struct error error = { 0 };
	cr_assert_eq(debug_screen_create(&options, &error, &scene->screen), STATUS_OK, "%s", error.text);
	scene->end = DEBUG_SCREEN_GOES_ON;
}

static void draw(struct scene *scene)
{
	struct error error = { 0 };
	cr_assert_eq(debug_screen_draw(scene->screen, &scene->canvas, &error), STATUS_OK, "%s", error.text);
}

static void begin(struct scene *scene, const char *run, int width, int height)
{
	struct error error = { 0 };
	*scene = (struct scene){ 0 };
	setenv("LC_ALL", "C.UTF-8", 1);
	script_world_open(&scene->world, run);
	cr_assert_eq(canvas_init(&scene->canvas, width, height, &error), STATUS_OK);
	open_screen(scene);
	draw(scene);
}

static void end(struct scene *scene)
{
	debug_screen_destroy(scene->screen);
	canvas_finish(&scene->canvas);
	script_world_close(&scene->world);
}

/* An event, and what it has set in motion; all drawn at every turn. */
static void handle(struct scene *scene, const struct event *event)
{
	int64_t end_ns = clock_now().ns + LIMIT_NS;
	scene->end = debug_screen_handle(scene->screen, event);
	draw(scene);
	while (scene->end == DEBUG_SCREEN_GOES_ON && (debug_screen_is_busy(scene->screen) || scene->world.debugger->state == DEBUG_MOVING)) {
		scene->end = debug_screen_turn(scene->screen, 10000000);
		draw(scene);
		cr_assert(clock_now().ns < end_ns, "it does not come to rest");
	}
}

static void press(struct scene *scene, uint32_t key)
{
	handle(scene, &(struct event){ .kind = EVENT_KEY, .key = key });
}

static void type(struct scene *scene, const char *keys)
{
	for (; *keys && scene->end == DEBUG_SCREEN_GOES_ON; keys++)
		press(scene, (unsigned char)*keys);
}

static bool shows(const struct scene *scene, const char *text)
{
	struct strbuf out = STRBUF_INIT;
	canvas_print_text(&scene->canvas, false, &out);
	bool is_there = strstr(strbuf_text(&out), text) != NULL;
	strbuf_finish(&out);
	return is_there;
}

static void expect(const struct scene *scene, const char *after, const char *text)
{
	struct strbuf out = STRBUF_INIT;
	canvas_print_text(&scene->canvas, false, &out);
	cr_assert(strstr(strbuf_text(&out), text), "after '%s': '%s' is not on\n%s", after, text, strbuf_text(&out));
	strbuf_finish(&out);
}

/* -- whole screens ------------------------------------------------------------------------------------------------------------ */

static uint32_t code_at(const struct canvas *canvas, int x, int y)
{
	return x < canvas->width ? canvas->cells[y * canvas->width + x].code : 0;
}

/* "12.3 µs", "(took …", "(waited …": whatever differs from run to run. */
static bool is_time(const struct canvas *canvas, int x, int y, int right)
{
	uint32_t first = code_at(canvas, x + 1, y), next = code_at(canvas, x + 2, y); /* not "(tandem)" */
	if (code_at(canvas, x, y) == '(' && ((first == 't' && next == 'o') || first == 'w'))
		return true;
	int n = 0;
	while (x + n < right && (isdigit((int)(code_at(canvas, x + n, y) & 0x7f)) || code_at(canvas, x + n, y) == '.'))
		n++;
	uint32_t unit = code_at(canvas, x + n + 1, y), second = code_at(canvas, x + n + 2, y);
	return n && code_at(canvas, x + n, y) == ' ' && ((unit == 's' && second == ' ') || (strchr("mn", (int)(unit & 0x7f)) && second == 's')
		|| unit == 0xb5);
}

/* From the first time in a row of a panel on it is blank. */
static void hide_times(struct canvas *canvas, const struct pane *area)
{
	for (int y = area->y - 1; area->width && y < area->y + area->height; y++) {
		int x = area->x, right = area->x + area->width;
		while (x < right && !is_time(canvas, x, y, right))
			x++;
		for (; x < right; x++)
			canvas->cells[y * canvas->width + x].code = '~';
	}
}

static void golden(struct scene *scene, const char *name)
{
	static const enum debug_panel_id timed[] = { DEBUG_PANEL_WORKERS, DEBUG_PANEL_MESSAGES };
	const struct pane *line = &scene->screen->panels[DEBUG_PANEL_TIMELINE].area;
	struct strbuf out = STRBUF_INIT;
	char path[500];
	draw(scene);
	for (size_t i = 0; i < ARRAY_LEN(timed); i++)
		hide_times(&scene->canvas, &scene->screen->panels[timed[i]].area);
	for (int y = line->y - 1; line->width && y < line->y + line->height; y++) {
		for (int x = line->x + (y < line->y ? 13 : 9); x < line->x + line->width; x++)
			scene->canvas.cells[y * scene->canvas.width + x].code = '~';
	}
	for (int x = line->x; line->width && x < line->x + 9; x++) /* the cursor's time */
		scene->canvas.cells[line->y * scene->canvas.width + x].code = '~';
	canvas_print_text(&scene->canvas, false, &out);
	snprintf(path, sizeof(path), "%s/tests/viewers/golden/debug-%s-%dx%d.txt", getenv("TANDEM_SOURCE_ROOT"), name, scene->canvas.width,
		scene->canvas.height);
	if (getenv("TANDEM_UPDATE_GOLDEN")) {
		FILE *file = fopen(path, "w");
		cr_assert(file, "%s cannot be written", path);
		fputs(strbuf_text(&out), file);
		fclose(file);
	}
	char *wanted = script_world_read(path);
	cr_expect(wanted && strcmp(strbuf_text(&out), wanted) == 0, "%s differs; the screen is\n%s\nexpected\n%s", path, strbuf_text(&out),
		wanted ? wanted : "(nothing)");
	free(wanted);
	strbuf_finish(&out);
}

static const struct {
	int width, height;
} sizes[] = { { 80, 24 }, { 120, 36 }, { 170, 48 } };

static void golden_at_all_sizes(const char *mode)
{
	char run[80];
	struct scene scene;
	struct error error;
	snprintf(run, sizeof(run), "%s chain.dot -q -n 20", mode);
	begin(&scene, run, 80, 24);
	type(&scene, "Sssssss");
	type(&scene, ":break last\n:display -s count\nss");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		cr_assert_eq(canvas_resize(&scene.canvas, sizes[i].width, sizes[i].height, &error), STATUS_OK);
		golden(&scene, mode);
	}
	end(&scene);
}

Test(debug_screen, golden_compiled, .timeout = 60)
{
	golden_at_all_sizes("compiled");
}

Test(debug_screen, golden_interpreted, .timeout = 60)
{
	golden_at_all_sizes("interpreted");
}

/* -- keys and panels ---------------------------------------------------------------------------------------------------------- */

struct key_case {
	const char *keys, *shown;
};

static void run_cases(struct scene *scene, const struct key_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		type(scene, cases[i].keys);
		expect(scene, cases[i].keys, cases[i].shown);
	}
}

Test(debug_screen, keys, .timeout = 60)
{
	static const struct key_case cases[] = {
		{"", "not started"},
		{"", "Nothing runs yet"},
		{"c", "nothing runs: 'run' or 'start' it"},
		{"b", "Breakpoint 1: break at input, after"},
		{"d", "delete 1"},
		{"S", "after input on driver, execution 0"},
		{"s", "before ones on w0, execution 0"},
		{"s", "after ones on w0, execution 0"},
		{"N", "before count on w0, execution 0"},
		{"1", "1 nodes"},
		{"jb", "Breakpoint 2: break at twice, before"},
		{"c", "before twice on w1, execution 0"},
		{"B", "Breakpoint 3"},
		{"c", "after twice on w1, execution 0"},
		{"", "<out.0>"},
		{"", "may be set"},
		{"{", "<in.0>"},
		{"}", "<out.0>"},
		{"w", "display twice"},
		{"4", "twice.out of execution 0"},
		{"w", "undisplay 1"},
		{"4", "nothing is watched"},
		{"w", "display twice"},
		{"p", "print twice"},
		{"3m", "40000000"},
		{"m", "2 2"},
		{"/0]\n", "f32[2,3][0]"},
		{"/\025\n", "f32[2,3]  execution"},
		{"/99]\n", "99"},
		{"/\025\n", "f32[2,3]  execution"},
		{"W", "Watchpoint 4"},
		{"d", "delete 2 3 4"},
		{"d", "no stop is at twice"},
		{"]", "worker driver"},
		{"[", "worker w1"},
		{"h", "held"},
		{"h", "release w1"},
		{"y", "stopped by this debugger"},
		{"f", "output"},
		{"n", "(tandem) next"},
		{"1<jjj", "twice"},
		{"u", "before twice on w1"},
		{"E", "looking at execution"},
		{"e", "(tandem) execution"},
		{"r", "looking back at"},
		{"R", "(tandem) forward"},
		{"\003", "nothing moves; q leaves"},
		{"~", "'~' has no meaning"},
		{"2", "["},
		{"7", "nodes captured"},
		{"j\n", "(tandem) execution"},
		{"8", "1 div = "},
		{"+", "1 div"},
		{"-=", "1 div"},
		{"6j\n", "(tandem) worker w0"},
		{"0", "the run has printed nothing"},
		{"5", "there is one run"},
		{"9z", "9 messages"},
		{"\033", "1 nodes"},
		{"?", "Keys; below"},
		{" ", "in the watch list"},
		{"x", "1 nodes"},
		{"X", "The run is over"},
		{"S", "after input on driver, execution 0"},
	};
	struct scene scene;
	begin(&scene, "compiled chain.dot -q -n 9", 100, 30);
	run_cases(&scene, cases, ARRAY_LEN(cases));
	type(&scene, "\f");
	cr_assert(debug_screen_take_redraw(scene.screen), "C-l does not draw anew");
	type(&scene, "q");
	cr_assert_eq(scene.end, DEBUG_SCREEN_ENDED, "q gives %d", scene.end);
	end(&scene);
}

/* The keys of the table all do something that says so, and all are on the help page. */
Test(debug_screen, help_lists_all_keys, .timeout = 60)
{
	struct scene scene;
	const char *keys, *name, *help;
	begin(&scene, "compiled chain.dot -q -n 3", 120, 120);
	type(&scene, "?");
	for (int i = 0; debug_screen_key_help(i, &keys, &name, &help); i++)
		expect(&scene, name, help);
	for (const struct debug_command *command = debug_commands; command->name; command++)
		expect(&scene, command->name, command->name);
	end(&scene);
}

Test(debug_screen, command_line, .timeout = 60)
{
	static const struct key_case cases[] = {
		{":ec\t", ":echo"},
		{"one\n", "(tandem) echo one"},
		{":echo two\n", "two"},
		{":\020\020", ":echo one"},
		{"\016", ":echo two"},
		{"\033", "1 nodes"},
		{":break tw\t", ":break twice"},
		{"\n", "Breakpoint 1"},
		{":d\t", "delete"},
		{"\003", "1 nodes"},
		{":frobnicate\n", "there is no command 'frobnicate'"},
		{":zzz\t", "nothing begins with that"},
		{"\007", "1 nodes"},
		{":commands 1\n", "(tandem) commands 1"},
		{"echo at twice\n", "> echo at twice"},
		{"end\n", "1 nodes"},
		{"X", "at twice"},
		{":\n", "(tandem)"},
		{":commands 1\n", "commands 1"},
		{"\033", "> end"},
		{":echo \tx\n", "x"},
		{":list -a\n", "output"},
		{":tui now\n", "tui"},
	};
	struct scene scene;
	begin(&scene, "compiled chain.dot -q -n 3", 100, 30);
	run_cases(&scene, cases, ARRAY_LEN(cases));
	type(&scene, ":tui\n");
	cr_assert_eq(scene.end, DEBUG_SCREEN_LEFT, ":tui gives %d", scene.end);
	end(&scene);
}

/* What differs from the halt before is marked, what does not is not. */
Test(debug_screen, watch_marks_changes, .timeout = 60)
{
	struct scene scene;
	begin(&scene, "compiled chain.dot -q -n 5", 120, 36);
	type(&scene, ":break twice after\nX:display count\n:display ones\n4");
	expect(&scene, "X", "count.out of execution 0");
	cr_assert(!shows(&scene, "* [0,:]"), "nothing can have changed yet");
	type(&scene, "c");
	expect(&scene, "c", "count.out of execution 1");
	expect(&scene, "c", "* [0,:] 2 2 2");
	expect(&scene, "c", "  [0,:] 1 1 1");
	end(&scene);
}

Test(debug_screen, output_and_twin, .timeout = 60)
{
	struct scene scene;
	begin(&scene, "compiled chain.dot -q -n 3", 110, 30);
	debug_screen_printed(scene.screen, 0, "what it says");
	debug_screen_printed(scene.screen, 1, "evil \033[2J name");
	type(&scene, "0");
	expect(&scene, "0", "what it says");
	expect(&scene, "0", "evil ^[[2J name");
	type(&scene, ":twin -m interpreted --executions 2\n5z");
	expect(&scene, "twin", "twice");
	type(&scene, ":twin off\n");
	expect(&scene, "twin off", "there is one run");
	debug_screen_question(scene.screen, "End it?");
	draw(&scene);
	expect(&scene, "a question", "End it? (y or n)");
	end(&scene);
}

/* A name is what it says wherever it is shown, and stands between quotes in commands. */
Test(debug_screen, mouse, .timeout = 60)
{
	struct scene scene;
	begin(&scene, "compiled chain.dot -q -n 3", 120, 36);
	type(&scene, "S");
	const struct pane nodes = scene.screen->panels[DEBUG_PANEL_NODES].area, workers = scene.screen->panels[DEBUG_PANEL_WORKERS].area;
	handle(&scene, &(struct event){ .kind = EVENT_MOUSE_PRESS, .x = nodes.x + 5, .y = nodes.y + 2 });
	expect(&scene, "a click on count", "<out.0>");
	cr_assert_eq(scene.screen->focus, DEBUG_PANEL_NODES);
	handle(&scene, &(struct event){ .kind = EVENT_MOUSE_DOUBLE, .x = nodes.x + 5, .y = nodes.y + 2 });
	expect(&scene, "a double click", "Breakpoint 1");
	handle(&scene, &(struct event){ .kind = EVENT_MOUSE_PRESS, .x = workers.x + 3, .y = workers.y + 1 });
	expect(&scene, "a click on w0", "(tandem) worker w0");
	handle(&scene, &(struct event){ .kind = EVENT_MOUSE_PRESS, .x = workers.x + 18, .y = workers.y - 1 });
	expect(&scene, "a click on a title", "execution");
	cr_assert_eq(scene.screen->focus, DEBUG_PANEL_EXECUTIONS, "the title of panel %d was hit", scene.screen->focus);
	handle(&scene, &(struct event){ .kind = EVENT_WHEEL_DOWN, .x = nodes.x + 5, .y = nodes.y + 2 });
	handle(&scene, &(struct event){ .kind = EVENT_END });
	cr_assert_eq(scene.end, DEBUG_SCREEN_ENDED);
	end(&scene);
}

Test(debug_screen, small_terminals, .timeout = 60)
{
	struct scene scene;
	struct error error;
	begin(&scene, "compiled chain.dot -q -n 3", 60, 16);
	expect(&scene, "60 × 16", "1 nodes");
	for (int width = 1; width < 60; width += 7) {
		cr_assert_eq(canvas_resize(&scene.canvas, width, 1 + width / 5, &error), STATUS_OK);
		draw(&scene);
	}
	expect(&scene, "too small", "tandem needs 60 × 16");
	end(&scene);
}

/* -- random events ------------------------------------------------------------------------------------------------------------ */

static const char *const words[] = {":break twice\n", ":tbreak last@3\n", ":display -s count\n", ":print last\n",
	":set count = 3\n", ":undisplay\n", ":delete\n", ":kill\n", ":until 2\n", ":list -a\n", ":info workers\n",
	":worker w1\n", ":execution 1\n", ":history\n", ":hold w0\n", ":release w0\n", ":watch count\n", ":catch wait 1s\n",
	"/[1]\n", "/\025\n", ":print \"\n"};

static struct event random_event(unsigned *seed, const struct canvas *canvas)
{
	static const uint32_t keys[] = {KEY_ARROW_LEFT, KEY_ARROW_RIGHT, KEY_ARROW_UP, KEY_ARROW_DOWN, KEY_PAGE_UP,
		KEY_PAGE_DOWN, KEY_HOME_, KEY_END_, KEY_DELETE, KEY_BACKTAB, '\t', '\n', 27, 127, 0x65e5, 0x301,
		KEY_FUNCTION_1};
	static const char often[] = "SssssnnNcufbBdwWphh[]eErR{}m123456789011z+-=jk";
	struct event event = { .kind = EVENT_KEY };
	int kind = rand_r(seed) % 10;
	if (kind < 5) {
		event.key = (uint32_t)often[rand_r(seed) % (int)(sizeof(often) - 1)];
	} else if (kind < 7) {
		event.key = keys[rand_r(seed) % (int)ARRAY_LEN(keys)];
	} else if (kind < 8) {
		event.key = (uint32_t)(1 + rand_r(seed) % 126);
	} else {
		event.kind = (enum event_kind)(EVENT_MOUSE_PRESS + rand_r(seed) % 6);
		event.x = rand_r(seed) % (canvas->width + 3);
		event.y = rand_r(seed) % (canvas->height + 3);
	}
	return event;
}

static void reopen(struct scene *scene)
{
	debug_screen_destroy(scene->screen);
	scene->world.context.is_over = false;
	open_screen(scene);
}

static void fuzz(const char *run, unsigned seed, int n_steps)
{
	struct scene scene;
	struct error error;
	begin(&scene, run, 80, 24);
	cr_assert_eq(chdir(tool_temporary()), 0);
	for (int step = 0; step < n_steps; step++) {
		if (rand_r(&seed) % 20 == 0) {
			int width = rand_r(&seed) % 8 ? 60 + rand_r(&seed) % 140 : rand_r(&seed) % 70;
			int height = rand_r(&seed) % 8 ? 16 + rand_r(&seed) % 50 : rand_r(&seed) % 20;
			cr_assert_eq(canvas_resize(&scene.canvas, width, height, &error), STATUS_OK);
		}
		const struct event event = random_event(&seed, &scene.canvas);
		if (rand_r(&seed) % 12 == 0)
			type(&scene, words[rand_r(&seed) % (int)ARRAY_LEN(words)]);
		else
			handle(&scene, &event);
		if (scene.end != DEBUG_SCREEN_GOES_ON)
			reopen(&scene);
	}
	end(&scene);
}

Test(debug_screen, random_events_compiled, .timeout = 100)
{
	fuzz("compiled chain.dot -q -n 6", 11, trials(1500));
}

Test(debug_screen, random_events_interpreted, .timeout = 100)
{
	fuzz("interpreted fault.dot -q -n 6", 12, trials(1500));
}
