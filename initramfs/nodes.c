/* SPDX-License-Identifier: MIT */
#include "initramfs/nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "initramfs/cpio.h"
#include "vmm/base/file.h"

enum {
	LIST_MAX_BYTES = 1 << 20,
	WORDS_MAX = 8,       /* nod has them all */
	MODE_MAX = 07777,    /* permissions, setuid, setgid, sticky */
	MAJOR_MAX = 0xfff,   /* 12 bits in Linux's dev_t */
	MINOR_MAX = 0xfffff, /* 20 bits */
	NODE_TYPE_WORD = 5,
};

struct line {
	struct tree *tree;
	const char *word[WORDS_MAX + 1]; /* one more than fits, to tell that there are too many */
	int words;
	unsigned number;
};

struct kind {
	const char *word;
	const char *form; /* for messages */
	int words;
	int mode_word; /* MODE; UID and GID follow it */
	uint32_t type;
};

static const struct kind kinds[] = {
	{ "dir", "dir NAME MODE UID GID", 5, 2, S_IFDIR },
	{ "file", "file NAME HOSTFILE MODE UID GID", 6, 3, S_IFREG },
	{ "slink", "slink NAME TARGET MODE UID GID", 6, 3, S_IFLNK },
	{ "nod", "nod NAME MODE UID GID c|b MAJOR MINOR", 8, 2, 0 },
	{ "pipe", "pipe NAME MODE UID GID", 5, 2, S_IFIFO },
};

static const struct kind *find_kind(const char *word)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].word, word) == 0)
			return &kinds[i];
	}
	return NULL;
}

static int number(const struct line *line, int index, int base, uint32_t max, uint32_t *value,
		  struct err *e)
{
	const char *word = line->word[index];
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(word, &end, base);
	if (word[0] < '0' || word[0] > '9' || *end || errno || v > max)
		return err_set(e, EINVAL,
			       base == 8 ? "node list %s:%u: '%s' is no octal number up to %o"
					 : "node list %s:%u: '%s' is no decimal number up to %u",
			       line->tree->list, line->number, word, max);
	*value = (uint32_t)v;
	return 0;
}

static int parse_node(const struct line *line, struct tree_entry *entry, struct err *e)
{
	const char *type = line->word[NODE_TYPE_WORD];
	int rc;

	if (strcmp(type, "c") != 0 && strcmp(type, "b") != 0)
		return err_set(e, EINVAL,
			       "node list %s:%u: '%s' is no device type; c (character) and b "
			       "(block) are",
			       line->tree->list, line->number, type);
	entry->mode |= type[0] == 'c' ? S_IFCHR : S_IFBLK;
	rc = number(line, NODE_TYPE_WORD + 1, 10, MAJOR_MAX, &entry->rdev_major, e);
	if (rc == 0)
		rc = number(line, NODE_TYPE_WORD + 2, 10, MINOR_MAX, &entry->rdev_minor, e);
	return rc;
}

static int copy_word(const struct line *line, int index, char **to, struct err *e)
{
	*to = strdup(line->word[index]);
	return *to ? 0
		   : err_set(e, ENOMEM, "node list %s:%u: no memory", line->tree->list,
			     line->number);
}

static int parse_file(const struct line *line, struct tree_entry *entry, struct err *e)
{
	const char *source = line->word[2];

	if (stat(source, &entry->found) < 0)
		return err_sys(e, errno, "node list %s:%u: file %s", line->tree->list, line->number,
			       source);
	if (!S_ISREG(entry->found.st_mode))
		return err_set(e, EINVAL, "node list %s:%u: file %s: is no regular file",
			       line->tree->list, line->number, source);
	if ((uint64_t)entry->found.st_size > CPIO_FILE_MAX_BYTES)
		return err_set(e, EFBIG,
			       "node list %s:%u: file %s: has %lld bytes; a newc archive holds "
			       "files of at most %llu",
			       line->tree->list, line->number, source,
			       (long long)entry->found.st_size, CPIO_FILE_MAX_BYTES);
	return copy_word(line, 2, &entry->source, e);
}

static int parse_rest(const struct line *line, const struct kind *kind, struct tree_entry *entry,
		      struct err *e)
{
	uint32_t permissions;
	int rc = number(line, kind->mode_word, 8, MODE_MAX, &permissions, e);

	if (rc == 0)
		rc = number(line, kind->mode_word + 1, 10, UINT32_MAX, &entry->uid, e);
	if (rc == 0)
		rc = number(line, kind->mode_word + 2, 10, UINT32_MAX, &entry->gid, e);
	if (rc < 0)
		return rc;
	entry->mode = kind->type | permissions;
	if (kind->type == S_IFREG)
		return parse_file(line, entry, e);
	if (kind->type == S_IFLNK)
		return copy_word(line, 2, &entry->target, e);
	return kind->type ? 0 : parse_node(line, entry, e);
}

/* A name as the archive has it: /a/b becomes a/b; what has no place in an archive is refused. */
static const char *archive_name(const struct line *line, struct err *e)
{
	const char *name = line->word[1] + strspn(line->word[1], "/");

	for (const char *part = name;; part += strcspn(part, "/") + 1) {
		size_t n = strcspn(part, "/");

		if (n == 0 || (part[0] == '.' && (n == 1 || (n == 2 && part[1] == '.')))) {
			(void)err_set(e, EINVAL,
				      "node list %s:%u: '%s' is no name for an archive: no part "
				      "of it may be empty, '.' or '..'",
				      line->tree->list, line->number, line->word[1]);
			return NULL;
		}
		if (!part[n])
			return name;
	}
}

static int parse_line(const struct line *line, struct err *e)
{
	const struct kind *kind = find_kind(line->word[0]);
	struct tree_entry *entry;
	const char *name;

	if (!kind)
		return err_set(e, EINVAL,
			       "node list %s:%u: '%s' is no kind of entry; dir, file, slink, nod "
			       "and pipe are",
			       line->tree->list, line->number, line->word[0]);
	if (line->words != kind->words)
		return err_set(
			e, EINVAL, "node list %s:%u: has %s%d words, not %d; the form is: %s",
			line->tree->list, line->number, line->words > WORDS_MAX ? "more than " : "",
			line->words > WORDS_MAX ? WORDS_MAX : line->words, kind->words, kind->form);
	name = archive_name(line, e);
	entry = name ? tree_add(line->tree, name, e) : NULL;
	if (!entry)
		return -e->code;
	entry->list_line = line->number;
	return parse_rest(line, kind, entry, e);
}

static void split(struct line *line, char *text)
{
	char *rest = text;
	char *word;

	line->words = 0;
	while (line->words <= WORDS_MAX && (word = strtok_r(rest, " \t\r", &rest)))
		line->word[line->words++] = word;
}

static int parse(struct tree *tree, char *text, struct err *e)
{
	struct line line = { .tree = tree };
	int rc = 0;

	while (rc == 0 && text) {
		char *here = strsep(&text, "\n");

		line.number++;
		split(&line, here);
		if (line.words && line.word[0][0] != '#')
			rc = parse_line(&line, e);
	}
	return rc;
}

static int read_and_parse(struct tree *tree, const struct input_file *file, struct err *e)
{
	size_t bytes = (size_t)file->size_bytes;
	char *text = malloc(bytes + 1);
	int rc;

	if (!text)
		return err_set(e, ENOMEM, "node list %s: no memory for %zu bytes", file->path,
			       bytes);
	rc = file_read(file, 0, text, bytes, e);
	text[bytes] = '\0';
	if (rc == 0 && strlen(text) != bytes)
		rc = err_set(e, EINVAL, "node list %s: holds a zero byte; is it a text file?",
			     file->path);
	if (rc == 0)
		rc = parse(tree, text, e);
	free(text);
	return rc;
}

int nodes_read(struct tree *tree, const char *list, struct err *e)
{
	struct input_file file;
	int rc = file_open(&file, "node list", list, LIST_MAX_BYTES, e);

	if (rc < 0)
		return rc;
	tree->list = list;
	rc = read_and_parse(tree, &file, e);
	file_close(&file);
	return rc;
}
