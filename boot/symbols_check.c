/* SPDX-License-Identifier: MIT */
/*
 * Do symbols belong to a kernel? Wrong ones are worse than none: they give every address another
 * function's name. And what of a kernel's image tells its build.
 *
 * The marks are the build id, a hash over all that was linked; linux_banner, which has release,
 * compiler and the time of the build; and where the code begins. A System.map has neither of the
 * first two, but it tells where the banner should be, and that is looked at in the image.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "boot/symbols_parts.h"
#include "vmm/base/le.h"

enum {
	NOTE_HEADER_BYTES = 12, /* namesz, descsz, type */
	HEX_BYTES = 2 * SYMBOLS_BUILD_ID_BYTES + 1,
	SHOWN_BYTES = 160, /* of a banner, in a message */
};

typedef unsigned long long ull;

size_t symbols_build_id(const uint8_t *notes, size_t notes_bytes, uint8_t *id)
{
	size_t at = 0;

	while (at <= notes_bytes && notes_bytes - at >= NOTE_HEADER_BYTES) {
		uint64_t owner = get_le32(notes + at), desc = get_le32(notes + at + 4);
		uint32_t type = get_le32(notes + at + 8);
		uint64_t desc_at = at + NOTE_HEADER_BYTES + ((owner + 3) & ~3ULL);

		if (desc_at > notes_bytes || desc > notes_bytes - desc_at)
			return 0;
		if (type == NT_GNU_BUILD_ID && owner == sizeof(ELF_NOTE_GNU) && desc > 0 &&
		    desc <= SYMBOLS_BUILD_ID_BYTES &&
		    memcmp(notes + at + NOTE_HEADER_BYTES, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) ==
			    0) {
			memcpy(id, notes + desc_at, desc);
			return desc;
		}
		at = desc_at + ((desc + 3) & ~3ULL);
	}
	return 0;
}

size_t symbols_image_build_id(const struct input_file *file, uint8_t *id)
{
	uint8_t notes[SYMBOLS_NOTES_MAX_BYTES];
	Elf64_Ehdr h;
	struct err e;

	if (file_read(file, 0, &h, sizeof(h), &e) < 0 || h.e_phnum > ELFIMAGE_HEADERS_MAX)
		return 0;
	for (size_t i = 0; i < h.e_phnum; i++) {
		uint64_t at = h.e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr p;
		size_t bytes;

		if (file_read(file, at, &p, sizeof(p), &e) < 0)
			return 0;
		if (p.p_type != PT_NOTE || p.p_filesz > sizeof(notes) ||
		    file_read(file, p.p_offset, notes, p.p_filesz, &e) < 0)
			continue;
		bytes = symbols_build_id(notes, p.p_filesz, id);
		if (bytes > 0)
			return bytes;
	}
	return 0;
}

/* The segment with that address among its bytes, and how far in; or NULL. */
static const struct elfimage_segment *segment_at(const struct elfimage *image, uint64_t address,
						 uint64_t *offset)
{
	uint64_t gpa = address - SYMBOLS_KERNEL_MAP;

	for (size_t i = 0; i < image->segments && address >= SYMBOLS_KERNEL_MAP; i++) {
		const struct elfimage_segment *s = &image->segment[i];

		*offset = gpa - s->gpa;
		if (gpa >= s->gpa && *offset < s->file_bytes)
			return s;
	}
	return NULL;
}

int symbols_image_read(const struct input_file *file, const struct elfimage *image,
		       uint64_t address, void *to, size_t size_bytes)
{
	uint64_t offset;
	const struct elfimage_segment *s = segment_at(image, address, &offset);
	struct err e;

	if (!s || size_bytes > s->file_bytes - offset)
		return -ENOENT;
	return file_read(file, s->file_offset + offset, to, size_bytes, &e);
}

void symbols_image_text(const struct input_file *file, const struct elfimage *image,
			uint64_t address, char *to, size_t to_bytes)
{
	uint64_t offset, bytes;
	const struct elfimage_segment *s = segment_at(image, address, &offset);

	to[0] = '\0';
	if (!s)
		return;
	bytes = s->file_bytes - offset;
	if (bytes > to_bytes - 1)
		bytes = to_bytes - 1;
	if (symbols_image_read(file, image, address, to, bytes) < 0)
		bytes = 0;
	to[bytes] = '\0';
}

bool symbols_is_banner(const char *text)
{
	static const char begins[] = "Linux version ";

	return strncmp(text, begins, sizeof(begins) - 1) == 0;
}

/* What one check works on. */
struct check {
	const struct symbols *symbols;
	const char *name; /* of the symbols' file */
	const struct input_file *file;
	const struct elfimage *image;
	struct err *e;
};

#define stale(c, fmt, ...)                                                                      \
	err_set((c)->e, ESTALE, "symbols %s: are of another build than %s %s: " fmt, (c)->name, \
		(c)->file->what, (c)->file->path, ##__VA_ARGS__)

static const char *hex_of(const uint8_t *id, size_t bytes, char *to)
{
	to[0] = '\0';
	for (size_t i = 0; i < bytes; i++)
		(void)snprintf(to + 2 * i, HEX_BYTES - 2 * i, "%02x", id[i]);
	return to;
}

static int check_build_id(const struct check *c, bool *same)
{
	uint8_t id[SYMBOLS_BUILD_ID_BYTES];
	size_t bytes = symbols_image_build_id(c->file, id);
	const struct symbols *s = c->symbols;
	char theirs[HEX_BYTES], ours[HEX_BYTES];

	*same = false;
	if (bytes == 0 || s->build_id_bytes == 0)
		return 0;
	if (bytes != s->build_id_bytes || memcmp(id, s->build_id, bytes) != 0)
		return stale(c, "their build id is %s, the kernel's is %s",
			     hex_of(s->build_id, s->build_id_bytes, theirs),
			     hex_of(id, bytes, ours));
	*same = true;
	return 0;
}

/* A banner ends with a newline, which a message must not have. */
static int shown(const char *banner)
{
	size_t length = strcspn(banner, "\n");

	return length < SHOWN_BYTES ? (int)length : SHOWN_BYTES;
}

static int check_banner(const struct check *c, bool told_by_id)
{
	uint64_t address = symbols_find(c->symbols, "linux_banner");
	const char *wanted = c->symbols->banner;
	char has[SYMBOLS_BANNER_BYTES];

	if (address == 0 && told_by_id)
		return 0;
	if (address == 0)
		return err_set(c->e, ESTALE,
			       "symbols %s: it cannot be told whether they are of %s %s: they have "
			       "no linux_banner",
			       c->name, c->file->what, c->file->path);
	symbols_image_text(c->file, c->image, address, has, sizeof(has));
	if (!symbols_is_banner(has))
		return stale(c, "at their linux_banner (0x%llx) the kernel has no banner",
			     (ull)address);
	if (wanted[0] && strcmp(wanted, has) != 0)
		return stale(c, "at linux_banner (0x%llx) the kernel has '%.*s', they have '%.*s'",
			     (ull)address, shown(has), has, shown(wanted), wanted);
	return 0;
}

static int check_start(const struct check *c)
{
	uint64_t begins = SYMBOLS_KERNEL_MAP + c->image->start_gpa;
	uint64_t text = symbols_find(c->symbols, "_text");

	if (text != 0 && text != begins)
		return stale(c, "their _text is 0x%llx, the kernel begins at 0x%llx", (ull)text,
			     (ull)begins);
	return 0;
}

int symbols_check(const struct symbols *symbols, const char *name, const struct input_file *file,
		  const struct elfimage *image, struct err *e)
{
	struct check c = { .symbols = symbols, .name = name, .file = file, .image = image, .e = e };
	bool told_by_id;
	int rc = check_build_id(&c, &told_by_id);

	if (rc == 0)
		rc = check_start(&c);
	if (rc == 0)
		rc = check_banner(&c, told_by_id);
	return rc;
}
