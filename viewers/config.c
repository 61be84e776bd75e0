/* SPDX-License-Identifier: Apache-2.0
 *
 * config: defaults from the table of actions, the file's lines, the environment.
 */
#include "viewers/config.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/utf8.h"
#include "viewers/canvas_private.h"

#define KEY_TEXT_BYTES 32

/* -- keys --------------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t key;
} key_names[] = {
	{ "left", KEY_ARROW_LEFT }, { "right", KEY_ARROW_RIGHT }, { "up", KEY_ARROW_UP }, { "down", KEY_ARROW_DOWN },
	{ "S-left", KEY_SHIFT_LEFT }, { "S-right", KEY_SHIFT_RIGHT }, { "S-up", KEY_SHIFT_UP },
	{ "S-down", KEY_SHIFT_DOWN },
	{ "pageup", KEY_PAGE_UP }, { "pagedown", KEY_PAGE_DOWN }, { "home", KEY_HOME_ }, { "end", KEY_END_ },
	{ "delete", KEY_DELETE }, { "insert", KEY_INSERT }, { "S-tab", KEY_BACKTAB },
	{ "enter", '\n' }, { "esc", 27 }, { "tab", '\t' }, { "space", ' ' }, { "backspace", 127 }, { "hash", '#' },
};

uint32_t config_parse_key(const char *text)
{
	uint32_t code = 0;
	char *end;
	for (size_t i = 0; i < ARRAY_LEN(key_names); i++) {
		if (strcmp(key_names[i].name, text) == 0)
			return key_names[i].key;
	}
	if (text[0] == 'F' && text[1] >= '1' && text[1] <= '9') {
		long number = strtol(text + 1, &end, 10);
		return !*end && number <= 12 ? KEY_FUNCTION_1 + (uint32_t)number - 1 : 0;
	}
	if (text[0] == 'C' && text[1] == '-' && text[2] >= 'a' && text[2] <= 'z' && !text[3])
		return (uint32_t)(text[2] - 'a' + 1);
	size_t length = utf8_decode(text, &code);
	return length && code > 0x20 && code != 0x7f && !(code >= 0x80 && code < 0xa0) && !text[length] ? code : 0;
}

char *config_key_name(uint32_t key, char *text, size_t size)
{
	char utf8[5] = "";
	for (size_t i = 0; i < ARRAY_LEN(key_names); i++) {
		if (key_names[i].key == key && key != '#') {
			snprintf(text, size, "%s", key_names[i].name);
			return text;
		}
	}
	if (key >= KEY_FUNCTION_1 && key <= KEY_FUNCTION_12)
		snprintf(text, size, "F%u", (unsigned)(key - KEY_FUNCTION_1 + 1));
	else if (key >= 1 && key <= 26)
		snprintf(text, size, "C-%c", (char)('a' + key - 1));
	else if (key < KEY_BASE)
		snprintf(text, size, "%.*s", (int)canvas_encode(key, utf8), utf8);
	else
		snprintf(text, size, "?");
	return text;
}

static int bind_key(struct config *config, uint32_t key, enum action action, struct error *error)
{
	for (int i = 0; i < config->n_keys; i++) {
		if (config->keys[i].key == key) {
			config->keys[i].action = action;
			return STATUS_OK;
		}
	}
	struct config_key *keys = realloc(config->keys, ((size_t)config->n_keys + 1) * sizeof(*keys));
	if (!keys)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the keys");
	config->keys = keys;
	keys[config->n_keys++] = (struct config_key){ key, action };
	return STATUS_OK;
}

static int bind_defaults(struct config *config, struct error *error)
{
	int status = STATUS_OK;
	for (int i = ACTION_NONE + 1; i < ACTION_COUNT && status == STATUS_OK; i++) {
		const char *at = action_info((enum action)i)->keys;
		while (*at && status == STATUS_OK) {
			char name[KEY_TEXT_BYTES];
			size_t length = strcspn(at, " ");
			snprintf(name, sizeof(name), "%.*s", (int)length, at);
			status = bind_key(config, config_parse_key(name), (enum action)i, error);
			at += length + strspn(at + length, " ");
		}
	}
	return status;
}

enum action config_action(const struct config *config, uint32_t key)
{
	for (int i = 0; i < config->n_keys; i++) {
		if (config->keys[i].key == key)
			return config->keys[i].action;
	}
	return ACTION_NONE;
}

/* -- the file ----------------------------------------------------------------------------------------------------------------- */

/* A line: up to three words. */
struct line {
	const char *file;
	int number, n_words;
	char *words[3];
	struct error *error;
};

static int mistake(const struct line *line, const char *text, const char *word)
{
	return error_set(line->error, STATUS_SYNTAX, "%s:%d: %s%s%s%s", line->file, line->number, text, word ? " '" : "", word ? word : "",
		word ? "'" : "");
}

static int set_theme(struct config *config, const struct line *line)
{
	const struct theme *theme = theme_find(line->words[1]);
	if (!theme)
		return mistake(line, "themes are dark, light and mono, not", line->words[1]);
	config->theme = theme;
	return STATUS_OK;
}

static int set_bool(bool *value, const struct line *line)
{
	if (strcmp(line->words[1], "yes") != 0 && strcmp(line->words[1], "no") != 0)
		return mistake(line, "it is yes or no, not", line->words[1]);
	*value = line->words[1][0] == 'y';
	return STATUS_OK;
}

static int set_ascii(struct config *config, const struct line *line)
{
	return set_bool(&config->is_ascii, line);
}

static int set_mouse(struct config *config, const struct line *line)
{
	return set_bool(&config->has_mouse, line);
}

static int set_key(struct config *config, const struct line *line)
{
	uint32_t key = config_parse_key(line->words[1]);
	enum action action = action_find(line->words[2]);
	if (!key)
		return mistake(line, "there is no key", line->words[1]);
	if (action == ACTION_NONE && strcmp(line->words[2], "none") != 0)
		return mistake(line, "there is no action (nor 'none')", line->words[2]);
	return bind_key(config, key, action, line->error);
}

static const struct {
	const char *word;
	int n_words;
	int (*set)(struct config *config, const struct line *line);
	const char *usage;
} settings[] = {
	{ "theme", 2, set_theme, "theme NAME" },
	{ "ascii", 2, set_ascii, "ascii yes|no" },
	{ "mouse", 2, set_mouse, "mouse yes|no" },
	{ "key", 3, set_key, "key KEY ACTION" },
};

static int read_line(struct config *config, struct line *line, char *text)
{
	bool has_more = false;
	text[strcspn(text, "#\n")] = '\0';
	line->n_words = 0;
	for (char *rest = NULL, *word = strtok_r(text, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
		has_more = line->n_words == (int)ARRAY_LEN(line->words);
		if (has_more)
			break;
		line->words[line->n_words++] = word;
	}
	for (size_t i = 0; line->n_words && i < ARRAY_LEN(settings); i++) {
		if (strcmp(settings[i].word, line->words[0]) != 0)
			continue;
		if (line->n_words != settings[i].n_words || has_more)
			return mistake(line, "the line should read", settings[i].usage);
		return settings[i].set(config, line);
	}
	return line->n_words ? mistake(line, "lines begin with theme, ascii, mouse or key, not", line->words[0]) : STATUS_OK;
}

static int read_file(struct config *config, const char *file, struct error *error)
{
	FILE *stream = fopen(file, "re");
	if (!stream)
		return errno == ENOENT || errno == ENOTDIR ? STATUS_OK : error_set_errno(error, STATUS_SYSTEM, "%s", file);
	struct line line = { .file = file, .error = error };
	char *text = NULL;
	size_t size = 0;
	int status = STATUS_OK;
	errno = 0;
	while (status == STATUS_OK && getline(&text, &size, stream) >= 0) {
		line.number++;
		status = read_line(config, &line, text);
	}
	if (status == STATUS_OK && ferror(stream))
		status = error_set_errno(error, STATUS_SYSTEM, "%s", file);
	free(text);
	fclose(stream);
	return status;
}

/* -- the whole ---------------------------------------------------------------------------------------------------------------- */

/* NULL when there is no place. */
static char *find_file(void)
{
	const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *file = NULL;
	if (folder && folder[0] == '/')
		return asprintf(&file, "%s/tandem/config", folder) < 0 ? NULL : file;
	return home && *home ? asprintf(&file, "%s/.config/tandem/config", home) < 0 ? NULL : file : NULL;
}

static bool locale_is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	if (!locale)
		return false;
	bool is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return is_utf8;
}

int config_load(const char *file, struct config *ret_config, struct error *error)
{
	struct config config = { .theme = theme_get(THEME_DARK), .has_mouse = true };
	char *found = file ? strdup(file) : find_file();
	int status = bind_defaults(&config, error);
	if (status == STATUS_OK && found)
		status = read_file(&config, found, error);
	free(found);
	if (status != STATUS_OK) {
		config_finish(&config);
		return status;
	}
	const char *no_color = getenv("NO_COLOR");
	if (no_color && *no_color)
		config.theme = theme_get(THEME_MONO);
	if (!locale_is_utf8())
		config.is_ascii = true;
	*ret_config = config;
	return STATUS_OK;
}

void config_finish(struct config *config)
{
	free(config->keys);
	*config = (struct config){ 0 };
}
