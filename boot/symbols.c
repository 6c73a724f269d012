/* SPDX-License-Identifier: MIT */
#include "boot/symbols.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "boot/symbols_parts.h"
#include "vmm/base/must.h"

/* What the order by name is made of: most names differ in their first eight bytes. */
struct named {
	uint64_t head; /* these bytes, the first one on top; zeros behind a shorter name */
	uint32_t name; /* where it is in names */
	uint32_t index;
};

enum { HEAD_BYTES = sizeof(uint64_t) };

void symbols_init(struct symbols *symbols)
{
	*symbols = (struct symbols){ .source = "" };
}

void symbols_finish(struct symbols *symbols)
{
	free(symbols->by_address);
	free(symbols->by_name);
	free(symbols->names);
	symbols_init(symbols);
}

bool symbols_room(struct symbols *symbols, size_t count)
{
	must(count <= SYMBOLS_MAX && !symbols->by_address);
	symbols->by_address = calloc(count ? count : 1, sizeof(*symbols->by_address));
	return symbols->by_address != NULL;
}

void symbols_add(struct symbols *symbols, uint64_t address, char kind, uint32_t name)
{
	symbols->by_address[symbols->count++] =
		(struct symbol){ .address = address, .name = name, .kind = kind };
}

bool symbols_is_code(char kind)
{
	return kind == 'T' || kind == 't' || kind == 'W';
}

size_t symbols_name_length(const char *text)
{
	size_t length = 0;

	while (length < SYMBOLS_NAME_BYTES && text[length] > ' ' && text[length] <= '~')
		length++;
	return length < SYMBOLS_NAME_BYTES ? length : 0;
}

static const char *name_of(const struct symbols *symbols, size_t index)
{
	return symbols->names + symbols->by_address[index].name;
}

/*
 * By address; at the same one data comes before code and local before global names, so that the
 * last of them is the one to be told; the rest is decided by name, to be the same for all sources.
 */
static int compare_addresses(const void *left, const void *right, void *names)
{
	const struct symbol *a = left, *b = right;
	int code = symbols_is_code(a->kind) - symbols_is_code(b->kind);
	int global = !!isupper((unsigned char)a->kind) - !!isupper((unsigned char)b->kind);

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (code != 0)
		return code;
	if (global != 0)
		return global;
	return strcmp((const char *)names + a->name, (const char *)names + b->name);
}

static int compare_names(const void *left, const void *right, void *text)
{
	const struct named *a = left, *b = right;
	const char *names = text;
	int rest = 0;

	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	if (a->head & 0xff)
		rest = strcmp(names + a->name + HEAD_BYTES, names + b->name + HEAD_BYTES);
	return rest ? rest : a->index < b->index ? -1 : 1;
}

static uint64_t head_of(const char *name)
{
	uint64_t head = 0;

	for (size_t i = 0; i < HEAD_BYTES; i++)
		head = head << 8 | (*name ? (unsigned char)*name++ : 0);
	return head;
}

bool symbols_sort(struct symbols *symbols)
{
	size_t room = symbols->count ? symbols->count : 1;
	struct named *named = malloc(room * sizeof(*named));

	symbols->by_name = malloc(room * sizeof(*symbols->by_name));
	if (!named || !symbols->by_name) {
		free(named);
		return false;
	}
	qsort_r(symbols->by_address, symbols->count, sizeof(*symbols->by_address),
		compare_addresses, symbols->names);
	for (size_t i = 0; i < symbols->count; i++)
		named[i] = (struct named){
			.head = head_of(name_of(symbols, i)),
			.name = symbols->by_address[i].name,
			.index = (uint32_t)i,
		};
	qsort_r(named, symbols->count, sizeof(*named), compare_names, symbols->names);
	for (size_t i = 0; i < symbols->count; i++)
		symbols->by_name[i] = named[i].index;
	free(named);
	return true;
}

int symbols_read(struct symbols *symbols, const struct input_file *file, struct err *e)
{
	int rc;

	symbols_init(symbols);
	rc = elfimage_is_elf(file) ? symbols_read_elf(symbols, file, e)
				   : symbols_read_map(symbols, file, e);
	if (rc < 0)
		symbols_finish(symbols);
	return rc;
}

/* The first place in by_name whose name is not before this one. */
static size_t first_by_name(const struct symbols *symbols, const char *name)
{
	size_t low = 0, high = symbols->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(name_of(symbols, symbols->by_name[middle]), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t symbols_find(const struct symbols *symbols, const char *name)
{
	size_t at = first_by_name(symbols, name);

	if (at == symbols->count || strcmp(name_of(symbols, symbols->by_name[at]), name) != 0)
		return 0;
	return symbols->by_address[symbols->by_name[at]].address;
}

/*
 * ".constprop.0.isra.0": nothing but what compilers append to a function that is still the whole
 * function. (.cold and .part are pieces of one.)
 */
static bool is_whole_function(const char *suffix)
{
	static const char *const known[] = { ".constprop.", ".isra.", ".llvm.", ".lto_priv." };

	while (*suffix) {
		size_t length = 0, digits;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && length == 0; i++) {
			if (strncmp(suffix, known[i], strlen(known[i])) == 0)
				length = strlen(known[i]);
		}
		digits = strspn(suffix + length, "0123456789");
		if (length == 0 || digits == 0)
			return false;
		suffix += length + digits;
	}
	return true;
}

uint64_t symbols_find_function(const struct symbols *symbols, const char *name)
{
	size_t length = strlen(name);
	uint32_t best = UINT32_MAX;

	for (size_t at = first_by_name(symbols, name); at < symbols->count; at++) {
		uint32_t index = symbols->by_name[at];
		const char *has = name_of(symbols, index);

		if (strncmp(has, name, length) != 0 || (has[length] && has[length] > '.'))
			break;
		if (!symbols_is_code(symbols->by_address[index].kind))
			continue;
		if (!has[length])
			return symbols->by_address[index].address;
		if (index < best && is_whole_function(has + length))
			best = index;
	}
	return best == UINT32_MAX ? 0 : symbols->by_address[best].address;
}

/* Absolute symbols are numbers; below the kernel's map are offsets of per-CPU data. */
static bool is_place(const struct symbol *symbol)
{
	return symbol->address >= SYMBOLS_KERNEL_MAP && symbol->kind != 'A' && symbol->kind != 'a';
}

/* How many symbols lie at or before the address. */
static size_t count_up_to(const struct symbols *symbols, uint64_t address)
{
	size_t low = 0, high = symbols->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->by_address[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool symbols_at(const struct symbols *symbols, uint64_t address, struct symbol_at *at)
{
	size_t next = count_up_to(symbols, address), i = next;
	const struct symbol *found;

	while (i > 0 && !is_place(&symbols->by_address[i - 1]))
		i--;
	if (i == 0)
		return false;
	found = &symbols->by_address[i - 1];
	while (next < symbols->count && !is_place(&symbols->by_address[next]))
		next++;
	*at = (struct symbol_at){
		.name = symbols->names + found->name,
		.offset = address - found->address,
		.size = next < symbols->count ? symbols->by_address[next].address - found->address
					      : 0,
		.kind = found->kind,
	};
	return true;
}
