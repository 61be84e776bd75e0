/* SPDX-License-Identifier: Apache-2.0
 *
 * json_text: what texts of json_scan mean: escapes and decimal numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/json_scan.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits at p; -1 when they are not. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t value = 0;
	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value(p[i]);
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

static size_t put_utf8(uint32_t code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* The escape behind a `\u` at *p, with its second half where it has one. Six bytes of text give at most three, twelve at most four. */
static uint32_t take_unicode(const char **p, const char *end)
{
	int32_t high = hex4(*p, end);
	if (high < 0)
		return 0xfffd;
	*p += 4;
	if (high < 0xd800 || high > 0xdfff)
		return (uint32_t)high;
	if (high > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return 0xfffd;
	int32_t low = hex4(*p + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*p += 6;
	return 0x10000u + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

size_t json_unescape(const struct json_scan *scan, struct json_text text, char *bytes)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = json_bytes(scan, text), *end = p + text.n;
	size_t n = 0;
	while (p < end) {
		if (*p != '\\' || p + 1 == end) {
			bytes[n++] = *p++;
			continue;
		}
		char c = p[1];
		const char *known = c ? strchr(from, c) : NULL;
		p += 2;
		if (known)
			bytes[n++] = to[known - from];
		else if (c == 'u' && hex4(p, end) >= 0)
			n += put_utf8(take_unicode(&p, end), bytes + n);
		else
			bytes[n++] = c;
	}
	return n;
}

struct decimal {
	uint64_t value;      /* of the digits taken */
	int exponent;        /* value × 10^exponent; digits that found no room are in it */
	int first_dropped;   /* the first digit that found no room, -1: none did */
	bool is_negative;
};

static const char *take_digits(const char *p, const char *end, bool is_fraction, struct decimal *decimal)
{
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');
		if (decimal->first_dropped >= 0 || decimal->value > (UINT64_MAX - digit) / 10) {
			if (decimal->first_dropped < 0)
				decimal->first_dropped = (int)digit;
			decimal->exponent += !is_fraction;
			continue;
		}
		decimal->value = decimal->value * 10 + digit;
		decimal->exponent -= is_fraction;
	}
	return p;
}

static bool take_decimal(const char *p, const char *end, struct decimal *decimal)
{
	*decimal = (struct decimal){ .first_dropped = -1 };
	if (p < end && (*p == '-' || *p == '+'))
		decimal->is_negative = *p++ == '-';
	const char *digits = p;
	p = take_digits(p, end, false, decimal);
	bool has_digits = p > digits;
	if (p < end && *p == '.') {
		digits = ++p;
		p = take_digits(p, end, true, decimal);
		has_digits = has_digits || p > digits;
	}
	if (has_digits && p < end && (*p | 0x20) == 'e') {
		int sign = 1, exponent = 0;
		p++;
		if (p < end && (*p == '-' || *p == '+'))
			sign = *p++ == '-' ? -1 : 1;
		has_digits = p < end;
		for (; p < end && *p >= '0' && *p <= '9'; p++)
			exponent = exponent < 100000 ? exponent * 10 + (*p - '0') : exponent;
		decimal->exponent += sign * exponent;
	}
	return has_digits && p == end;
}

bool json_decimal(const struct json_scan *scan, struct json_text text, int digits, int64_t *ret_value)
{
	struct decimal decimal;
	const char *p = json_bytes(scan, text);
	if (!take_decimal(p, p + text.n, &decimal))
		return false;
	uint64_t value = decimal.value;
	int exponent = decimal.exponent + digits, dropped = decimal.first_dropped;
	for (; exponent > 0 && value; exponent--) {
		if (dropped >= 0 || value > INT64_MAX / 10)
			return false;
		value *= 10;
	}
	for (; exponent < 0 && (value || dropped > 0); exponent++) {
		dropped = (int)(value % 10);
		value /= 10;
	}
	value += dropped >= 5;
	if (value > INT64_MAX)
		return false;
	*ret_value = decimal.is_negative ? -(int64_t)value : (int64_t)value;
	return true;
}

bool json_real(const struct json_scan *scan, struct json_text text, double *ret_value)
{
	char copy[64], *end;
	if (!text.n || text.n >= sizeof copy)
		return false;
	memcpy(copy, json_bytes(scan, text), text.n);
	copy[text.n] = '\0';
	*ret_value = strtod(copy, &end);
	return end == copy + text.n;
}
