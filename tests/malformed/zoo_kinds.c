/* SPDX-License-Identifier: MIT */
/*
 * The zoo's other kinds: files that are something else (B22), files of absurd sizes (B23), and what
 * is no regular file at all (K), as kernel and as initrd.
 *
 * Authority: the formats' own documents; [PE] "COFF File Header", "Section Table"; [BOOT] "Details
 * of Header Fields".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/common/bootspec.h"
#include "tests/common/payload.h"
#include "tests/malformed/zoo.h"
#include "vmm/base/le.h"
#include "vmm/base/must.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { FILE_BYTES = 4096 };

/* clang-format off */
#define ELF "\x7f" "ELF"

/* What a file of 4 KiB begins with, and what it has to be called as kernel and as initrd. */
static const struct {
	const char *name;
	size_t offset, length;
	const char *magic;
	const char *as_kernel;
	const char *as_initrd; /* NULL: the guest decides what it takes */
} kinds[] = {
	{ "arm64-Image", 0x38, 4, "ARM\x64", "arm64 Image", "arm64 Image" },
	{ "riscv-Image", 0x38, 4, "RSC\x05", "RISC-V Image", NULL },
	{ "zboot", 0, 8, "MZ\0\0zimg", "EFI zboot", "PE" },
	{ "pe", 0, 2, "MZ", "PE (EFI or DOS)", "PE" },
	{ "uImage", 0, 4, "\x27\x05\x19\x56", "uImage", "uImage" },
	{ "fit", 0, 4, "\xd0\x0d\xfe\xed", "FIT", NULL },
	{ "android", 0, 8, "ANDROID!", "Android", NULL },
	{ "gzip", 0, 3, "\x1f\x8b\x08", "gzip data", NULL },
	{ "bzip2", 0, 4, "BZh9", "bzip2 data", NULL },
	{ "lzma", 0, 3, "\x5d\0\0", "lzma data", NULL },
	{ "xz", 0, 6, "\xfd" "7zXZ\0", "xz data", NULL },
	{ "lzo", 0, 4, "\x89LZO", "lzo data", NULL },
	{ "lz4-legacy", 0, 4, "\x02\x21\x4c\x18", "lz4 data", NULL },
	{ "lz4-frame", 0, 4, "\x04\x22\x4d\x18", "lz4 data", NULL },
	{ "zstd", 0, 4, "\x28\xb5\x2f\xfd", "zstd data", NULL },
	{ "cpio-newc", 0, 6, "070701", "-initrd", NULL },
	{ "cpio-crc", 0, 6, "070702", "-initrd", NULL },
	{ "cpio-odc", 0, 6, "070707", "-initrd", NULL },
	{ "script", 0, 10, "#!/bin/sh\n", "a script", "a script" },
	{ "deb", 0, 8, "!<arch>\n", "Debian package", "Debian package" },
	{ "rpm", 0, 4, "\xed\xab\xee\xdb", "RPM", NULL },
	{ "tar", 0x101, 6, "ustar", "tar archive", NULL },
	{ "squashfs", 0, 4, "hsqs", "squashfs", NULL },
	{ "qcow2", 0, 4, "QFI\xfb", "qcow2", NULL },
	{ "qemu-state", 0, 4, "QEVM", "QEMU", NULL },
	{ "boot-sector", 0x1fe, 2, "\x55\xaa", "HdrS", NULL },
	{ "zeros", 0, 1, "\0", "boot_flag", NULL },
	{ "text", 0, 20, "# Linux/x86 6.1.0 Ke", "boot_flag", NULL },
};
/* clang-format on */

static void one_kind(struct zoo *zoo, size_t i)
{
	uint8_t bytes[FILE_BYTES] = { 0 };

	memcpy(bytes + kinds[i].offset, kinds[i].magic, kinds[i].length);
	zoo_begin(zoo, "B22-%s", kinds[i].name);
	zoo_kernel(zoo, bytes, sizeof(bytes));
	zoo_end(zoo, ZOO_REFUSED, kinds[i].as_kernel);
	zoo_begin(zoo, "B22-%s-as-initrd", kinds[i].name);
	zoo_initrd(zoo, bytes, sizeof(bytes));
	zoo_end(zoo, kinds[i].as_initrd ? ZOO_REFUSED : ZOO_GUEST, kinds[i].as_initrd);
	zoo_begin(zoo, "B22-%s-magic-only", kinds[i].name);
	zoo_kernel(zoo, bytes, kinds[i].offset + kinds[i].length);
	zoo_end(zoo, ZOO_REFUSED,
		kinds[i].offset + kinds[i].length < 0x200 && strcmp(kinds[i].as_kernel, "boot_flag")
			? kinds[i].as_kernel
			: "bytes");
}

/*
 * A unified kernel image: a PE program whose section .linux, the last of count, holds a whole
 * bzImage. Returns its size; bytes has room for it.
 */
static size_t make_uki(uint8_t *bytes, unsigned int pe, unsigned int count, const char *section)
{
	enum { OPTIONAL_BYTES = 240, MACHINE_AMD64 = 0x8664, CODE_BYTES = 512 };
	size_t table = pe + 24 + OPTIONAL_BYTES;
	size_t code = (table + count * (size_t)40 + 511) & ~(size_t)511;
	struct image image;

	zoo_image(&image);
	memset(bytes, 0, code + CODE_BYTES + image.size_bytes);
	memcpy(bytes, "MZ", 2);
	put_le32(bytes + 0x3c, pe);
	memcpy(bytes + pe, "PE\0\0", 4);
	put_le16(bytes + pe + 4, MACHINE_AMD64);
	put_le16(bytes + pe + 6, (uint16_t)count);
	put_le16(bytes + pe + 20, OPTIONAL_BYTES);
	put_le16(bytes + pe + 22, 0x22e);
	put_le16(bytes + pe + 24, 0x20b);
	for (unsigned int i = 0; i < count; i++) {
		bool last = i == count - 1;
		uint8_t *at = bytes + table + (size_t)40 * i;
		uint32_t size = last ? (uint32_t)image.size_bytes : CODE_BYTES;

		memcpy(at, last ? section : ".text", last ? strlen(section) : 5);
		put_le32(at + 8, size);
		put_le32(at + 12, 0x1000 * (i + 1));
		put_le32(at + 16, size);
		put_le32(at + 20, (uint32_t)(last ? code + CODE_BYTES : code));
	}
	memcpy(bytes + code + CODE_BYTES, image.bytes, image.size_bytes);
	image_free(&image);
	return code + CODE_BYTES + IMAGE_BYTES;
}

static void end_refused(struct zoo *zoo, const uint8_t *bytes, size_t size, const char *word)
{
	zoo_kernel(zoo, bytes, size);
	zoo_end(zoo, ZOO_REFUSED, word);
}

static void ukis(struct zoo *zoo)
{
	static const unsigned int counts[] = { 1, 2, 7, 12 };
	static uint8_t bytes[65536];
	size_t size;

	for (size_t i = 0; i < COUNT(counts); i++) {
		zoo_begin(zoo, "B22-uki-of-%u-sections", counts[i]);
		size = make_uki(bytes, 0x80, counts[i], ".linux");
		end_refused(zoo, bytes, size, "UKI");
	}
	zoo_begin(zoo, "B22-uki-as-initrd");
	size = make_uki(bytes, 0x80, 7, ".linux");
	zoo_initrd(zoo, bytes, size);
	zoo_end(zoo, ZOO_REFUSED, "PE");
	zoo_begin(zoo, "B22-pe-without-a-kernel");
	size = make_uki(bytes, 0x80, 7, ".data");
	end_refused(zoo, bytes, size, "PE (EFI or DOS)");
	zoo_begin(zoo, "B22-pe-beyond-the-end");
	size = make_uki(bytes, 0x80, 7, ".linux");
	put_le32(bytes + 0x3c, 0xfffffff0);
	end_refused(zoo, bytes, size, "PE (EFI or DOS)");
	zoo_begin(zoo, "B22-pe-optional-header-beyond-the-end");
	size = make_uki(bytes, 0x80, 7, ".linux");
	put_le16(bytes + 0x80 + 20, 0xffff);
	end_refused(zoo, bytes, size, "PE (EFI or DOS)");
	zoo_begin(zoo, "B22-pe-65535-sections");
	size = make_uki(bytes, 0x80, 7, ".data");
	put_le16(bytes + 0x80 + 6, 0xffff);
	end_refused(zoo, bytes, size, "PE (EFI or DOS)");
	for (size_t n = 0x80; n < 0x80 + 24 + 240 + 40; n += 9) {
		zoo_begin(zoo, "B22-uki-cut-at-%zu", n);
		(void)make_uki(bytes, 0x80, 1, ".linux");
		end_refused(zoo, bytes, n, "PE (EFI or DOS)");
	}
}

/*
 * Something that begins like this, packed: told for what it is where a few bytes will do to unpack
 * its front, and for what it may be with the others.
 */
static void packed(struct zoo *zoo, const char *name, size_t offset, const char *magic,
		   const char *word)
{
	static const struct {
		enum unpack_format format;
		const char *name;
		bool looked_into;
	} formats[] = {
		{ UNPACK_GZIP, "gzip", true }, { UNPACK_BZIP2, "bzip2", false },
		{ UNPACK_LZMA, "lzma", true }, { UNPACK_XZ, "xz", true },
		{ UNPACK_LZO, "lzo", false },  { UNPACK_LZ4, "lz4", false },
		{ UNPACK_ZSTD, "zstd", true },
	};
	uint8_t inner[FILE_BYTES] = { 0 };

	memcpy(inner + offset, magic, strlen(magic));
	for (size_t i = 0; i < COUNT(formats); i++) {
		struct payload payload;
		char data[32];

		(void)snprintf(data, sizeof(data), "%s data|-initrd", formats[i].name);
		payload_pack(&payload, formats[i].format, inner, sizeof(inner));
		zoo_begin(zoo, "B22-%s-in-%s", name, formats[i].name);
		end_refused(zoo, payload.bytes, payload.stream_bytes,
			    formats[i].looked_into ? word : data);
		zoo_begin(zoo, "B22-%s-in-%s-cut", name, formats[i].name);
		end_refused(zoo, payload.bytes, payload.stream_bytes / 2, "packed");
		payload_free(&payload);
	}
}

/* A 32-bit kernel: no 64-bit entry, and what versions before 2.12 do not even ask. */
static void kernels_of_32_bits(struct zoo *zoo)
{
	static const unsigned int versions[] = { 0x0204, 0x020a, 0x020c, 0x020f };

	for (size_t i = 0; i < COUNT(versions); i++) {
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_VERSION, 2, versions[i]);
		image_put(&image, SPEC_XLOADFLAGS, 2, 0);
		zoo_begin(zoo, "B22-32-bit-bzImage-%04x", versions[i]);
		end_refused(zoo, image.bytes, image.size_bytes,
			    versions[i] < 0x20c ? "boot protocol" : "a 32-bit kernel");
		image_free(&image);
	}
}

/* -kernel and -initrd exchanged, and one file as both. */
static void exchanged(struct zoo *zoo)
{
	zoo_begin(zoo, "B22-initrd-and-kernel-exchanged");
	zoo_argument(zoo, "-kernel");
	zoo_argument(zoo, ZOO_GOOD_INITRD);
	zoo_argument(zoo, "-initrd");
	zoo_argument(zoo, ZOO_GOOD_KERNEL);
	zoo_end(zoo, ZOO_REFUSED, ZOO_GOOD_INITRD "|cpio|-initrd|-kernel");
	zoo_begin(zoo, "I05-kernel-as-initrd");
	zoo_argument(zoo, "-kernel");
	zoo_argument(zoo, ZOO_GOOD_KERNEL);
	zoo_argument(zoo, "-initrd");
	zoo_argument(zoo, ZOO_GOOD_KERNEL);
	zoo_end(zoo, ZOO_REFUSED, ZOO_GOOD_KERNEL "|bzImage|-kernel|cpio");
	zoo_begin(zoo, "I05-initrd-as-kernel");
	zoo_argument(zoo, "-kernel");
	zoo_argument(zoo, ZOO_GOOD_INITRD);
	zoo_argument(zoo, "-initrd");
	zoo_argument(zoo, ZOO_GOOD_INITRD);
	zoo_end(zoo, ZOO_REFUSED, ZOO_GOOD_INITRD "|cpio|-initrd");
}

/* B23: a good image at the front of a sparse file, refused by its size before a byte is read. */
static void absurd_sizes(struct zoo *zoo)
{
	static const struct {
		const char *name;
		uint64_t size;
	} sizes[] = {
		{ "4-GiB-and-a-byte", 4 * GIB + 1 },
		{ "4-GiB-and-an-image", 4 * GIB + IMAGE_BYTES },
		{ "1-TiB", 1024 * GIB },
		{ "2^63-1", INT64_MAX },
	};
	struct image image;

	zoo_image(&image);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		bool made;

		zoo_begin(zoo, "B23-%s", sizes[i].name);
		made = zoo_sparse(zoo, "", sizes[i].size);
		zoo_write(zoo, "", 0, image.bytes, image.size_bytes);
		zoo_names_file(zoo, "");
		zoo_argument(zoo, "-kernel");
		zoo_argument(zoo, "%s", zoo->name);
		zoo_end(zoo, made ? ZOO_REFUSED : ZOO_SKIPPED,
			made ? "at most" : "this file system has no such files");
	}
	/* As large as files may be: what is behind the kernel is a signature, or nobody's. */
	zoo_begin(zoo, "B23-4-GiB");
	must(zoo_sparse(zoo, "", 4 * GIB));
	zoo_write(zoo, "", 0, image.bytes, image.size_bytes);
	zoo_argument(zoo, "-kernel");
	zoo_argument(zoo, "%s", zoo->name);
	zoo_end(zoo, ZOO_ACCEPTED, NULL);
	image_free(&image);
}

/* Ends a case whose file stands at path: as kernel, or as initrd beside a good kernel. */
static void end_path(struct zoo *zoo, const char *path, bool as_initrd, const char *words)
{
	zoo_argument(zoo, "-kernel");
	zoo_argument(zoo, "%s", as_initrd ? ZOO_GOOD_KERNEL : path);
	if (as_initrd) {
		zoo_argument(zoo, "-initrd");
		zoo_argument(zoo, "%s", path);
	}
	zoo_end(zoo, ZOO_REFUSED, words);
}

static void make_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	must(fd >= 0 && strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	must(bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	must(close(fd) == 0);
}

static void made_paths(struct zoo *zoo, bool as_initrd)
{
	const char *role = as_initrd ? "initrd" : "kernel";

	zoo_begin(zoo, "K-%s-directory", role);
	must(mkdir(zoo->name, 0755) == 0);
	end_path(zoo, zoo->name, as_initrd, "a directory");
	zoo_begin(zoo, "K-%s-fifo", role);
	must(mkfifo(zoo->name, 0644) == 0);
	end_path(zoo, zoo->name, as_initrd, "a FIFO");
	zoo_begin(zoo, "K-%s-socket", role);
	make_socket(zoo->name);
	end_path(zoo, zoo->name, as_initrd, "cannot be opened");
	zoo_begin(zoo, "K-%s-dangling", role);
	must(symlink("nowhere", zoo->name) == 0);
	end_path(zoo, zoo->name, as_initrd, "No such file");
	zoo_begin(zoo, "K-%s-loop", role);
	must(symlink(zoo->name, zoo->name) == 0);
	end_path(zoo, zoo->name, as_initrd, "symbolic links");
	zoo_begin(zoo, "K-%s-link-to-a-device", role);
	must(symlink("/dev/zero", zoo->name) == 0);
	end_path(zoo, zoo->name, as_initrd, "a character device");
	zoo_begin(zoo, "K-%s-below-a-file", role);
	end_path(zoo, ZOO_GOOD_KERNEL "/x", as_initrd, "Not a directory");
	zoo_begin(zoo, "K-%s-no-permission", role);
	zoo_file(zoo, "", "070701", 6);
	must(chmod(zoo->name, 0) == 0);
	if (access(zoo->name, R_OK) == 0)
		zoo_end(zoo, ZOO_SKIPPED, "root may read everything");
	else
		end_path(zoo, zoo->name, as_initrd, "Permission denied");
	zoo_begin(zoo, "K-%s-empty", role);
	zoo_file(zoo, "", "", 0);
	end_path(zoo, zoo->name, as_initrd, "is empty");
}

/* What the host has; what it lacks is skipped. */
static void found_paths(struct zoo *zoo, bool as_initrd)
{
	static const struct {
		const char *name, *path, *words;
	} paths[] = {
		{ "dev-null", "/dev/null", "a character device" },
		{ "dev-zero", "/dev/zero", "a character device" },
		{ "dev-full", "/dev/full", "a character device" },
		{ "dev-mem", "/dev/mem", "/dev/mem" },
		{ "dev-stdin", "/dev/stdin", "a character device" },
		{ "proc-self-mem", "/proc/self/mem", "is empty" },
		{ "proc-kcore", "/proc/kcore", "/proc/kcore" },
		{ "proc-version", "/proc/version", "is empty" },
		{ "sys-cpu-online", "/sys/devices/system/cpu/online", "ends at offset" },
		{ "folder", "/", "a directory" },
	};

	for (size_t i = 0; i < COUNT(paths); i++) {
		bool absent = access(paths[i].path, F_OK) < 0;

		zoo_begin(zoo, "K-%s-%s", as_initrd ? "initrd" : "kernel", paths[i].name);
		if (absent)
			zoo_end(zoo, ZOO_SKIPPED, "the host has no such file");
		else
			end_path(zoo, paths[i].path, as_initrd, paths[i].words);
	}
}

/* Paths that are none, and names that would break a line. */
static void odd_paths(struct zoo *zoo, bool as_initrd)
{
	static const char *const breaks[] = { "\n", "\r\n", "\033[2J", "\001", "\177", "%s%n" };
	static const unsigned int lengths[] = { 256, 1000, 4096, 100000 };
	const char *role = as_initrd ? "initrd" : "kernel";
	static char path[100001];

	for (size_t i = 0; i < COUNT(lengths); i++) {
		memset(path, 'n', lengths[i]);
		path[lengths[i]] = '\0';
		zoo_begin(zoo, "K-%s-name-of-%u-bytes", role, lengths[i]);
		end_path(zoo, path, as_initrd, "too long");
	}
	zoo_begin(zoo, "K-%s-no-name", role);
	end_path(zoo, "", as_initrd, "No such file");
	zoo_begin(zoo, "K-%s-dash", role);
	end_path(zoo, "-", as_initrd, "No such file");
	for (size_t i = 0; i < COUNT(breaks); i++) {
		zoo_begin(zoo, "K-%s-odd-name-%zu", role, i);
		zoo_file(zoo, breaks[i], "#!/bin/sh\n", 10);
		end_path(zoo, zoo_path(zoo, breaks[i]), as_initrd, "a script");
	}
}

void zoo_kinds(struct zoo *zoo)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		one_kind(zoo, i);
	ukis(zoo);
	packed(zoo, "vmlinux", 0, ELF, "a compressed vmlinux");
	packed(zoo, "initramfs", 0, "070701", "an initramfs|-initrd");
	packed(zoo, "arm64-Image", 0x38, "ARM\x64", "arm64 Image");
	packed(zoo, "bzImage", 0x202, "HdrS", "a bzImage, packed");
	packed(zoo, "junk", 0, "junk", "data|-initrd");
	kernels_of_32_bits(zoo);
	exchanged(zoo);
	absurd_sizes(zoo);
	for (int as_initrd = 0; as_initrd < 2; as_initrd++) {
		made_paths(zoo, as_initrd);
		found_paths(zoo, as_initrd);
		odd_paths(zoo, as_initrd);
	}
}
