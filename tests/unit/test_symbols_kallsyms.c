/* SPDX-License-Identifier: MIT */
/*
 * symbols_of_kallsyms() against [LINUX] scripts/kallsyms.c: a small encoder lays out the tables as
 * write_src() of several releases does, into the image of a kernel without sections.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/symbols.h"
#include "boot/symbolsource.h"
#include "tests/common/vmlinux.h"
#include "vmm/base/must.h"

#define BANNER "Linux version 6.1.0 (me@here) (gcc 12) #1 SMP Thu Jan 1 00:00:00 UTC 1970\n"

enum {
	FUNCTIONS = 600, /* three markers */
	SYMBOLS_AT_MOST = FUNCTIONS + 8,
	LONG_NAME = 300, /* tokens: a length of two bytes */
	NAME_ROOM = 400,
	PHDR_FILESZ = 0x40 + 0x20, /* [ELF]: of the first program header */
	PHDR_MEMSZ = 0x40 + 0x28,
};

struct entry {
	uint64_t address;
	char name[NAME_ROOM]; /* the letter first */
};

/* How the tables are laid out. */
struct layout {
	const char *release;
	bool offsets_behind; /* 6.4: behind token_index */
	bool seqs;           /* 6.2: kallsyms_seqs_of_names */
	size_t width;        /* of num_syms and markers: 8 until 4.19 */
	bool percpu;         /* CONFIG_KALLSYMS_ABSOLUTE_PERCPU */
	bool from_place;     /* no relative base */
};

static const struct layout layouts[] = {
	{ "4.6", .width = 8, .percpu = true },
	{ "4.6 without SMP", .width = 8 },
	{ "5.10", .width = 4, .percpu = true },
	{ "6.1 without SMP", .width = 4 },
	{ "6.2", .width = 4, .seqs = true, .percpu = true },
	{ "6.4", .width = 4, .seqs = true, .percpu = true, .offsets_behind = true },
	{ "6.4 without SMP", .width = 4, .seqs = true, .offsets_behind = true },
	{ "without a base", .width = 4, .seqs = true, .offsets_behind = true, .from_place = true },
};

static struct vmlinux kernel;
static struct symbols table;
static struct err error;
static struct entry entries[SYMBOLS_AT_MOST];
static size_t count;

/* Where the encoder has put what. */
static struct {
	size_t at; /* next byte, in the file */
	size_t offsets, base, num_syms, names, markers, seqs, token_table, token_index;
} put;

/* What a byte of a name stands for: itself, a longer token, or nothing. */
static const char *token_of(size_t code)
{
	static char own[2];

	switch (code) {
	case 1:
		return "Tfunction_";
	case 2:
		return "number";
	case 0xff:
		return "_of_";
	default:
		own[0] = code > ' ' && code < 0x7f ? (char)code : '\0';
		return own;
	}
}

static size_t label(void)
{
	while (put.at % 8 != 0)
		image_put(&kernel.image, put.at++, 1, 0);
	return put.at;
}

static void number(size_t width, uint64_t value)
{
	image_put(&kernel.image, put.at, width, value);
	put.at += width;
}

static void put_name(const char *name)
{
	uint8_t codes[NAME_ROOM];
	size_t n = 0;

	while (*name) {
		static const uint8_t longer[] = { 1, 2, 0xff };
		size_t length = 1;

		codes[n] = (uint8_t)*name;
		for (size_t i = 0; i < sizeof(longer); i++) {
			size_t has = strlen(token_of(longer[i]));

			if (strncmp(name, token_of(longer[i]), has) == 0) {
				codes[n] = longer[i];
				length = has;
			}
		}
		name += length;
		n++;
	}
	if (n > 0x7f) {
		number(1, (n & 0x7f) | 0x80);
		number(1, n >> 7);
	} else {
		number(1, n);
	}
	for (size_t i = 0; i < n; i++)
		number(1, codes[i]);
}

static void put_names(const struct layout *layout)
{
	size_t markers[SYMBOLS_AT_MOST / 256 + 1];

	put.num_syms = label();
	number(layout->width, count);
	put.names = label();
	for (size_t i = 0; i < count; i++) {
		if (i % 256 == 0)
			markers[i / 256] = put.at - put.names;
		put_name(entries[i].name);
	}
	put.markers = label();
	for (size_t i = 0; i < (count + 255) / 256; i++)
		number(layout->width, markers[i]);
}

static void put_seqs(void)
{
	put.seqs = label();
	for (size_t i = 0; i < count; i++) {
		number(1, i >> 16);
		number(1, i >> 8 & 0xff);
		number(1, i & 0xff);
	}
}

static void put_tokens(void)
{
	size_t index[256];

	put.token_table = label();
	for (size_t i = 0; i < 256; i++) {
		index[i] = put.at - put.token_table;
		for (const char *c = token_of(i); *c; c++)
			number(1, (uint8_t)*c);
		number(1, 0);
	}
	put.token_index = label();
	for (size_t i = 0; i < 256; i++)
		number(2, index[i]);
}

static void put_offsets(const struct layout *layout)
{
	uint64_t base = VMLINUX_TEXT;

	put.offsets = label();
	for (size_t i = 0; i < count; i++) {
		uint64_t address = entries[i].address;

		if (layout->from_place)
			number(4, (uint32_t)(address - VMLINUX_TEXT + VMLINUX_SEGMENT - put.at));
		else if (!layout->percpu)
			number(4, (uint32_t)(address - base));
		else if (address < base)
			number(4, (uint32_t)address);
		else
			number(4, (uint32_t)(base - address - 1));
	}
	put.base = label();
	if (!layout->from_place)
		number(8, base);
}

static void add(uint64_t address, const char *name)
{
	entries[count].address = address;
	(void)snprintf(entries[count].name, sizeof(entries[count].name), "%s", name);
	count++;
}

static void make_entries(bool percpu)
{
	char name[NAME_ROOM];

	count = 0;
	if (percpu) {
		add(0, "Afixed_percpu_data");
		add(0x1f000, "Acpu_number");
	}
	add(VMLINUX_TEXT, "T_text");
	for (unsigned int i = 0; i < FUNCTIONS; i++) {
		(void)snprintf(name, sizeof(name), "Tfunction_number_of_%u", i);
		add(VMLINUX_TEXT + 4 + i * 2ULL, name);
	}
	(void)memset(name, 'x', sizeof(name));
	(void)snprintf(name + LONG_NAME, sizeof(name) - LONG_NAME, "%s", "_end");
	name[0] = 't';
	add(VMLINUX_TEXT + 0xfff, name);
	add(VMLINUX_BANNER, "Dlinux_banner");
}

static void encode(const struct layout *layout)
{
	memset(&put, 0, sizeof(put));
	/* Not where a page begins, and behind bytes that are no table. */
	put.at = VMLINUX_TABLES + 0x128;
	memset(kernel.image.bytes + VMLINUX_TABLES, 0xe7, VMLINUX_TABLES_BYTES);
	make_entries(layout->percpu);
	if (!layout->offsets_behind)
		put_offsets(layout);
	put_names(layout);
	if (layout->seqs && !layout->offsets_behind)
		put_seqs();
	put_tokens();
	if (layout->offsets_behind)
		put_offsets(layout);
	if (layout->seqs && layout->offsets_behind)
		put_seqs();
}

static int dig(void)
{
	struct input_file file;
	struct elfimage image;

	memset(&error, 0, sizeof(error));
	file_of_memory(&file, "kernel", "some/vmlinux", kernel.image.bytes,
		       kernel.image.size_bytes);
	if (elfimage_parse(&file, &image, &error) < 0)
		return -ENOEXEC;
	return symbols_of_kallsyms(&table, &file, &image, &error);
}

static void setup(void)
{
	symbols_init(&table);
	vmlinux_init(&kernel, BANNER, 0x5a);
	vmlinux_strip(&kernel);
}

static void teardown(void)
{
	symbols_finish(&table);
	image_free(&kernel.image);
}

START_TEST(tables_of_several_releases)
{
	encode(&layouts[_i]);
	ck_assert_msg(dig() == 0, "%s: %s", layouts[_i].release, error.text);
	ck_assert_uint_eq(table.count, count);
	for (size_t i = 0; i < count; i++) {
		const char *name = entries[i].name;

		ck_assert_msg(symbols_find(&table, name + 1) == entries[i].address, "%s: %s",
			      layouts[_i].release, name);
		ck_assert_uint_eq(table.by_address[i].address, entries[i].address);
		ck_assert_int_eq(table.by_address[i].kind, name[0]);
	}
	ck_assert_str_eq(table.source, "kallsyms");
	ck_assert_str_eq(table.banner, BANNER);
	ck_assert_uint_eq(table.build_id_bytes, 20);
}
END_TEST

START_TEST(from_a_file_as_from_memory)
{
	struct input_file file;
	struct elfimage image;

	encode(&layouts[2]);
	image_open(&kernel.image, "kernel", "some/vmlinux", &file);
	ck_assert_int_eq(elfimage_parse(&file, &image, &error), 0);
	ck_assert_int_eq(symbols_of_kallsyms(&table, &file, &image, &error), 0);
	ck_assert_uint_eq(table.count, count);
	file_close(&file);
}
END_TEST

static void not_found(const char *why)
{
	int rc = dig();

	ck_assert_msg(rc == -ENOENT, "found, but %s", why);
	ck_assert_int_eq(error.code, ENOENT);
	ck_assert_ptr_nonnull(strstr(error.text, "kernel some/vmlinux: has no kallsyms"));
	ck_assert_ptr_null(table.by_address);
	ck_assert_ptr_null(table.names);
}

static void with(size_t where, size_t width, uint64_t value, const char *why)
{
	uint64_t was = image_get(&kernel.image, where, width);

	image_put(&kernel.image, where, width, value);
	not_found(why);
	image_put(&kernel.image, where, width, was);
}

START_TEST(a_kernel_without)
{
	not_found("there is nothing");
	memset(kernel.image.bytes + VMLINUX_TABLES, '0', VMLINUX_TABLES_BYTES);
	not_found("there are digits only");
}
END_TEST

/* All have to agree: what is wrong with one is believed of none. */
START_TEST(tables_that_disagree)
{
	encode(&layouts[_i]);
	with(put.num_syms, 4, count - 1, "there is a name more");
	with(put.num_syms, 4, count + 1, "there is a name less");
	with(put.num_syms, 4, 0, "there are no symbols");
	with(put.num_syms, 4, 0xffffffff, "there are too many");
	with(put.markers, 4, 1, "the first marker is 1");
	with(put.markers + layouts[_i].width, 4, 7, "a marker lies elsewhere");
	with(put.names, 1, 0, "a name is empty");
	with(put.names, 2, 0xffff, "a name is huge");
	with(put.names + 1, 1, '1', "a letter is a digit");
	with(put.token_index, 2, 1, "the first token lies elsewhere");
	with(put.token_index + 2 * '0', 2, 0xffff, "the digits lie elsewhere");
	with(put.token_index + 2 * 0xff, 2, 0, "the last token lies elsewhere");
	with(put.token_table + 1, 1, 7, "a token cannot be printed");
	with(put.offsets + 40, 4, 0x7fffffff, "addresses are not in order");
	if (!layouts[_i].from_place) {
		with(put.base, 8, 0x1000000, "the base is no kernel address");
		with(put.base, 8, UINT64_MAX, "addresses overflow");
		with(put.base, 8, VMLINUX_TEXT + 0x1000000, "the code begins elsewhere");
	}
	with(VMLINUX_SEGMENT + 0x1000, 1, 'l', "there is no banner where its symbol is");
	ck_assert_int_eq(dig(), 0);
}
END_TEST

START_TEST(cut_anywhere)
{
	size_t end;

	encode(&layouts[_i]);
	end = put.token_index + 512;
	if (layouts[_i].from_place)
		end = put.offsets + 4 * count;
	else if (layouts[_i].offsets_behind)
		end = put.base + 8;
	for (size_t cut = end - 1; cut > VMLINUX_TABLES; cut -= cut > end - 64 ? 1 : 997) {
		/* The segment's bytes end there. */
		image_put(&kernel.image, PHDR_FILESZ, 8, cut - VMLINUX_SEGMENT);
		not_found("it is cut");
	}
	image_put(&kernel.image, PHDR_FILESZ, 8, end - VMLINUX_SEGMENT);
	ck_assert_int_eq(dig(), 0);
}
END_TEST

START_TEST(any_byte_may_be_wrong)
{
	uint32_t random = 1;

	encode(&layouts[_i]);
	for (unsigned int i = 0; i < 1500; i++) {
		size_t from = VMLINUX_TABLES + 0x128, where;
		uint64_t was;

		random = random * 1664525 + 1013904223;
		where = from + (random >> 8) % (put.at - from);
		was = image_get(&kernel.image, where, 1);
		image_put(&kernel.image, where, 1, random >> 24);
		if (dig() == 0)
			symbols_finish(&table);
		image_put(&kernel.image, where, 1, was);
	}
}
END_TEST

/*
 * Before the tokens lie nothing but counts, from each of which names can be walked, since a count's
 * lowest byte is the length of a name up to the next. To walk them all would take hours.
 */
START_TEST(a_search_ends)
{
	enum { COUNTS = 1 << 20, COUNT = 0x100007 };
	size_t end = VMLINUX_SEGMENT + 8 * COUNTS + 0x2000;

	image_resize(&kernel.image, end);
	image_put(&kernel.image, PHDR_FILESZ, 8, end - VMLINUX_SEGMENT);
	image_put(&kernel.image, PHDR_MEMSZ, 8, end - VMLINUX_SEGMENT);
	for (put.at = VMLINUX_TABLES; put.at < 8 * COUNTS;)
		number(8, COUNT);
	put_tokens();
	not_found("there are no names");
}
END_TEST

START_TEST(taken_when_there_is_nothing_else)
{
	struct input_file file;
	struct elfimage image;
	struct symbols_request request = { .kernel_path = "/none/bzImage" };
	char told[SYMBOLS_TOLD_BYTES];

	encode(&layouts[2]);
	file_of_memory(&file, "kernel", "/none/bzImage", kernel.image.bytes,
		       kernel.image.size_bytes);
	ck_assert_int_eq(elfimage_parse(&file, &image, &error), 0);
	request.image = &file;
	request.elf = &image;
	ck_assert_int_eq(symbols_for_kernel(&table, &request, told, &error), 0);
	ck_assert_str_eq(told, "kallsyms in the kernel (605 symbols)");
	ck_assert_uint_eq(symbols_find(&table, "linux_banner"), VMLINUX_BANNER);
}
END_TEST

int main(void)
{
	enum { LAYOUTS = sizeof(layouts) / sizeof(layouts[0]) };
	Suite *suite = suite_create("symbols_kallsyms");
	TCase *tests = tcase_create("symbols_kallsyms");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, tables_of_several_releases, 0, LAYOUTS);
	tcase_add_test(tests, from_a_file_as_from_memory);
	tcase_add_test(tests, a_kernel_without);
	tcase_add_loop_test(tests, tables_that_disagree, 0, LAYOUTS);
	tcase_add_loop_test(tests, cut_anywhere, 0, LAYOUTS);
	tcase_add_loop_test(tests, any_byte_may_be_wrong, 0, LAYOUTS);
	tcase_add_test(tests, a_search_ends);
	tcase_add_test(tests, taken_when_there_is_nothing_else);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
