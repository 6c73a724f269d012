/* SPDX-License-Identifier: MIT */
/*
 * The packer against the initramfs buffer format: archives are read back here by a small reader
 * of its own, and by cpio(1) where that is installed.
 *
 * Authority: [INITRAMFS] "initramfs buffer format", "Handling of hard links"; RFC 1952 for gzip.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include "initramfs/cpio.h"
#include "initramfs/pack.h"
#include "initramfs/tree.h"

enum {
	SPEC_HEADER_BYTES = 110, /* 6 + 13 * 8 */
	SPEC_ALIGN = 4,
	SPEC_PATH_MAX = 4096, /* Linux: a longer c_namesize is skipped without a word */
	ARCHIVE_MAX = 1 << 20,
	RECORDS_MAX = 64,
	PATH_BYTES = 512,
};

#define SPEC_FILE_MAX 0xffffffffLL /* c_filesize has 8 hexadecimal digits */

/* One record as it stands in an archive. */
struct record {
	uint32_t ino, mode, uid, gid, nlink, mtime, filesize, maj, min, rmaj, rmin, namesize, check;
	const char *name;
	const char *data;
};

static char top[] = "/tmp/tvmm-test-initramfs-XXXXXX";
static char base[64]; /* a fresh folder for each test */
static char dir[PATH_BYTES];
static char out[PATH_BYTES];
static char archive[ARCHIVE_MAX];
static int archive_bytes;
static struct record record[RECORDS_MAX];
static int records;
static struct err e;
static struct pack_result result;

static const char *at(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A path in the test's folder; sixteen may be in use at once. */
static const char *at(const char *fmt, ...)
{
	static char path[16][PATH_BYTES];
	static unsigned turn;
	char *p = path[turn++ % 16];
	int n = snprintf(p, PATH_BYTES, "%s/", base);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(p + n, (size_t)(PATH_BYTES - n), fmt, ap);
	va_end(ap);
	return p;
}

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	ck_assert_msg(system(command) == 0, "%s", command);
}

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void make_folder(const char *path)
{
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_int_eq(chmod(path, 0755), 0);
}

static void setup(void)
{
	static int count;

	(void)snprintf(base, sizeof(base), "%s/%ld-%d", top, (long)getpid(), count++);
	ck_assert_int_eq(mkdir(base, 0755), 0);
	(void)snprintf(dir, sizeof(dir), "%s/dir", base);
	(void)snprintf(out, sizeof(out), "%s/out.cpio.gz", base);
	make_folder(dir);
	e = (struct err){ 0 };
	records = 0;
}

static void teardown(void)
{
	run("rm -rf '%s'", base);
}

static uint32_t hex8(const char *from)
{
	char digits[9] = { 0 };

	memcpy(digits, from, 8);
	ck_assert_uint_eq(strspn(digits, "0123456789abcdefABCDEF"), 8);
	return (uint32_t)strtoul(digits, NULL, 16);
}

static int aligned(int offset)
{
	return (offset + SPEC_ALIGN - 1) / SPEC_ALIGN * SPEC_ALIGN;
}

static void expect_zeros(int from, int to)
{
	ck_assert_int_le(to, archive_bytes);
	for (int i = from; i < to; i++)
		ck_assert_int_eq(archive[i], 0);
}

/* Reads the record at offset; returns where the next one begins. */
static int read_record(int offset, struct record *r)
{
	const char *h = archive + offset;
	uint32_t *field[] = { &r->ino,   &r->mode,     &r->uid,  &r->gid, &r->nlink,
			      &r->mtime, &r->filesize, &r->maj,  &r->min, &r->rmaj,
			      &r->rmin,  &r->namesize, &r->check };
	int data;

	ck_assert_int_le(offset + SPEC_HEADER_BYTES, archive_bytes);
	ck_assert_int_eq(offset % SPEC_ALIGN, 0);
	ck_assert_mem_eq(h, "070701", 6);
	for (int i = 0; i < 13; i++)
		*field[i] = hex8(h + 6 + i * 8);
	r->name = h + SPEC_HEADER_BYTES;
	ck_assert_uint_eq(strlen(r->name) + 1, r->namesize);
	data = aligned(offset + SPEC_HEADER_BYTES + (int)r->namesize);
	expect_zeros(offset + SPEC_HEADER_BYTES + (int)r->namesize, data);
	r->data = archive + data;
	expect_zeros(data + (int)r->filesize, aligned(data + (int)r->filesize));
	return aligned(data + (int)r->filesize);
}

/* Unpacks out and reads its records; the trailer ends them and only zeros follow it. */
static void read_archive(void)
{
	gzFile f = gzopen(out, "rb");
	int offset = 0;

	ck_assert_ptr_nonnull(f);
	archive_bytes = gzread(f, archive, sizeof(archive));
	ck_assert_int_gt(archive_bytes, 0);
	ck_assert_int_eq(gzclose(f), Z_OK);
	for (records = 0;; records++) {
		ck_assert_int_lt(records, RECORDS_MAX);
		offset = read_record(offset, &record[records]);
		if (strcmp(record[records].name, "TRAILER!!!") == 0)
			break;
	}
	ck_assert_uint_eq(record[records].filesize, 0);
	expect_zeros(offset, archive_bytes);
}

static int pack(const char *list)
{
	const struct pack_request request = { .directory = dir, .output = out, .nodes = list };

	return pack_run(&request, &result, &e);
}

static void expect_packed(const char *list)
{
	int rc = pack(list);

	ck_assert_msg(rc == 0, "%s", e.text);
	read_archive();
	ck_assert_uint_eq(result.entries, (unsigned)records);
	ck_assert_uint_eq(result.archive_bytes, (unsigned)archive_bytes);
}

static const struct record *get(const char *name)
{
	for (int i = 0; i < records; i++) {
		if (strcmp(record[i].name, name) == 0)
			return &record[i];
	}
	ck_abort_msg("%s is not in the archive", name);
}

/* Packing fails so, with these words in the message, and leaves nothing in the folder. */
static void expect_refused(const char *list, int code, const char *first, const char *second)
{
	int before = access(out, F_OK);

	ck_assert_int_eq(pack(list), -code);
	ck_assert_int_eq(e.code, code);
	ck_assert_msg(strstr(e.text, first) && strstr(e.text, second), "%s", e.text);
	ck_assert_int_eq(access(out, F_OK), before);
	run("! ls -A '%s' | grep -q '[.]tmp$'", base);
}

/* -- The record -- */

START_TEST(header_has_the_documents_fields)
{
	const struct cpio_header header = {
		.ino = 4780, /* the document's own example: 000012ac */
		.mode = 0x81ed,
		.uid = 1,
		.gid = 2,
		.nlink = 3,
		.mtime_s = 4,
		.filesize_bytes = 0xffffffff,
		.rdev_major = 7,
		.rdev_minor = 8,
		.namesize_bytes = 9,
	};
	char bytes[CPIO_HEADER_BYTES];

	cpio_header_build(bytes, &header);
	ck_assert_int_eq(sizeof(bytes), SPEC_HEADER_BYTES);
	ck_assert_mem_eq(bytes,
			 "070701"
			 "000012ac" /* c_ino */
			 "000081ed" /* c_mode */
			 "00000001" /* c_uid */
			 "00000002" /* c_gid */
			 "00000003" /* c_nlink */
			 "00000004" /* c_mtime */
			 "ffffffff" /* c_filesize */
			 "00000000" /* c_maj */
			 "00000000" /* c_min */
			 "00000007" /* c_rmaj */
			 "00000008" /* c_rmin */
			 "00000009" /* c_namesize */
			 "00000000" /* c_chksum */,
			 SPEC_HEADER_BYTES);
}
END_TEST

START_TEST(padding_reaches_the_next_multiple)
{
	ck_assert_uint_eq(cpio_padding_bytes(0, 4), 0);
	ck_assert_uint_eq(cpio_padding_bytes(1, 4), 3);
	ck_assert_uint_eq(cpio_padding_bytes(3, 4), 1);
	ck_assert_uint_eq(cpio_padding_bytes(4, 4), 0);
	ck_assert_uint_eq(cpio_padding_bytes(0x100000001ULL, 512), 511);
}
END_TEST

/* -- What is packed -- */

START_TEST(empty_folder_gives_the_console)
{
	const struct record *console;

	expect_packed(NULL);
	ck_assert_int_eq(records, 2);
	ck_assert_str_eq(record[0].name, "dev");
	ck_assert_uint_eq(record[0].mode, S_IFDIR | 0755);
	console = get("dev/console");
	ck_assert_uint_eq(console->mode, S_IFCHR | 0600);
	ck_assert_uint_eq(console->rmaj, 5);
	ck_assert_uint_eq(console->rmin, 1);
}
END_TEST

START_TEST(files_keep_contents_and_permissions)
{
	char big[200001];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	put(at("dir/empty"), "", 0600);
	put(at("dir/four"), "1234", 04755);
	put(at("dir/five"), "12345", 0644);
	put(at("dir/big"), big, 0640);
	ck_assert_int_eq(symlink("no/where", at("dir/link")), 0);
	ck_assert_int_eq(symlink("loop", at("dir/loop")), 0);
	ck_assert_int_eq(mkfifo(at("dir/pipe"), 0600), 0);
	ck_assert_int_eq(chmod(at("dir/pipe"), 0620), 0);
	expect_packed(NULL);
	ck_assert_uint_eq(get("empty")->filesize, 0);
	ck_assert_uint_eq(get("empty")->mode, S_IFREG | 0600);
	ck_assert_uint_eq(get("four")->mode, S_IFREG | 04755);
	ck_assert_mem_eq(get("four")->data, "1234", 4);
	ck_assert_uint_eq(get("five")->filesize, 5);
	ck_assert_mem_eq(get("five")->data, "12345", 5);
	ck_assert_uint_eq(get("big")->filesize, 200000);
	ck_assert_mem_eq(get("big")->data, big, 200000);
	ck_assert_uint_eq(get("link")->mode & S_IFMT, S_IFLNK);
	ck_assert_uint_eq(get("link")->filesize, 8);
	ck_assert_mem_eq(get("link")->data, "no/where", 8);
	ck_assert_mem_eq(get("loop")->data, "loop", 4);
	ck_assert_uint_eq(get("pipe")->mode, S_IFIFO | 0620);
	ck_assert_uint_eq(get("pipe")->filesize, 0);
}
END_TEST

START_TEST(names_are_in_the_order_of_their_bytes)
{
	static const char *const expected[] = {
		"Z", "a", "a.b", "a/x", "a/y", "b", "dev", "dev/console", "\xc3\xa4",
	};

	put(at("dir/\xc3\xa4"), "", 0644);
	put(at("dir/b"), "", 0644);
	make_folder(at("dir/a"));
	put(at("dir/a/y"), "", 0644);
	put(at("dir/a/x"), "", 0644);
	put(at("dir/a.b"), "", 0644);
	put(at("dir/Z"), "", 0644);
	expect_packed(NULL);
	ck_assert_int_eq(records, 9);
	for (int i = 0; i < records; i++) {
		ck_assert_str_eq(record[i].name, expected[i]);
		ck_assert_uint_eq(record[i].ino, (unsigned)i + 1);
		ck_assert_uint_eq(record[i].uid, 0);
		ck_assert_uint_eq(record[i].gid, 0);
		ck_assert_uint_eq(record[i].mtime, 0);
		ck_assert_uint_eq(record[i].maj | record[i].min | record[i].check, 0);
	}
}
END_TEST

START_TEST(hard_links_share_a_number_and_the_last_has_the_data)
{
	put(at("dir/b"), "shared", 0755);
	ck_assert_int_eq(link(at("dir/b"), at("dir/a")), 0);
	ck_assert_int_eq(link(at("dir/b"), at("dir/c")), 0);
	put(at("dir/lonely"), "alone", 0644);
	ck_assert_int_eq(link(at("dir/lonely"), at("outside")), 0);
	expect_packed(NULL);
	ck_assert_uint_eq(get("a")->nlink, 3);
	ck_assert_uint_eq(get("c")->nlink, 3);
	ck_assert_uint_eq(get("a")->ino, get("b")->ino);
	ck_assert_uint_eq(get("a")->ino, get("c")->ino);
	ck_assert_uint_eq(get("a")->filesize, 0);
	ck_assert_uint_eq(get("b")->filesize, 0);
	ck_assert_uint_eq(get("c")->filesize, 6);
	ck_assert_mem_eq(get("c")->data, "shared", 6);
	ck_assert_uint_eq(get("lonely")->nlink, 1);
	ck_assert_uint_eq(get("lonely")->filesize, 5);
	ck_assert_uint_ne(get("lonely")->ino, get("a")->ino);
}
END_TEST

/* RFC 1952: ID1 ID2 CM FLG MTIME(4) XFL OS. */
START_TEST(gzip_has_no_name_and_no_time)
{
	unsigned char head[10];
	FILE *f;

	expect_packed(NULL);
	f = fopen(out, "rb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(head, 1, sizeof(head), f), sizeof(head));
	(void)fclose(f);
	ck_assert_mem_eq(head, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02", 9);
}
END_TEST

static void make_same(const char *where, bool reversed)
{
	static const char *const name[] = { "one", "two", "three", "four" };

	make_folder(at("%s", where));
	for (int i = 0; i < 4; i++)
		put(at("%s/%s", where, name[reversed ? 3 - i : i]), "text", 0644);
	ck_assert_int_eq(link(at("%s/two", where), at("%s/again", where)), 0);
}

START_TEST(equal_input_gives_equal_bytes)
{
	struct pack_request request = { .output = at("1.gz") };
	mode_t mask;

	make_same("first", false);
	request.directory = at("first");
	ck_assert_int_eq(pack_run(&request, &result, &e), 0);
	mask = umask(0077);
	make_same("second", true);
	run("touch -h -d '2001-02-03' '%s'/*", at("second"));
	if (geteuid() == 0)
		run("chown -h 1234:4321 '%s'/*", at("second"));
	request = (struct pack_request){ .output = at("2.gz"), .directory = at("second") };
	ck_assert_int_eq(pack_run(&request, &result, &e), 0);
	(void)umask(mask);
	run("cmp '%s' '%s'", at("1.gz"), at("2.gz"));
}
END_TEST

START_TEST(the_time_is_the_one_asked_for)
{
	struct pack_request request = { .directory = dir, .output = out };

	ck_assert_int_eq(pack_mtime("1700000000", &request.mtime_s, &e), 0);
	ck_assert_int_eq(pack_run(&request, &result, &e), 0);
	read_archive();
	ck_assert_uint_eq(get("dev")->mtime, 1700000000);
	ck_assert_int_eq(pack_mtime(NULL, &request.mtime_s, &e), 0);
	ck_assert_uint_eq(request.mtime_s, 0);
	ck_assert_int_eq(pack_mtime("", &request.mtime_s, &e), 0);
	ck_assert_int_eq(pack_mtime("4294967295", &request.mtime_s, &e), 0);
	ck_assert_int_eq(pack_mtime("4294967296", &request.mtime_s, &e), -EINVAL);
	ck_assert_int_eq(pack_mtime("-1", &request.mtime_s, &e), -EINVAL);
	ck_assert_int_eq(pack_mtime(" 1", &request.mtime_s, &e), -EINVAL);
	ck_assert_int_eq(pack_mtime("1s", &request.mtime_s, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "SOURCE_DATE_EPOCH is '1s'"));
}
END_TEST

/* -- The node list -- */

START_TEST(list_gives_nodes_and_owners)
{
	put(at("host"), "from the host", 0600);
	make_folder(at("dir/home"));
	put(at("dir/home/mine"), "kept", 0644);
	put(at("dir/x"), "replaced", 0644);
	put(at("list"), "# nodes\n\n", 0644);
	run("printf 'nod /dev/ttyS0 0660 0 5 c 4 64\\n nod /dev/vda 0600 0 0 b 254 16\\r\\n' >> %s",
	    at("list"));
	run("printf 'dir\\t/home 0700 1000 4294967295\\npipe run 0622 0 0\\n' >> %s", at("list"));
	run("printf 'slink /sh /bin/busybox 0777 0 0\\nfile /x %s 4755 1 2' >> %s", at("host"),
	    at("list"));
	expect_packed(at("list"));
	ck_assert_uint_eq(get("dev/ttyS0")->mode, S_IFCHR | 0660);
	ck_assert_uint_eq(get("dev/ttyS0")->gid, 5);
	ck_assert_uint_eq(get("dev/ttyS0")->rmaj, 4);
	ck_assert_uint_eq(get("dev/ttyS0")->rmin, 64);
	ck_assert_uint_eq(get("dev/vda")->mode, S_IFBLK | 0600);
	ck_assert_uint_eq(get("dev/vda")->rmaj, 254);
	ck_assert_uint_eq(get("dev/console")->rmaj, 5);
	ck_assert_uint_eq(get("home")->mode, S_IFDIR | 0700);
	ck_assert_uint_eq(get("home")->uid, 1000);
	ck_assert_uint_eq(get("home")->gid, 4294967295U);
	ck_assert_mem_eq(get("home/mine")->data, "kept", 4);
	ck_assert_uint_eq(get("run")->mode, S_IFIFO | 0622);
	ck_assert_uint_eq(get("sh")->mode, S_IFLNK | 0777);
	ck_assert_mem_eq(get("sh")->data, "/bin/busybox", 12);
	ck_assert_uint_eq(get("x")->mode, S_IFREG | 04755);
	ck_assert_uint_eq(get("x")->uid, 1);
	ck_assert_mem_eq(get("x")->data, "from the host", 13);
}
END_TEST

START_TEST(list_may_give_the_console_itself)
{
	put(at("list"), "nod /dev/console 0622 0 0 c 4 65\n", 0644);
	make_folder(at("dir/dev"));
	ck_assert_int_eq(chmod(at("dir/dev"), 0700), 0);
	expect_packed(at("list"));
	ck_assert_int_eq(records, 2);
	ck_assert_uint_eq(get("dev")->mode, S_IFDIR | 0700);
	ck_assert_uint_eq(get("dev/console")->rmin, 65);
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *message;
} bad_list[] = {
	{ "\nsock /s 0644 0 0\n", EINVAL, "list:2: 'sock' is no kind of entry" },
	{ "dir /a 0755 0\n", EINVAL, "list:1: has 4 words, not 5; the form is: dir NAME" },
	{ "nod /a 0755 0 0 c 1 2 3 4 5\n", EINVAL, "list:1: has more than 8 words, not 8" },
	{ "dir /a 0855 0 0\n", EINVAL, "'0855' is no octal number up to 7777" },
	{ "dir /a 10000 0 0\n", EINVAL, "'10000' is no octal number up to 7777" },
	{ "dir /a 0755 -1 0\n", EINVAL, "'-1' is no decimal number" },
	{ "dir /a 0755 0 4294967296\n", EINVAL, "'4294967296' is no decimal number up to" },
	{ "dir /a 0755 root 0\n", EINVAL, "'root' is no decimal number" },
	{ "dir /dev 0755 0 0\nnod /dev/a 0600 0 0 u 1 1\n", EINVAL,
	  "list:2: 'u' is no device type" },
	{ "nod /dev/a 0600 0 0 c 4096 1\n", EINVAL, "'4096' is no decimal number up to 4095" },
	{ "nod /dev/a 0600 0 0 c 1 1048576\n", EINVAL, "up to 1048575" },
	{ "dir /a 0755 0 0\n\ndir a 0755 0 0\n", EEXIST, "list:3: /a is in line 1 already" },
	{ "nod /no/a 0600 0 0 c 1 1\n", ENOENT, "list:1: /no/a: there is no folder /no; add 'dir" },
	{ "nod /file/a 0600 0 0 c 1 1\n", ENOTDIR, "/file/a cannot be packed: /file is not a" },
	{ "dir /a/../b 0755 0 0\n", EINVAL, "'/a/../b' is no name" },
	{ "dir / 0755 0 0\n", EINVAL, "'/' is no name" },
	{ "dir /a/ 0755 0 0\n", EINVAL, "'/a/' is no name" },
	{ "dir /TRAILER!!! 0755 0 0\n", EINVAL, "marks the end of an archive" },
	{ "file /a /no/such/file 0644 0 0\n", ENOENT, "list:1: file /no/such/file: No such file" },
	{ "file /a /tmp 0644 0 0\n", EINVAL, "list:1: file /tmp: is no regular file" },
	/* Its size is 0 by stat, and reading gives more. */
	{ "file /a /proc/self/status 0644 0 0\n", EBUSY, "changed while it was packed" },
};

START_TEST(bad_list_is_refused_by_its_line)
{
	put(at("dir/file"), "", 0644);
	put(at("list"), bad_list[_i].text, 0644);
	expect_refused(at("list"), bad_list[_i].code, bad_list[_i].message, "");
}
END_TEST

START_TEST(list_must_be_a_text_file)
{
	expect_refused(at("nothing"), ENOENT, "node list", "cannot be opened");
	expect_refused(dir, EINVAL, "node list", "is a directory");
	run("printf 'dir /a\\000b 0755 0 0\\n' > '%s'", at("list"));
	expect_refused(at("list"), EINVAL, "node list", "zero byte");
}
END_TEST

/* -- What is refused -- */

START_TEST(folder_must_be_one)
{
	(void)snprintf(dir, sizeof(dir), "%s", at("nothing"));
	expect_refused(NULL, ENOENT, dir, "No such file");
	put(at("plain"), "", 0644);
	(void)snprintf(dir, sizeof(dir), "%s", at("plain"));
	expect_refused(NULL, ENOTDIR, dir, "Not a directory");
}
END_TEST

START_TEST(socket_is_refused_by_name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_uint_lt(strlen(at("dir/s")), sizeof(address.sun_path));
	strcpy(address.sun_path, at("dir/s"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	expect_refused(NULL, EINVAL, "dir/s", "is a socket");
	(void)close(fd);
}
END_TEST

START_TEST(trailer_as_a_name_is_refused)
{
	put(at("dir/TRAILER!!!"), "", 0644);
	expect_refused(NULL, EINVAL, "dir/TRAILER!!!", "end of an archive");
}
END_TEST

START_TEST(output_inside_the_folder_is_refused)
{
	(void)snprintf(out, sizeof(out), "%s", at("dir/out.gz"));
	expect_refused(NULL, EINVAL, "lies inside", "dir/out.gz");
	make_folder(at("dir/deep"));
	(void)snprintf(out, sizeof(out), "%s", at("dir/deep/../deep/out.gz"));
	expect_refused(NULL, EINVAL, "lies inside", "deep/out.gz");
	(void)snprintf(out, sizeof(out), "%s", at("other"));
	ck_assert_int_eq(symlink(at("dir/deep/target"), out), 0);
	put(at("dir/deep/target"), "", 0644);
	expect_refused(NULL, EINVAL, "lies inside", "other");
}
END_TEST

START_TEST(output_must_be_possible)
{
	(void)snprintf(out, sizeof(out), "%s", at("no/out.gz"));
	expect_refused(NULL, ENOENT, "no/out.gz: its folder", "No such file");
	make_folder(at("taken"));
	(void)snprintf(out, sizeof(out), "%s", at("taken"));
	expect_refused(NULL, EISDIR, "taken", "is a directory");
	out[0] = '\0';
	ck_assert_int_eq(pack(NULL), -EINVAL);
	(void)snprintf(out, sizeof(out), "/dev/full");
	if (access(out, W_OK) == 0)
		expect_refused(NULL, ENOSPC, "/dev/full", "No space left");
}
END_TEST

/* A limit on the file's size stands in for a disk that fills up. */
START_TEST(failed_write_keeps_what_was_there)
{
	struct rlimit before;
	struct rlimit limit;

	put(out, "old", 0644);
	put(at("dir/file"), "new", 0644);
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 16;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	expect_refused(NULL, EFBIG, "out.cpio.gz: cannot be written", "File too large");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	run("test \"$(cat '%s')\" = old", out);
	expect_packed(NULL);
	ck_assert_mem_eq(get("file")->data, "new", 3);
}
END_TEST

START_TEST(output_link_is_followed)
{
	put(at("target"), "old", 0644);
	ck_assert_int_eq(symlink("target", out), 0);
	expect_packed(NULL);
	run("test -L '%s' && test ! -L '%s' && gzip -t '%s'", out, at("target"), at("target"));
}
END_TEST

/* Holes only: nothing is read, the size alone decides. */
START_TEST(size_limit_is_the_headers)
{
	const struct tree_forbidden nothing = { 0 };
	struct tree tree;

	put(at("dir/big"), "", 0644);
	ck_assert_int_eq(truncate(at("dir/big"), SPEC_FILE_MAX), 0);
	ck_assert_int_eq(tree_scan(&tree, dir, &nothing, &e), 0);
	tree_finish(&tree);
	ck_assert_int_eq(truncate(at("dir/big"), SPEC_FILE_MAX + 1), 0);
	expect_refused(NULL, EFBIG, "dir/big: has 4294967296 bytes", "at most 4294967295");
	ck_assert_int_eq(rename(at("dir/big"), at("big")), 0);
	put(at("list"), "", 0644);
	run("echo 'file /big %s 0644 0 0' > '%s'", at("big"), at("list"));
	expect_refused(at("list"), EFBIG, "list:1: file", "has 4294967296 bytes");
}
END_TEST

/* Folders within folders up to a name of `bytes` bytes, made without ever naming the whole path. */
static void make_deep(int bytes)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY);

	while (bytes > 0) {
		int n = bytes > 201 + 2 ? 200 : bytes > 201 ? 100 : bytes;
		char name[256] = { 0 };
		int next;

		memset(name, 'n', (size_t)n);
		ck_assert_int_eq(mkdirat(fd, name, 0755), 0);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY);
		ck_assert_int_ge(next, 0);
		(void)close(fd);
		fd = next;
		bytes -= n + 1;
	}
	(void)close(fd);
}

START_TEST(longest_name_is_linuxs)
{
	size_t longest = 0;

	make_deep(SPEC_PATH_MAX - 1);
	expect_packed(NULL);
	for (int i = 0; i < records; i++) {
		if (strlen(record[i].name) > longest)
			longest = strlen(record[i].name);
	}
	ck_assert_uint_eq(longest, SPEC_PATH_MAX - 1);
}
END_TEST

START_TEST(longer_name_is_refused)
{
	make_deep(SPEC_PATH_MAX);
	expect_refused(NULL, ENAMETOOLONG, "has 4096 bytes", "at most 4095");
}
END_TEST

/* -- cpio(1) agrees -- */

START_TEST(cpio_lists_and_unpacks_it)
{
	if (system("command -v cpio >/dev/null") != 0)
		return;
	make_folder(at("dir/bin"));
	put(at("dir/bin/a"), "shared", 0755);
	ck_assert_int_eq(link(at("dir/bin/a"), at("dir/bin/b")), 0);
	ck_assert_int_eq(symlink("a", at("dir/bin/c")), 0);
	put(at("dir/init"), "#!/bin/sh\n", 0755);
	expect_packed(NULL);
	run("zcat '%s' | cpio -tv --quiet 2>&1 | tr -s ' ' > '%s'", out, at("listing"));
	run("grep -q '^crw------- 1 root root 5, 1 Jan 1 1970 dev/console$' '%s'", at("listing"));
	run("grep -q '^-rwxr-xr-x 2 root root 6 Jan 1 1970 bin/b$' '%s'", at("listing"));
	run("grep -q '^lrwxrwxrwx 1 root root 1 Jan 1 1970 bin/c -> a$' '%s'", at("listing"));
	make_folder(at("again"));
	run("zcat '%s' | (cd '%s' && cpio -id --quiet -f 'dev*')", out, at("again"));
	run("diff -r '%s' '%s'", dir, at("again"));
	run("test '%s' -ef '%s'", at("again/bin/a"), at("again/bin/b"));
}
END_TEST

static TCase *new_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	return tc;
}

static void add_packing(Suite *suite)
{
	TCase *tc = new_case(suite, "packing");

	tcase_add_test(tc, header_has_the_documents_fields);
	tcase_add_test(tc, padding_reaches_the_next_multiple);
	tcase_add_test(tc, empty_folder_gives_the_console);
	tcase_add_test(tc, files_keep_contents_and_permissions);
	tcase_add_test(tc, names_are_in_the_order_of_their_bytes);
	tcase_add_test(tc, hard_links_share_a_number_and_the_last_has_the_data);
	tcase_add_test(tc, gzip_has_no_name_and_no_time);
	tcase_add_test(tc, equal_input_gives_equal_bytes);
	tcase_add_test(tc, the_time_is_the_one_asked_for);
	tcase_add_test(tc, output_link_is_followed);
	tcase_add_test(tc, longest_name_is_linuxs);
	tcase_add_test(tc, cpio_lists_and_unpacks_it);
}

static void add_list(Suite *suite)
{
	TCase *tc = new_case(suite, "node list");

	tcase_add_test(tc, list_gives_nodes_and_owners);
	tcase_add_test(tc, list_may_give_the_console_itself);
	tcase_add_loop_test(tc, bad_list_is_refused_by_its_line, 0,
			    (int)(sizeof(bad_list) / sizeof(bad_list[0])));
	tcase_add_test(tc, list_must_be_a_text_file);
}

static void add_refusals(Suite *suite)
{
	TCase *tc = new_case(suite, "refusals");

	tcase_add_test(tc, folder_must_be_one);
	tcase_add_test(tc, socket_is_refused_by_name);
	tcase_add_test(tc, trailer_as_a_name_is_refused);
	tcase_add_test(tc, output_inside_the_folder_is_refused);
	tcase_add_test(tc, output_must_be_possible);
	tcase_add_test(tc, failed_write_keeps_what_was_there);
	tcase_add_test(tc, size_limit_is_the_headers);
	tcase_add_test(tc, longer_name_is_refused);
}

int main(void)
{
	Suite *suite = suite_create("initramfs");
	SRunner *runner;
	int failed;

	if (!mkdtemp(top)) {
		perror(top);
		return 1;
	}
	add_packing(suite);
	add_list(suite);
	add_refusals(suite);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	(void)rmdir(top);
	return failed ? 1 : 0;
}
