/* SPDX-License-Identifier: MIT */
/*
 * A writer for the little AML that our DSDT is made of: scopes, devices, names with a value.
 *
 * Authority: [ACPI] "AML Grammar Definition", "Resource Data Types for ACPI", "EISAID".
 * Left out: whatever else AML can say, methods among it.
 *
 * A name is one segment of four characters, looked for or made in the scope that is written.
 */
#ifndef TVMM_BOOT_AML_H
#define TVMM_BOOT_AML_H

#include <stddef.h>
#include <stdint.h>

/* to[0 .. bytes) is what has been written. Writing more than room_bytes is a bug of ours. */
struct aml {
	uint8_t *to; /* borrowed */
	size_t room_bytes;
	size_t bytes;
};

void aml_init(struct aml *aml, uint8_t *to, size_t room_bytes);

/*
 * Scope (name) { ... }, Device (name) { ... }. Each returns what aml_end() wants, after all that
 * belongs into the braces has been written.
 */
size_t aml_begin_scope(struct aml *aml, const char *name);
size_t aml_begin_device(struct aml *aml, const char *name);
void aml_end(struct aml *aml, size_t begun);

/* Name (name, value). */
void aml_name_integer(struct aml *aml, const char *name, uint32_t value);

/* Name (name, EisaId (id)). id is three capital letters and four hexadecimal digits. */
void aml_name_eisaid(struct aml *aml, const char *name, const char *id);

/* Name (name, Package () { value[0], ... }). */
void aml_name_package(struct aml *aml, const char *name, const uint32_t *value, uint8_t count);

/* What a device takes, in the order in which it is added. Begins empty: = { 0 }. */
enum { AML_RESOURCES_BYTES = 32 };

struct aml_resources {
	uint8_t byte[AML_RESOURCES_BYTES];
	size_t bytes;
};

/* A fixed range of I/O ports, all 16 address bits decoded. */
void aml_add_ports(struct aml_resources *resources, uint16_t port, uint8_t ports);

/* An ISA interrupt, 0 to 15: edge, active high, not shared. */
void aml_add_irq(struct aml_resources *resources, uint8_t irq);

/* Name (name, ResourceTemplate () { ... }). */
void aml_name_resources(struct aml *aml, const char *name, const struct aml_resources *resources);

#endif
