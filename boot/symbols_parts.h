/* SPDX-License-Identifier: MIT */
/*
 * What the files boot/symbols*.c share: how a reader fills a table, and the two marks by which a
 * kernel's builds are told apart. Nobody else includes this.
 *
 * A reader owns the table it was given from the start: on any error it leaves what it has, and its
 * caller finishes the table.
 */
#ifndef TVMM_BOOT_SYMBOLS_PARTS_H
#define TVMM_BOOT_SYMBOLS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/symbols.h"

enum {
	SYMBOLS_NAME_BYTES = 512,           /* with a NUL; [LINUX] KSYM_NAME_LEN */
	SYMBOLS_TEXT_MAX_BYTES = 512 << 20, /* of a string table, a System.map, a segment */
	SYMBOLS_NOTES_MAX_BYTES = 1 << 16,  /* of one area of notes; a longer one is not read */
};

/* Makes room for count symbols, at most SYMBOLS_MAX. false: no memory. */
bool symbols_room(struct symbols *symbols, size_t count);

/* Adds one, in any order; name is where in names. There must be room. */
void symbols_add(struct symbols *symbols, uint64_t address, char kind, uint32_t name);

/* Puts both orders right, once all are added and names is complete. false: no memory. */
bool symbols_sort(struct symbols *symbols);

/*
 * How long the name at the start of a text is: printable characters, up to one that is none, which
 * must come. 0: there is none, or it is too long.
 */
size_t symbols_name_length(const char *text);

/* Is it the letter of code? Of weak symbols it is said, too. */
bool symbols_is_code(char kind);

int symbols_read_elf(struct symbols *symbols, const struct input_file *file, struct err *e);
int symbols_read_map(struct symbols *symbols, const struct input_file *file, struct err *e);

/*
 * The build id among the notes ([ELF] "Note Section", padded to 4 bytes; owner "GNU", type 3): its
 * bytes go to id[SYMBOLS_BUILD_ID_BYTES]. How many there are; 0: none, or none that can be one.
 */
size_t symbols_build_id(const uint8_t *notes, size_t notes_bytes, uint8_t *id);

/* The same of an ELF file's PT_NOTE segments. */
size_t symbols_image_build_id(const struct input_file *file, uint8_t *id);

/*
 * The text at a virtual address of an image, up to its NUL, at most to_bytes - 1 of it and never
 * beyond its segment. "" when no segment's file part has the address.
 */
void symbols_image_text(const struct input_file *file, const struct elfimage *image,
			uint64_t address, char *to, size_t to_bytes);

/* Does it begin as every linux_banner does? */
bool symbols_is_banner(const char *text);

#endif
