/* SPDX-License-Identifier: MIT */
#include "initramfs/guest/text.h"

#include <linux/errno.h>

void text_add(struct text *text, const char *string)
{
	while (*string && text->count < sizeof(text->bytes) - 1)
		text->bytes[text->count++] = *string++;
	text->bytes[text->count] = '\0';
}

void text_cut(struct text *text, size_t count)
{
	text->count = count;
	text->bytes[count] = '\0';
}

void text_add_number(struct text *text, unsigned long number)
{
	char digits[21], *first = digits + sizeof(digits) - 1;

	*first = '\0';
	do {
		*--first = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	text_add(text, first);
}

void text_add_error(struct text *text, long error)
{
	static const struct {
		int error;
		const char *words;
	} known[] = {
		{ EPERM, "not permitted" },
		{ ENOENT, "no such file or directory" },
		{ EIO, "input/output error" },
		{ E2BIG, "arguments and environment are too long" },
		{ ENOEXEC, "the kernel does not know this format" },
		{ EAGAIN, "no more processes are allowed" },
		{ ENOMEM, "not enough memory; give the guest more with -m" },
		{ EACCES, "permission denied: not executable, or not a regular file" },
		{ EEXIST, "exists already" },
		{ ENOTDIR, "something on its path is no directory" },
		{ EISDIR, "is a directory" },
		{ EINVAL, "the kernel takes its contents for invalid" },
		{ EMFILE, "too many open files" },
		{ ETXTBSY, "it is being written" },
		{ ENOSPC, "no space left; give the guest more memory with -m" },
		{ ENAMETOOLONG, "the name is too long" },
		{ ENOTEMPTY, "a directory is not empty" },
		{ ELOOP, "too many links on its path" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].error == error) {
			text_add(text, known[i].words);
			return;
		}
	}
	text_add(text, "error ");
	text_add_number(text, (unsigned long)error);
}

size_t text_length(const char *string)
{
	size_t length = 0;

	while (string[length])
		length++;
	return length;
}

bool text_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

bool text_begins(const char *string, const char *with)
{
	while (*with && *string == *with) {
		string++;
		with++;
	}
	return !*with;
}

void *memcpy(void *to, const void *from, size_t count)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(count) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t count)
{
	char *last = (char *)to + count - 1;
	const char *source = (const char *)from + count - 1;

	if ((const char *)to <= (const char *)from)
		return memcpy(to, from, count);
	__asm__ volatile("std\n\trep movsb\n\tcld"
			 : "+D"(last), "+S"(source), "+c"(count)
			 :
			 : "memory");
	return to;
}

void *memset(void *to, int byte, size_t count)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(byte) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t count)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < count; i++) {
		if (x[i] != y[i])
			return x[i] - y[i];
	}
	return 0;
}
