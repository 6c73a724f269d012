/* SPDX-License-Identifier: MIT */
#include "vmm/kconfig.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/file.h"
#include "vmm/timing/markup.h"

static const char PREFIX[] = "CONFIG_", NOT_SET[] = " is not set";

enum { PREFIX_LENGTH = sizeof(PREFIX) - 1 };

static const char NAME_CHARACTERS[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

struct parsing {
	struct kconfig *config;
	const char *path;
	struct err *e;
	size_t room, line;
};

#define refuse(p, code, fmt, ...) \
	err_set((p)->e, code, "%s:%zu: " fmt, (p)->path, (p)->line, ##__VA_ARGS__)

static int add(struct parsing *p, const char *name, const char *value)
{
	struct kconfig *config = p->config;

	if (strlen(name) > KCONFIG_NAME_MAX)
		return refuse(p, EINVAL, "an option's name has %zu characters; at most %d can be",
			      strlen(name), KCONFIG_NAME_MAX);
	if (config->options == KCONFIG_OPTIONS_MAX)
		return refuse(p, EFBIG, "more than %d options are not accepted",
			      KCONFIG_OPTIONS_MAX);
	if (config->options == p->room) {
		size_t room = p->room ? p->room * 2 : 1024;
		struct kconfig_option *more =
			reallocarray(config->option, room, sizeof(*config->option));

		if (!more)
			return refuse(p, ENOMEM, "no memory for its options");
		config->option = more;
		p->room = room;
	}
	config->option[config->options++] = (struct kconfig_option){ name, value, p->line };
	return 0;
}

/* "text", in which a quote or a backslash stands behind a backslash. */
static bool is_string(const char *value)
{
	if (*value++ != '"')
		return false;
	for (; *value && *value != '"'; value++) {
		if (*value == '\\' && *++value == '\0')
			return false;
	}
	return value[0] == '"' && value[1] == '\0';
}

static bool is_number(const char *value)
{
	const char *digits = "0123456789";

	if (*value == '-') {
		value++;
	} else if (value[0] == '0' && (value[1] == 'x' || value[1] == 'X')) {
		value += 2;
		digits = "0123456789abcdefABCDEF";
	}
	return *value && value[strspn(value, digits)] == '\0';
}

/* "NAME=VALUE": value points behind the sign. */
static int take_value(struct parsing *p, char *name, char *sign)
{
	const char *value = sign + 1;
	bool letter = *value && strchr("ymn", *value) && value[1] == '\0';

	if (!letter && !is_string(value) && !is_number(value))
		return refuse(p, EINVAL,
			      "%s%.*s=%.40s: the value must be y, m, n, a number or \"text\"",
			      PREFIX, (int)(sign - name), name, value);
	*sign = '\0';
	return add(p, name, *value == 'n' ? NULL : value);
}

/* Comments are no options, unless they say so of one. */
static int take_comment(struct parsing *p, char *line)
{
	char *name = line + 1 + strspn(line + 1, " ");
	size_t length;

	if (strncmp(name, PREFIX, PREFIX_LENGTH) != 0)
		return 0;
	name += PREFIX_LENGTH;
	length = strspn(name, NAME_CHARACTERS);
	if (length == 0 || strcmp(name + length, NOT_SET) != 0)
		return 0;
	name[length] = '\0';
	return add(p, name, NULL);
}

static int take_line(struct parsing *p, char *line, size_t length)
{
	size_t name_length;

	if (length && line[length - 1] == '\r')
		line[--length] = '\0';
	if (length > KCONFIG_LINE_MAX)
		return refuse(p, EFBIG, "the line has %zu characters; at most %d are accepted",
			      length, KCONFIG_LINE_MAX);
	for (size_t i = 0, bytes; i < length; i += bytes) {
		bytes = markup_character_bytes(line + i);
		if (!bytes)
			return refuse(p, EINVAL,
				      "byte 0x%02x at column %zu: a .config is text; is this one?",
				      (unsigned char)line[i], i + 1);
	}
	if (line[strspn(line, " \t")] == '\0')
		return 0;
	if (*line == '#')
		return take_comment(p, line);
	name_length = strncmp(line, PREFIX, PREFIX_LENGTH) == 0
			      ? strspn(line + PREFIX_LENGTH, NAME_CHARACTERS)
			      : 0;
	if (name_length == 0 || line[PREFIX_LENGTH + name_length] != '=')
		return refuse(p, EINVAL,
			      "'%.40s' is no line of a .config: it has CONFIG_NAME=VALUE, "
			      "'# CONFIG_NAME is not set' and comments",
			      line);
	return take_value(p, line + PREFIX_LENGTH, line + PREFIX_LENGTH + name_length);
}

static int by_name(const void *a, const void *b)
{
	const struct kconfig_option *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : (left->line > right->line) - (left->line < right->line);
}

/* Sorted, and of each name the last. */
static void put_in_order(struct kconfig *config)
{
	size_t kept = 0;

	qsort(config->option, config->options, sizeof(*config->option), by_name);
	for (size_t i = 0; i < config->options; i++) {
		if (kept && strcmp(config->option[kept - 1].name, config->option[i].name) == 0)
			kept--;
		config->option[kept++] = config->option[i];
	}
	config->options = kept;
}

static int parse_lines(struct parsing *p, size_t bytes)
{
	char *at = p->config->text, *end = at + bytes;

	while (at < end) {
		char *stop = memchr(at, '\n', (size_t)(end - at));
		int rc;

		stop = stop ? stop : end;
		*stop = '\0';
		p->line++;
		rc = take_line(p, at, (size_t)(stop - at));
		if (rc < 0)
			return rc;
		at = stop + 1;
	}
	if (p->config->options == 0)
		return err_set(p->e, EINVAL,
			       "%s has not one option of a kernel in it: it is no .config",
			       p->path);
	put_in_order(p->config);
	return 0;
}

/* text becomes the configuration's, also after a failure. */
static int parse_owned(struct kconfig *config, const char *path, char *text, size_t bytes,
		       struct err *e)
{
	struct parsing p = { .config = config, .path = path, .e = e };
	int rc;

	*config = (struct kconfig){ .text = text };
	rc = parse_lines(&p, bytes);
	if (rc < 0)
		kconfig_finish(config);
	return rc;
}

/* Room for the text and a NUL; NULL with *e. */
static char *make_room(const char *path, uint64_t bytes, struct err *e)
{
	char *text = NULL;

	if (bytes > KCONFIG_FILE_MAX_BYTES) {
		(void)err_set(e, EFBIG, "%s has %llu bytes; a .config has at most %d", path,
			      (unsigned long long)bytes, KCONFIG_FILE_MAX_BYTES);
		return NULL;
	}
	text = calloc(1, bytes + 1);
	if (!text)
		(void)err_set(e, ENOMEM, "no memory for %s", path);
	return text;
}

int kconfig_parse(struct kconfig *config, const char *path, const char *text, size_t bytes,
		  struct err *e)
{
	char *copy = make_room(path, bytes, e);

	*config = (struct kconfig){ 0 };
	if (!copy)
		return -e->code;
	if (bytes)
		(void)memcpy(copy, text, bytes);
	return parse_owned(config, path, copy, bytes, e);
}

int kconfig_read(struct kconfig *config, const char *path, struct err *e)
{
	struct input_file file;
	char *text;
	int rc = file_open(&file, "configuration", path, KCONFIG_FILE_MAX_BYTES, e);

	*config = (struct kconfig){ 0 };
	if (rc < 0)
		return rc;
	text = make_room(path, file.size_bytes, e);
	rc = text ? file_read(&file, 0, text, file.size_bytes, e) : -e->code;
	if (rc == 0)
		rc = parse_owned(config, path, text, file.size_bytes, e);
	else
		free(text);
	file_close(&file);
	return rc;
}

void kconfig_finish(struct kconfig *config)
{
	free(config->text);
	free(config->option);
	*config = (struct kconfig){ 0 };
}

const char *kconfig_find(const struct kconfig *config, const char *name)
{
	size_t low = 0, high = config->options;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, config->option[middle].name);

		if (order == 0)
			return config->option[middle].value;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void take_change(struct kconfig_difference *d, const char *name, const char *a,
			const char *b)
{
	if ((!a && !b) || (a && b && strcmp(a, b) == 0))
		return;
	d->change[d->changes++] = (struct kconfig_change){ name, a, b };
	d->only_a += !b;
	d->only_b += !a;
	d->changed += a && b;
}

int kconfig_compare(struct kconfig_difference *d, const struct kconfig *a, const struct kconfig *b,
		    struct err *e)
{
	size_t i = 0, j = 0;

	*d = (struct kconfig_difference){ 0 };
	d->change = calloc(a->options + b->options + 1, sizeof(*d->change));
	if (!d->change)
		return err_set(e, ENOMEM, "no memory for the difference of two configurations");
	while (i < a->options || j < b->options) {
		int order = i == a->options   ? 1
			    : j == b->options ? -1
					      : strcmp(a->option[i].name, b->option[j].name);
		const struct kconfig_option *of_a = order <= 0 ? &a->option[i++] : NULL;
		const struct kconfig_option *of_b = order >= 0 ? &b->option[j++] : NULL;

		take_change(d, of_a ? of_a->name : of_b->name, of_a ? of_a->value : NULL,
			    of_b ? of_b->value : NULL);
	}
	return 0;
}

void kconfig_difference_finish(struct kconfig_difference *d)
{
	free(d->change);
	*d = (struct kconfig_difference){ 0 };
}
