/* SPDX-License-Identifier: MIT */
/*
 * System.map: what `nm -n vmlinux` prints, a line for each symbol:
 *
 *   ffffffff81000000 T _text
 *
 * The file becomes the table's names: where a line ends, a NUL is put. What nm has no letter for
 * ('?') lies in sections that are not loaded, and is left out.
 *
 * Authority: nm(1); [LINUX] scripts/mksysmap. Left out: maps of 32-bit kernels, which have 8
 * digits; /proc/kallsyms with modules in it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/symbols_parts.h"

enum {
	ADDRESS_DIGITS = 16,
	KIND_AT = ADDRESS_DIGITS + 1,
	NAME_AT = KIND_AT + 2,
};

#define refuse(file, code, fmt, ...) \
	err_set(e, code, "%s %s: " fmt, (file)->what, (file)->path, ##__VA_ARGS__)

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool read_address(const char *line, uint64_t *address)
{
	*address = 0;
	for (size_t i = 0; i < ADDRESS_DIGITS; i++) {
		int digit = digit_of(line[i]);

		if (digit < 0)
			return false;
		*address = *address << 4 | (unsigned int)digit;
	}
	return true;
}

/* A line of that many bytes, its newline not counted. */
static bool read_line(const char *line, size_t bytes, uint64_t *address, char *kind)
{
	if (bytes <= NAME_AT || !read_address(line, address))
		return false;
	*kind = line[KIND_AT];
	if (line[KIND_AT - 1] != ' ' || line[NAME_AT - 1] != ' ' ||
	    !(isalpha((unsigned char)*kind) || *kind == '?'))
		return false;
	return symbols_name_length(line + NAME_AT) == bytes - NAME_AT;
}

static size_t count_lines(const char *text, size_t bytes)
{
	const char *end = text + bytes;
	size_t lines = 0;

	while ((text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		text++;
		lines++;
	}
	return lines;
}

static int read_lines(struct symbols *symbols, const struct input_file *file, struct err *e)
{
	char *text = symbols->names;
	size_t at = 0;

	for (size_t number = 1; at < symbols->names_bytes; number++) {
		char *end = memchr(text + at, '\n', symbols->names_bytes - at);
		size_t bytes = end ? (size_t)(end - text) - at : 0;
		uint64_t address;
		char kind;

		if (!end && number > 1)
			return refuse(file, EBADMSG, "is truncated: ends inside line %zu", number);
		if (!end || !read_line(text + at, bytes, &address, &kind))
			return refuse(file, EBADMSG,
				      "is neither a vmlinux nor a System.map: line %zu is not "
				      "\"address letter name\", the address of %d digits",
				      number, ADDRESS_DIGITS);
		if (kind != '?')
			symbols_add(symbols, address, kind, (uint32_t)(at + NAME_AT));
		*end = '\0';
		at += bytes + 1;
	}
	return 0;
}

int symbols_read_map(struct symbols *symbols, const struct input_file *file, struct err *e)
{
	size_t lines;
	int rc;

	if (file->size_bytes == 0)
		return refuse(file, EBADMSG, "is empty; a vmlinux or a System.map is needed");
	if (file->size_bytes > SYMBOLS_TEXT_MAX_BYTES)
		return refuse(file, EFBIG,
			      "is no vmlinux, and has %llu bytes: a System.map has at most %d",
			      (unsigned long long)file->size_bytes, SYMBOLS_TEXT_MAX_BYTES);
	symbols->names_bytes = (size_t)file->size_bytes;
	symbols->names = malloc(symbols->names_bytes);
	if (!symbols->names)
		return refuse(file, ENOMEM, "no memory for its %zu bytes", symbols->names_bytes);
	rc = file_read(file, 0, symbols->names, symbols->names_bytes, e);
	if (rc < 0)
		return rc;
	lines = count_lines(symbols->names, symbols->names_bytes);
	if (lines > SYMBOLS_MAX)
		return refuse(file, EFBIG, "has %zu lines; at most %d symbols are accepted", lines,
			      SYMBOLS_MAX);
	if (!symbols_room(symbols, lines))
		return refuse(file, ENOMEM, "no memory for %zu symbols", lines);
	rc = read_lines(symbols, file, e);
	if (rc < 0)
		return rc;
	symbols->source = "System.map";
	if (!symbols->count)
		return refuse(file, EBADMSG, "has no symbol that has an address");
	if (!symbols_sort(symbols))
		return refuse(file, ENOMEM, "no memory to sort %zu symbols", symbols->count);
	return 0;
}
