/* SPDX-License-Identifier: MIT */
#include "initramfs/ldconf.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/file.h"

static int read_file(struct ldconf *conf, const char *path, int depth, struct err *e);

static int add_folder(struct ldconf *conf, char *text, struct err *e)
{
	text[strcspn(text, "=")] = '\0';
	for (size_t n = strlen(text); n > 1 && (text[n - 1] == '/' || isspace(text[n - 1])); n--)
		text[n - 1] = '\0';
	if (text[0] != '/' || strlen(text) >= PATH_MAX || conf->folders == LDCONF_FOLDERS_MAX)
		return 0;
	conf->folder[conf->folders] = strdup(text);
	if (!conf->folder[conf->folders])
		return err_set(e, ENOMEM, "no memory for the folders of ld.so.conf");
	conf->folders++;
	return 0;
}

/* A pattern that is not absolute is meant from the folder of the file that has it. */
static int include(struct ldconf *conf, const char *file, const char *pattern, int depth,
		   struct err *e)
{
	const char *slash = strrchr(file, '/');
	char full[PATH_MAX];
	glob_t found;
	int rc = 0;
	int n = pattern[0] == '/' || !slash ? snprintf(full, sizeof(full), "%s", pattern)
					    : snprintf(full, sizeof(full), "%.*s/%s",
						       (int)(slash - file), file, pattern);

	if (n >= (int)sizeof(full) || depth >= LDCONF_DEPTH_MAX)
		return 0;
	if (glob(full, 0, NULL, &found) != 0)
		return 0;
	for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
		rc = read_file(conf, found.gl_pathv[i], depth + 1, e);
	globfree(&found);
	return rc;
}

static int read_line(struct ldconf *conf, const char *file, char *line, int depth, struct err *e)
{
	static const char word[] = "include";
	size_t n = strlen(word);
	int rc = 0;

	line[strcspn(line, "#")] = '\0';
	line += strspn(line, " \t\r");
	if (strncmp(line, word, n) != 0 || !isblank(line[n]))
		return add_folder(conf, line, e);
	for (char *rest = line + n, *pattern;
	     rc == 0 && (pattern = strtok_r(rest, " \t\r", &rest));)
		rc = include(conf, file, pattern, depth, e);
	return rc;
}

static int read_lines(struct ldconf *conf, const struct input_file *file, int depth, struct err *e)
{
	size_t bytes = (size_t)file->size_bytes;
	char *text = malloc(bytes + 1), *rest = text;
	struct err ignored;
	int rc = 0;

	if (!text)
		return err_set(e, ENOMEM, "%s: no memory to read it", file->path);
	text[bytes] = '\0';
	if (file_read(file, 0, text, bytes, &ignored) < 0)
		rest = NULL;
	while (rc == 0 && rest)
		rc = read_line(conf, file->path, strsep(&rest, "\n"), depth, e);
	free(text);
	return rc;
}

static int read_file(struct ldconf *conf, const char *path, int depth, struct err *e)
{
	struct input_file file;
	struct err ignored;
	int rc;

	if (conf->files == LDCONF_FILES_MAX)
		return 0;
	conf->files++;
	if (file_open(&file, "list", path, LDCONF_FILE_MAX_BYTES, &ignored) < 0)
		return 0;
	rc = read_lines(conf, &file, depth, e);
	file_close(&file);
	return rc;
}

int ldconf_read(struct ldconf *conf, const char *path, struct err *e)
{
	memset(conf, 0, sizeof(*conf));
	return read_file(conf, path, 1, e);
}

void ldconf_finish(struct ldconf *conf)
{
	for (size_t i = 0; i < conf->folders; i++)
		free(conf->folder[i]);
	memset(conf, 0, sizeof(*conf));
}
