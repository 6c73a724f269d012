/* SPDX-License-Identifier: MIT */
/*
 * The zoo: every malformed kernel, ELF file, payload, initrd and command line of the catalogue as
 * files in a folder, and a list of what has to come of each.
 *
 * The list is the file `manifest`, a line for each case, its columns separated by tabs:
 *
 *   NAME   family and case, "B12-bit-21"; the case's files have it as their name, or begin with it
 *   CLASS  a letter: enum zoo_class
 *   WORDS  separated by |: what a refusal's message must have in it; for ZOO_RUN the exit statuses
 *          that are right; for ZOO_SKIPPED why
 *   ARGUMENT...  for tvmm, to be run in the folder
 *
 * Bytes that would break a line are written as \xNN. The families are those of the catalogue:
 * B bzImage, E ELF, U payload, I initrd, K kinds of files, C command line, P pairs of fields.
 *
 * Expectations are worked out from [BOOT], [ELF] and the formats' own documents, never by asking
 * the code that is tested. Any trouble aborts: a zoo that is not complete proves nothing.
 */
#ifndef TVMM_TESTS_MALFORMED_ZOO_H
#define TVMM_TESTS_MALFORMED_ZOO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/common/image.h"

#define MIB 0x100000ULL
#define GIB 0x40000000ULL

enum zoo_class {
	ZOO_REFUSED = 'R',  /* in one line with WORDS, before /dev/kvm is opened */
	ZOO_ACCEPTED = 'A', /* there is nothing wrong with it */
	ZOO_GUEST = 'G',    /* planned like a good one; what is wrong is the guest's own business */
	ZOO_EITHER = 'E',   /* like ZOO_REFUSED or like ZOO_ACCEPTED: the format does not tell */
	ZOO_RUN = 'X',      /* the same, and run: ends in time, by one of the statuses in WORDS */
	ZOO_SKIPPED = 'S',  /* cannot be made here */
};

enum {
	ZOO_NAME_BYTES = 96,
	ZOO_WORDS_BYTES = 256,
	ZOO_ARGUMENTS_MAX = 12,
};

/* A case that is being told. */
struct zoo {
	FILE *manifest;
	char name[ZOO_NAME_BYTES];
	char *argument[ZOO_ARGUMENTS_MAX]; /* owned */
	size_t arguments;
	char words[ZOO_WORDS_BYTES];
	size_t cases, files; /* so far */
};

/* Begins a case. The working directory is the folder. */
void zoo_begin(struct zoo *zoo, const char *name, ...) __attribute__((format(printf, 2, 3)));

/* One more argument for tvmm. */
void zoo_argument(struct zoo *zoo, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A file called NAME, or NAME and the suffix. */
void zoo_file(struct zoo *zoo, const char *suffix, const void *bytes, size_t size_bytes);

/* Writes over some bytes of a file that is there. */
void zoo_write(struct zoo *zoo, const char *suffix, uint64_t offset, const void *bytes,
	       size_t size_bytes);

/* A file that has room for size_bytes and takes none; false if there can be no such file here. */
bool zoo_sparse(struct zoo *zoo, const char *suffix, uint64_t size_bytes);

/* The path that is called NAME and the suffix, in static storage. */
const char *zoo_path(const struct zoo *zoo, const char *suffix);

/* The case is a kernel: writes it to NAME, adds -kernel NAME, and NAME to the words. */
void zoo_kernel(struct zoo *zoo, const void *bytes, size_t size_bytes);

/* The case is an initrd beside a good kernel. */
void zoo_initrd(struct zoo *zoo, const void *bytes, size_t size_bytes);

/* Adds NAME and a suffix to the words: the message has to name that file. */
void zoo_names_file(struct zoo *zoo, const char *suffix);

/* Ends a case. words is NULL or what comes before a file's name in the list of words. */
void zoo_end(struct zoo *zoo, enum zoo_class class, const char *words);

/* An image whose payload is of no known format, so that the header alone decides. */
void zoo_image(struct image *image);

/* What the files beside the cases are called: a good kernel, a good initrd. */
#define ZOO_GOOD_KERNEL "good-bzImage"
#define ZOO_GOOD_INITRD "good-initrd"

/* Each family's cases. */
void zoo_bzimage(struct zoo *zoo);
void zoo_pairs(struct zoo *zoo);
void zoo_elfs(struct zoo *zoo);
void zoo_payloads(struct zoo *zoo);
void zoo_kinds(struct zoo *zoo);
void zoo_initrds(struct zoo *zoo);
void zoo_command_lines(struct zoo *zoo);
void zoo_guests(struct zoo *zoo);

#endif
