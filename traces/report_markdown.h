/* SPDX-License-Identifier: Apache-2.0
 *
 * report_markdown: a report for a pull request: GitHub's Markdown, tables of at most REPORT_MARKDOWN_ROWS rows.
 */
#ifndef TANDEM_TRACES_REPORT_MARKDOWN_H
#define TANDEM_TRACES_REPORT_MARKDOWN_H

#include "traces/report_form.h"

#define REPORT_MARKDOWN_ROWS 15
#define REPORT_MARKDOWN_CELL_BYTES 80

extern const struct report_form report_markdown;

#endif
