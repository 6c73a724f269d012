/* SPDX-License-Identifier: MIT */
/*
 * A plan for a reader: what the image says of itself, and where everything goes. Addresses are of
 * the first and the last byte. Sizes in human units are rounded down to a tenth.
 */
#include "boot/plan.h"

#include <inttypes.h>
#include <string.h>

#include "boot/zeropage.h"
#include "vmm/base/must.h"
#include "vmm/base/plain.h"

enum { ROWS_MAX = 12 + ELFIMAGE_SEGMENTS_MAX, SIZE_TEXT_BYTES = 24 };

struct row {
	struct plan_range range;
	const char *what;
};

struct flag {
	uint16_t bit;
	const char *name;
};

static const struct flag xload_flags[] = {
	{ XLF_KERNEL_64, "KERNEL_64" },
	{ XLF_CAN_BE_LOADED_ABOVE_4G, "CAN_BE_LOADED_ABOVE_4G" },
	{ XLF_EFI_HANDOVER_32, "EFI_HANDOVER_32" },
	{ XLF_EFI_HANDOVER_64, "EFI_HANDOVER_64" },
	{ XLF_EFI_KEXEC, "EFI_KEXEC" },
	{ XLF_5LEVEL, "5LEVEL" },
	{ XLF_5LEVEL_ENABLED, "5LEVEL_ENABLED" },
};

/* "48 B", "16 KiB", "8.7 MiB". */
static const char *human(uint64_t bytes, char text[SIZE_TEXT_BYTES])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t unit = 0;
	uint64_t scale = 1;
	uint64_t tenths;

	while (bytes / scale >= 1024) {
		scale *= 1024;
		unit++;
	}
	tenths = bytes % scale * 10 / scale;
	if (tenths)
		(void)snprintf(text, SIZE_TEXT_BYTES, "%" PRIu64 ".%" PRIu64 " %s", bytes / scale,
			       tenths, units[unit]);
	else
		(void)snprintf(text, SIZE_TEXT_BYTES, "%" PRIu64 " %s", bytes / scale, units[unit]);
	return text;
}

static void print_size(const char *name, uint64_t bytes, const char *note, FILE *out)
{
	char text[SIZE_TEXT_BYTES];

	(void)fprintf(out, "  %-18s %#12" PRIx64 "  %10s%s%s\n", name, bytes, human(bytes, text),
		      *note ? "  " : "", note);
}

static void print_address(const char *name, uint64_t gpa, const char *note, FILE *out)
{
	(void)fprintf(out, "  %-18s %#12" PRIx64 "%s%s\n", name, gpa, *note ? "  " : "", note);
}

/* The names wrap, so that a line stays within 80 columns. */
static void print_xloadflags(uint16_t flags, FILE *out)
{
	enum { INDENT = 33, COLUMNS = 80 };
	size_t column = INDENT;

	(void)fprintf(out, "  %-18s %#12x", "xloadflags", flags);
	for (size_t i = 0; i < sizeof(xload_flags) / sizeof(xload_flags[0]); i++) {
		size_t length = strlen(xload_flags[i].name) + 2;

		if (!(flags & xload_flags[i].bit))
			continue;
		if (column + length > COLUMNS) {
			(void)fprintf(out, "\n%*s", INDENT, "");
			column = INDENT;
		}
		(void)fprintf(out, "  %s", xload_flags[i].name);
		column += length;
	}
	(void)fputc('\n', out);
}

static void print_payload(const struct bzimage *kernel, FILE *out)
{
	char note[64];

	if (kernel->payload_offset == 0)
		return;
	(void)snprintf(note, sizeof(note), "%s, at 0x%x of the protected mode part",
		       unpack_format_name(kernel->payload_format), kernel->payload_offset);
	print_size("payload", kernel->payload_length, note, out);
}

static void print_bzimage(const struct bzimage *kernel, FILE *out)
{
	unsigned int version = kernel->version;

	(void)fprintf(out, "  %-18s %9u.%02u\n", "boot protocol", version >> 8, version & 0xff);
	print_size("file", kernel->file_bytes, "", out);
	print_size("setup", kernel->setup_bytes, "not loaded: the 64-bit entry skips it", out);
	print_size("protected mode", kernel->kernel_bytes, "", out);
	print_payload(kernel, out);
	print_size("init_size", kernel->init_size, "RAM it needs from where it runs", out);
	print_address("pref_address", kernel->pref_address,
		      kernel->relocatable ? "relocatable" : "not relocatable", out);
	if (kernel->relocatable)
		print_size("kernel_alignment", kernel->kernel_alignment, "", out);
	print_address("initrd_addr_max", kernel->initrd_addr_max, "", out);
	(void)fprintf(out, "  %-18s %12u  bytes\n", "cmdline_size", kernel->cmdline_size);
	print_xloadflags(kernel->xloadflags, out);
}

static void print_elf(const struct elfimage *elf, bool packed, FILE *out)
{
	uint64_t loaded = 0;

	for (size_t i = 0; i < elf->segments; i++)
		loaded += elf->segment[i].file_bytes;
	print_size(packed ? "unpacked" : "file", elf->file_bytes,
		   packed ? "on the host, entered directly" : "an ELF kernel", out);
	print_size("loaded", loaded, "", out);
	(void)fprintf(out, "  %-18s %12zu\n", "segments", elf->segments);
}

static void print_kernel(const struct plan_request *request, FILE *out)
{
	(void)fputs("kernel ", out);
	plain_print(request->kernel_name, out);
	(void)fputc('\n', out);
	if (request->bzimage)
		print_bzimage(request->bzimage, out);
	if (request->elf)
		print_elf(request->elf, request->bzimage != NULL, out);
}

static void print_range(struct plan_range range, const char *what, FILE *out)
{
	char text[SIZE_TEXT_BYTES];

	(void)fprintf(out, "  0x%010" PRIx64 " - 0x%010" PRIx64 "  %10s  %s\n", range.gpa,
		      range.gpa + range.size_bytes - 1, human(range.size_bytes, text), what);
}

/* Keeps rows in order of their address; of two that start together, the first to come is first. */
static size_t insert_row(struct row *rows, size_t count, struct plan_range range, const char *what)
{
	size_t at = count;

	must(count < ROWS_MAX);
	if (range.size_bytes == 0)
		return count;
	for (; at > 0 && rows[at - 1].range.gpa > range.gpa; at--)
		rows[at] = rows[at - 1];
	rows[at] = (struct row){ range, what };
	return count + 1;
}

static void print_memory(const struct plan_request *request, const struct boot_plan *plan,
			 FILE *out)
{
	struct row rows[ROWS_MAX];
	size_t count = 0;

	count = insert_row(rows, count, plan->gdt, "GDT");
	count = insert_row(rows, count, plan->start_info, "PVH start info");
	count = insert_row(rows, count, plan->zero_page, "zero page");
	count = insert_row(rows, count, plan->rng_seed, "random seed");
	count = insert_row(rows, count, plan->page_tables, "page tables");
	count = insert_row(rows, count, plan->cmdline, "command line");
	count = insert_row(rows, count, plan->acpi, "ACPI tables");
	count = insert_row(rows, count, plan->mp_table, "MP table");
	for (size_t i = 0; i < plan->loads; i++)
		count = insert_row(rows, count, plan->load[i].to,
				   request->elf ? "kernel segment" : "kernel as loaded");
	count = insert_row(rows, count, plan->kernel,
			   request->elf ? "kernel, all that it needs"
					: "kernel unpacked and running");
	count = insert_row(rows, count, plan->initrd, "initrd");
	(void)fputs("\nguest memory\n", out);
	for (size_t i = 0; i < count; i++)
		print_range(rows[i].range, rows[i].what, out);
}

static void print_e820(const struct boot_plan *plan, FILE *out)
{
	(void)fputs("\ne820\n", out);
	for (size_t i = 0; i < plan->e820_entries; i++) {
		struct plan_range range = { plan->e820[i].gpa, plan->e820[i].size_bytes };

		print_range(range, plan->e820[i].type == PLAN_E820_RAM ? "RAM" : "reserved", out);
	}
}

static void print_start(const struct plan_request *request, const struct boot_plan *plan, FILE *out)
{
	char text[SIZE_TEXT_BYTES];

	(void)fputs("\nstart\n", out);
	(void)fprintf(out, "  %-18s %s\n", "RAM", human(request->ram_bytes, text));
	(void)fprintf(out, "  %-18s %#" PRIx64 ", %s\n", "entry point", plan->entry_gpa,
		      plan->entry == PLAN_ENTRY_PVH ? "in 32-bit mode (PVH)" : "in 64-bit mode");
	if (request->initrd_bytes) {
		(void)fprintf(out, "  %-18s ", "initrd");
		plain_print(request->initrd_name, out);
		(void)fputc('\n', out);
	}
	(void)fprintf(out, "  %-18s %" PRIu64, "command line", plan->cmdline.size_bytes - 1);
	if (request->bzimage)
		(void)fprintf(out, " of %u", request->bzimage->cmdline_size);
	(void)fprintf(out, " bytes%s", *request->cmdline ? ": " : "");
	plain_print(request->cmdline, out);
	(void)fputc('\n', out);
}

void plan_explain(const struct plan_request *request, const struct boot_plan *plan, FILE *out)
{
	print_kernel(request, out);
	print_memory(request, plan, out);
	print_e820(plan, out);
	print_start(request, plan, out);
}
