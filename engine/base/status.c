/* SPDX-License-Identifier: Apache-2.0
 *
 * status: words and sentences of STATUS_MAP.
 */
#include "engine/base/status.h"

static const struct {
	const char *word, *sentence;
} status_texts[STATUS_COUNT] = {
#define X(name, word, sentence) [STATUS_##name] = { word, sentence },
	STATUS_MAP(X)
#undef X
};

const char *status_word(int status)
{
	return status >= 0 && status < STATUS_COUNT ? status_texts[status].word : "unknown";
}

const char *status_sentence(int status)
{
	return status >= 0 && status < STATUS_COUNT ? status_texts[status].sentence : "unknown status";
}
