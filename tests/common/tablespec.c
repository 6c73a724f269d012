/* SPDX-License-Identifier: MIT */
#include "tests/common/tablespec.h"

#include <string.h>

enum { KIB = 1024, ROWS = 5, FAILED = 4 };

static const struct {
	const char *name, *packing;
	double du_kib, kernel_kib, tvmm_ms, qemu_ms, uptime_ms;
} made_up[ROWS] = {
	{ "basic", "gzip", 18432, 6100, 312.5, 905.25, 1730 },
	{ "alldef", "gzip", 6144, 2048, 96.125, 480, 610 },
	{ "allno", "gzip", 2662, 720, 41, 402.75, 360 },
	{ "allno+kvm", "xz", 5120, 1300, 43.75, 398, 390 },
	{ "broken", "zstd", 4096, 1024, 0, 0, 0 },
};

static char option_initrd[] = "-initrd", option_file[] = "rootfs.cpio.gz";
static char *const options[] = { option_initrd, option_file, NULL };
static struct boottable table;

static struct boottable_measure measure(double ms, double below, double above)
{
	return (struct boottable_measure){ 10,
					   ms * 1e6,
					   { (ms - below) * 1e6, (ms + above) * 1e6 } };
}

static void fill_row(struct boottable_row *row, size_t i)
{
	(void)strcpy(row->name, made_up[i].name);
	row->kernel = "k/bzImage";
	row->vmlinux = "k/vmlinux";
	row->format = "bzImage";
	row->packing = made_up[i].packing;
	row->kernel_bytes = (uint64_t)made_up[i].kernel_kib * KIB;
	row->vmlinux_du = (struct boottable_value){ true, made_up[i].du_kib * KIB };
	row->sizes_known = true;
	for (uint64_t c = 0; c < ELFSIZES_CLASSES; c++) {
		row->sizes.bytes[c] = (1000 + 100 * i - 200 * c) * KIB;
		row->sizes.total_bytes += row->sizes.bytes[c];
	}
	row->tvmm.asked = row->qemu.asked = true;
}

static void fill_times(struct boottable_row *row, size_t i)
{
	double ms = made_up[i].tvmm_ms;

	row->tvmm.uptime = row->qemu.uptime = measure(made_up[i].uptime_ms, 0, 10);
	row->tvmm.init = measure(ms, 0.25, 0.5);
	row->qemu.init = measure(made_up[i].qemu_ms, 12, 20);
	row->part[BOOTTABLE_HOST] = measure(2.5, 0, 0);
	row->part[BOOTTABLE_UNPACKING] = measure(0, 0, 0);
	row->part[BOOTTABLE_CONSOLE] = measure(ms / 10, 0, 0);
	row->part[BOOTTABLE_INITCALLS] = measure(ms / 2, 0, 0);
	row->part[BOOTTABLE_USER_SPACE] = measure(1, 0, 0);
	row->touched_pages = (struct boottable_value){ true, 4096 + 256 * (double)i };
	row->least_ram_bytes = (struct boottable_value){ true, (double)(16 + i) * KIB * KIB };
}

struct boottable *tablespec_typical(void)
{
	memset(&table, 0, sizeof(table));
	for (size_t i = 0; i < ROWS; i++) {
		fill_row(&table.row[i], i);
		if (i != FAILED)
			fill_times(&table.row[i], i);
	}
	table.row[FAILED].tvmm.failed = table.row[FAILED].qemu.failed = true;
	(void)strcpy(table.row[FAILED].tvmm.ending,
		     "guest kernel panic: VFS: Unable to mount root fs on unknown-block(0,0)");
	(void)strcpy(table.row[FAILED].qemu.ending, "time limit of 60 s");
	table.rows = ROWS;
	table.runs = 10;
	table.warmup = 1;
	table.seed = 7;
	table.option = options;
	table.qemu = "qemu-system-x86_64 -M pc";
	table.host = "4 CPUs";
	return &table;
}

struct boottable *tablespec_bare(void)
{
	memset(&table, 0, sizeof(table));
	(void)strcpy(table.row[0].name, "tiny");
	table.row[0].kernel = "vmlinux";
	table.row[0].packing = "";
	table.row[0].tvmm.asked = true;
	table.rows = 1;
	table.runs = 1;
	table.host = "";
	return &table;
}

struct boottable *tablespec_hostile(void)
{
	(void)tablespec_typical();
	(void)strcpy(table.row[FAILED].tvmm.ending, TABLESPEC_HOSTILE);
	(void)strcpy(table.row[FAILED].qemu.ending, TABLESPEC_HOSTILE);
	(void)strcpy(table.row[0].no_parts, TABLESPEC_HOSTILE);
	(void)strcpy(table.row[0].no_pages, TABLESPEC_HOSTILE);
	(void)strcpy(table.row[0].no_initcalls, TABLESPEC_HOSTILE);
	return &table;
}
