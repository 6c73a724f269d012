/* SPDX-License-Identifier: MIT */
#include "boot/pvh.h"

#include <string.h>

#include "vmm/base/le.h"
#include "vmm/base/must.h"

enum {
	INFO_MAGIC = 0,
	INFO_VERSION = 4,
	INFO_MODULES = 12,
	INFO_MODULE_LIST = 16,
	INFO_CMDLINE = 24,
	INFO_RSDP = 32,
	INFO_MEMMAP = 40,
	INFO_MEMMAP_ENTRIES = 48,
	INFO_BYTES = 56,

	MODULE_ADDRESS = 0,
	MODULE_SIZE = 8,
	MODULE_BYTES = 32,

	MEMMAP_ADDRESS = 0,
	MEMMAP_SIZE = 8,
	MEMMAP_TYPE = 16,
	MEMMAP_BYTES = 24,

	MAGIC = 0x336ec578,
	VERSION = 1, /* the first with a memory map */
	ALIGNMENT = 8,
};

static size_t modules_bytes(const struct pvh_facts *facts)
{
	return facts->initrd.size_bytes ? MODULE_BYTES : 0;
}

size_t pvh_bytes(const struct pvh_facts *facts)
{
	must(facts->e820_entries <= PLAN_E820_MAX);
	return INFO_BYTES + modules_bytes(facts) + facts->e820_entries * MEMMAP_BYTES;
}

static void build_memory_map(const struct pvh_facts *facts, uint8_t *entry)
{
	for (size_t i = 0; i < facts->e820_entries; i++, entry += MEMMAP_BYTES) {
		put_le64(entry + MEMMAP_ADDRESS, facts->e820[i].gpa);
		put_le64(entry + MEMMAP_SIZE, facts->e820[i].size_bytes);
		put_le32(entry + MEMMAP_TYPE, facts->e820[i].type);
	}
}

void pvh_build(const struct pvh_facts *facts, uint64_t gpa, uint8_t *to)
{
	size_t modules = INFO_BYTES, memory_map = modules + modules_bytes(facts);

	must(gpa % ALIGNMENT == 0);
	memset(to, 0, pvh_bytes(facts));
	put_le32(to + INFO_MAGIC, MAGIC);
	put_le32(to + INFO_VERSION, VERSION);
	put_le64(to + INFO_CMDLINE, facts->cmdline_gpa);
	put_le64(to + INFO_RSDP, facts->rsdp_gpa);
	if (facts->initrd.size_bytes) {
		put_le32(to + INFO_MODULES, 1);
		put_le64(to + INFO_MODULE_LIST, gpa + modules);
		put_le64(to + modules + MODULE_ADDRESS, facts->initrd.gpa);
		put_le64(to + modules + MODULE_SIZE, facts->initrd.size_bytes);
	}
	if (facts->e820_entries) {
		put_le64(to + INFO_MEMMAP, gpa + memory_map);
		put_le32(to + INFO_MEMMAP_ENTRIES, (uint32_t)facts->e820_entries);
		build_memory_map(facts, to + memory_map);
	}
}
