/* SPDX-License-Identifier: MIT */
#include "boot/aml.h"

#include <string.h>

#include "vmm/base/le.h"
#include "vmm/base/must.h"

/* [ACPI] "AML Byte Stream Byte Values". */
enum {
	ZERO_OP = 0x00,
	ONE_OP = 0x01,
	NAME_OP = 0x08,
	BYTE_PREFIX = 0x0a,
	WORD_PREFIX = 0x0b,
	DWORD_PREFIX = 0x0c,
	SCOPE_OP = 0x10,
	BUFFER_OP = 0x11,
	PACKAGE_OP = 0x12,
	EXT_OP_PREFIX = 0x5b,
	EXT_DEVICE_OP = 0x82,
	NAME_BYTES = 4,
};

/* [ACPI] "Small Resource Data Type": bits 6:3 the type, 2:0 how many bytes follow. */
enum {
	RESOURCE_IRQ = 0x22,   /* u16: a bit for each interrupt */
	RESOURCE_PORTS = 0x47, /* see aml_add_ports() */
	RESOURCE_END = 0x79,   /* u8: checksum, or 0 for "as if it were right" */
	DECODES_16_BITS = 1,
};

void aml_init(struct aml *aml, uint8_t *to, size_t room_bytes)
{
	*aml = (struct aml){ .to = to, .room_bytes = room_bytes };
}

static uint8_t *append(struct aml *aml, size_t bytes)
{
	uint8_t *at = aml->to + aml->bytes;

	must(bytes <= aml->room_bytes - aml->bytes);
	aml->bytes += bytes;
	return at;
}

static void put_byte(struct aml *aml, uint8_t byte)
{
	*append(aml, 1) = byte;
}

static void put_name(struct aml *aml, const char *name)
{
	must(strlen(name) == NAME_BYTES);
	memcpy(append(aml, NAME_BYTES), name, NAME_BYTES);
}

static void put_integer(struct aml *aml, uint32_t value)
{
	if (value <= 1) {
		put_byte(aml, value ? ONE_OP : ZERO_OP);
	} else if (value <= UINT8_MAX) {
		put_byte(aml, BYTE_PREFIX);
		put_byte(aml, (uint8_t)value);
	} else if (value <= UINT16_MAX) {
		put_byte(aml, WORD_PREFIX);
		put_le16(append(aml, 2), (uint16_t)value);
	} else {
		put_byte(aml, DWORD_PREFIX);
		put_le32(append(aml, 4), value);
	}
}

/*
 * [ACPI] "Package Length Encoding": the length counts its own bytes too. One byte holds up to 63;
 * two hold four bits in the first (below the number of bytes that follow, in bits 7:6) and eight
 * in the other.
 */
void aml_end(struct aml *aml, size_t begun)
{
	size_t body_bytes = aml->bytes - begun;
	size_t length_bytes = body_bytes + 1 <= 0x3f ? 1 : 2;
	size_t length = body_bytes + length_bytes;

	must(length <= 0xfff);
	(void)append(aml, length_bytes);
	memmove(aml->to + begun + length_bytes, aml->to + begun, body_bytes);
	if (length_bytes == 1) {
		aml->to[begun] = (uint8_t)length;
	} else {
		aml->to[begun] = (uint8_t)(1 << 6 | (length & 0xf));
		aml->to[begun + 1] = (uint8_t)(length >> 4);
	}
}

size_t aml_begin_scope(struct aml *aml, const char *name)
{
	size_t begun;

	put_byte(aml, SCOPE_OP);
	begun = aml->bytes;
	put_name(aml, name);
	return begun;
}

size_t aml_begin_device(struct aml *aml, const char *name)
{
	size_t begun;

	put_byte(aml, EXT_OP_PREFIX);
	put_byte(aml, EXT_DEVICE_OP);
	begun = aml->bytes;
	put_name(aml, name);
	return begun;
}

void aml_name_integer(struct aml *aml, const char *name, uint32_t value)
{
	put_byte(aml, NAME_OP);
	put_name(aml, name);
	put_integer(aml, value);
}

static uint8_t letter(char c)
{
	must(c >= 'A' && c <= 'Z');
	return (uint8_t)(c - 'A' + 1);
}

static uint8_t digit(char c)
{
	must((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));
	return (uint8_t)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Five bits for each letter, four for each digit, the first ones highest in the first byte. */
void aml_name_eisaid(struct aml *aml, const char *name, const char *id)
{
	uint8_t *at;

	must(strlen(id) == 7);
	put_byte(aml, NAME_OP);
	put_name(aml, name);
	put_byte(aml, DWORD_PREFIX);
	at = append(aml, 4);
	at[0] = (uint8_t)(letter(id[0]) << 2 | letter(id[1]) >> 3);
	at[1] = (uint8_t)(letter(id[1]) << 5 | letter(id[2]));
	at[2] = (uint8_t)(digit(id[3]) << 4 | digit(id[4]));
	at[3] = (uint8_t)(digit(id[5]) << 4 | digit(id[6]));
}

void aml_name_package(struct aml *aml, const char *name, const uint32_t *value, uint8_t count)
{
	size_t begun;

	put_byte(aml, NAME_OP);
	put_name(aml, name);
	put_byte(aml, PACKAGE_OP);
	begun = aml->bytes;
	put_byte(aml, count);
	for (uint8_t i = 0; i < count; i++)
		put_integer(aml, value[i]);
	aml_end(aml, begun);
}

static uint8_t *add_resource(struct aml_resources *resources, size_t bytes)
{
	uint8_t *at = resources->byte + resources->bytes;

	must(bytes <= sizeof(resources->byte) - resources->bytes);
	resources->bytes += bytes;
	return at;
}

/* [ACPI] "I/O Port Descriptor": the lowest and the highest base are the same one. */
void aml_add_ports(struct aml_resources *resources, uint16_t port, uint8_t ports)
{
	uint8_t *at = add_resource(resources, 8);

	at[0] = RESOURCE_PORTS;
	at[1] = DECODES_16_BITS;
	put_le16(at + 2, port);
	put_le16(at + 4, port);
	at[6] = 1; /* alignment */
	at[7] = ports;
}

/* [ACPI] "IRQ Descriptor", the short form. */
void aml_add_irq(struct aml_resources *resources, uint8_t irq)
{
	uint8_t *at = add_resource(resources, 3);

	must(irq < 16);
	at[0] = RESOURCE_IRQ;
	put_le16(at + 1, (uint16_t)(1 << irq));
}

void aml_name_resources(struct aml *aml, const char *name, const struct aml_resources *resources)
{
	size_t begun;

	put_byte(aml, NAME_OP);
	put_name(aml, name);
	put_byte(aml, BUFFER_OP);
	begun = aml->bytes;
	put_integer(aml, (uint32_t)resources->bytes + 2);
	memcpy(append(aml, resources->bytes), resources->byte, resources->bytes);
	put_byte(aml, RESOURCE_END);
	put_byte(aml, 0);
	aml_end(aml, begun);
}
