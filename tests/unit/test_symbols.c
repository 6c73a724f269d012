/* SPDX-License-Identifier: MIT */
/*
 * A System.map and a vmlinux against nm(1), [LINUX] scripts/mksysmap and [ELF] "Symbol Table": what
 * is kept, under which letter, and found how; whose kernel it is; and what is refused.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/symbols.h"
#include "tests/common/vmlinux.h"
#include "vmm/base/must.h"

/* [ELF]: st_info is the binding << 4 | the type. */
enum {
	LOCAL_FUNC = 0x02,
	LOCAL_OBJECT = 0x01,
	LOCAL_NOTYPE = 0x00,
	LOCAL_SECTION = 0x03,
	LOCAL_FILE = 0x04,
	GLOBAL_NOTYPE = 0x10,
	GLOBAL_OBJECT = 0x11,
	GLOBAL_FUNC = 0x12,
	WEAK_OBJECT = 0x21,
	WEAK_FUNC = 0x22,
	SPEC_SHN_UNDEF = 0,
	SPEC_SHN_ABS = 0xfff1,
	SPEC_SHN_COMMON = 0xfff2,

	/* "Section Header" */
	SPEC_SH_OFFSET = 0x18,
	SPEC_SH_SIZE = 0x20,
	SPEC_SH_LINK = 0x28,
	SPEC_SH_ENTSIZE = 0x38,
	SPEC_E_SHOFF = 0x28,
	SPEC_E_SHENTSIZE = 0x3a,
	SPEC_E_SHNUM = 0x3c,
};

#define BANNER       "Linux version 6.1.0 (me@here) (gcc 12) #1 SMP Thu Jan 1 00:00:00 UTC 1970\n"
#define OTHER_BANNER "Linux version 6.1.0 (me@here) (gcc 12) #2 SMP Thu Jan 1 00:00:01 UTC 1970\n"

static struct symbols table;
static struct symbol_at at;
static struct err error;
static struct vmlinux kernel;

static int read_bytes(const void *bytes, size_t size)
{
	struct input_file file;

	memset(&error, 0, sizeof(error));
	file_of_memory(&file, "symbols", "some/file", bytes, size);
	return symbols_read(&table, &file, &error);
}

static void read_map(const char *text)
{
	int rc = read_bytes(text, strlen(text));

	ck_assert_msg(rc == 0, "refused: %s", error.text);
	ck_assert_str_eq(table.source, "System.map");
}

/* Refused in words that have what in them, and nothing is left. */
static void refused(int rc, int code, const char *what)
{
	ck_assert_int_eq(rc, -code);
	ck_assert_int_eq(error.code, code);
	ck_assert_msg(strncmp(error.text, "symbols some/file: ", 19) == 0, "%s", error.text);
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
	ck_assert_ptr_null(table.by_address);
	ck_assert_uint_eq(table.count, 0);
}

static void map_refused(const char *text, const char *what)
{
	refused(read_bytes(text, strlen(text)), EBADMSG, what);
}

static void setup(void)
{
	symbols_init(&table);
	vmlinux_init(&kernel, BANNER, 0x5a);
	vmlinux_symbol(&kernel, "_text", VMLINUX_TEXT, GLOBAL_NOTYPE, VMLINUX_S_TEXT);
	vmlinux_symbol(&kernel, "linux_banner", VMLINUX_BANNER, GLOBAL_OBJECT, VMLINUX_S_RODATA);
}

static void teardown(void)
{
	symbols_finish(&table);
	image_free(&kernel.image);
}

static const char map[] = "0000000000000000 A fixed_percpu_data\n"
			  "0000000000002000 D cpu_info\n"
			  "ffffffff81000000 T _stext\n"
			  "ffffffff81000000 T startup_64\n"
			  "ffffffff81000040 t do_one_initcall.part.0\n"
			  "ffffffff81000080 T do_one_initcall\n"
			  "ffffffff810000c0 t mm_init.constprop.0.isra.0\n"
			  "ffffffff81000100 t mm_init.constprop.0.cold\n"
			  "ffffffff81000140 t twice\n"
			  "ffffffff81000180 t twice\n"
			  "ffffffff810001c0 t mm_initialize\n"
			  "ffffffff81001000 D linux_banner\n"
			  "ffffffff81001000 R __start_rodata\n"
			  "ffffffff81003000 T in_front\n"
			  "ffffffff81003000 D the_section\n"
			  "ffffffff81003000 t local\n"
			  "ffffffff81004000 ? not_loaded\n"
			  "ffffffff81005000 B _end\n";

START_TEST(finds_by_name)
{
	read_map(map);
	ck_assert_uint_eq(table.count, 17);
	ck_assert_uint_eq(symbols_find(&table, "startup_64"), 0xffffffff81000000);
	ck_assert_uint_eq(symbols_find(&table, "_end"), 0xffffffff81005000);
	ck_assert_uint_eq(symbols_find(&table, "cpu_info"), 0x2000);
	ck_assert_uint_eq(symbols_find(&table, "twice"), 0xffffffff81000140);
	ck_assert_uint_eq(symbols_find(&table, "startup_6"), 0);
	ck_assert_uint_eq(symbols_find(&table, "startup_644"), 0);
	ck_assert_uint_eq(symbols_find(&table, ""), 0);
	ck_assert_uint_eq(symbols_find(&table, "zzz"), 0);
	ck_assert_uint_eq(symbols_find(&table, "not_loaded"), 0);
}
END_TEST

START_TEST(finds_functions_with_suffixes)
{
	read_map(map);
	ck_assert_uint_eq(symbols_find_function(&table, "do_one_initcall"), 0xffffffff81000080);
	ck_assert_uint_eq(symbols_find_function(&table, "mm_init"), 0xffffffff810000c0);
	ck_assert_uint_eq(symbols_find_function(&table, "mm_ini"), 0);
	ck_assert_uint_eq(symbols_find_function(&table, "linux_banner"), 0); /* no function */
	symbols_finish(&table);
	read_map("ffffffff81000000 t a.part.0\n"
		 "ffffffff81000010 t a.cold\n"
		 "ffffffff81000020 t a.isra.0.cold\n"
		 "ffffffff81000030 t a.constprop.\n"
		 "ffffffff81000040 t a.llvm.1234567890\n"
		 "ffffffff81000050 t b.isra.0\n"
		 "ffffffff81000060 t b.isra.1\n");
	ck_assert_uint_eq(symbols_find_function(&table, "a"), 0xffffffff81000040);
	ck_assert_uint_eq(symbols_find_function(&table, "b"), 0xffffffff81000050);
}
END_TEST

static void is_at(uint64_t address, const char *name, uint64_t offset, uint64_t size)
{
	ck_assert_msg(symbols_at(&table, address, &at), "nothing at %llx",
		      (unsigned long long)address);
	ck_assert_str_eq(at.name, name);
	ck_assert_uint_eq(at.offset, offset);
	ck_assert_uint_eq(at.size, size);
}

START_TEST(finds_by_address)
{
	read_map(map);
	is_at(0xffffffff81000080, "do_one_initcall", 0, 0x40);
	ck_assert_int_eq(at.kind, 'T');
	is_at(0xffffffff810000bf, "do_one_initcall", 0x3f, 0x40);
	is_at(0xffffffff81000000, "startup_64", 0, 0x40); /* the last of the two */
	is_at(0xffffffff81003004, "in_front", 4, 0x2000); /* code, and the global one */
	is_at(0xffffffffffffffff, "_end", 0xffffffffffffffff - 0xffffffff81005000, 0);
	ck_assert(!symbols_at(&table, 0xffffffff80ffffff, &at)); /* before all code */
	ck_assert(!symbols_at(&table, 0x2004, &at));             /* an offset is no place */
	ck_assert(!symbols_at(&table, 0, &at));
}
END_TEST

START_TEST(passes_over_absolute_symbols)
{
	read_map("ffffffff81000000 T f\nffffffff81000010 A number\nffffffff81000020 T g\n");
	is_at(0xffffffff81000014, "f", 0x14, 0x20);
}
END_TEST

START_TEST(sorts_what_is_not_sorted)
{
	read_map("ffffffff81000020 T c\nffffffff81000000 T a\nffffffff81000010 T b\n");
	is_at(0xffffffff81000011, "b", 1, 0x10);
	ck_assert_uint_eq(symbols_find(&table, "a"), 0xffffffff81000000);
}
END_TEST

START_TEST(names_alike_in_eight_bytes)
{
	read_map("ffffffff81000000 T __ksymtab_b\nffffffff81000010 T __ksymtab_a\n"
		 "ffffffff81000020 T __ksymta\nffffffff81000030 T __ksymt\n"
		 "ffffffff81000040 T __ksymtab\n");
	ck_assert_uint_eq(symbols_find(&table, "__ksymtab_b"), 0xffffffff81000000);
	ck_assert_uint_eq(symbols_find(&table, "__ksymtab_a"), 0xffffffff81000010);
	ck_assert_uint_eq(symbols_find(&table, "__ksymta"), 0xffffffff81000020);
	ck_assert_uint_eq(symbols_find(&table, "__ksymt"), 0xffffffff81000030);
	ck_assert_uint_eq(symbols_find(&table, "__ksymtab"), 0xffffffff81000040);
}
END_TEST

START_TEST(nothing_in_an_empty_table)
{
	ck_assert_uint_eq(symbols_find(&table, "_text"), 0);
	ck_assert_uint_eq(symbols_find_function(&table, "_text"), 0);
	ck_assert(!symbols_at(&table, 0xffffffff81000000, &at));
}
END_TEST

START_TEST(bad_maps)
{
	map_refused("", "is empty");
	map_refused("\n", "line 1 ");
	map_refused("hello, world\n", "line 1 ");
	map_refused("hello", "line 1 ");
	map_refused("ffffffff81000000 T a\n\nffffffff81000000 T b\n", "line 2 ");
	map_refused("ffffffff81000000 T a\nffffffff81000010 T b", "inside line 2");
	map_refused("ffffffff81000000 T a\r\n", "line 1 ");
	map_refused("ffffffff81000000 T \n", "line 1 ");
	map_refused("ffffffff81000000 T\n", "line 1 ");
	map_refused("ffffffff81000000  T a\n", "line 1 ");
	map_refused("ffffffff81000000 7 a\n", "line 1 ");
	map_refused("fffffffg81000000 T a\n", "line 1 ");
	map_refused("81000000 T a_map_of_a_32_bit_kernel\n", "line 1 ");
	/* What Debian ships for a System.map. */
	map_refused("ffffffffffffffff B The real System.map is in the linux-image-dbg package\n",
		    "line 1 ");
	refused(read_bytes("ffffffff81000000 T a\0b\n", 23), EBADMSG, "line 1 ");
}
END_TEST

static void read_kernel(void)
{
	int rc = read_bytes(kernel.image.bytes, kernel.image.size_bytes);

	ck_assert_msg(rc == 0, "refused: %s", error.text);
	ck_assert_str_eq(table.source, "vmlinux");
}

static char kind_at(uint64_t address)
{
	return symbols_at(&table, address, &at) && at.offset == 0 ? at.kind : '-';
}

START_TEST(letters_are_those_of_nm)
{
	vmlinux_symbol(&kernel, "f", VMLINUX_TEXT + 0x10, GLOBAL_FUNC, VMLINUX_S_TEXT);
	vmlinux_symbol(&kernel, "g", VMLINUX_TEXT + 0x20, LOCAL_FUNC, VMLINUX_S_TEXT);
	vmlinux_symbol(&kernel, "h", VMLINUX_TEXT + 0x30, LOCAL_NOTYPE, VMLINUX_S_TEXT);
	vmlinux_symbol(&kernel, "w", VMLINUX_TEXT + 0x40, WEAK_FUNC, VMLINUX_S_TEXT);
	vmlinux_symbol(&kernel, "r", VMLINUX_BANNER + 0x100, LOCAL_OBJECT, VMLINUX_S_RODATA);
	vmlinux_symbol(&kernel, "d", VMLINUX_DATA, LOCAL_OBJECT, VMLINUX_S_DATA);
	vmlinux_symbol(&kernel, "D", VMLINUX_DATA + 8, GLOBAL_OBJECT, VMLINUX_S_DATA);
	vmlinux_symbol(&kernel, "v", VMLINUX_DATA + 16, WEAK_OBJECT, VMLINUX_S_DATA);
	vmlinux_symbol(&kernel, "b", VMLINUX_BSS, LOCAL_OBJECT, VMLINUX_S_BSS);
	vmlinux_symbol(&kernel, "B", VMLINUX_BSS + 8, GLOBAL_OBJECT, VMLINUX_S_BSS);
	vmlinux_symbol(&kernel, "phys_startup_64", 0x1000000, GLOBAL_NOTYPE, SPEC_SHN_ABS);
	read_kernel();
	ck_assert_uint_eq(table.count, 13);
	ck_assert_int_eq(kind_at(VMLINUX_TEXT + 0x10), 'T');
	ck_assert_int_eq(kind_at(VMLINUX_TEXT + 0x20), 't');
	ck_assert_int_eq(kind_at(VMLINUX_TEXT + 0x30), 't');
	ck_assert_int_eq(kind_at(VMLINUX_TEXT + 0x40), 'W');
	ck_assert_int_eq(kind_at(VMLINUX_BANNER), 'R');
	ck_assert_int_eq(kind_at(VMLINUX_BANNER + 0x100), 'r');
	ck_assert_int_eq(kind_at(VMLINUX_DATA), 'd');
	ck_assert_int_eq(kind_at(VMLINUX_DATA + 8), 'D');
	ck_assert_int_eq(kind_at(VMLINUX_DATA + 16), 'V');
	ck_assert_int_eq(kind_at(VMLINUX_BSS), 'b');
	ck_assert_int_eq(kind_at(VMLINUX_BSS + 8), 'B');
	ck_assert_int_eq(table.by_address[0].kind, 'A');
	ck_assert_uint_eq(symbols_find(&table, "phys_startup_64"), 0x1000000);
}
END_TEST

START_TEST(what_is_no_symbol_is_left_out)
{
	char name[513] = "";

	vmlinux_symbol(&kernel, "", VMLINUX_TEXT, LOCAL_SECTION, VMLINUX_S_TEXT);
	vmlinux_symbol(&kernel, "head_64.S", 0, LOCAL_FILE, SPEC_SHN_ABS);
	vmlinux_symbol(&kernel, "elsewhere", 0, GLOBAL_NOTYPE, SPEC_SHN_UNDEF);
	vmlinux_symbol(&kernel, "common", 8, GLOBAL_OBJECT, SPEC_SHN_COMMON);
	vmlinux_symbol(&kernel, "constant", 8, LOCAL_NOTYPE, SPEC_SHN_ABS);
	vmlinux_symbol(&kernel, "no_section", 8, GLOBAL_FUNC, VMLINUX_S_COUNT);
	vmlinux_symbol(&kernel, "comment", 8, GLOBAL_OBJECT, VMLINUX_S_COMMENT);
	vmlinux_symbol(&kernel, ".Ltmp", VMLINUX_TEXT + 8, LOCAL_NOTYPE, VMLINUX_S_TEXT);
	vmlinux_symbol(&kernel, "", VMLINUX_TEXT + 8, LOCAL_NOTYPE, VMLINUX_S_TEXT);
	vmlinux_symbol(&kernel, "\033[2J", VMLINUX_TEXT + 8, GLOBAL_FUNC, VMLINUX_S_TEXT);
	memset(name, 'x', sizeof(name) - 1);
	vmlinux_symbol(&kernel, name, VMLINUX_TEXT + 8, GLOBAL_FUNC, VMLINUX_S_TEXT);
	read_kernel();
	ck_assert_uint_eq(table.count, 2);
	symbols_finish(&table);
	vmlinux_symbol(&kernel, name + 1, VMLINUX_TEXT + 8, GLOBAL_FUNC, VMLINUX_S_TEXT);
	read_kernel();
	ck_assert_uint_eq(table.count, 3);
}
END_TEST

START_TEST(a_vmlinux_tells_its_build)
{
	uint8_t id[20];

	memset(id, 0x5a, sizeof(id));
	read_kernel();
	ck_assert_uint_eq(table.build_id_bytes, 20);
	ck_assert_mem_eq(table.build_id, id, 20);
	ck_assert_str_eq(table.banner, BANNER);
	symbols_finish(&table);
	image_put(&kernel.image, VMLINUX_NOTES + 4, 4, 0xfffffff0); /* descsz */
	image_put(&kernel.image, VMLINUX_SEGMENT + 0x1000, 1, 'l');
	read_kernel();
	ck_assert_uint_eq(table.build_id_bytes, 0);
	ck_assert_str_eq(table.banner, "");
	symbols_finish(&table);
	image_put(&kernel.image, VMLINUX_NOTES + 4, 4, 20);
	image_put(&kernel.image, vmlinux_section(VMLINUX_S_NOTES, SPEC_SH_SIZE), 8,
		  VMLINUX_NOTES_BYTES - 1);
	read_kernel();
	ck_assert_uint_eq(table.build_id_bytes, 0);
}
END_TEST

static void kernel_refused(size_t field, size_t width, uint64_t value, int code, const char *what)
{
	uint64_t was = image_get(&kernel.image, field, width);

	image_put(&kernel.image, field, width, value);
	refused(read_bytes(kernel.image.bytes, kernel.image.size_bytes), code, what);
	image_put(&kernel.image, field, width, was);
}

START_TEST(bad_vmlinux)
{
	size_t symtab = vmlinux_section(VMLINUX_S_SYMTAB, 0);
	size_t strtab = vmlinux_section(VMLINUX_S_STRTAB, 0);

	kernel_refused(4, 1, 1, EBADMSG, "not the vmlinux");      /* ELFCLASS32 */
	kernel_refused(0x10, 2, 1, EBADMSG, "not the vmlinux");   /* ET_REL */
	kernel_refused(0x12, 2, 183, EBADMSG, "not the vmlinux"); /* EM_AARCH64 */
	kernel_refused(SPEC_E_SHOFF, 8, 0, ENOENT, "stripped");
	kernel_refused(SPEC_E_SHNUM, 2, 0, ENOENT, "stripped");
	kernel_refused(SPEC_E_SHNUM, 2, VMLINUX_S_SYMTAB, ENOENT, "stripped");
	kernel_refused(SPEC_E_SHNUM, 2, 0xffff, EBADMSG, "section headers");
	kernel_refused(SPEC_E_SHOFF, 8, UINT64_MAX - 8, EBADMSG, "section headers");
	kernel_refused(SPEC_E_SHENTSIZE, 2, 40, EBADMSG, "e_shentsize is 40");
	kernel_refused(symtab + SPEC_SH_SIZE, 8, 25, EBADMSG, ".symtab has 0x19 bytes");
	kernel_refused(symtab + SPEC_SH_ENTSIZE, 8, 0, EBADMSG, ".symtab has");
	kernel_refused(symtab + SPEC_SH_SIZE, 8, 24ULL << 40, EFBIG, "entries");
	kernel_refused(symtab + SPEC_SH_SIZE, 8, 24 * 100000, EBADMSG, "past the end");
	kernel_refused(symtab + SPEC_SH_SIZE, 8, 24, ENOENT, "without symbols");
	kernel_refused(symtab + SPEC_SH_OFFSET, 8, UINT64_MAX, EBADMSG, "past the end");
	kernel_refused(symtab + SPEC_SH_LINK, 4, VMLINUX_S_COUNT, EBADMSG, "sh_link");
	kernel_refused(symtab + SPEC_SH_LINK, 4, VMLINUX_S_TEXT, EBADMSG, "sh_link");
	kernel_refused(strtab + SPEC_SH_SIZE, 8, UINT64_MAX, EBADMSG, "past the end");
	kernel_refused(strtab + SPEC_SH_SIZE, 8, 4, EBADMSG, "st_name");
	kernel_refused(VMLINUX_SYMTAB + 24, 4, 0xffffffff, EBADMSG, "st_name is 0xffffffff");
	image_resize(&kernel.image, 60);
	refused(read_bytes(kernel.image.bytes, 60), EBADMSG, "not the vmlinux");
}
END_TEST

/* Names that do not end before their table does end there. */
START_TEST(names_without_an_end)
{
	size_t last = VMLINUX_STRTAB + kernel.names_bytes - 1;

	image_put(&kernel.image, last, 1, 'x');
	read_kernel();
	ck_assert_uint_eq(symbols_find(&table, "linux_bannerx"), VMLINUX_BANNER);
}
END_TEST

START_TEST(any_byte_may_be_wrong)
{
	uint32_t random = 1;

	for (unsigned int i = 0; i < 4000; i++) {
		size_t places[] = { 0, VMLINUX_SECTIONS, VMLINUX_SYMTAB, VMLINUX_NOTES };
		size_t lengths[] = { 0x40, VMLINUX_S_COUNT * 0x40, 72, VMLINUX_NOTES_BYTES };
		size_t where;
		uint64_t was;

		random = random * 1664525 + 1013904223;
		where = places[i % 4] + (random >> 8) % lengths[i % 4];
		was = image_get(&kernel.image, where, 1);
		image_put(&kernel.image, where, 1, random >> 24);
		if (read_bytes(kernel.image.bytes, kernel.image.size_bytes) == 0)
			symbols_finish(&table);
		else
			ck_assert_int_ne(error.text[0], '\0');
		image_put(&kernel.image, where, 1, was);
	}
}
END_TEST

/* Are these symbols of the kernel? */
static int check_against(struct vmlinux *v)
{
	struct input_file file;
	struct elfimage image;

	memset(&error, 0, sizeof(error));
	file_of_memory(&file, "kernel", "some/bzImage", v->image.bytes, v->image.size_bytes);
	ck_assert_int_eq(elfimage_parse(&file, &image, &error), 0);
	return symbols_check(&table, "some/System.map", &file, &image, &error);
}

static void stale(struct vmlinux *v, const char *what)
{
	ck_assert_int_eq(check_against(v), -ESTALE);
	ck_assert_ptr_nonnull(strstr(error.text, "some/System.map"));
	ck_assert_ptr_nonnull(strstr(error.text, "some/bzImage"));
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
}

static const char fitting[] = "ffffffff81000000 T _text\nffffffff81001000 D linux_banner\n";

START_TEST(symbols_fit_their_kernel)
{
	read_kernel();
	vmlinux_strip(&kernel);
	ck_assert_int_eq(check_against(&kernel), 0);
	symbols_finish(&table);
	read_map(fitting);
	ck_assert_int_eq(check_against(&kernel), 0);
}
END_TEST

START_TEST(symbols_of_another_build)
{
	struct vmlinux other;

	read_kernel();
	vmlinux_init(&other, BANNER, 0x5b);
	stale(&other, "their build id is 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a, "
		      "the kernel's is 5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b");
	image_free(&other.image);
	vmlinux_init(&other, OTHER_BANNER, 0x5a);
	stale(&other, "the kernel has 'Linux version 6.1.0 (me@here) (gcc 12) #2 SMP");
	image_free(&other.image);
	vmlinux_init(&other, OTHER_BANNER, 0x5b);
	table.build_id_bytes = 0;
	stale(&other, "#2 SMP");
	image_free(&other.image);
}
END_TEST

START_TEST(a_map_of_another_build)
{
	read_map("ffffffff81000000 T _text\nffffffff81001008 D linux_banner\n");
	stale(&kernel, "(0xffffffff81001008) the kernel has no banner");
	symbols_finish(&table);
	read_map("ffffffff81000000 T _text\nffffffff91001000 D linux_banner\n");
	stale(&kernel, "no banner");
	symbols_finish(&table);
	read_map("ffffffff81200000 T _text\nffffffff81001000 D linux_banner\n");
	stale(&kernel, "_text is 0xffffffff81200000, the kernel begins at 0xffffffff81000000");
	symbols_finish(&table);
	read_map("ffffffff81000000 T _text\n");
	stale(&kernel, "no linux_banner");
}
END_TEST

START_TEST(reads_what_the_image_has)
{
	struct input_file file;
	struct elfimage image;
	char bytes[16];

	file_of_memory(&file, "kernel", "v", kernel.image.bytes, kernel.image.size_bytes);
	ck_assert_int_eq(elfimage_parse(&file, &image, &error), 0);
	ck_assert_int_eq(symbols_image_read(&file, &image, VMLINUX_BANNER, bytes, 5), 0);
	ck_assert_mem_eq(bytes, "Linux", 5);
	ck_assert_int_eq(symbols_image_read(&file, &image, VMLINUX_BSS - 16, bytes, 16), 0);
	ck_assert_int_eq(symbols_image_read(&file, &image, VMLINUX_BSS - 15, bytes, 16), -ENOENT);
	ck_assert_int_eq(symbols_image_read(&file, &image, VMLINUX_BSS, bytes, 1), -ENOENT);
	ck_assert_int_eq(symbols_image_read(&file, &image, VMLINUX_TEXT - 1, bytes, 1), -ENOENT);
	ck_assert_int_eq(symbols_image_read(&file, &image, 0x1000000, bytes, 1), -ENOENT);
	ck_assert_int_eq(symbols_image_read(&file, &image, UINT64_MAX, bytes, 16), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("symbols");
	TCase *tests = tcase_create("symbols");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, finds_by_name);
	tcase_add_test(tests, finds_functions_with_suffixes);
	tcase_add_test(tests, finds_by_address);
	tcase_add_test(tests, passes_over_absolute_symbols);
	tcase_add_test(tests, sorts_what_is_not_sorted);
	tcase_add_test(tests, names_alike_in_eight_bytes);
	tcase_add_test(tests, nothing_in_an_empty_table);
	tcase_add_test(tests, bad_maps);
	tcase_add_test(tests, letters_are_those_of_nm);
	tcase_add_test(tests, what_is_no_symbol_is_left_out);
	tcase_add_test(tests, a_vmlinux_tells_its_build);
	tcase_add_test(tests, bad_vmlinux);
	tcase_add_test(tests, names_without_an_end);
	tcase_add_test(tests, any_byte_may_be_wrong);
	tcase_add_test(tests, symbols_fit_their_kernel);
	tcase_add_test(tests, symbols_of_another_build);
	tcase_add_test(tests, a_map_of_another_build);
	tcase_add_test(tests, reads_what_the_image_has);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
