/* SPDX-License-Identifier: MIT */
/*
 * The archive that runs a program: what is in it, where, and how each thing that stands in the way
 * is told. Programs of the host are packed, unpacked into a folder, and run with that as their
 * root, without /proc, as in a small guest: what is missing in the archive is missing there.
 *
 * Authority: [INITRAMFS] "initramfs buffer format"; initramfs/protocol.h; ld.so(8); execve(2) and
 * [LINUX] fs/binfmt_script.c; [DEVICES].
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "initramfs/archive.h"
#include "initramfs/bundle.h"
#include "initramfs/guestinit.h"
#include "initramfs/ldconf.h"
#include "initramfs/libraries.h"
#include "initramfs/program.h"
#include "tests/common/elfdyn.h"
#include "tests/common/folder.h"
#include "tests/common/refusal.h"

/* Stands in for the guest's first process. */
__asm__(".pushsection .rodata\n"
	".globl guestinit_start, guestinit_end\n"
	"guestinit_start: .ascii \"the first process\"\n"
	"guestinit_end:\n"
	".popsection\n");

enum {
	SPEC_HEADER_BYTES = 110,
	RECORDS_MAX = 2048,
	ADDS_MAX = 16,
	ARGUMENTS_MAX = 8,
	TEXTS_MAX = 32,
	LINE_BYTES = 1024,
};

#define GUEST_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ROOT       ".tvmm/root"

struct record {
	uint32_t ino, mode, uid, gid, nlink, mtime, filesize, maj, min, rmaj, rmin, namesize, check;
	const char *name;
	const char *data;
};

static struct bundle bundle;
static struct err error;
static char *archive;
static size_t archive_bytes;
static struct record record[RECORDS_MAX];
static int records;
static const char *text[TEXTS_MAX]; /* of /.tvmm/run */
static int texts;
static char before[PATH_MAX]; /* the working directory outside of the tests */

/* -- Making one -- */

static void setup(void)
{
	folder_make();
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	ck_assert_int_eq(chdir(folder_at("")), 0);
	(void)umask(022);
	(void)unsetenv("LD_LIBRARY_PATH");
	ck_assert_int_eq(setenv("PATH", "/usr/bin:/bin", 1), 0);
	ck_assert_int_eq(setenv("TERM", "vt100", 1), 0);
	bundle.fd = -1;
	error = (struct err){ 0 };
}

static void teardown(void)
{
	bundle_finish(&bundle);
	free(archive);
	archive = NULL;
	ck_assert_int_eq(chdir(before), 0);
	ck_assert_int_eq(setenv("PATH", "/usr/bin:/bin", 1), 0);
	folder_remove();
}

/* words: what would stand on the command line, "--add" left out: "a:/b c -- program argument". */
static int make(const char *words, bool has_initrd)
{
	static char line[LINE_BYTES];
	struct bundle_add add[ADDS_MAX];
	char *argument[ARGUMENTS_MAX + 1] = { NULL };
	struct bundle_request request = {
		.argument = argument,
		.add = add,
		.has_initrd = has_initrd,
	};
	bool is_program = false;
	char *rest = line;
	int rc = 0;

	error = (struct err){ 0 };
	(void)snprintf(line, sizeof(line), "%s", words);
	for (char *word; rc == 0 && (word = strsep(&rest, " "));) {
		if (is_program)
			argument[request.arguments++] = word;
		else if (strcmp(word, "--") == 0)
			is_program = true;
		else
			rc = bundle_parse_add(word, &add[request.adds++], &error);
	}
	return rc == 0 ? bundle_make(&bundle, &request, &error) : rc;
}

static uint32_t hex8(const char *from)
{
	char digits[9] = { 0 };

	memcpy(digits, from, 8);
	ck_assert_uint_eq(strspn(digits, "0123456789abcdef"), 8);
	return (uint32_t)strtoul(digits, NULL, 16);
}

static size_t aligned(size_t offset)
{
	return (offset + 3) / 4 * 4;
}

static size_t read_record(size_t at, struct record *r)
{
	uint32_t *field[] = { &r->ino,   &r->mode,     &r->uid,  &r->gid, &r->nlink,
			      &r->mtime, &r->filesize, &r->maj,  &r->min, &r->rmaj,
			      &r->rmin,  &r->namesize, &r->check };
	size_t data;

	ck_assert_uint_le(at + SPEC_HEADER_BYTES, archive_bytes);
	ck_assert_mem_eq(archive + at, "070701", 6);
	for (int i = 0; i < 13; i++)
		*field[i] = hex8(archive + at + 6 + i * 8);
	r->name = archive + at + SPEC_HEADER_BYTES;
	ck_assert_uint_eq(strlen(r->name) + 1, r->namesize);
	data = aligned(at + SPEC_HEADER_BYTES + r->namesize);
	r->data = archive + data;
	ck_assert_uint_le(data + r->filesize, archive_bytes);
	return aligned(data + r->filesize);
}

static void read_archive(void)
{
	size_t at = 0;

	free(archive);
	archive_bytes = bundle.size_bytes;
	archive = malloc(archive_bytes + 1);
	ck_assert_int_eq(pread(bundle.fd, archive, archive_bytes + 1, 0), (ssize_t)archive_bytes);
	for (records = 0;; records++) {
		ck_assert_int_lt(records, RECORDS_MAX);
		at = read_record(at, &record[records]);
		if (strcmp(record[records].name, "TRAILER!!!") == 0)
			break;
	}
	while (at < archive_bytes)
		ck_assert_int_eq(archive[at++], 0);
	ck_assert_uint_eq(archive_bytes % 512, 0);
	ck_assert_uint_eq(bundle.files, (unsigned)records);
}

static const struct record *look(const char *name)
{
	for (int i = 0; i < records; i++) {
		if (strcmp(record[i].name, name) == 0)
			return &record[i];
	}
	return NULL;
}

static const struct record *get(const char *name)
{
	const struct record *r = look(name);

	ck_assert_msg(r != NULL, "%s is not in the archive", name);
	return r;
}

/* What is at a path of the guest to be; NULL: nothing. */
static const struct record *in_root(const char *guest)
{
	char name[PATH_MAX];

	(void)snprintf(name, sizeof(name), "%s%s", ROOT, guest);
	return look(name);
}

/* The same, of a path in the test's folder. */
static const struct record *in_folder(const char *name)
{
	return in_root(folder_at(name));
}

static void expect_link(const struct record *r, const char *target)
{
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(r->mode, S_IFLNK | 0777);
	ck_assert_uint_eq(r->filesize, strlen(target));
	ck_assert_mem_eq(r->data, target, strlen(target));
}

static void expect_file(const struct record *r, const char *contents)
{
	ck_assert_ptr_nonnull(r);
	ck_assert(S_ISREG(r->mode));
	ck_assert_uint_eq(r->filesize, strlen(contents));
	ck_assert_mem_eq(r->data, contents, strlen(contents));
}

static void read_run(void)
{
	const struct record *run = get(".tvmm/run");

	ck_assert_uint_gt(run->filesize, 0);
	ck_assert_int_eq(run->data[run->filesize - 1], 0);
	texts = 0;
	for (const char *at = run->data; at < run->data + run->filesize; at += strlen(at) + 1) {
		ck_assert_int_lt(texts, TEXTS_MAX);
		text[texts++] = at;
	}
}

static void expect_made(const char *words)
{
	bundle_finish(&bundle);
	ck_assert_msg(make(words, false) == 0, "%s: %s", words, error.text);
	read_archive();
	read_run();
}

static void expect_refused(const char *words, bool has_initrd, int code, const char *said)
{
	int rc = make(words, has_initrd);

	ck_assert_int_eq(rc, -code);
	ck_assert_ptr_null(refusal_flaw(rc, &error));
	ck_assert_msg(strstr(error.text, said) != NULL, "%s", error.text);
	ck_assert_int_eq(bundle.fd, -1);
}

/* Where the program's environment begins in /.tvmm/run. */
static int environment(void)
{
	return 3 + 1 + atoi(text[3]) + 1;
}

static const char *variable(const char *name)
{
	for (int i = environment(); i < texts; i++) {
		if (strncmp(text[i], name, strlen(name)) == 0 && text[i][strlen(name)] == '=')
			return text[i] + strlen(name) + 1;
	}
	return NULL;
}

static void put(const char *name, const char *contents, mode_t mode)
{
	folder_put(folder_at(name), contents, strlen(contents));
	ck_assert_int_eq(chmod(folder_at(name), mode), 0);
}

static void make_folder(const char *name)
{
	ck_assert_int_eq(mkdir(folder_at(name), 0755), 0);
}

static void make_link(const char *target, const char *name)
{
	ck_assert_int_eq(symlink(target, folder_at(name)), 0);
}

static int run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int run(const char *fmt, ...)
{
	char command[LINE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

/* -- As a guest -- */

static void write_archive(const char *name)
{
	folder_put(folder_at(name), archive, archive_bytes);
}

static bool can_be_root(void)
{
	return geteuid() == 0;
}

/* Becomes what /.tvmm/run says, in the unpacked root; its output goes to `out`. */
static void become(void)
{
	int count = atoi(text[3]), variables = atoi(text[4 + count]);
	char *argument[TEXTS_MAX] = { NULL }, *env[TEXTS_MAX] = { NULL };
	int out = open(folder_at("out"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (out < 0 || dup2(out, 1) < 0 || chroot(folder_at("guest/.tvmm/root")) < 0 ||
	    chdir(text[1]) < 0)
		_exit(99);
	for (int i = 0; i < count; i++)
		argument[i] = strdup(text[4 + i]);
	for (int i = 0; i < variables; i++)
		env[i] = strdup(text[environment() + i]);
	(void)execve(text[2], argument, env);
	_exit(98);
}

/* Makes the archive, unpacks it, runs the program in there. Needs cpio and root. */
static void expect_runs(const char *words, int status, const char *output)
{
	char got[LINE_BYTES] = "";
	int ended = 0;
	pid_t pid;

	expect_made(words);
	if (!can_be_root())
		return;
	write_archive("archive");
	ck_assert_int_eq(run("rm -rf guest; mkdir guest; cd guest && cpio -id --quiet '%s/*' < %s",
			     ROOT, folder_at("archive")),
			 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		become();
	ck_assert_int_eq(waitpid(pid, &ended, 0), pid);
	(void)folder_get(folder_at("out"), got, sizeof(got) - 1);
	ck_assert_msg(WIFEXITED(ended) && WEXITSTATUS(ended) == status, "%s: 0x%x", words, ended);
	ck_assert_str_eq(got, output);
}

/* -- What is in it -- */

static void expect_node(const char *name, uint32_t mode, uint32_t rmaj, uint32_t rmin)
{
	const struct record *r = get(name);

	ck_assert_uint_eq(r->mode, S_IFCHR | mode);
	ck_assert_uint_eq(r->rmaj, rmaj);
	ck_assert_uint_eq(r->rmin, rmin);
	ck_assert_uint_eq(r->filesize, 0);
}

START_TEST(devices_are_the_documents)
{
	expect_made("-- /bin/true");
	expect_node("dev/console", 0600, 5, 1);
	expect_node("dev/null", 0666, 1, 3);
	expect_node("dev/zero", 0666, 1, 5);
	expect_node("dev/full", 0666, 1, 7);
	expect_node("dev/random", 0666, 1, 8);
	expect_node("dev/urandom", 0666, 1, 9);
	expect_node("dev/kmsg", 0644, 1, 11);
	expect_node("dev/tty", 0666, 5, 0);
	expect_node("dev/ttyS0", 0600, 4, 64);
}
END_TEST

START_TEST(first_process_is_the_linked_one)
{
	expect_made("-- /bin/true");
	expect_file(get(".tvmm/init"), "the first process");
	ck_assert_uint_eq(get(".tvmm/init")->mode, S_IFREG | 0755);
	ck_assert_ptr_null(look("init")); /* it is -initrd's */
}
END_TEST

START_TEST(run_says_what_to_run)
{
	const char *expected[] = { "tvmm-run-1", folder_at(""), "/bin/true",
				   "3",          "/bin/true",   "",
				   "two",        "3",           GUEST_PATH,
				   "HOME=/",     "TERM=vt100" };

	expect_made("-- /bin/true  two");
	ck_assert_int_eq(texts, 11);
	for (int i = 0; i < texts; i++)
		ck_assert_str_eq(text[i], expected[i]);
	ck_assert(S_ISDIR(in_folder("")->mode));
	ck_assert_int_eq(unsetenv("TERM"), 0);
	expect_made("-- /bin/true");
	ck_assert_int_eq(texts, 8);
	ck_assert_str_eq(text[5], "2");
}
END_TEST

START_TEST(entries_are_in_order_and_tell_nothing_of_the_host)
{
	expect_made("-- /bin/true");
	for (int i = 0; i < records; i++) {
		ck_assert(i == 0 || strcmp(record[i - 1].name, record[i].name) < 0);
		ck_assert_uint_eq(record[i].mtime | record[i].uid | record[i].gid, 0);
		ck_assert_uint_eq(record[i].maj | record[i].min, 0);
		ck_assert_uint_eq(record[i].ino, (unsigned)i + 1);
	}
}
END_TEST

START_TEST(equal_input_gives_equal_bytes)
{
	char *first;

	expect_made("-- /bin/true");
	first = archive;
	archive = NULL;
	ck_assert_int_eq(run("touch -d 2001-01-01 ."), 0);
	expect_made("-- /bin/true");
	ck_assert_mem_eq(first, archive, archive_bytes);
	free(first);
}
END_TEST

START_TEST(true_is_true)
{
	expect_runs("-- /bin/true", 0, "");
	expect_runs("-- true", 0, "");
	ck_assert_str_eq(text[2], "/usr/bin/true"); /* the first in PATH */
	ck_assert_str_eq(text[4], "true");
	expect_runs("-- echo one two", 0, "one two\n");
}
END_TEST

START_TEST(cpio_lists_it)
{
	if (run("command -v cpio >/dev/null") != 0)
		return;
	expect_made("-- /bin/true");
	write_archive("archive");
	ck_assert_int_eq(run("cpio -itv --quiet <archive 2>&1 | tr -s ' ' >listing"), 0);
	ck_assert_int_eq(
		run("grep -q '^crw------- 1 root root 4, 64 Jan 1 1970 dev/ttyS0$' listing"), 0);
	ck_assert_int_eq(run("grep -q '^-rwxr-xr-x 1 root root 17 Jan 1 1970 .tvmm/init$' listing"),
			 0);
	ck_assert_int_eq(run("test $(wc -l <listing) = %zu", bundle.files), 0);
}
END_TEST

/* -- Programs and their libraries -- */

static bool has_gcc(void)
{
	return run("command -v gcc >/dev/null && command -v cpio >/dev/null") == 0;
}

/* one() in libone.so needs two() in libtwo.so; both are in `where`, and find each other there. */
static void build_libraries(const char *where)
{
	put("two.c", "const char *two(void) { return \"two\"; }\n", 0644);
	put("one.c",
	    "#include <stdio.h>\nconst char *two(void);\n"
	    "void one(void) { puts(two()); }\n",
	    0644);
	ck_assert_int_eq(run("mkdir -p %s && gcc -shared -fPIC -o %s/libtwo.so two.c &&"
			     " gcc -shared -fPIC -o %s/libone.so one.c -L%s -ltwo"
			     " -Wl,--enable-new-dtags,-rpath,'$ORIGIN'",
			     where, where, where, where),
			 0);
}

static void build_program(const char *where, const char *flags)
{
	put("main.c", "void one(void);\nint main(void) { one(); return 7; }\n", 0644);
	ck_assert_int_eq(run("mkdir -p bin && gcc -o bin/prog main.c -L%s -lone"
			     " -Wl,-rpath-link,%s %s",
			     where, where, flags),
			 0);
}

START_TEST(own_libraries_come_by_runpath)
{
	if (!has_gcc())
		return;
	build_libraries("lib");
	build_program("lib", "-Wl,--enable-new-dtags,-rpath,'$ORIGIN/../lib'");
	expect_runs("-- bin/prog", 7, "two\n");
	ck_assert_ptr_nonnull(in_folder("lib/libone.so"));
	ck_assert_ptr_nonnull(in_folder("lib/libtwo.so"));
	/* The program's own $ORIGIN is told, for it is found in /proc, which may be missing. */
	ck_assert_str_eq(variable("LD_LIBRARY_PATH"), folder_at("lib"));
}
END_TEST

START_TEST(own_libraries_come_by_rpath)
{
	if (!has_gcc())
		return;
	build_libraries("lib");
	build_program("lib", "-Wl,--disable-new-dtags,-rpath,$PWD/lib");
	expect_runs("-- ./bin/prog", 7, "two\n");
	ck_assert_ptr_null(variable("LD_LIBRARY_PATH"));
}
END_TEST

START_TEST(own_libraries_come_by_the_environment)
{
	if (!has_gcc())
		return;
	build_libraries("some/where");
	build_program("some/where", "");
	expect_refused("-- bin/prog", false, ELIBACC,
		       "bin/prog: needs the x86-64 library libone.so");
	ck_assert_int_eq(setenv("LD_LIBRARY_PATH", "/nowhere:some/where", 1), 0);
	expect_runs("-- bin/prog", 7, "two\n");
	ck_assert_str_eq(variable("LD_LIBRARY_PATH"), folder_at("some/where"));
}
END_TEST

START_TEST(an_added_program_finds_its_libraries_in_its_new_place)
{
	if (!has_gcc())
		return;
	build_libraries("lib");
	build_program("lib", "-Wl,--enable-new-dtags,-rpath,'$ORIGIN/../lib'");
	expect_runs("bin/prog:/usr/bin/ -- /usr/bin/prog", 7, "two\n");
	ck_assert_ptr_nonnull(in_root("/usr/lib/libone.so"));
	ck_assert_ptr_nonnull(in_root("/usr/lib/libtwo.so"));
	put("go", "#!/bin/sh\nprog\nexit $?\n", 0755);
	expect_runs("bin/prog:/usr/bin/ -- ./go", 7, "two\n");
}
END_TEST

START_TEST(an_added_library_is_the_one_that_is_taken)
{
	if (!has_gcc())
		return;
	build_libraries("lib");
	build_program("lib", "");
	expect_runs("lib:/usr/lib -- bin/prog", 7, "two\n");
	ck_assert_ptr_null(in_folder("lib/libone.so"));
}
END_TEST

/* -- Libraries, with files that have no code -- */

#define LOADER "/lib64/ld-linux-x86-64.so.2"

static void put_program(const char *name, const char *runpath, const char *needed)
{
	const struct elfdyn elf = {
		.interp = LOADER,
		.entry = 1,
		.runpath = runpath,
		.needed = { needed },
	};

	elfdyn_write(&elf, folder_at(name));
}

static void put_library(const char *name, const char *soname, const char *needed)
{
	const struct elfdyn elf = { .soname = soname, .needed = { needed } };

	elfdyn_write(&elf, folder_at(name));
}

START_TEST(libraries_that_need_each_other_are_packed_once)
{
	make_folder("l");
	put_program("prog", folder_at("l"), "liba.so");
	put_library("l/liba.so", NULL, "libb.so");
	put_library("l/libb.so", NULL, "liba.so");
	expect_refused("-- ./prog", false, ELIBACC, "l/liba.so: needs the x86-64 library libb.so");
	ck_assert_int_eq(setenv("LD_LIBRARY_PATH", folder_at("l"), 1), 0);
	expect_made("-- ./prog");
	ck_assert_ptr_nonnull(in_folder("l/liba.so"));
	ck_assert_ptr_nonnull(in_folder("l/libb.so"));
}
END_TEST

START_TEST(a_name_that_is_loaded_is_not_looked_for)
{
	const struct elfdyn elf = {
		.interp = LOADER,
		.entry = 1,
		.runpath = folder_at("l"),
		.needed = { "liba.so", "libb.so" },
	};

	make_folder("l");
	elfdyn_write(&elf, folder_at("prog"));
	put_library("l/liba.so", NULL, "libc-by-soname.so"); /* has no path to l */
	put_library("l/libb.so", "libc-by-soname.so", NULL);
	expect_made("-- ./prog");
	ck_assert_ptr_nonnull(in_folder("l/libb.so"));
}
END_TEST

/* ld.so(8): DT_RPATH, LD_LIBRARY_PATH, DT_RUNPATH, each before the next. */
START_TEST(folders_are_tried_in_the_loaders_order)
{
	struct elfdyn elf = {
		.interp = LOADER,
		.entry = 1,
		.rpath = folder_at("r"),
		.needed = { "liba.so" },
	};

	make_folder("r");
	make_folder("e");
	put_library("r/liba.so", NULL, NULL);
	put_library("e/liba.so", NULL, NULL);
	ck_assert_int_eq(setenv("LD_LIBRARY_PATH", folder_at("e"), 1), 0);
	elfdyn_write(&elf, folder_at("prog"));
	expect_made("-- ./prog");
	ck_assert_ptr_nonnull(in_folder("r/liba.so"));
	ck_assert_ptr_null(in_folder("e/liba.so"));
	ck_assert_ptr_null(variable("LD_LIBRARY_PATH"));
	elf.runpath = elf.rpath;
	elf.rpath = NULL;
	elfdyn_write(&elf, folder_at("prog"));
	expect_made("-- ./prog");
	ck_assert_ptr_nonnull(in_folder("e/liba.so"));
	ck_assert_ptr_null(in_folder("r/liba.so"));
	ck_assert_str_eq(variable("LD_LIBRARY_PATH"), folder_at("e"));
}
END_TEST

/* The DT_RPATH of a program is its libraries' too; a DT_RUNPATH is not. */
START_TEST(rpath_is_inherited)
{
	const struct elfdyn elf = {
		.interp = LOADER,
		.entry = 1,
		.rpath = folder_at("l"),
		.needed = { "liba.so" },
	};

	make_folder("l");
	elfdyn_write(&elf, folder_at("prog"));
	put_library("l/liba.so", NULL, "libb.so");
	put_library("l/libb.so", NULL, NULL);
	expect_made("-- ./prog");
	ck_assert_ptr_nonnull(in_folder("l/libb.so"));
}
END_TEST

START_TEST(tokens_are_expanded)
{
	make_folder("o");
	make_folder("o/x86_64");
	ck_assert_int_eq(run("mkdir -p o/lib64"), 0);
	put_program("o/prog", "${ORIGIN}/$PLATFORM:$ORIGIN/$LIB", "libp.so");
	put_library("o/x86_64/libp.so", NULL, NULL);
	expect_made("-- o/prog");
	ck_assert_ptr_nonnull(in_folder("o/x86_64/libp.so"));
	ck_assert_str_eq(variable("LD_LIBRARY_PATH"), folder_at("o/x86_64"));
	put_program("o/prog", "$ORIGIN/$LIB", "libq.so");
	put_library("o/lib64/libq.so", NULL, NULL);
	expect_made("-- o/prog");
	ck_assert_ptr_nonnull(in_folder("o/lib64/libq.so"));
	put_program("o/prog", NULL, "$ORIGIN/lib64/libq.so");
	expect_made("-- o/prog");
	ck_assert_ptr_nonnull(in_folder("o/lib64/libq.so"));
}
END_TEST

START_TEST(files_for_another_machine_are_passed_over)
{
	const struct elfdyn i386 = { .bits = 32 }, arm = { .machine = 183 };

	make_folder("1");
	make_folder("2");
	make_folder("3");
	make_folder("4");
	ck_assert_int_eq(setenv("LD_LIBRARY_PATH", "1:2;3:4", 1), 0);
	put_program("prog", NULL, "liba.so");
	elfdyn_write(&i386, folder_at("1/liba.so"));
	elfdyn_write(&arm, folder_at("2/liba.so"));
	put("3/liba.so", "GROUP ( libc.so )\n", 0644);
	put_library("4/liba.so", NULL, NULL);
	expect_made("-- ./prog");
	ck_assert_ptr_null(in_folder("1/liba.so"));
	ck_assert_ptr_null(in_folder("2/liba.so"));
	ck_assert_ptr_null(in_folder("3/liba.so"));
	ck_assert_ptr_nonnull(in_folder("4/liba.so"));
	ck_assert_str_eq(variable("LD_LIBRARY_PATH"), folder_at("4"));
}
END_TEST

START_TEST(i386_programs_get_i386_libraries)
{
	const struct elfdyn loader = { .bits = 32, .soname = "ld-own.so" };
	const struct elfdyn library = { .bits = 32 };
	struct elfdyn prog = { .bits = 32, .entry = 1, .interp = folder_at("ld-own.so") };

	make_folder("64");
	make_folder("32");
	prog.runpath = "$ORIGIN/64:$ORIGIN/32";
	prog.needed[0] = "liba.so";
	elfdyn_write(&prog, folder_at("prog"));
	elfdyn_write(&loader, folder_at("ld-own.so"));
	put_library("64/liba.so", NULL, NULL);
	elfdyn_write(&library, folder_at("32/liba.so"));
	expect_made("-- ./prog");
	ck_assert_ptr_nonnull(in_folder("ld-own.so"));
	ck_assert_ptr_nonnull(in_folder("32/liba.so"));
	ck_assert_ptr_null(in_folder("64/liba.so"));
}
END_TEST

START_TEST(musl_is_a_library_by_itself)
{
	struct elfdyn prog = { .entry = 1, .interp = folder_at("ld-musl-x86_64.so.1") };

	prog.needed[0] = "libc.musl-x86_64.so.1";
	put_library("ld-musl-x86_64.so.1", NULL, NULL);
	elfdyn_write(&prog, folder_at("prog"));
	expect_made("-- ./prog");
	ck_assert_ptr_nonnull(in_folder("ld-musl-x86_64.so.1"));
	ck_assert_ptr_null(variable("LD_LIBRARY_PATH"));
}
END_TEST

START_TEST(the_loader_must_be_there)
{
	struct elfdyn prog = { .entry = 1, .interp = "/no/ld.so" };

	elfdyn_write(&prog, folder_at("prog"));
	expect_refused("-- ./prog", false, ELIBACC,
		       "prog: its loader (PT_INTERP) is /no/ld.so, which is not on this host");
	prog.interp = folder_at("prog32");
	elfdyn_write(&prog, folder_at("prog"));
	elfdyn_write(&(struct elfdyn){ .bits = 32 }, folder_at("prog32"));
	expect_refused("-- ./prog", false, ELIBACC, "is no ELF file for the program's machine");
}
END_TEST

START_TEST(a_broken_library_is_named)
{
	const struct elfdyn elf = { .soname = "liba.so" };
	uint8_t bytes[ELFDYN_ROOM];
	size_t size = elfdyn_build(&elf, bytes);

	put_program("prog", "$ORIGIN", "liba.so");
	folder_put(folder_at("liba.so"), bytes, size - 2);
	expect_refused("-- ./prog", false, EBADMSG, "liba.so: its string table (DT_STRSZ)");
}
END_TEST

/* The file that is where the loader looks counts, wherever its links lead. */
START_TEST(links_are_kept_with_what_they_lead_to)
{
	make_folder("l");
	make_folder("l/real");
	put_program("prog-1", "$ORIGIN/l", "liba.so");
	make_link("prog-1", "prog");
	make_link("real/liba.so.1", "l/liba.so");
	make_link("liba.so.1.2", "l/real/liba.so.1");
	put_library("l/real/liba.so.1.2", NULL, NULL);
	expect_made("-- ./prog");
	expect_link(in_folder("prog"), "prog-1");
	ck_assert(S_ISREG(in_folder("prog-1")->mode));
	expect_link(in_folder("l/liba.so"), "real/liba.so.1");
	expect_link(in_folder("l/real/liba.so.1"), "liba.so.1.2");
	ck_assert(S_ISREG(in_folder("l/real/liba.so.1.2")->mode));
}
END_TEST

/* A link to a folder on the way is a folder in the guest. */
START_TEST(folders_on_the_way_are_folders)
{
	make_folder("real");
	make_folder("real/lib");
	make_folder("real/bin");
	make_link("real/bin", "bin");
	put_program("real/bin/prog", "$ORIGIN/../lib", "liba.so");
	put_library("real/lib/liba.so", NULL, NULL);
	expect_made("-- bin/prog");
	ck_assert(S_ISDIR(in_folder("bin")->mode));
	ck_assert(S_ISREG(in_folder("bin/prog")->mode));
	/* Where bin/../lib is in the guest, not where it is here. */
	ck_assert(S_ISREG(in_folder("lib/liba.so")->mode));
	ck_assert_ptr_null(in_folder("real"));
}
END_TEST

START_TEST(loops_of_links_end)
{
	char name[16], target[16];

	make_link("b", "a");
	make_link("a", "b");
	expect_refused("-- ./a", false, ELOOP, "program ./a");
	put("c0", "#!/bin/sh\n", 0755);
	for (int i = 1; i <= 41; i++) {
		(void)snprintf(name, sizeof(name), "c%d", i);
		(void)snprintf(target, sizeof(target), "c%d", i - 1);
		make_link(target, name);
	}
	expect_made("-- ./c40");
	expect_refused("-- ./c41", false, ELOOP, "c41");
}
END_TEST

/* -- Scripts -- */

START_TEST(scripts_bring_their_interpreter)
{
	put("hello", "#!/bin/sh\necho hello $0 $1\nexit 3\n", 0755);
	expect_runs("-- ./hello you", 3, "hello ./hello you\n");
	put("env", "#! /usr/bin/env sh\necho by env\n", 0755);
	expect_runs("-- ./env", 0, "by env\n");
	put("split", "#!/usr/bin/env -S A=1 sh -e\necho $A\n", 0755);
	expect_runs("-- ./split", 0, "1\n");
}
END_TEST

/* The one that env(1) finds on the host is the one that it finds in the guest. */
START_TEST(env_finds_what_is_elsewhere)
{
	char expected[LINE_BYTES];

	make_folder("own");
	put("own/sh", "#!/bin/sh\necho own\n", 0755);
	put("script", "#!/usr/bin/env sh\n", 0755);
	ck_assert_int_eq(setenv("PATH", "own:/usr/bin:/bin", 1), 0);
	expect_runs("-- ./script", 0, "own\n");
	(void)snprintf(expected, sizeof(expected), "%s:%s", folder_at("own"),
		       strchr(GUEST_PATH, '/'));
	ck_assert_str_eq(variable("PATH"), expected);
}
END_TEST

START_TEST(env_may_find_nothing)
{
	put("script", "#!/usr/bin/env no-such-program\n", 0755);
	expect_made("-- ./script");
	put("script", "#!/usr/bin/env script2\n", 0755);
	put("script2", "#!/usr/bin/env script2\n", 0755);
	ck_assert_int_eq(setenv("PATH", ".", 1), 0);
	expect_refused("-- ./script", false, ELOOP, "more than 16 scripts start each other");
}
END_TEST

/* Seen on Linux 6.18 too: five scripts are followed, six are ELOOP. */
START_TEST(scripts_may_be_for_scripts)
{
	char line[32], name[16];

	put("s1", "#!/bin/sh\necho $0\n", 0755);
	for (int i = 2; i <= 6; i++) {
		(void)snprintf(line, sizeof(line), "#!s%d\n", i - 1);
		(void)snprintf(name, sizeof(name), "s%d", i);
		put(name, line, 0755);
	}
	expect_runs("-- ./s5", 0, "s1\n");
	expect_refused("-- ./s6", false, ELOOP,
		       "is a script for a script, and so on; Linux follows 5");
	put("itself", "#!./itself\n", 0755);
	expect_refused("-- ./itself", false, ELOOP, "Linux follows 5");
}
END_TEST

/* [LINUX] fs/binfmt_script.c. */
static const struct {
	const char *line, *interpreter, *argument;
} first_line[] = {
	{ "#!/bin/sh\n", "/bin/sh", "" },
	{ "#!/bin/sh", "/bin/sh", "" },
	{ "#! \t/bin/sh  -e  -x \t\n", "/bin/sh", "-e  -x" },
	{ "#!/bin/sh\t-e\nmore\n", "/bin/sh", "-e" },
	{ "#!relative\n", "relative", "" },
	{ "#!/bin/sh\r\n", "/bin/sh\r", "" },
	{ "#!\n", NULL, NULL },
	{ "#!", NULL, NULL },
	{ "#! \t\n/bin/sh\n", NULL, NULL },
	{ "#", NULL, NULL },
	{ "!#/bin/sh\n", NULL, NULL },
};

START_TEST(first_lines_are_read_as_linux_does)
{
	char head[PROGRAM_HEAD_BYTES + 1] = "", interpreter[PROGRAM_HEAD_BYTES],
				       argument[PROGRAM_HEAD_BYTES];
	bool good;

	strcpy(head, first_line[_i].line);
	good = program_parse_script(head, strlen(head), interpreter, argument);
	ck_assert(good == (first_line[_i].interpreter != NULL));
	if (good) {
		ck_assert_str_eq(interpreter, first_line[_i].interpreter);
		ck_assert_str_eq(argument, first_line[_i].argument);
	}
}
END_TEST

/* 256 bytes are looked at. An argument may be cut off by that, an interpreter may not. */
START_TEST(long_first_lines_are_cut)
{
	char head[PROGRAM_HEAD_BYTES + 1] = "#!", interpreter[PROGRAM_HEAD_BYTES],
				       argument[PROGRAM_HEAD_BYTES];

	memset(head + 2, 'x', 254);
	ck_assert(!program_parse_script(head, 256, interpreter, argument));
	head[255] = '\n';
	ck_assert(program_parse_script(head, 256, interpreter, argument));
	ck_assert_uint_eq(strlen(interpreter), 253);
	memcpy(head, "#!/bin/sh ", 10);
	head[255] = 'x';
	ck_assert(program_parse_script(head, 256, interpreter, argument));
	ck_assert_str_eq(interpreter, "/bin/sh");
	ck_assert_uint_eq(strlen(argument), 245);
}
END_TEST

/* -- Programs that are none -- */

START_TEST(programs_that_cannot_run_are_told)
{
	const struct elfdyn arm = { .machine = 183, .entry = 1, .type = 2 };
	const struct elfdyn library = { .soname = "x" };

	expect_refused("-- ./missing", false, ENOENT, "program ./missing: there is no such file");
	expect_refused("-- no-such-program", false, ENOENT,
		       "program no-such-program: is in no folder of PATH (/usr/bin:/bin)");
	make_folder("dir");
	expect_refused("-- ./dir", false, EINVAL, "/./dir: is a directory; a file is needed");
	put("plain", "text", 0644);
	expect_refused("-- ./plain", false, EACCES, "is not executable (its mode is 0644); chmod");
	put("empty", "", 0755);
	expect_refused("-- ./empty", false, ENOEXEC, "empty: is empty; an ELF program or a script");
	put("text", "echo hello\n", 0755);
	expect_refused("-- ./text", false, ENOEXEC, "is neither an ELF file nor begins with #!");
	elfdyn_write(&arm, folder_at("arm"));
	expect_refused("-- ./arm", false, ENOEXEC, "is for AArch64 (e_machine is 183)");
	elfdyn_write(&library, folder_at("lib.so"));
	expect_refused("-- ./lib.so", false, ENOEXEC, "lib.so: is a shared library");
	ck_assert_int_eq(mkfifo(folder_at("pipe"), 0755), 0);
	expect_refused("-- ./pipe", false, EINVAL, "a FIFO or a socket; a file is needed");
	put("elf", "\177ELF", 0755);
	expect_refused("-- ./elf", false, EBADMSG, "elf: is truncated");
	expect_refused("-- ", false, EINVAL, "program '': its name is empty");
}
END_TEST

START_TEST(scripts_that_cannot_run_are_told)
{
	put("script", "#!/no/such\n", 0755);
	expect_refused("-- ./script", false, ENOENT,
		       "names the interpreter /no/such, which is not on this host");
	put("script", "#!/bin/sh\r\n", 0755);
	expect_refused("-- ./script", false, ENOENT, "its first line ends with CR LF");
	put("script", "#!\n", 0755);
	expect_refused("-- ./script", false, ENOEXEC, "names no interpreter");
	put("plain", "", 0644);
	put("script", "#!./plain\n", 0755);
	expect_refused("-- ./script", false, EACCES, "interpreter ");
}
END_TEST

START_TEST(a_file_that_is_not_executable_is_not_found_before_one_that_is)
{
	make_folder("1");
	make_folder("2");
	put("1/prog", "", 0644);
	put("2/prog", "#!/bin/sh\n", 0755);
	ck_assert_int_eq(setenv("PATH", "1:2", 1), 0);
	expect_made("-- prog");
	ck_assert_str_eq(text[2], folder_at("2/prog"));
	ck_assert_int_eq(setenv("PATH", "1", 1), 0);
	expect_refused("-- prog", false, EACCES, "1/prog: is not executable");
}
END_TEST

START_TEST(what_is_not_here_may_be_in_the_initrd)
{
	ck_assert_int_eq(make("-- no-such-program x", true), 0);
	read_archive();
	read_run();
	ck_assert_str_eq(text[2], "no-such-program");
	bundle_finish(&bundle);
	ck_assert_int_eq(make("-- sub/prog", true), 0);
	read_archive();
	read_run();
	ck_assert_str_eq(text[2], "sub/prog");
	ck_assert(S_ISDIR(in_folder("")->mode));
	bundle_finish(&bundle);
	put("script", "#!/no/such\n", 0755);
	ck_assert_int_eq(make("-- ./script", true), 0);
	bundle_finish(&bundle);
	put("plain", "text", 0644);
	expect_refused("-- ./plain", true, EACCES, "is not executable");
}
END_TEST

/* -- --add -- */

static const struct {
	const char *text, *source, *target;
	const char *refusal;
} spelling[] = {
	{ "a", "a", NULL, NULL },
	{ "a:/b", "a", "/b", NULL },
	{ "a:b:/c", "a:b", "/c", NULL },
	{ "a:b", "a:b", NULL, NULL },
	{ "/x:y/z", "/x:y/z", NULL, NULL },
	{ "a:/b/../c", "a", "/b/../c", NULL },
	{ "a:", NULL, NULL, "nothing follows the colon" },
	{ "", NULL, NULL, "names no file" },
	{ ":/b", NULL, NULL, "names no file" },
	{ "a:/..", NULL, NULL, "leads above the root by '..'" },
	{ "a:/b/../../c", NULL, NULL, "leads above the root by '..'" },
	{ "a:/.tvmm/run", NULL, NULL, "is for tvmm's own files" },
	{ "a:/b/../.tvmm", NULL, NULL, "is for tvmm's own files" },
	{ "a:/.tvmmm", "a", "/.tvmmm", NULL },
};

START_TEST(add_is_split_at_the_last_colon)
{
	struct bundle_add add;
	char line[64];
	int rc;

	strcpy(line, spelling[_i].text);
	rc = bundle_parse_add(line, &add, &error);
	ck_assert_int_eq(rc, spelling[_i].refusal ? -EINVAL : 0);
	if (rc < 0) {
		ck_assert_ptr_null(refusal_flaw(rc, &error));
		ck_assert_msg(strstr(error.text, spelling[_i].refusal) != NULL, "%s", error.text);
		return;
	}
	ck_assert_str_eq(add.source, spelling[_i].source);
	if (spelling[_i].target)
		ck_assert_str_eq(add.target, spelling[_i].target);
	else
		ck_assert_ptr_null(add.target);
}
END_TEST

START_TEST(files_go_where_they_are_told)
{
	put("a", "one", 0640);
	make_folder("d");
	put("d/b", "two", 0755);
	make_link("../nowhere", "d/link");
	ck_assert_int_eq(mkfifo(folder_at("d/pipe"), 0600), 0);
	make_link("a", "to-a");
	expect_made("a a:/etc/ a:/etc/x//y/../z d d:/opt d/.:/ to-a:/by-link d:/in/ -- /bin/true");
	expect_file(in_folder("a"), "one");
	ck_assert_uint_eq(in_folder("a")->mode, S_IFREG | 0640);
	expect_file(in_root("/etc/a"), "one");
	expect_file(in_root("/etc/x/z"), "one");
	expect_file(in_folder("d/b"), "two");
	expect_file(in_root("/opt/b"), "two");
	expect_file(in_root("/b"), "two");
	expect_file(in_root("/in/d/b"), "two");
	expect_file(in_root("/by-link"), "one"); /* the source's own link is followed */
	expect_link(in_root("/opt/link"), "../nowhere");
	ck_assert_uint_eq(in_root("/opt/pipe")->mode, S_IFIFO | 0600);
	ck_assert_uint_eq(in_root("/opt")->mode, S_IFDIR | 0755);
}
END_TEST

START_TEST(folders_keep_their_permissions)
{
	make_folder("d");
	ck_assert_int_eq(chmod(folder_at("d"), 01777), 0);
	expect_made("d d:/x/y -- /bin/true");
	ck_assert_uint_eq(in_folder("d")->mode, S_IFDIR | 01777);
	ck_assert_uint_eq(in_root("/x/y")->mode, S_IFDIR | 01777);
	ck_assert_uint_eq(in_root("/x")->mode, S_IFDIR | 0755); /* not on the host */
	ck_assert_uint_eq(in_root("/tmp")->mode, S_IFDIR | 01777);
}
END_TEST

START_TEST(hard_links_stay_one_file)
{
	make_folder("d");
	put("d/a", "shared", 0644);
	ck_assert_int_eq(link("d/a", "d/b"), 0);
	expect_made("d -- /bin/true");
	ck_assert_uint_eq(in_folder("d/a")->nlink, 2);
	ck_assert_uint_eq(in_folder("d/a")->ino, in_folder("d/b")->ino);
	ck_assert_uint_eq(in_folder("d/a")->filesize, 0);
	expect_file(in_folder("d/b"), "shared");
}
END_TEST

START_TEST(twice_the_same_is_once)
{
	make_folder("d");
	put("d/a", "one", 0644);
	make_link("a", "d/link");
	expect_made("d d d/a /bin/true -- /bin/true");
	expect_file(in_folder("d/a"), "one");
}
END_TEST

START_TEST(two_for_one_place_are_refused)
{
	put("a", "one", 0644);
	put("b", "one", 0644);
	make_folder("d");
	make_link("a", "d/x");
	expect_refused("a:/x b:/x -- /bin/true", false, EEXIST, "/x cannot be both in the guest: ");
	expect_refused("a:/x d:/ d/.:/ -- /bin/true", false, EEXIST, "a link to a");
	expect_refused("a:/x b:/x/y -- /bin/true", false, ENOTDIR,
		       "/x/y cannot be in the guest: /x is no folder there, but the file ");
	expect_refused("b:/x/y a:/x -- /bin/true", false, EEXIST, "/x cannot be both");
}
END_TEST

START_TEST(adds_that_cannot_be_are_told)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "d/socket" };
	int fd;

	expect_refused("missing -- /bin/true", false, ENOENT, "--add missing: cannot be used");
	put("a", "", 0644);
	expect_refused("a:b -- /bin/true", false, ENOENT,
		       "if b is meant to be its place in the guest: that is an absolute path");
	expect_refused("a/b:/x -- /bin/true", false, ENOTDIR, "--add a/b");
	make_folder("d");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	expect_refused("d -- /bin/true", false, EINVAL, "d/socket: is a socket");
	expect_refused("d/socket -- /bin/true", false, EINVAL, "d/socket: is a socket");
	(void)close(fd);
	put("big", "", 0644);
	ck_assert_int_eq(truncate("big", 0x100000000LL), 0);
	expect_refused("big -- /bin/true", false, EFBIG, "has 4294967296 bytes");
}
END_TEST

/* Holes: sizes alone decide. */
START_TEST(more_than_half_of_the_memory_is_refused)
{
	char name[16];

	make_folder("d");
	for (int i = 0; i < 256; i++) {
		(void)snprintf(name, sizeof(name), "d/%d", i);
		put(name, "", 0644);
		ck_assert_int_eq(truncate(name, 0xffffffffLL), 0);
	}
	expect_refused("d -- /bin/true", false, EFBIG, "half of this host's memory");
}
END_TEST

static int look_at_loop(void)
{
	NEED(folder_own_mounts());
	NEED(mount("d", "d/1/2/again", NULL, MS_BIND, NULL) == 0);
	NEED(make("d -- /bin/true", false) == -ELOOP);
	NEED(strstr(error.text, "d/1/2/again: is a folder loop"));
	NEED(mount("d/1", "d/1/3", NULL, MS_BIND, NULL) == 0);
	NEED(umount("d/1/2/again") == 0);
	NEED(make("d -- /bin/true", false) == -ELOOP);
	NEED(strstr(error.text, "d/1/3: is a folder loop: the same as"));
	return 0;
}

START_TEST(loops_of_folders_are_refused)
{
	if (!folder_can_mount())
		return;
	ck_assert_int_eq(run("mkdir -p d/1/2/again d/1/3"), 0);
	ck_assert_int_eq(folder_in_child(look_at_loop), 0);
}
END_TEST

/* What --add has brought leads on, as it will in the guest. */
START_TEST(links_of_add_are_followed)
{
	make_folder("root");
	ck_assert_int_eq(run("mkdir -p root/usr/lib root/usr/bin root/v1"), 0);
	make_link("usr/lib", "root/lib");
	make_link("/v1", "root/current");
	put_program("root/v1/prog", "$ORIGIN/../lib", "liba.so");
	put_library("root/usr/lib/liba.so", NULL, NULL);
	put("a", "one", 0644);
	expect_made("root/.:/ a:/lib/ -- /current/prog");
	expect_link(in_root("/lib"), "usr/lib");
	expect_file(in_root("/usr/lib/a"), "one");
	ck_assert_ptr_null(in_root("/lib/a"));
	ck_assert_ptr_null(in_root("/current/prog"));
	ck_assert_str_eq(text[2], "/current/prog");
	ck_assert(S_ISREG(in_root("/v1/prog")->mode));
	ck_assert(S_ISREG(in_root("/usr/lib/liba.so")->mode));
	make_link("loop", "root/loop");
	expect_refused("root/.:/ a:/loop/ -- /bin/true", false, ELOOP,
		       "more than 40 symbolic links");
}
END_TEST

START_TEST(added_programs_bring_libraries)
{
	make_folder("d");
	make_folder("l");
	put_library("l/liba.so", NULL, NULL);
	ck_assert_int_eq(setenv("LD_LIBRARY_PATH", folder_at("l"), 1), 0);
	put_program("d/prog", NULL, "liba.so");
	expect_made("d:/opt -- /bin/true");
	ck_assert_ptr_nonnull(in_folder("l/liba.so"));
	/* One that nobody may run is not in the way, unless it is named itself. */
	put_program("d/prog", NULL, "libmissing.so");
	expect_made("d:/opt -- /bin/true");
	expect_refused("d/prog:/opt/ -- /bin/true", false, ELIBACC,
		       "needs the x86-64 library libmiss");
	/* Neither is one for another machine, or a broken one. */
	elfdyn_write(&(struct elfdyn){ .machine = 183 }, folder_at("d/arm"));
	put("d/broken", "\177ELF\2\1\1", 0755);
	expect_made("d/arm d/broken d:/opt -- /bin/true");
	put_library("d/plugin.so", NULL, "liba.so");
	expect_made("d/plugin.so:/opt/ -- /bin/true");
	ck_assert_ptr_nonnull(in_folder("l/liba.so"));
}
END_TEST

/* -- Files that change -- */

/* /proc says that its files are empty. */
START_TEST(a_file_with_more_than_it_says_is_refused)
{
	expect_refused("/proc/self/status:/x -- /bin/true", false, EBUSY,
		       "status: changed while it was packed");
}
END_TEST

static bool before_it_is_read;

/* Writes nothing, and spoils the file before it is read, or when its contents come. */
static int write_and_spoil(void *to, const void *bytes, size_t size_bytes, struct err *e)
{
	int fd;

	(void)to;
	(void)e;
	if (before_it_is_read || (size_bytes == 4 && memcmp(bytes, "text", 4) == 0)) {
		fd = open("d/file", O_WRONLY);
		ck_assert_int_eq(pwrite(fd, "next", 4, 0), 4);
		(void)close(fd);
	}
	return 0;
}

START_TEST(a_file_that_is_written_to_is_refused)
{
	struct archive to = { .write = write_and_spoil };
	struct manifest m;

	before_it_is_read = _i == 0;
	make_folder("d");
	put("d/file", "text", 0644);
	folder_age(folder_at("d/file"), 100);
	manifest_init(&m, "it");
	ck_assert_int_eq(manifest_add(&m, folder_at("d"), "/x", &error), 0);
	tree_add(&m.tree, ".tvmm", &error)->mode = S_IFDIR | 0755;
	ck_assert_msg(tree_arrange(&m.tree, &error) == 0, "%s", error.text);
	to.tree = &m.tree;
	ck_assert_int_eq(archive_write(&to, &error), -EBUSY);
	ck_assert_ptr_nonnull(strstr(error.text, "d/file: changed while it was packed"));
	manifest_finish(&m);
}
END_TEST

/* -- ld.so.conf -- */

START_TEST(ld_so_conf_names_folders)
{
	static const char *const expected[] = { "/one", "/two", "/from/b", "/from/c", "/last" };
	struct ldconf conf;

	make_folder("conf.d");
	put("ld.so.conf",
	    "# comment\n/one # more\n  /two/ \nrelative\n\ninclude conf.d/*.conf\n"
	    "hwcap 0 nosegneg\n/last=libc6\ninclude /no/such\nincluded\n",
	    0644);
	put("conf.d/c.conf", "/from/c", 0644);
	put("conf.d/b.conf", "/from/b\ninclude b.conf\n", 0644); /* itself */
	put("conf.d/d.not", "/from/d", 0644);
	ck_assert_int_eq(ldconf_read(&conf, folder_at("ld.so.conf"), &error), 0);
	ck_assert_uint_ge(conf.folders, 5);
	ck_assert_str_eq(conf.folder[0], expected[0]);
	ck_assert_str_eq(conf.folder[1], expected[1]);
	ck_assert_str_eq(conf.folder[2], expected[2]);
	ck_assert_str_eq(conf.folder[conf.folders - 2], expected[3]);
	ck_assert_str_eq(conf.folder[conf.folders - 1], expected[4]);
	ck_assert_uint_le(conf.files, 8);
	ldconf_finish(&conf);
	ck_assert_int_eq(ldconf_read(&conf, folder_at("missing"), &error), 0);
	ck_assert_uint_eq(conf.folders, 0);
	ldconf_finish(&conf);
}
END_TEST

START_TEST(ld_so_conf_is_bounded)
{
	struct ldconf conf;

	ck_assert_int_eq(run("for i in a 1 2 3 4 5 6 7 8; do echo 'include *.conf' >$i.conf; done"),
			 0);
	ck_assert_int_eq(ldconf_read(&conf, folder_at("a.conf"), &error), 0);
	ck_assert_uint_eq(conf.files, LDCONF_FILES_MAX);
	ldconf_finish(&conf);
	ck_assert_int_eq(run("seq -f /f%%g 300 >c.conf"), 0);
	ck_assert_int_eq(ldconf_read(&conf, folder_at("c.conf"), &error), 0);
	ck_assert_uint_eq(conf.folders, LDCONF_FOLDERS_MAX);
	ldconf_finish(&conf);
}
END_TEST

/* Packs prog's needs with a ld.so.conf of the test's own; `told`: the guest's LD_LIBRARY_PATH. */
static void pack_needs(const char *configuration, char told[LINE_BYTES])
{
	struct libraries libraries;
	struct manifest manifest;
	struct input_file file;
	struct elfneeds needs;
	struct spot here, prog;

	strcpy(here.host, folder_at(""));
	strcpy(here.guest, folder_at(""));
	ck_assert_int_eq(spot_in(&prog, &here, "prog", &error), 0);
	ck_assert_int_eq(file_open(&file, "program", prog.host, 1 << 20, &error), 0);
	ck_assert_int_eq(elfneeds_read(&needs, &file, &error), 0);
	file_close(&file);
	manifest_init(&manifest, "it");
	libraries_init(&libraries, &manifest, &here, NULL, configuration);
	ck_assert_msg(libraries_pack(&libraries, &prog, &needs, &error) == 0, "%s", error.text);
	ck_assert_int_eq(libraries_environment(&libraries, told, LINE_BYTES, &error), 0);
	libraries_finish(&libraries);
	manifest_finish(&manifest);
}

/* A loader that has the folder compiled in needs not be told. */
START_TEST(folders_of_ld_so_conf_are_told_to_loaders_that_do_not_know_them)
{
	struct elfdyn prog = { .entry = 1, .interp = folder_at("ld-own.so") };
	char told[LINE_BYTES], line[LINE_BYTES];

	make_folder("l");
	prog.needed[0] = "liba.so";
	elfdyn_write(&prog, folder_at("prog"));
	put_library("l/liba.so", NULL, NULL);
	(void)snprintf(line, sizeof(line), "%s\n", folder_at("l"));
	put("own.conf", line, 0644);
	put_library("ld-own.so", "ld-own.so", NULL);
	pack_needs(folder_at("own.conf"), told);
	ck_assert_str_eq(told, folder_at("l"));
	(void)snprintf(line, sizeof(line), "%s/", folder_at("l"));
	put_library("ld-own.so", line, NULL);
	pack_needs(folder_at("own.conf"), told);
	ck_assert_str_eq(told, "");
	(void)snprintf(line, sizeof(line), "/x%s", folder_at("l"));
	put_library("ld-own.so", line, NULL);
	pack_needs(folder_at("own.conf"), told);
	ck_assert_str_eq(told, folder_at("l"));
}
END_TEST

/* -- Any beginning of a program -- */

START_TEST(every_prefix_of_a_program_is_refused)
{
	const struct elfdyn elf = {
		.interp = LOADER,
		.entry = 1,
		.runpath = "$ORIGIN",
		.needed = { "libc.so.6" },
	};
	uint8_t bytes[ELFDYN_ROOM];
	size_t size = elfdyn_build(&elf, bytes);

	for (size_t n = 0; n < size; n += 1 + n / 64) {
		int rc;

		folder_put(folder_at("prog"), bytes, n);
		ck_assert_int_eq(chmod("prog", 0755), 0);
		rc = make("-- ./prog", false);
		ck_assert_ptr_null(refusal_flaw(rc, &error));
	}
}
END_TEST

START_TEST(no_descriptor_stays_open)
{
	size_t open_before = folder_count("/proc/self/fd");

	put("hello", "#!/usr/bin/env sh\n", 0755);
	expect_made("hello:/x -- ./hello");
	bundle_finish(&bundle);
	expect_refused("hello:/x hello:/x/y -- ./hello", false, ENOTDIR, "/x/y");
	expect_refused("/proc/self/status:/x -- ./hello", false, EBUSY, "status");
	ck_assert_uint_eq(folder_count("/proc/self/fd"), open_before);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return tc;
}

static void add_contents(Suite *suite)
{
	TCase *tc = new_case(suite, "contents");

	tcase_add_test(tc, devices_are_the_documents);
	tcase_add_test(tc, first_process_is_the_linked_one);
	tcase_add_test(tc, run_says_what_to_run);
	tcase_add_test(tc, entries_are_in_order_and_tell_nothing_of_the_host);
	tcase_add_test(tc, equal_input_gives_equal_bytes);
	tcase_add_test(tc, true_is_true);
	tcase_add_test(tc, cpio_lists_it);
	tcase_add_test(tc, no_descriptor_stays_open);
}

static void add_libraries(Suite *suite)
{
	TCase *tc = new_case(suite, "libraries");

	tcase_add_test(tc, own_libraries_come_by_runpath);
	tcase_add_test(tc, own_libraries_come_by_rpath);
	tcase_add_test(tc, own_libraries_come_by_the_environment);
	tcase_add_test(tc, an_added_program_finds_its_libraries_in_its_new_place);
	tcase_add_test(tc, an_added_library_is_the_one_that_is_taken);
	tcase_add_test(tc, libraries_that_need_each_other_are_packed_once);
	tcase_add_test(tc, a_name_that_is_loaded_is_not_looked_for);
	tcase_add_test(tc, folders_are_tried_in_the_loaders_order);
	tcase_add_test(tc, rpath_is_inherited);
	tcase_add_test(tc, tokens_are_expanded);
	tcase_add_test(tc, files_for_another_machine_are_passed_over);
	tcase_add_test(tc, i386_programs_get_i386_libraries);
	tcase_add_test(tc, musl_is_a_library_by_itself);
	tcase_add_test(tc, the_loader_must_be_there);
	tcase_add_test(tc, a_broken_library_is_named);
	tcase_add_test(tc, links_are_kept_with_what_they_lead_to);
	tcase_add_test(tc, folders_on_the_way_are_folders);
	tcase_add_test(tc, loops_of_links_end);
	tcase_add_test(tc, ld_so_conf_names_folders);
	tcase_add_test(tc, ld_so_conf_is_bounded);
	tcase_add_test(tc, folders_of_ld_so_conf_are_told_to_loaders_that_do_not_know_them);
}

static void add_programs(Suite *suite)
{
	TCase *tc = new_case(suite, "programs");

	tcase_add_test(tc, scripts_bring_their_interpreter);
	tcase_add_test(tc, env_finds_what_is_elsewhere);
	tcase_add_test(tc, env_may_find_nothing);
	tcase_add_test(tc, scripts_may_be_for_scripts);
	tcase_add_loop_test(tc, first_lines_are_read_as_linux_does, 0,
			    (int)(sizeof(first_line) / sizeof(first_line[0])));
	tcase_add_test(tc, long_first_lines_are_cut);
	tcase_add_test(tc, programs_that_cannot_run_are_told);
	tcase_add_test(tc, scripts_that_cannot_run_are_told);
	tcase_add_test(tc, a_file_that_is_not_executable_is_not_found_before_one_that_is);
	tcase_add_test(tc, what_is_not_here_may_be_in_the_initrd);
	tcase_add_test(tc, every_prefix_of_a_program_is_refused);
}

static void add_adds(Suite *suite)
{
	TCase *tc = new_case(suite, "--add");

	tcase_add_loop_test(tc, add_is_split_at_the_last_colon, 0,
			    (int)(sizeof(spelling) / sizeof(spelling[0])));
	tcase_add_test(tc, files_go_where_they_are_told);
	tcase_add_test(tc, folders_keep_their_permissions);
	tcase_add_test(tc, hard_links_stay_one_file);
	tcase_add_test(tc, twice_the_same_is_once);
	tcase_add_test(tc, two_for_one_place_are_refused);
	tcase_add_test(tc, adds_that_cannot_be_are_told);
	tcase_add_test(tc, more_than_half_of_the_memory_is_refused);
	tcase_add_test(tc, loops_of_folders_are_refused);
	tcase_add_test(tc, links_of_add_are_followed);
	tcase_add_test(tc, added_programs_bring_libraries);
	tcase_add_test(tc, a_file_with_more_than_it_says_is_refused);
	tcase_add_loop_test(tc, a_file_that_is_written_to_is_refused, 0, 2);
}

int main(void)
{
	Suite *suite = suite_create("bundle");
	SRunner *runner;
	int failed;

	add_contents(suite);
	add_libraries(suite);
	add_programs(suite);
	add_adds(suite);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
