/* SPDX-License-Identifier: Apache-2.0
 *
 * json_scan: the window and the walk. Behind the last byte stand zeros, at which every loop stops: only there is it looked whether more is to
 * be had.
 */
#include "traces/json_scan.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "engine/base/attributes.h"

#define WINDOW_BYTES (1u << 20)
#define PAD_BYTES 64
#define REREAD_BYTES_MAX (256u << 20) /* and once the text: what is broken in such a way that this is not enough is gone on with behind its end */

struct json_scan {
	json_read_fn *read;
	void *user;
	char *bytes;
	size_t size;          /* of bytes, the zeros not counted */
	size_t pin, at, end;
	uint64_t base;        /* offset of bytes[0] in the text */
	bool is_pinned, has_ended, source_failed, needs_comma;
	struct error source_error;
	const char *failure;  /* NULL: none */
	uint64_t failure_offset;
	uint64_t n_controls;
	uint64_t n_reread;    /* bytes gone back by json_recover */
};

int json_scan_create(json_read_fn *read, void *user, struct error *error, struct json_scan **ret_scan)
{
	struct json_scan *scan = calloc(1, sizeof *scan);
	if (scan)
		scan->bytes = calloc(1, WINDOW_BYTES + PAD_BYTES);
	if (!scan || !scan->bytes) {
		json_scan_destroy(scan);
		return error_set(error, STATUS_NO_MEMORY, "no memory for reading JSON");
	}
	scan->read = read;
	scan->user = user;
	scan->size = WINDOW_BYTES;
	*ret_scan = scan;
	return STATUS_OK;
}

void json_scan_destroy(struct json_scan *scan)
{
	if (scan)
		free(scan->bytes);
	free(scan);
}

static COLD bool fail(struct json_scan *scan, const char *what)
{
	if (!scan->failure) {
		scan->failure = what;
		scan->failure_offset = scan->base + scan->at;
	}
	return false;
}

static bool grow(struct json_scan *scan)
{
	if (scan->size >= JSON_VALUE_BYTES_MAX)
		return fail(scan, "a value is larger than 16 MiB");
	char *bytes = realloc(scan->bytes, scan->size * 2 + PAD_BYTES);
	if (!bytes)
		return fail(scan, "no memory for a value of this size");
	scan->bytes = bytes;
	scan->size *= 2;
	return true;
}

/* Gets more of the text behind what is there; false at its end, or when nothing can be got. Everything from the pin on, or from `at`, is kept. */
static COLD bool refill(struct json_scan *scan)
{
	size_t keep = scan->is_pinned ? scan->pin : scan->at, n = 0;
	if (scan->has_ended || scan->failure)
		return false;
	if (keep) {
		memmove(scan->bytes, scan->bytes + keep, scan->end - keep);
		scan->base += keep;
		scan->at -= keep;
		scan->end -= keep;
		scan->pin = 0;
	}
	if (scan->size - scan->end < scan->size / 4 && !grow(scan))
		return false;
	int status = scan->read(scan->user, scan->bytes + scan->end, scan->size - scan->end, &n, &scan->source_error);
	scan->source_failed = status != STATUS_OK;
	scan->has_ended = status != STATUS_OK || n == 0;
	scan->end += n;
	memset(scan->bytes + scan->end, 0, PAD_BYTES);
	return n > 0;
}

void json_pin(struct json_scan *scan)
{
	scan->is_pinned = true;
	scan->pin = scan->at;
}

void json_unpin(struct json_scan *scan)
{
	scan->is_pinned = false;
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

char json_peek(struct json_scan *scan)
{
	for (;;) {
		const char *p = scan->bytes + scan->at;
		while (is_blank(*p))
			p++;
		scan->at = (size_t)(p - scan->bytes);
		if (likely(*p) || (scan->at < scan->end) || !refill(scan))
			return scan->bytes[scan->at];
	}
}

/* The first byte from p on that is a quote, a backslash or below a blank (the zeros at the end are). */
static inline const char *find_special(const char *p)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
	for (;; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
			_mm_cmpeq_epi8(_mm_max_epu8(v, control), control));
		int mask = _mm_movemask_epi8(hit);
		if (mask)
			return p + __builtin_ctz((unsigned)mask);
	}
#else
	while (*p != '"' && *p != '\\' && (unsigned char)*p > 0x1f)
		p++;
	return p;
#endif
}

/* -- containers ---------------------------------------------------------------------------------------------------------- */

static bool enter(struct json_scan *scan, char opener, const char *what)
{
	if (scan->failure || json_peek(scan) != opener)
		return fail(scan, what);
	scan->at++;
	scan->needs_comma = false;
	return true;
}

bool json_object(struct json_scan *scan)
{
	return enter(scan, '{', "an object was expected");
}

bool json_array(struct json_scan *scan)
{
	return enter(scan, '[', "an array was expected");
}

/* To the next member; false when the container was closed. A comma before the closing bracket is let through. */
static bool next_member(struct json_scan *scan, char closer)
{
	if (unlikely(scan->failure))
		return false;
	char c = json_peek(scan);
	if (c == ',' && scan->needs_comma) {
		scan->at++;
		scan->needs_comma = false;
		c = json_peek(scan);
	}
	if (c == closer) {
		scan->at++;
		scan->needs_comma = true;
		return false;
	}
	if (unlikely(!c))
		return fail(scan, scan->at < scan->end ? "a zero byte where a value was expected" : "the text ends inside a container");
	if (unlikely(scan->needs_comma))
		return fail(scan, "a comma was expected");
	return true;
}

/* A key and its colon; kept together, so that the key is still there behind it. */
static bool take_key(struct json_scan *scan, struct json_text *ret_key)
{
	if (unlikely(scan->bytes[scan->at] != '"'))
		return fail(scan, "a key was expected");
	if (!json_string(scan, ret_key))
		return false;
	if (unlikely(json_peek(scan) != ':'))
		return fail(scan, "a colon was expected");
	scan->at++;
	scan->needs_comma = false;
	return true;
}

static COLD bool key_slowly(struct json_scan *scan, struct json_text *ret_key)
{
	bool was_pinned = scan->is_pinned;
	if (!next_member(scan, '}'))
		return false;
	if (!was_pinned)
		json_pin(scan);
	bool is_taken = take_key(scan, ret_key);
	scan->is_pinned = was_pinned;
	return is_taken;
}

/* The way of nearly all keys: everything up to behind the colon is in the window. */
bool json_key(struct json_scan *scan, struct json_text *ret_key)
{
	const char *p = scan->bytes + scan->at;
	while (is_blank(*p))
		p++;
	if (*p == ',' && scan->needs_comma) {
		do
			p++;
		while (is_blank(*p));
	} else if (unlikely(scan->needs_comma)) {
		return key_slowly(scan, ret_key);
	}
	const char *end = *p == '"' ? find_special(p + 1) : p;
	if (unlikely(scan->failure || end == p || end[0] != '"' || end[1] != ':'))
		return key_slowly(scan, ret_key);
	if (!scan->is_pinned)
		scan->pin = (size_t)(p - scan->bytes);
	*ret_key = (struct json_text){ (size_t)(p + 1 - scan->bytes) - scan->pin, (size_t)(end - p - 1), false };
	scan->at = (size_t)(end + 2 - scan->bytes);
	scan->needs_comma = false;
	return true;
}

bool json_item(struct json_scan *scan)
{
	return next_member(scan, ']');
}

/* -- strings ------------------------------------------------------------------------------------------------------------- */

/* From behind the opening quote to behind the closing one. */
static bool pass_string(struct json_scan *scan, bool *ret_has_escapes)
{
	bool has_escapes = false;
	for (;;) {
		const char *p = find_special(scan->bytes + scan->at);
		scan->at = (size_t)(p - scan->bytes);
		if (likely(*p == '"'))
			break;
		if (*p == '\\') {
			has_escapes = true;
			if (scan->at + 1 >= scan->end && !refill(scan))
				return fail(scan, "the text ends inside a string");
			scan->at += 2;
		} else if (scan->at < scan->end) {
			scan->n_controls++;
			scan->at++;
		} else if (!refill(scan)) {
			return fail(scan, "the text ends inside a string");
		}
	}
	scan->at++;
	*ret_has_escapes = has_escapes;
	return true;
}

bool json_string(struct json_scan *scan, struct json_text *ret_text)
{
	bool was_pinned = scan->is_pinned, has_escapes;
	if (unlikely(scan->failure) || json_peek(scan) != '"')
		return fail(scan, "a string was expected");
	if (!was_pinned)
		json_pin(scan);
	size_t from = ++scan->at - scan->pin;
	bool is_whole = pass_string(scan, &has_escapes);
	*ret_text = (struct json_text){ from, is_whole ? scan->at - 1 - scan->pin - from : 0, is_whole && has_escapes };
	scan->is_pinned = was_pinned;
	scan->needs_comma = true;
	return is_whole;
}

/* -- other scalars ------------------------------------------------------------------------------------------------------- */

static inline bool is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '+';
}

static bool word(struct json_scan *scan, struct json_text *ret_text)
{
	bool was_pinned = scan->is_pinned;
	if (!was_pinned)
		json_pin(scan);
	size_t from = scan->at - scan->pin;
	do {
		while (is_word_byte(scan->bytes[scan->at]))
			scan->at++;
	} while (scan->at == scan->end && refill(scan));
	*ret_text = (struct json_text){ from, scan->at - scan->pin - from, false };
	scan->is_pinned = was_pinned;
	scan->needs_comma = true;
	return ret_text->n ? true : fail(scan, "a value was expected");
}

bool json_number(struct json_scan *scan, struct json_text *ret_text)
{
	char c = scan->failure ? 0 : json_peek(scan);
	if (c != '-' && (c < '0' || c > '9'))
		return fail(scan, "a number was expected");
	return word(scan, ret_text);
}

bool json_scalar(struct json_scan *scan, struct json_text *ret_text)
{
	if (scan->failure)
		return false;
	return json_peek(scan) == '"' ? json_string(scan, ret_text) : word(scan, ret_text);
}

/* -- skipping ------------------------------------------------------------------------------------------------------------ */

/* The first byte from p on that is a quote, a bracket or a zero. */
static inline const char *find_bracket(const char *p)
{
#ifdef __SSE2__
	/* [ and { differ by 0x20, as do ] and }: setting that bit leaves two to look for; blanks, zeros and quotes stay apart. */
	const __m128i quote = _mm_set1_epi8('"'), bit = _mm_set1_epi8(0x20), open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
	for (;; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p), w = _mm_or_si128(v, bit);
		__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, _mm_setzero_si128())),
			_mm_or_si128(_mm_cmpeq_epi8(w, open), _mm_cmpeq_epi8(w, close)));
		int mask = _mm_movemask_epi8(hit);
		if (mask)
			return p + __builtin_ctz((unsigned)mask);
	}
#else
	while (*p && *p != '"' && (*p | 0x20) != '{' && (*p | 0x20) != '}')
		p++;
	return p;
#endif
}

static bool skip_container(struct json_scan *scan)
{
	uint64_t depth = 0;
	do {
		const char *p = find_bracket(scan->bytes + scan->at);
		scan->at = (size_t)(p - scan->bytes);
		char c = *p;
		bool has_escapes;
		if (unlikely(scan->at >= scan->end)) {
			if (!refill(scan))
				return fail(scan, "the text ends inside a container");
			continue;
		}
		scan->at++;
		if (c == '"' && !pass_string(scan, &has_escapes))
			return false;
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
	} while (depth);
	scan->needs_comma = true;
	return true;
}

bool json_skip(struct json_scan *scan)
{
	struct json_text text;
	bool has_escapes;
	if (unlikely(scan->failure))
		return false;
	char c = json_peek(scan);
	if (c == '{' || c == '[')
		return skip_container(scan);
	if (c != '"')
		return word(scan, &text);
	scan->at++;
	scan->needs_comma = true;
	return pass_string(scan, &has_escapes);
}

/* -- what was read ------------------------------------------------------------------------------------------------------- */

const char *json_bytes(const struct json_scan *scan, struct json_text text)
{
	return scan->bytes + scan->pin + text.at;
}

bool json_is(const struct json_scan *scan, struct json_text text, const char *word)
{
	size_t n = strlen(word);
	return text.n == n && memcmp(json_bytes(scan, text), word, n) == 0;
}

uint64_t json_offset(const struct json_scan *scan)
{
	return scan->base + scan->at;
}

uint64_t json_pin_offset(const struct json_scan *scan)
{
	return scan->base + scan->pin;
}

bool json_failed(const struct json_scan *scan, const char **ret_what, uint64_t *ret_offset)
{
	if (scan->failure && ret_what)
		*ret_what = scan->failure;
	if (scan->failure && ret_offset)
		*ret_offset = scan->failure_offset;
	return scan->failure;
}

bool json_at_end(struct json_scan *scan)
{
	return json_peek(scan) == 0 && scan->at >= scan->end;
}

bool json_source_failed(const struct json_scan *scan, struct error *error)
{
	if (scan->source_failed && error)
		*error = scan->source_error;
	return scan->source_failed;
}

bool json_seek(struct json_scan *scan, const char *word)
{
	size_t n = strlen(word);
	scan->failure = NULL;
	json_unpin(scan);
	for (;;) {
		const char *found = scan->end - scan->at >= n ? memmem(scan->bytes + scan->at, scan->end - scan->at, word, n) : NULL;
		if (found) {
			scan->at = (size_t)(found - scan->bytes) + n;
			scan->needs_comma = false;
			return true;
		}
		if (scan->end - scan->at >= n)
			scan->at = scan->end - (n - 1);
		if (!refill(scan))
			return false;
	}
}

uint64_t json_n_control_characters(const struct json_scan *scan)
{
	return scan->n_controls;
}

/* Whether an object that begins here could be a member of an array: `{`, blanks, a quote or the end of an empty one. */
static bool looks_like_member(struct json_scan *scan)
{
	size_t at = scan->at + 1;
	while (is_blank(scan->bytes[at]))
		at++;
	return scan->bytes[at] == '"' || scan->bytes[at] == '}' || at >= scan->end;
}

bool json_recover(struct json_scan *scan, uint64_t *ret_skipped)
{
	uint64_t from = json_pin_offset(scan);
	char before = 0;
	scan->failure = NULL;
	if (scan->is_pinned && scan->pin < scan->at && scan->n_reread < REREAD_BYTES_MAX + json_offset(scan)) {
		scan->n_reread += scan->at - scan->pin;
		scan->at = scan->pin + 1;
	}
	json_unpin(scan);
	for (;; scan->at++) {
		char c = scan->bytes[scan->at];
		if (scan->at >= scan->end) {
			if (!refill(scan))
				break;
			c = scan->bytes[scan->at];
		}
		if (c == '{' && (before == ',' || before == '\n') && looks_like_member(scan)) {
			*ret_skipped = json_offset(scan) - from;
			scan->needs_comma = false;
			return true;
		}
		if (!is_blank(c) || c == '\n')
			before = c == '\n' && before == ',' ? before : c;
	}
	*ret_skipped = json_offset(scan) - from;
	return false;
}
