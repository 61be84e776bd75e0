/* SPDX-License-Identifier: Apache-2.0
 *
 * golden: reading and writing of the files.
 */
#include "tests/viewers/golden.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static char *read_text(const char *file)
{
	FILE *stream = fopen(file, "r");
	char *text = calloc(1, 100000);
	if (stream) {
		size_t n = fread(text, 1, 99999, stream);
		text[n] = '\0';
		fclose(stream);
	}
	return text;
}

void golden_compare(const char *name, const char *text)
{
	char file[300];
	snprintf(file, sizeof(file), "%s/tests/viewers/golden/%s.txt", getenv("TANDEM_SOURCE_ROOT"), name);
	if (getenv("TANDEM_UPDATE")) {
		FILE *stream = fopen(file, "w");
		cr_assert(stream && fputs(text, stream) >= 0 && fclose(stream) == 0, "%s", file);
	}
	char *should = read_text(file);
	cr_assert_str_eq(text, should, "%s\n--- is\n%s--- should be\n%s", name, text, should);
	free(should);
}
