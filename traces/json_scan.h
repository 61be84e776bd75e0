/* SPDX-License-Identifier: Apache-2.0
 *
 * json_scan: reads JSON of any size through a window of bounded size, one value after the other, and lets the reader skip what it does not want at
 * the speed of memory. Lenient where files of profilers are broken: raw control characters and bytes that are no UTF-8 in strings are taken as
 * they are; a final `]` or `}` that is missing is told as the end it is.
 *
 * A reader walks down with json_object/json_key and json_array/json_item; each value that these lead to must be read or skipped:
 *
 *     if (json_object(scan))
 *             while (json_key(scan, &key))
 *                     if (json_is(scan, key, "ts")) json_number(scan, &ts); else json_skip(scan);
 *
 * After a failure every function returns false; json_failed says why and where. json_recover then looks for the next object in an array.
 */
#ifndef TANDEM_TRACES_JSON_SCAN_H
#define TANDEM_TRACES_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define JSON_VALUE_BYTES_MAX (16u << 20) /* of what is kept between json_pin and json_unpin */

/* Fills `bytes`; *ret_n is 0 at the end only. A failure is the source's (an I/O error, damaged compression) and ends the text there. */
typedef int json_read_fn(void *user, char *bytes, size_t size, size_t *ret_n, struct error *error);

/* A piece of the text: valid until json_unpin, or, without a pin, until the next call. */
struct json_text {
	size_t at;        /* from the pin */
	size_t n;
	bool has_escapes; /* a string with backslashes: json_unescape */
};

struct json_scan;

/* STATUS_NO_MEMORY. The source stays the caller's. */
int json_scan_create(json_read_fn *read, void *user, struct error *error, struct json_scan **ret_scan);
void json_scan_destroy(struct json_scan *scan); /* accepts NULL */

/* Texts read from here on stay valid until json_unpin. */
void json_pin(struct json_scan *scan);
void json_unpin(struct json_scan *scan);

/* The first byte of the next value, or of what closes the container; 0 at the end of the text. */
char json_peek(struct json_scan *scan);

bool json_object(struct json_scan *scan); /* enters `{` */
bool json_key(struct json_scan *scan, struct json_text *ret_key); /* false behind the last, with `}` taken */
bool json_array(struct json_scan *scan);  /* enters `[` */
bool json_item(struct json_scan *scan);   /* whether another one follows; false with `]` taken */

/* A value of the kind, or a failure. Numbers and words are texts without meaning until they are converted. */
bool json_string(struct json_scan *scan, struct json_text *ret_text); /* between the quotes */
bool json_number(struct json_scan *scan, struct json_text *ret_text);
/* A string's content, a number, true, false or null: whatever stands there, containers excepted. */
bool json_scalar(struct json_scan *scan, struct json_text *ret_text);
bool json_skip(struct json_scan *scan); /* any value */

const char *json_bytes(const struct json_scan *scan, struct json_text text);
bool json_is(const struct json_scan *scan, struct json_text text, const char *word);

/* Resolves escapes into `bytes` (room for text.n); surrogates that lack their half become U+FFFD. Returns how many bytes. */
size_t json_unescape(const struct json_scan *scan, struct json_text text, char *bytes);

/* A decimal number times 10^`digits` as an integer: exact, further digits rounded half away from zero, exponents accepted. False when it is no
 * number or does not fit. */
bool json_decimal(const struct json_scan *scan, struct json_text text, int digits, int64_t *ret_value);
bool json_real(const struct json_scan *scan, struct json_text text, double *ret_value);

/* Offset in the text (after decompression) of what is read next, and of the pin. */
uint64_t json_offset(const struct json_scan *scan);
uint64_t json_pin_offset(const struct json_scan *scan);

/* Whether something failed: what, and where. */
bool json_failed(const struct json_scan *scan, const char **ret_what, uint64_t *ret_offset);
bool json_at_end(struct json_scan *scan); /* nothing but blanks follows */

/* The source failed (*error as it said), which also looks like the end. */
bool json_source_failed(const struct json_scan *scan, struct error *error);

/* After a failure inside an object of an array, pinned at that object: goes back to the pin and on to the next `{` that
 * looks like the beginning of one (after `,` or a line break), forgets the failure, and lets go of the pin. A text that is
 * broken so often that going back would take for ever is gone on with behind the failure. False when there is none any more.
 * *ret_skipped: bytes passed over. */
bool json_recover(struct json_scan *scan, uint64_t *ret_skipped);

/* After a failure elsewhere: forgets it and goes on behind the next place where these bytes stand. False when there is none. */
bool json_seek(struct json_scan *scan, const char *word);

/* Raw control characters met in strings so far. */
uint64_t json_n_control_characters(const struct json_scan *scan);

#endif
