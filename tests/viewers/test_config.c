/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys and their names, the table of actions, the configuration file and its mistakes.
 */
#include "viewers/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/support/temp_file.h"

Test(config, keys_round_trip)
{
	char name[32];
	for (uint32_t key = 1; key <= KEY_FUNCTION_12; key++) {
		bool is_key = (key < 0x7f && !(key >= 28 && key <= 31)) || key == 127 || (key >= 0xa1 && key < 0x2000)
			|| (key > KEY_BASE && key <= KEY_FUNCTION_12);
		if (!is_key)
			continue;
		uint32_t parsed = config_parse_key(config_key_name(key, name, sizeof(name)));
		cr_assert_eq(parsed, key, "%s is %x, not %x", name, (unsigned)parsed, (unsigned)key);
	}
	static const char *const wrong[] = { "", "ab", "F0", "F13", "F1x", "C-", "C-1", "C-ab", "S-x", " ", "\177", "\xff", "Left" };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		cr_assert_eq(config_parse_key(wrong[i]), 0, "'%s' is no key", wrong[i]);
}

Test(action, default_keys_are_keys_and_bound_once)
{
	enum action bound[512] = { ACTION_NONE };
	for (int i = ACTION_NONE + 1; i < ACTION_COUNT; i++) {
		const struct action_info *info = action_info((enum action)i);
		char keys[100];
		snprintf(keys, sizeof(keys), "%s", info->keys);
		cr_assert_eq(action_find(info->name), (enum action)i, "%s: two actions have this name", info->name);
		char *rest = NULL;
		for (char *word = strtok_r(keys, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
			uint32_t key = config_parse_key(word), at = key >= KEY_BASE ? 256 + key - KEY_BASE : key;
			cr_assert(key && at < ARRAY_LEN(bound), "%s: '%s' is no key", info->name, word);
			cr_assert(bound[at] == ACTION_NONE, "'%s' is bound to %s and %s", word,
				bound[at] ? action_info(bound[at])->name : "", info->name);
			bound[at] = (enum action)i;
		}
	}
	cr_assert(action_find("nonsense") == ACTION_NONE && action_info(ACTION_NONE) == NULL && action_info(ACTION_COUNT) == NULL);
}

static int load(const char *text, struct config *config, struct error *error)
{
	struct temp_file file;
	temp_file_init(&file, "config");
	temp_file_write(&file, text, strlen(text));
	int status = config_load(file.path, config, error);
	temp_file_finish(&file);
	return status;
}

Test(config, file)
{
	struct config config;
	struct error error = { 0 };
	unsetenv("NO_COLOR");
	setenv("LC_ALL", "C.UTF-8", 1);
	int status = load("# mine\n\n theme light # brighter\nmouse no\nkey x quit\nkey q none\nkey F5 zoom-in\nkey hash fit\n",
		&config, &error);
	cr_assert_eq(status, STATUS_OK, "%s", error.text);
	cr_assert_str_eq(config.theme->name, "light");
	cr_assert(!config.has_mouse && !config.is_ascii);
	static const struct {
		const char *key;
		enum action action;
	} cases[] = { { "x", ACTION_QUIT }, { "q", ACTION_NONE }, { "F5", ACTION_ZOOM_IN }, { "hash", ACTION_FIT }, { "left",
		ACTION_LEFT },
		{ "+", ACTION_ZOOM_IN }, { "y", ACTION_NONE } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum action action = config_action(&config, config_parse_key(cases[i].key));
		cr_assert_eq(action, cases[i].action, "%s: %d, not %d", cases[i].key, action, cases[i].action);
	}
	config_finish(&config);
}

Test(config, mistakes_name_their_line)
{
	static const struct {
		const char *text, *told;
	} cases[] = {
		{ "theme pink\n", "config:1: themes are dark, light and mono, not 'pink'" },
		{ "\ntheme\n", "config:2: the line should read 'theme NAME'" },
		{ "ascii maybe\n", "config:1: it is yes or no, not 'maybe'" },
		{ "key Q fly\n", "config:1: there is no action (nor 'none') 'fly'" },
		{ "key Nonsense quit\n", "config:1: there is no key 'Nonsense'" },
		{ "key q quit now\n", "config:1: the line should read 'key KEY ACTION'" },
		{ "colour red", "config:1: lines begin with theme, ascii, mouse or key, not 'colour'" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config config;
		struct error error = { 0 };
		int status = load(cases[i].text, &config, &error);
		cr_assert(status == STATUS_SYNTAX && strstr(error.text, cases[i].told), "%s: status %d, '%s', not '%s'",
			cases[i].text, status,
			error.text, cases[i].told);
	}
}

Test(config, environment)
{
	struct config config;
	struct error error = { 0 };
	setenv("LC_ALL", "C", 1);
	setenv("NO_COLOR", "1", 1);
	cr_assert_eq(load("theme light\nascii no\n", &config, &error), STATUS_OK, "%s", error.text);
	cr_assert(config.theme->is_mono, "NO_COLOR: the theme is %s", config.theme->name);
	cr_assert(config.is_ascii, "a locale without UTF-8 shows more than ASCII");
	config_finish(&config);
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	cr_assert_eq(config_load(NULL, &config, &error), STATUS_OK, "a missing file: %s", error.text);
	config_finish(&config);
}
