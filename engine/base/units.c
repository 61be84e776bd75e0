/* SPDX-License-Identifier: Apache-2.0
 *
 * units: formatting and parsing of durations and sizes.
 */
#include "engine/base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digits_after(double value)
{
	return value < 9.995 ? 2 : value < 999.95 ? 1 : 0;
}

char *units_duration(int64_t ns, char *text, size_t size)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "µs" } };
	double value = ns < 0 ? -(double)ns : (double)ns;
	const char *sign = ns < 0 ? "-" : "";
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (value < units[i].ns * 0.9995)
			continue;
		double scaled = value / units[i].ns;
		snprintf(text, size, "%s%.*f %s", sign, digits_after(scaled), scaled, units[i].name);
		return text;
	}
	snprintf(text, size, "%s%.0f ns", sign, value);
	return text;
}

char *units_bytes(uint64_t bytes, char *text, size_t size)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t i = 0;
	while (value >= 1023.5 && i + 1 < sizeof names / sizeof names[0]) {
		value /= 1024;
		i++;
	}
	int digits = i == 0 || value == floor(value) || value >= 99.95 ? 0 : 1;
	snprintf(text, size, "%.*f %s", digits, value, names[i]);
	return text;
}

struct unit_scale {
	const char *name;
	double scale;
};

static int parse_scaled(const char *text, const struct unit_scale *scales, double limit, double *ret_value)
{
	char *end;
	errno = 0;
	double value = strtod(text, &end);
	if (end == text || errno || !(value >= 0) || isinf(value))
		return -1;
	while (*end == ' ')
		end++;
	for (size_t i = 0; scales[i].name; i++) {
		if (strcmp(end, scales[i].name) != 0)
			continue;
		value *= scales[i].scale;
		if (value >= limit)
			return -1;
		*ret_value = value;
		return 0;
	}
	return -1;
}

int units_parse_duration(const char *text, int64_t *ret_ns)
{
	static const struct unit_scale scales[] = { { "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "µs", 1e3 },
		{ "ns", 1 }, { "m", 60e9 }, { "min", 60e9 }, { "h", 3600e9 }, { NULL, 0 } };
	double value;
	if (parse_scaled(text, scales, 9e18, &value) < 0)
		return -1;
	*ret_ns = (int64_t)(value + 0.5);
	return 0;
}

int units_parse_bytes(const char *text, uint64_t *ret_bytes)
{
	static const struct unit_scale scales[] = { { "", 1 }, { "B", 1 }, { "K", 1024 }, { "KiB", 1024 }, { "M", 1048576 },
		{ "MiB", 1048576 }, { "G", 1073741824 }, { "GiB", 1073741824 }, { "T", 1099511627776.0 },
		{ "TiB", 1099511627776.0 }, { NULL, 0 } };
	double value;
	if (parse_scaled(text, scales, 9e18, &value) < 0)
		return -1;
	*ret_bytes = (uint64_t)(value + 0.5);
	return 0;
}
