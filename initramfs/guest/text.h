/* SPDX-License-Identifier: MIT */
/*
 * Texts without a libc: bounded messages, numbers, and the four functions that gcc takes for
 * granted (GCC manual, "Language Standards Supported by GCC": freestanding).
 */
#ifndef TVMM_INITRAMFS_GUEST_TEXT_H
#define TVMM_INITRAMFS_GUEST_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* What finds no place is cut off; all zeros is an empty one. */
struct text {
	size_t count;
	char bytes[2048]; /* always with a NUL behind */
};

void text_add(struct text *text, const char *string);
void text_cut(struct text *text, size_t count);
void text_add_number(struct text *text, unsigned long number);

/* What an errno means, as far as it is one that a start can meet: "no such file", "error 99". */
void text_add_error(struct text *text, long error);

size_t text_length(const char *string);
bool text_equal(const char *a, const char *b);

/* Whether string begins with the other one. */
bool text_begins(const char *string, const char *with);

void *memcpy(void *to, const void *from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *a, const void *b, size_t count);

#endif
