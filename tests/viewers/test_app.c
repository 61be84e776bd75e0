/* SPDX-License-Identifier: Apache-2.0
 *
 * The screen as a whole, driven by events: prompts, commands, pages; and thousands of random events at random sizes.
 */
#include "viewers/app.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/traces/crowd.h"
#include "viewers/canvas_print.h"

struct scene {
	struct crowd crowds[2];
	int n_crowds;
	struct session *session;
	struct config config;
	struct app *app;
	struct canvas canvas;
};

static void begin(struct scene *scene, int n_executions, bool has_two)
{
	const struct crowd_options options = { .n_executions = n_executions, .seed = 4, .pause_one_in = 60, .stall_one_in = 50,
		.lose_one_in = 90 };
	struct error error = { 0 };
	*scene = (struct scene){ .n_crowds = has_two ? 2 : 1 };
	for (int i = 0; i < scene->n_crowds; i++)
		crowd_make(&scene->crowds[i], &options);
	const struct session_options session_options = { .files = { scene->crowds[0].synthetic.file,
		has_two ? scene->crowds[1].synthetic.file : NULL } };
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	cr_assert_eq(session_open(&session_options, &error, &scene->session), STATUS_OK, "%s", error.text);
	cr_assert_eq(config_load(NULL, &scene->config, &error), STATUS_OK, "%s", error.text);
	cr_assert_eq(app_create(scene->session, &scene->config, views[0], &error, &scene->app), STATUS_OK, "%s", error.text);
	cr_assert_eq(canvas_init(&scene->canvas, 100, 30, &error), STATUS_OK);
	cr_assert_eq(app_draw(scene->app, &scene->canvas, &error), STATUS_OK, "%s", error.text);
}

static void end(struct scene *scene)
{
	app_destroy(scene->app);
	canvas_finish(&scene->canvas);
	config_finish(&scene->config);
	session_close(scene->session);
	for (int i = 0; i < scene->n_crowds; i++)
		crowd_finish(&scene->crowds[i]);
}

static bool press(struct scene *scene, uint32_t key)
{
	const struct event event = { .kind = EVENT_KEY, .key = key };
	struct error error = { 0 };
	bool goes_on = app_handle(scene->app, &event);
	cr_assert_eq(app_draw(scene->app, &scene->canvas, &error), STATUS_OK, "%s", error.text);
	return goes_on;
}

static void type(struct scene *scene, const char *text)
{
	for (; *text; text++)
		press(scene, (unsigned char)*text);
}

static void expect(const struct scene *scene, const char *after, const char *text)
{
	struct strbuf out = STRBUF_INIT;
	canvas_print_text(&scene->canvas, false, &out);
	cr_assert(strstr(strbuf_text(&out), text), "after %s: '%s' is not on\n%s", after, text, strbuf_text(&out));
	strbuf_finish(&out);
}

Test(app, prompts_and_commands)
{
	static const struct {
		const char *keys, *shown;
	} cases[] = {
		{ ":exec 118\n", "exec 118/" }, { ":59\n", "exec 59/" }, { "e77\n", "exec 77/" },
		{ ":exec 9999\n", "9999 was not recorded" },
		{ ":exec x\n", "is no number" }, { ":node n3\n", "n3" },
		{ ":node zebra\n", "there is no node 'zebra'" }, { ":goto 1ms\n", "t.tandem" },
		{ ":goto 900s\n", "ends before that" }, { ":goto end\n", "t.tandem" },
		{ ":fly\n", "there is no command 'fly'" },
		{ ":fit now\n", "fit takes nothing" }, { ":theme pink\n", "themes are" },
		{ ":filter n2\n", "filter: n2" }, { ":filter\n", "1 timeline" },
		{ "&n4\n", "filter: n4" }, { "&\025\n", "1 timeline" }, { "/n1\n", "search: n1" },
		{ "\033", "the search is over" }, { "n", "t.tandem" },
		{ ":theme", "theme" }, { "\033", "1 timeline" }, { "mB", "bookmark, a note:" },
		{ "slow here\n", "bookmarked" }, { "'", "slow here" },
		{ "\n", "slow here" }, { "'d", "delete this bookmark?" }, { "n\n", "slow here" },
		{ "dy\n", "1 timeline" }, { "'", "there are no bookmarks" },
		{ "?", "zoom-in" }, { "q", "1 timeline" }, { ":th\t", ":theme" }, { "l\t\n", "t.tandem" },
		{ ":se\t", "search" }, { "\033", "t.tandem" },
		{ "m", "between" }, { "m", "gone" }, { "m", "mark" }, { "\027", "there is one pane" },
		{ "x", "one run" }, { "~", "'~' has no meaning" },
	};
	struct scene scene;
	begin(&scene, 200, false);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		type(&scene, cases[i].keys);
		expect(&scene, cases[i].keys, cases[i].shown);
	}
	cr_assert_str_eq(app_theme(scene.app)->name, "light", "':theme l' completed: %s", app_theme(scene.app)->name);
	cr_assert(!press(&scene, 'q'), "q does not leave");
	end(&scene);
}

Test(app, history_and_editing)
{
	struct scene scene;
	begin(&scene, 20, false);
	type(&scene, ":exec 7\n:exec 9\n:");
	press(&scene, KEY_ARROW_UP);
	press(&scene, KEY_ARROW_UP);
	expect(&scene, "two steps up", ":exec 7");
	press(&scene, KEY_ARROW_DOWN);
	expect(&scene, "one down", ":exec 9");
	press(&scene, KEY_HOME_);
	press(&scene, KEY_DELETE);
	press(&scene, 0x65e5);
	press(&scene, KEY_END_);
	press(&scene, 127);
	expect(&scene, "editing", ":日xec");
	press(&scene, KEY_ARROW_LEFT);
	press(&scene, 23);
	type(&scene, "fit");
	expect(&scene, "a word erased", ":fit");
	for (int i = 0; i < 600; i++)
		press(&scene, 0x1f680);
	expect(&scene, "a long line", "🚀🚀🚀");
	press(&scene, 27);
	end(&scene);
}

Test(app, write_screens)
{
	struct scene scene;
	char command[200];
	static const char *const suffixes[] = { "txt", "svg", "ansi" }, *const begins[] = { " t.tandem", "<svg", "\033[0;" };
	begin(&scene, 20, false);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		char file[160], bytes[16] = "";
		snprintf(file, sizeof(file), "%s/s.%s", scene.crowds[0].synthetic.folder, suffixes[i]);
		snprintf(command, sizeof(command), ":write %s\n", file);
		type(&scene, command);
		expect(&scene, command, "written:");
		FILE *stream = fopen(file, "r");
		cr_assert(stream && fread(bytes, 1, sizeof(bytes) - 1, stream) > 0, "%s is empty", file);
		fclose(stream);
		cr_assert(strncmp(bytes, begins[i], strlen(begins[i])) == 0, "%s begins with '%s'", file, bytes);
		type(&scene, command);
		expect(&scene, "the same again", "write! writes over it");
	}
	end(&scene);
}

/* A title that has to be short still tells the losses. */
Test(app, losses_are_on_every_screen)
{
	struct scene scene;
	struct error error = { 0 };
	begin(&scene, 20, false);
	scene.session->sides[0].timeline->lanes[1].n_lost = 12;
	for (int i = 0; views[i]; i++) {
		for (int width = 60; width <= 200; width += 35) {
			cr_assert_eq(canvas_resize(&scene.canvas, width, 24, &error), STATUS_OK);
			cr_assert_eq(app_draw_view(scene.session, views[i], &scene.canvas, &error), STATUS_OK, "%s", error.text);
			expect(&scene, views[i]->name, "lost 12 records");
		}
	}
	end(&scene);
}

Test(app, too_small_a_screen_says_so)
{
	static const int sizes[][2] = { { 59, 30 }, { 100, 15 }, { 1, 1 }, { 0, 0 }, { 300, 2 }, { 3, 200 } };
	struct scene scene;
	struct error error = { 0 };
	begin(&scene, 20, false);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		cr_assert_eq(canvas_resize(&scene.canvas, sizes[i][0], sizes[i][1], &error), STATUS_OK);
		cr_assert_eq(app_draw(scene.app, &scene.canvas, &error), STATUS_OK);
		if (sizes[i][0] > 50)
			expect(&scene, "a small screen", "tandem needs 60 × 16 cells; this terminal has");
	}
	end(&scene);
}

static struct event random_event(unsigned *seed, const struct canvas *canvas)
{
	static const char keys[] = "hjklHJKL<>+=-[]0fznpNewb{}()&/x|dstcgP12345\t\n\033:?'Bm oO qabcy.~ 9";
	struct event event = { .x = rand_r(seed) % (canvas->width + 4) - 2, .y = rand_r(seed) % (canvas->height + 4) - 2,
		.has_ctrl = rand_r(seed) % 2, .has_shift = rand_r(seed) % 2 };
	if (rand_r(seed) % 5 == 0) {
		event.kind = (enum event_kind)(EVENT_MOUSE_PRESS + rand_r(seed) % (EVENT_WHEEL_DOWN - EVENT_MOUSE_PRESS + 1));
	} else {
		event.kind = EVENT_KEY;
		int which = rand_r(seed) % 10;
		event.key = which < 6 ? (uint32_t)keys[(size_t)rand_r(seed) % (sizeof(keys) - 1)]
			: which < 9 ? KEY_BASE + 1 + (uint32_t)rand_r(seed) % (KEY_FUNCTION_12 - KEY_BASE) : (uint32_t)rand_r(seed) % 0x3000;
	}
	if (event.kind == EVENT_KEY && (event.key == 'w' || event.key == 3))
		event.key = 'n';
	return event;
}

/* Commands that would leave are undone by beginning anew. */
static void fuzz(struct scene *scene, unsigned seed, int n_steps)
{
	struct error error = { 0 };
	for (int step = 0; step < n_steps; step++) {
		const struct event event = random_event(&seed, &scene->canvas);
		if (rand_r(&seed) % 40 == 0) {
			int width = rand_r(&seed) % 8 ? 60 + rand_r(&seed) % 140 : rand_r(&seed) % 70;
			int height = rand_r(&seed) % 8 ? 16 + rand_r(&seed) % 50 : rand_r(&seed) % 20;
			cr_assert_eq(canvas_resize(&scene->canvas, width, height, &error), STATUS_OK);
		}
		if (!app_handle(scene->app, &event)) {
			app_destroy(scene->app);
			cr_assert_eq(app_create(scene->session, &scene->config, views[0], &error, &scene->app), STATUS_OK);
		}
		if (rand_r(&seed) % 3 == 0)
			cr_assert_eq(app_draw(scene->app, &scene->canvas, &error), STATUS_OK, "step %d: %s", step, error.text);
		const struct timeline *timeline = session_timeline(scene->session);
		int64_t at_ns = scene->session->selection.time_ns;
		cr_assert(at_ns >= timeline->origin_ns && at_ns <= timeline->end_ns, "step %d: the cursor left the run", step);
	}
}

Test(app, random_events_one_run, .timeout = 100)
{
	struct scene scene;
	begin(&scene, 200, false);
	fuzz(&scene, 1, 3000);
	end(&scene);
}

Test(app, random_events_two_runs, .timeout = 100)
{
	struct scene scene;
	begin(&scene, 120, true);
	fuzz(&scene, 2, 3000);
	end(&scene);
}

Test(app, random_events_nothing_recorded, .timeout = 100)
{
	struct scene scene;
	begin(&scene, 0, false);
	fuzz(&scene, 3, 2000);
	end(&scene);
}
