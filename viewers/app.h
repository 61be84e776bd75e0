/* SPDX-License-Identifier: Apache-2.0
 *
 * app: the screen as a whole: title line, one or two panes with a view each, the hint and status line, the command line, help, prompts. It takes
 * events and draws on a canvas; who shows the canvas (term.h, a test, --batch) is not its business.
 *
 *     BROWSING ──:/&e B──► TYPING ──enter, esc──► BROWSING
 *        ├──?──► HELP ──esc, q──► BROWSING              q, end ──► ENDED
 *        └──'──► BOOKMARKS ──enter, esc──► BROWSING
 */
#ifndef TANDEM_VIEWERS_APP_H
#define TANDEM_VIEWERS_APP_H

#include "viewers/canvas.h"
#include "viewers/config.h"
#include "viewers/event.h"
#include "viewers/session.h"
#include "viewers/view.h"

struct app;

/* The session and config stay the caller's and must outlive it. `view`: where to begin. */
int app_create(struct session *session, const struct config *config, const struct view *view, struct error *error, struct app **ret_app);
void app_destroy(struct app *app); /* accepts NULL */

/* Draws everything on the canvas, whatever its size; below 60 × 16 a line that says which size is needed. */
int app_draw(struct app *app, struct canvas *canvas, struct error *error);
/* False when the user has left. */
bool app_handle(struct app *app, const struct event *event);

/* The theme in use; `theme NAME` changes it. */
const struct theme *app_theme(const struct app *app);
/* Whether everything is to be written to the terminal anew; asking takes the wish. */
bool app_take_redraw(struct app *app);

/* Draws one view alone, as --batch does: title line and the view, no hints. */
int app_draw_view(struct session *session, const struct view *view, struct canvas *canvas, struct error *error);

#endif
