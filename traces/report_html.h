/* SPDX-License-Identifier: Apache-2.0
 *
 * report_html: a report as one page that needs nothing else: no network, no script, light or dark as the reader's system is. Well-formed as XML, too.
 * Tables longer than REPORT_HTML_ROWS end with the number of rows that were left out.
 */
#ifndef TANDEM_TRACES_REPORT_HTML_H
#define TANDEM_TRACES_REPORT_HTML_H

#include "traces/report_form.h"

#define REPORT_HTML_ROWS 200
#define REPORT_HTML_CELL_BYTES 400

extern const struct report_form report_html;

/* Appends text with control characters made visible and what means something in HTML escaped. */
void report_html_escape(struct strbuf *out, const char *text);

/* One picture for light and one for dark, to be given as `picture`. */
void report_html_pictures(struct strbuf *out, const char *light_svg, const char *dark_svg);

#endif
