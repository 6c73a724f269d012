/* SPDX-License-Identifier: MIT */
/*
 * Reads JSON that tvmm has written, or somebody else: a field that is not there, or not what it has
 * to be, is an error that names the file, the field, what it is, and what was expected. Trees are
 * jansson's; what these give out is borrowed from them, but for those of the first two.
 *
 * Authority: [JSON].
 */
#ifndef TVMM_JSONREAD_H
#define TVMM_JSONREAD_H

#include <jansson.h>
#include <stddef.h>

#include "vmm/base/err.h"

enum { JSONREAD_FILE_BYTES_MAX = 64 << 20 };

/* Up to here a double is exact; as ns, 104 days. */
#define JSONREAD_NUMBER_MAX (1LL << 53)

/* what: how messages call it. The owner's to json_decref(); NULL with *e. A key that is there twice is an error. */
json_t *jsonread_text(const char *what, const char *text, size_t bytes, struct err *e);

/* The same from a file; kind: what it is, "series of runs". */
json_t *jsonread_file(const char *kind, const char *path, struct err *e);

/* The field of that name, of that type; NULL with *e. */
json_t *jsonread_field(const json_t *object, const char *what, const char *name, json_type type,
		       struct err *e);

/* The field of that name, a whole number from 0 to max. 0, or -EINVAL or -ERANGE with *e. */
int jsonread_number(const json_t *object, const char *what, const char *name, json_int_t max,
		    json_int_t *value, struct err *e);

/* What "version" says has to be ours. 0, or -errno with *e. */
int jsonread_version(const json_t *root, const char *what, int ours, struct err *e);

/* "an object", "a list", ...; "not there" for NULL */
const char *jsonread_type_name(const json_t *value);

#endif
