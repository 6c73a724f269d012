/* SPDX-License-Identifier: MIT */
#include "vmm/jsonread.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "vmm/base/file.h"

const char *jsonread_type_name(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",     [JSON_ARRAY] = "a list",
		[JSON_STRING] = "a text",        [JSON_INTEGER] = "a whole number",
		[JSON_REAL] = "a broken number", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",          [JSON_NULL] = "null",
	};

	return value ? names[json_typeof(value)] : "not there";
}

json_t *jsonread_field(const json_t *object, const char *what, const char *name, json_type type,
		       struct err *e)
{
	json_t *value = json_object_get(object, name);
	json_t wanted = { .type = type };

	if (value && json_typeof(value) == type)
		return value;
	(void)err_set(e, EINVAL, "%s: \"%s\" is %s; expected %s", what, name,
		      jsonread_type_name(value), jsonread_type_name(&wanted));
	return NULL;
}

int jsonread_number(const json_t *object, const char *what, const char *name, json_int_t max,
		    json_int_t *value, struct err *e)
{
	const json_t *found = jsonread_field(object, what, name, JSON_INTEGER, e);

	if (!found)
		return -EINVAL;
	*value = json_integer_value(found);
	if (*value < 0 || *value > max)
		return err_set(e, ERANGE, "%s: \"%s\" is %lld; expected 0 to %lld", what, name,
			       (long long)*value, (long long)max);
	return 0;
}

int jsonread_version(const json_t *root, const char *what, int ours, struct err *e)
{
	json_int_t version;
	int rc = jsonread_number(root, what, "version", INT32_MAX, &version, e);

	if (rc == 0 && version != ours)
		rc = err_set(e, EINVAL, "%s: \"version\" is %d; this tvmm reads %d", what,
			     (int)version, ours);
	return rc;
}

json_t *jsonread_text(const char *what, const char *text, size_t bytes, struct err *e)
{
	json_error_t error;
	json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		(void)err_set(e, EINVAL, "%s is not JSON: line %d, column %d: %s", what, error.line,
			      error.column, error.text);
	return root;
}

json_t *jsonread_file(const char *kind, const char *path, struct err *e)
{
	struct input_file file;
	json_t *root = NULL;
	char *text;

	if (file_open(&file, kind, path, JSONREAD_FILE_BYTES_MAX, e) < 0)
		return NULL;
	text = malloc(file.size_bytes + 1);
	if (!text)
		(void)err_set(e, ENOMEM, "no memory for %s", path);
	else if (file_read(&file, 0, text, file.size_bytes, e) == 0)
		root = jsonread_text(path, text, file.size_bytes, e);
	free(text);
	file_close(&file);
	return root;
}
