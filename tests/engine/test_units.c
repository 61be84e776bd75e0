/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/base/units.h.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdint.h>

#include "engine/base/units.h"

static const struct {
	int64_t ns;
	const char *text;
} durations[] = {
	{ 0, "0 ns" }, { 12, "12 ns" }, { 999, "999 ns" }, { 1000, "1.00 µs" }, { 812400, "812.4 µs" }, { 999999, "1.00 ms" },
	{ 4910000, "4.91 ms" }, { 1200000000, "1.20 s" }, { 61000000000, "61.0 s" }, { -1500, "-1.50 µs" },
	{ 1234567890123, "1235 s" },
};

Test(units, durations)
{
	char text[32];
	for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
		cr_expect_str_eq(units_duration(durations[i].ns, text, sizeof text), durations[i].text, "%" PRId64 ": '%s', expected '%s'",
			durations[i].ns, text, durations[i].text);
}

static const struct {
	uint64_t bytes;
	const char *text;
} sizes[] = {
	{ 0, "0 B" }, { 24, "24 B" }, { 1023, "1023 B" }, { 1024, "1 KiB" }, { 184320, "180 KiB" }, { 1536, "1.5 KiB" },
	{ 1610612736, "1.5 GiB" }, { 1048575, "1.0 MiB" }, { UINT64_MAX, "16 EiB" },
};

Test(units, sizes)
{
	char text[32];
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		cr_expect_str_eq(units_bytes(sizes[i].bytes, text, sizeof text), sizes[i].text, "%" PRIu64 ": '%s', expected '%s'",
			sizes[i].bytes, text, sizes[i].text);
}

static const struct {
	const char *text;
	int64_t ns; /* -1: refused */
} parsed_durations[] = {
	{ "250ms", 250000000 }, { "1.5s", 1500000000 }, { "10us", 10000 }, { "10µs", 10000 }, { "3m", 180000000000 },
	{ "20", 20000000000 }, { "0", 0 }, { "5 ms", 5000000 }, { "7ns", 7 }, { "2h", 7200000000000 }, { "", -1 }, { "ms", -1 },
	{ "-1s", -1 }, { "1x", -1 }, { "nan", -1 }, { "inf", -1 }, { "1e30s", -1 }, { "1s2", -1 },
};

Test(units, parses_durations)
{
	for (size_t i = 0; i < sizeof parsed_durations / sizeof parsed_durations[0]; i++) {
		int64_t ns = -1;
		int result = units_parse_duration(parsed_durations[i].text, &ns);
		cr_expect_eq(ns, parsed_durations[i].ns, "'%s': %" PRId64 ", expected %" PRId64, parsed_durations[i].text, ns,
			parsed_durations[i].ns);
		cr_expect_eq(result, parsed_durations[i].ns < 0 ? -1 : 0, "'%s': returned %d", parsed_durations[i].text, result);
	}
}

static const struct {
	const char *text;
	uint64_t bytes; /* UINT64_MAX: refused */
} parsed_sizes[] = {
	{ "64", 64 }, { "64B", 64 }, { "4KiB", 4096 }, { "4K", 4096 }, { "10M", 10485760 }, { "1GiB", 1073741824 },
	{ "0.5K", 512 }, { "1TiB", 1099511627776 }, { "1kb", UINT64_MAX }, { "-1", UINT64_MAX }, { "99999999999T", UINT64_MAX },
	{ "", UINT64_MAX },
};

Test(units, parses_sizes)
{
	for (size_t i = 0; i < sizeof parsed_sizes / sizeof parsed_sizes[0]; i++) {
		uint64_t bytes = UINT64_MAX;
		units_parse_bytes(parsed_sizes[i].text, &bytes);
		cr_expect_eq(bytes, parsed_sizes[i].bytes, "'%s': %" PRIu64 ", expected %" PRIu64, parsed_sizes[i].text, bytes,
			parsed_sizes[i].bytes);
	}
}
