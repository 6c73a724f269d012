/* SPDX-License-Identifier: MIT */
#include "initramfs/guest/explain.h"

#include <stdint.h>

#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "initramfs/guest/sys.h"

enum {
	HEAD_BYTES = 256, /* as many as the kernel looks at: BINPRM_BUF_SIZE */
	PATH_BYTES = 256, /* of a loader, of an interpreter */
	HEADERS_MAX = 64, /* of program headers, that are looked through for a loader */
	SCRIPTS_MAX = 5,  /* a script's interpreter may be a script: so many times */
};

/* A file as execve() saw it. */
struct image {
	long fd;
	union {
		char byte[HEAD_BYTES + 1]; /* with a NUL behind, zeros where there is nothing */
		Elf64_Ehdr elf;            /* class, type and machine are the same in 32 bits */
		Elf32_Ehdr elf32;
	} head;
	char other[PATH_BYTES + 1]; /* the interpreter or loader that it names; "": none */
};

static bool is_elf(const struct image *image)
{
	return memcmp(image->head.byte, ELFMAG, SELFMAG) == 0;
}

static bool is_native(const struct image *image)
{
	return is_elf(image) && image->head.elf.e_ident[EI_CLASS] == ELFCLASS64 &&
	       image->head.elf.e_machine == EM_X86_64;
}

static bool is_script(const struct image *image)
{
	return text_begins(image->head.byte, "#!");
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The first word behind #!. */
static void find_interpreter(struct image *image)
{
	const char *at = image->head.byte + 2;
	size_t count = 0;

	while (is_blank(*at))
		at++;
	while (*at && *at != '\n' && !is_blank(*at))
		image->other[count++] = *at++;
	image->other[count] = '\0';
}

static void read_loader(struct image *image, uint64_t offset, uint64_t size_bytes)
{
	long got;

	if (size_bytes > PATH_BYTES)
		size_bytes = PATH_BYTES;
	got = sys4(pread64, image->fd, image->other, size_bytes, offset);
	image->other[got < 0 ? 0 : got] = '\0';
}

static void find_loader(struct image *image)
{
	bool wide = image->head.elf.e_ident[EI_CLASS] == ELFCLASS64;
	unsigned int count = wide ? image->head.elf.e_phnum : image->head.elf32.e_phnum;
	uint64_t table = wide ? image->head.elf.e_phoff : image->head.elf32.e_phoff;

	for (unsigned int i = 0; i < count && i < HEADERS_MAX; i++) {
		union {
			Elf64_Phdr elf;
			Elf32_Phdr elf32;
		} header = { 0 };
		uint64_t size = wide ? sizeof(header.elf) : sizeof(header.elf32);

		(void)sys4(pread64, image->fd, &header, size, table + i * size);
		if (header.elf.p_type != PT_INTERP) /* the first field in both */
			continue;
		if (wide)
			read_loader(image, header.elf.p_offset, header.elf.p_filesz);
		else
			read_loader(image, header.elf32.p_offset, header.elf32.p_filesz);
		return;
	}
}

/* False when it cannot be read. */
static bool look_at(struct image *image, const char *path)
{
	memset(image, 0, sizeof(*image));
	image->fd = sys4(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (image->fd < 0)
		return false;
	(void)sys4(pread64, image->fd, image->head.byte, HEAD_BYTES, 0);
	if (is_script(image))
		find_interpreter(image);
	else if (is_elf(image))
		find_loader(image);
	(void)sys1(close, image->fd);
	return true;
}

static void explain_elf_format(struct text *why, const struct image *image)
{
	unsigned int machine = image->head.elf.e_machine;

	if (machine == EM_386) {
		text_add(why, "it is an i386 program, and CONFIG_IA32_EMULATION is not in this "
			      "kernel");
	} else if (machine == EM_X86_64 && !is_native(image)) {
		text_add(why, "it is an x32 program, and CONFIG_X86_X32_ABI is not in this kernel");
	} else if (machine == EM_X86_64) {
		text_add(why, "it is an ELF file, but no program, or it is damaged");
	} else {
		text_add(why, "it is for another processor, ELF machine ");
		text_add_number(why, machine);
	}
}

static void explain_format(struct text *why, const struct image *image)
{
	if (is_elf(image))
		explain_elf_format(why, image);
	else if (is_script(image))
		text_add(why, "it is a script, and CONFIG_BINFMT_SCRIPT is not in this kernel");
	else
		text_add(why, "it is neither an ELF program nor a script that begins with #!");
}

/*
 * Whether it is the interpreter of a script that was refused, not the script: one that is a
 * program for this processor can only be refused for not being there, or its loader.
 */
static bool is_interpreters_fault(const struct image *script, struct image *interpreter, long error)
{
	return is_script(script) && look_at(interpreter, script->other) &&
	       (error != ENOEXEC || !is_native(interpreter));
}

void explain_exec(struct text *why, const char *path, long error)
{
	struct image image, next;
	bool seen;

	text_add(why, path);
	text_add(why, ": ");
	seen = look_at(&image, path);
	for (int i = 0; i < SCRIPTS_MAX && seen && is_interpreters_fault(&image, &next, error);
	     i++) {
		text_add(why, "its interpreter ");
		text_add(why, image.other);
		text_add(why, ": ");
		image = next;
	}
	if (seen && error == ENOEXEC) {
		explain_format(why, &image);
	} else if (seen && error == ENOENT && image.other[0]) {
		text_add(why, is_script(&image) ? "its interpreter " : "its loader ");
		text_add(why, image.other);
		text_add(why, " is not in the guest");
	} else if (!seen && error == ENOENT) {
		text_add(why, "is not in the guest");
	} else {
		text_add_error(why, error);
	}
}
