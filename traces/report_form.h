/* SPDX-License-Identifier: Apache-2.0
 *
 * report_form: a report in another form than text: a title, sentences, and sections of a table each. Forms escape whatever names hold.
 */
#ifndef TANDEM_TRACES_REPORT_FORM_H
#define TANDEM_TRACES_REPORT_FORM_H

#include "engine/base/strbuf.h"
#include "engine/base/table.h"

struct report_form {
	/* `head`: lines. `picture`: a piece of the form itself, put in as it is; NULL when there is none. */
	void (*begin)(struct strbuf *out, const char *title, const char *head, const char *picture);
	/* `text`: lines before the table, ""; `table` may be NULL. `key` is a word. */
	void (*section)(struct strbuf *out, const char *key, const char *title, const char *text, const struct table *table);
	void (*end)(struct strbuf *out);
};

#endif
