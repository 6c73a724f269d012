/* SPDX-License-Identifier: MIT */
#include "boot/initcalls.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vmm/base/le.h"

enum { RELATIVE_BYTES = 4, ABSOLUTE_BYTES = 8 };

static const char *const boundary[INITCALLS_LEVELS + 1] = {
	"__initcall_start",  "__initcall0_start", "__initcall1_start", "__initcall2_start",
	"__initcall3_start", "__initcall4_start", "__initcall5_start", "__initcallrootfs_start",
	"__initcall6_start", "__initcall7_start", "__initcall_end",
};

/* Where the levels begin and end, ascending and not too far apart. */
static int find_boundaries(const struct symbols *symbols, uint64_t at[INITCALLS_LEVELS + 1],
			   struct err *e)
{
	for (int i = 0; i <= INITCALLS_LEVELS; i++) {
		at[i] = symbols_find(symbols, boundary[i]);
		if (!at[i])
			return err_set(e, ENOENT, "the kernel has no symbol %s", boundary[i]);
		if (i &&
		    (at[i] < at[i - 1] || at[i] - at[0] > (uint64_t)INITCALLS_MAX * ABSOLUTE_BYTES))
			return err_set(e, EBADMSG, "the symbol %s lies before %s, or far behind it",
				       boundary[i], boundary[i - 1]);
	}
	return 0;
}

static uint64_t target(const uint8_t *table, uint64_t table_address, size_t offset, size_t size)
{
	if (size == ABSOLUTE_BYTES)
		return get_le64(table + offset);
	return table_address + offset + (uint64_t)(int64_t)(int32_t)get_le32(table + offset);
}

static bool is_function(const struct symbols *symbols, uint64_t address)
{
	struct symbol_at at;

	return symbols_at(symbols, address, &at) && at.offset == 0 &&
	       (at.kind == 'T' || at.kind == 't' || at.kind == 'W');
}

/* True when entries of that size lead to functions, all of them. */
static bool fill(struct initcalls *initcalls, const struct symbols *symbols, const uint8_t *table,
		 const uint64_t at[INITCALLS_LEVELS + 1], size_t size)
{
	for (int i = 0; i <= INITCALLS_LEVELS; i++) {
		if ((at[i] - at[0]) % size)
			return false;
		initcalls->first[i] = (size_t)(at[i] - at[0]) / size;
	}
	for (size_t i = 0; i < initcalls->first[INITCALLS_LEVELS]; i++) {
		initcalls->function[i] = target(table, at[0], i * size, size);
		if (!is_function(symbols, initcalls->function[i]))
			return false;
	}
	return true;
}

int initcalls_read(struct initcalls *initcalls, const struct symbols *symbols,
		   const struct input_file *file, const struct elfimage *image, struct err *e)
{
	uint64_t at[INITCALLS_LEVELS + 1];
	uint8_t *table;
	size_t bytes;
	int rc = find_boundaries(symbols, at, e);

	if (rc < 0)
		return rc;
	bytes = (size_t)(at[INITCALLS_LEVELS] - at[0]);
	table = malloc(bytes + 1);
	initcalls->function = calloc(bytes / RELATIVE_BYTES + 1, sizeof(*initcalls->function));
	if (!table || !initcalls->function)
		rc = err_sys(e, ENOMEM, "the kernel's table of initcalls");
	else if (symbols_image_read(file, image, at[0], table, bytes) < 0)
		rc = err_set(e, EBADMSG, "the kernel's table of initcalls is not in its image");
	else if (!fill(initcalls, symbols, table, at, RELATIVE_BYTES) &&
		 !fill(initcalls, symbols, table, at, ABSOLUTE_BYTES))
		rc = err_set(e, EBADMSG, "the kernel's table of initcalls leads to no functions");
	free(table);
	if (rc < 0)
		initcalls_finish(initcalls);
	return rc;
}

void initcalls_finish(struct initcalls *initcalls)
{
	free(initcalls->function);
	initcalls->function = NULL;
}
