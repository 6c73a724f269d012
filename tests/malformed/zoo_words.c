/* SPDX-License-Identifier: MIT */
/*
 * The zoo's command lines (C): what -append holds goes to the guest byte for byte or is refused,
 * never cut; sizes and times on the command line keep to what can be meant. tests/malformed/cli.sh
 * tries the words of the options themselves.
 *
 * Authority: [BOOT] "The Kernel Command Line"; the good kernel takes 2047 bytes.
 */
#include <string.h>

#include "tests/malformed/zoo.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void with(struct zoo *zoo, const char *option, const char *value, enum zoo_class class,
		 const char *words)
{
	zoo_argument(zoo, "-kernel");
	zoo_argument(zoo, ZOO_GOOD_KERNEL);
	zoo_argument(zoo, "%s", option);
	zoo_argument(zoo, "%s", value);
	zoo_end(zoo, class, words);
}

/* Every byte that an argument can hold. */
static void bytes(struct zoo *zoo)
{
	for (unsigned int byte = 1; byte < 256; byte++) {
		char line[16];

		if (byte >= ' ' && byte < 0x7f)
			continue;
		(void)snprintf(line, sizeof(line), "a=%c b", (char)byte);
		zoo_begin(zoo, "C-append-byte-%02x", byte);
		with(zoo, "-append", line, ZOO_GUEST, NULL);
	}
}

static void lines(struct zoo *zoo)
{
	static const char *const right[] = {
		"",        " ",      "--",
		"-",       "a -- b", "\"quoted words\"",
		"'",       "\"",     "\\",
		"a=\"b",   "%s%n%x", "console=ttyS0\n",
		"$(true)", "=",      "init=/bin/sh -- -c 'echo x'",
	};
	static const struct {
		unsigned int length;
		const char *words; /* NULL: it is taken */
	} lengths[] = { { 2046, NULL },      { 2047, NULL },    { 2048, "2047|2048|cmdline_size" },
			{ 4096, "2047" },    { 65535, "2047" }, { 65536, "2047" },
			{ 131070, "131070" } };
	static char line[131071];

	for (size_t i = 0; i < COUNT(right); i++) {
		zoo_begin(zoo, "C-append-words-%zu", i);
		with(zoo, "-append", right[i], ZOO_ACCEPTED, NULL);
	}
	for (size_t i = 0; i < COUNT(lengths); i++) {
		memset(line, 'y', lengths[i].length);
		line[lengths[i].length] = '\0';
		zoo_begin(zoo, "C-append-%u-bytes", lengths[i].length);
		with(zoo, "-append", line, lengths[i].words ? ZOO_REFUSED : ZOO_ACCEPTED,
		     lengths[i].words);
	}
	zoo_begin(zoo, "C-append-an-option");
	with(zoo, "-append", "-kernel", ZOO_REFUSED, "-append|-kernel");
}

/* The good kernel needs 24 MiB; guest-physical addresses have 52 bits. */
static void sizes(struct zoo *zoo)
{
	static const char *const wrong[] = {
		"",
		"0",
		"1",
		"15",
		"15M",
		"16383K",
		"-1",
		"+16",
		" 16",
		"0x100",
		"16.5",
		"16MB",
		"16m16",
		"1e3",
		"M",
		"128 ",
		"K128",
		"128\n",
		"4097K",
		"16385K1",
		"99999999999999999999",
		"16777216T",
		"18446744073709551616",
		"4P",
		"size=",
		"size=0",
		"nan",
		"inf",
	};
	static const struct {
		const char *m, *words; /* NULL: it will do */
	} right[] = { { "16", "-m 24M" },      { "23M", "-m 24M" },
		      { "24", NULL },          { "24M", NULL },
		      { "24576K", NULL },      { "24580K", NULL },
		      { "size=64M", NULL },    { "1G", NULL },
		      { "3G", NULL },          { "3073M", NULL },
		      { "4G", NULL },          { "1T", NULL },
		      { "4095T", NULL },       { "4096T", "possible" },
		      { "8192T", "possible" }, { "16777215T", "possible" } };

	for (size_t i = 0; i < COUNT(wrong); i++) {
		zoo_begin(zoo, "C-m-wrong-%zu", i);
		with(zoo, "-m", wrong[i], ZOO_REFUSED, "-m");
	}
	for (size_t i = 0; i < COUNT(right); i++) {
		zoo_begin(zoo, "C-m-%s", right[i].m);
		with(zoo, "-m", right[i].m, right[i].words ? ZOO_REFUSED : ZOO_ACCEPTED,
		     right[i].words);
	}
}

static void times(struct zoo *zoo)
{
	static const char *const wrong[] = { "",    "0",   "-1",      "1y",  "s",     "1e400",
					     "inf", "nan", "999999d", "1 s", "0.1ns", "1s1" };
	static const char *const right[] = { "1", "1.5", "0.001", "1ms", "100000d", "1e3", "30s" };

	for (size_t i = 0; i < COUNT(wrong); i++) {
		zoo_begin(zoo, "C-timeout-wrong-%zu", i);
		with(zoo, "-timeout", wrong[i], ZOO_REFUSED, "-timeout");
	}
	for (size_t i = 0; i < COUNT(right); i++) {
		zoo_begin(zoo, "C-timeout-%s", right[i]);
		with(zoo, "-timeout", right[i], ZOO_ACCEPTED, NULL);
	}
}

void zoo_command_lines(struct zoo *zoo)
{
	bytes(zoo);
	lines(zoo);
	sizes(zoo);
	times(zoo);
}
