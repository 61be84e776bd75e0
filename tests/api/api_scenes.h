/* SPDX-License-Identifier: Apache-2.0
 *
 * api_scenes: what api_program can play: `api_program SCENE MODE FOLDER`. A scene returns 0, or prints what it found wrong and returns 1.
 */
#ifndef TANDEM_TESTS_API_API_SCENES_H
#define TANDEM_TESTS_API_API_SCENES_H

#include <stdio.h>

#include "engine/api/tandem.h"

/* X(name), by the file that has them. */
#define API_SCENES_MAP(X)                                                                                                  \
	/* api_scenes.c */                                                                                                 \
	X(state) X(setup_fails) X(infer_fails) X(run_fails) X(early_output) X(cancelled) X(timed_out) X(event_loop)        \
	X(recorded) X(with_module) X(many_in_flight)                                                                       \
	/* api_scenes_process.c */                                                                                         \
	X(several_runs) X(thread_that_ended) X(other_thread) X(child_exits) X(child_lives) X(closed_descriptors)           \
	X(ignored_children) X(reaped_children) X(worker_killed) X(driver_killed) X(calls_from_notice) X(interrupted)

struct scene {
	struct tandem *tandem;
	int mode;
	const char *folder;
	struct tandem_error error;
};

#define X(name) int scene_##name(struct scene *scene);
API_SCENES_MAP(X)
#undef X

#define CHECK(condition, ...)                                                                                              \
	do {                                                                                                               \
		if (!(condition)) {                                                                                        \
			printf("%s:%d: %s: ", __FILE__, __LINE__, #condition);                                             \
			printf(__VA_ARGS__);                                                                               \
			printf("\n");                                                                                      \
			return 1;                                                                                          \
		}                                                                                                          \
	} while (0)
#define CHECK_OK(status) CHECK((status) == TANDEM_OK, "%s", scene->error.text)

/* input x:f32[4] → a → b → output: "early" is a's, "late" is b's; ops `probe` on two workers. Settings are "key=value" of b, NULL-ended. Compiled;
 * NULL with the reason printed. */
struct tandem_graph *scene_graph(struct scene *scene, const char *const *settings, int in_flight);

/* Starts a run in the scene's mode; NULL with the reason printed. */
struct tandem_run *scene_start(struct scene *scene, struct tandem_graph *graph);

/* Submits x = {value, 0, 0, 0}. */
int scene_submit(struct scene *scene, struct tandem_run *run, float value);

/* Submits, waits, compares the first number of both results, releases; `n` are the executions before. 0 when all is right. */
int scene_pass(struct scene *scene, struct tandem_run *run, int n);

#endif
