/* SPDX-License-Identifier: Apache-2.0
 *
 * record: the words of the numbers that records carry.
 */
#include "engine/run/record.h"

#include "engine/base/attributes.h"

static const char *const phase_words[PHASE_COUNT] = {
#define X(name, word) [PHASE_##name] = word,
	PHASE_MAP(X)
#undef X
};

static const char *const loss_words[LOSS_COUNT] = {
#define X(name, word) [LOSS_##name] = word,
	LOSS_MAP(X)
#undef X
};

static const char *const trigger_words[TRIGGER_COUNT] = {
#define X(name, word) [TRIGGER_##name] = word,
	TRIGGER_MAP(X)
#undef X
};

const char *phase_word(enum phase phase)
{
	return (unsigned)phase < PHASE_COUNT ? phase_words[phase] : "unknown";
}

const char *loss_word(enum loss loss)
{
	return (unsigned)loss < LOSS_COUNT ? loss_words[loss] : "unknown";
}

const char *trigger_word(enum trigger trigger)
{
	return (unsigned)trigger < TRIGGER_COUNT ? trigger_words[trigger] : "unknown";
}
