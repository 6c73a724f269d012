/* SPDX-License-Identifier: MIT */
#include "boot/bzimage.h"

#include <errno.h>
#include <string.h>

#include "boot/filekind.h"
#include "boot/zeropage.h"
#include "vmm/base/le.h"

enum {
	/* Bytes at the front of the file that are looked at: the longest header's end. */
	HEAD_BYTES = BZIMAGE_HEADER_OFFSET + BZIMAGE_HEADER_MAX_BYTES,
	VERSION_MIN = 0x020c,
	VERSION_BURNT = 0x020e, /* 2.14; [BOOT]: "assume same as 2.13" */
	VERSION_INSTEAD = 0x020d,
	JUMP_MAX = 0x7f,
	ALIGNMENT_MIN = 0x1000,
	ALIGNMENT_MAX = 0x40000000,
};

/* What one parse works on. */
struct parse {
	const struct input_file *file;
	struct err *e;
	uint8_t head[HEAD_BYTES];
	size_t head_bytes; /* of head that the file has; the rest is zero */
};

#define refuse(p, code, fmt, ...) \
	err_set((p)->e, code, "%s %s: " fmt, (p)->file->what, (p)->file->path, ##__VA_ARGS__)

typedef unsigned long long ull;

static int read_head(struct parse *p)
{
	p->head_bytes = p->file->size_bytes < HEAD_BYTES ? (size_t)p->file->size_bytes : HEAD_BYTES;
	memset(p->head, 0, sizeof(p->head));
	return file_read(p->file, 0, p->head, p->head_bytes, p->e);
}

/* Says what a file is that is not a bzImage. The fields that would tell are absent or wrong. */
static int refuse_kind(struct parse *p)
{
	uint8_t front[FILEKIND_HEAD_BYTES];
	uint64_t size = p->file->size_bytes;
	size_t n = size < sizeof(front) ? (size_t)size : sizeof(front);
	uint16_t boot_flag = get_le16(p->head + HDR_BOOT_FLAG);
	uint32_t header = get_le32(p->head + HDR_HEADER);
	int rc = file_read(p->file, 0, front, n, p->e);
	const char *looks;

	if (rc < 0)
		return rc;
	looks = filekind_describe(front, n);
	if (p->file->size_bytes == 0)
		return refuse(p, ENOEXEC, "is empty (0 bytes); a bzImage or a vmlinux is needed");
	if (looks)
		return refuse(p, ENOEXEC, "is %s", looks);
	if (p->head_bytes < HDR_END_2_12)
		return refuse(p, ENOEXEC,
			      "is neither a bzImage nor a vmlinux: has %llu bytes, the header "
			      "alone ends at byte %d",
			      (ull)p->file->size_bytes, HDR_END_2_12);
	if (boot_flag != BOOT_FLAG_MAGIC)
		return refuse(p, ENOEXEC,
			      "is neither a bzImage nor a vmlinux: boot_flag at 0x1fe is 0x%04x; "
			      "it must be 0x%04x",
			      boot_flag, BOOT_FLAG_MAGIC);
	return refuse(p, ENOEXEC,
		      "is neither a bzImage nor a vmlinux: header at 0x202 is 0x%08x; it must be "
		      "0x%08x (\"HdrS\")",
		      header, HEADER_MAGIC);
}

static int check_kind(struct parse *p)
{
	if (get_le16(p->head + HDR_BOOT_FLAG) != BOOT_FLAG_MAGIC ||
	    get_le32(p->head + HDR_HEADER) != HEADER_MAGIC)
		return refuse_kind(p);
	if (p->head_bytes < HDR_END_2_12)
		return refuse(p, ENOEXEC, "has %llu bytes and ends inside its header, at byte %d",
			      (ull)p->file->size_bytes, HDR_END_2_12);
	return 0;
}

static int check_protocol(struct parse *p, struct bzimage *image)
{
	image->version = get_le16(p->head + HDR_VERSION);
	image->loadflags = p->head[HDR_LOADFLAGS];
	image->xloadflags = get_le16(p->head + HDR_XLOADFLAGS);

	if (image->version < VERSION_MIN)
		return refuse(p, EINVAL,
			      "version at 0x206 is 0x%04x, boot protocol %u.%02u; 2.12 or later "
			      "(Linux 3.8) is needed",
			      image->version, image->version >> 8, image->version & 0xff);
	if (!(image->loadflags & LOADED_HIGH))
		return refuse(p, EINVAL,
			      "loadflags at 0x211 is 0x%02x without LOADED_HIGH (0x01): a zImage; "
			      "a bzImage is needed",
			      image->loadflags);
	if (!(image->xloadflags & XLF_KERNEL_64))
		return refuse(
			p, EINVAL,
			"xloadflags at 0x236 is 0x%04x without XLF_KERNEL_64 (0x0001): a 32-bit "
			"kernel; build it with CONFIG_64BIT=y",
			image->xloadflags);
	if (image->version == VERSION_BURNT)
		image->version = VERSION_INSTEAD;
	return 0;
}

static int check_header_end(struct parse *p, struct bzimage *image)
{
	uint8_t opcode = p->head[HDR_JUMP];
	uint8_t distance = p->head[HDR_JUMP + 1];
	size_t end = HDR_HEADER + (size_t)distance;

	if (opcode != JUMP_SHORT)
		return refuse(p, EINVAL,
			      "jump at 0x200 starts with 0x%02x; it must be 0x%02x, a short jump",
			      opcode, JUMP_SHORT);
	if (end < HDR_END_2_12 || distance > JUMP_MAX)
		return refuse(
			p, EINVAL,
			"jump at 0x200 ends the header at 0x%zx (distance 0x%02x); boot protocol "
			"%u.%02u needs 0x%x to 0x%x",
			end, distance, image->version >> 8, image->version & 0xff, HDR_END_2_12,
			HDR_HEADER + JUMP_MAX);
	image->header_bytes = end - BZIMAGE_HEADER_OFFSET;
	memcpy(image->header, p->head + BZIMAGE_HEADER_OFFSET, image->header_bytes);
	return 0;
}

/*
 * Where the protected-mode part lies in the file. syssize is rounded up to 16 bytes, and there are
 * images whose file ends without that padding: up to 15 bytes may be missing. More than syssize
 * tells (a signature) is left alone.
 */
static int check_extent(struct parse *p, struct bzimage *image)
{
	unsigned int sectors = p->head[HDR_SETUP_SECTS];
	uint32_t syssize = get_le32(p->head + HDR_SYSSIZE);
	uint64_t tells = (uint64_t)syssize * PARAGRAPH_BYTES;
	uint64_t has;

	image->file_bytes = p->file->size_bytes;
	image->setup_bytes = ((sectors ? sectors : SETUP_SECTS_DEFAULT) + 1ULL) * SECTOR_BYTES;
	if (image->file_bytes <= image->setup_bytes)
		return refuse(
			p, EINVAL,
			"is truncated: setup_sects at 0x1f1 is %u, so the kernel starts at byte "
			"%llu, but the file has %llu bytes",
			sectors, (ull)image->setup_bytes, (ull)image->file_bytes);
	has = image->file_bytes - image->setup_bytes;
	if (tells > has && tells - has >= PARAGRAPH_BYTES)
		return refuse(
			p, EINVAL,
			"is truncated: syssize at 0x1f4 is 0x%x, %llu bytes from byte %llu on, "
			"but the file has %llu bytes, %llu fewer",
			syssize, (ull)tells, (ull)image->setup_bytes, (ull)image->file_bytes,
			(ull)(tells - has));
	image->kernel_bytes = tells < has ? tells : has;
	if (image->kernel_bytes <= ENTRY_64_OFFSET)
		return refuse(
			p, EINVAL,
			"syssize at 0x1f4 is 0x%x, %llu bytes; the 64-bit entry point at 0x%x "
			"lies outside",
			syssize, (ull)image->kernel_bytes, ENTRY_64_OFFSET);
	return 0;
}

static int check_alignment(struct parse *p, struct bzimage *image)
{
	uint32_t alignment = get_le32(p->head + HDR_KERNEL_ALIGNMENT);

	image->relocatable = p->head[HDR_RELOCATABLE] != 0;
	image->kernel_alignment = alignment;
	if (!image->relocatable)
		return 0; /* [BOOT]: the field counts if relocatable_kernel is true */
	if (alignment < ALIGNMENT_MIN || alignment > ALIGNMENT_MAX || (alignment & (alignment - 1)))
		return refuse(
			p, EINVAL,
			"kernel_alignment at 0x230 is 0x%x; it must be a power of two from 0x%x "
			"to 0x%x",
			alignment, ALIGNMENT_MIN, ALIGNMENT_MAX);
	return 0;
}

/* pref_address and initrd_addr_max mean something only beside a RAM size: the plan judges them. */
static int check_needs(struct parse *p, struct bzimage *image)
{
	image->pref_address = get_le64(p->head + HDR_PREF_ADDRESS);
	image->initrd_addr_max = get_le32(p->head + HDR_INITRD_ADDR_MAX);
	image->init_size = get_le32(p->head + HDR_INIT_SIZE);
	image->cmdline_size = get_le32(p->head + HDR_CMDLINE_SIZE);

	if (image->init_size < image->kernel_bytes)
		return refuse(
			p, EINVAL,
			"init_size at 0x260 is 0x%x; it must be at least the kernel's own 0x%llx "
			"bytes",
			image->init_size, (ull)image->kernel_bytes);
	if (image->cmdline_size == 0)
		return refuse(p, EINVAL, "cmdline_size at 0x238 is %u; it must be at least 1",
			      image->cmdline_size);
	return 0;
}

static int check_payload(struct parse *p, struct bzimage *image)
{
	uint32_t offset = get_le32(p->head + HDR_PAYLOAD_OFFSET);
	uint32_t length = get_le32(p->head + HDR_PAYLOAD_LENGTH);
	uint8_t magic[UNPACK_HEAD_BYTES];
	size_t n = length < sizeof(magic) ? length : sizeof(magic);
	int rc;

	image->payload_offset = offset;
	image->payload_length = offset ? length : 0;
	image->payload_format = UNPACK_UNKNOWN;
	if (offset == 0)
		return 0;
	if (offset > image->kernel_bytes || length > image->kernel_bytes - offset)
		return refuse(
			p, EINVAL,
			"payload_offset at 0x248 is 0x%x and payload_length at 0x24c is 0x%x; "
			"they reach past the kernel's 0x%llx bytes",
			offset, length, (ull)image->kernel_bytes);
	rc = file_read(p->file, image->setup_bytes + offset, magic, n, p->e);
	if (rc < 0)
		return rc;
	image->payload_format = unpack_format_of(magic, n);
	return 0;
}

int bzimage_parse(const struct input_file *file, struct bzimage *image, struct err *e)
{
	static int (*const checks[])(struct parse *, struct bzimage *) = {
		check_protocol,  check_header_end, check_extent,
		check_alignment, check_needs,      check_payload,
	};
	struct parse p = { .file = file, .e = e };
	int rc;

	memset(image, 0, sizeof(*image));
	rc = read_head(&p);
	if (rc == 0)
		rc = check_kind(&p);
	for (size_t i = 0; rc == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
		rc = checks[i](&p, image);
	return rc;
}
