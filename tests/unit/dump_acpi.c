/* SPDX-License-Identifier: MIT */
/*
 * Writes the ACPI tables of a machine with so many CPUs, each to a file named by its signature:
 *
 *   dump_acpi CPUS FOLDER
 *
 * It finds them as a kernel does, from the RSDP on. For test_iasl.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/acpi.h"
#include "vmm/base/le.h"
#include "vmm/machine.h"

enum {
	SPEC_RSDP_RSDT = 16,
	SPEC_RSDP_LENGTH = 20,
	SPEC_RSDP_XSDT = 24,
	SPEC_LENGTH = 4,
	SPEC_XSDT_ENTRIES = 36,
	SPEC_FADT_FIRMWARE_CTRL = 36,
	SPEC_FADT_DSDT = 40,

	GPA = 0xe0000,
};

static uint8_t memory[ACPI_MAX_BYTES];

static const uint8_t *at_gpa(uint64_t gpa)
{
	if (gpa < GPA || gpa >= GPA + sizeof(memory)) {
		(void)fprintf(stderr, "dump_acpi: an address outside: %#llx\n",
			      (unsigned long long)gpa);
		exit(EXIT_FAILURE);
	}
	return memory + (gpa - GPA);
}

static void write_file(const char *folder, const char *name, const uint8_t *bytes, size_t count)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%.4s.aml", folder, name);
	file = fopen(path, "wb");
	if (!file || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static void write_table(const char *folder, uint64_t gpa)
{
	const uint8_t *table = at_gpa(gpa);

	write_file(folder, (const char *)table, table, get_le32(table + SPEC_LENGTH));
}

int main(int argc, char **argv)
{
	const uint8_t *xsdt, *fadt = NULL;
	struct board board;

	if (argc != 3)
		return EXIT_FAILURE;
	machine_board((unsigned int)strtoul(argv[1], NULL, 10), &board);
	acpi_build(&board, GPA, memory);
	write_file(argv[2], "RSDP", memory, get_le32(memory + SPEC_RSDP_LENGTH));
	write_table(argv[2], get_le32(memory + SPEC_RSDP_RSDT));
	write_table(argv[2], get_le64(memory + SPEC_RSDP_XSDT));
	xsdt = at_gpa(get_le64(memory + SPEC_RSDP_XSDT));
	for (uint32_t i = SPEC_XSDT_ENTRIES; i < get_le32(xsdt + SPEC_LENGTH); i += 8) {
		write_table(argv[2], get_le64(xsdt + i));
		if (memcmp(at_gpa(get_le64(xsdt + i)), "FACP", 4) == 0)
			fadt = at_gpa(get_le64(xsdt + i));
	}
	if (!fadt)
		return EXIT_FAILURE;
	write_table(argv[2], get_le32(fadt + SPEC_FADT_FIRMWARE_CTRL));
	write_table(argv[2], get_le32(fadt + SPEC_FADT_DSDT));
	return EXIT_SUCCESS;
}
