/* SPDX-License-Identifier: MIT */
#include "vmm/trial_export.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/trial.h"

void trial_export_init(struct trial_export *exports, const struct trial_export_kind *kinds)
{
	do
		*exports++ =
			(struct trial_export){ .option = kinds->option, .print = kinds->print };
	while (kinds++->option);
}

int trial_export_take(struct trial_export *exports, int argc, char **argv, int *i, struct err *e)
{
	for (struct trial_export *x = exports; x->option; x++) {
		if (!trial_is_option(argv[*i], x->option))
			continue;
		x->path = trial_option_value(argc, argv, i, e);
		return x->path ? 1 : -EINVAL;
	}
	return 0;
}

int trial_export_open(struct trial_export *exports, struct err *e)
{
	for (struct trial_export *x = exports; x->option; x++) {
		int rc = outfile_open(&x->file, x->option, x->path, e);

		if (rc < 0)
			return rc;
		for (struct trial_export *before = exports; before < x; before++) {
			if (outfile_same(&before->file, &x->file))
				return err_set(e, EINVAL, "%s and %s both write %s", before->option,
					       x->option, x->path);
		}
	}
	return 0;
}

/*
 * --- what is read -------------------------------------------------------------------------------
 */

int trial_export_spare(const struct trial_export *exports, const char *what, const char *path,
		       struct err *e)
{
	int rc = 0, fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;

	for (const struct trial_export *x = exports; rc == 0 && x->option; x++) {
		if (outfile_is(&x->file, fd))
			rc = err_set(e, EINVAL,
				     "%s %s: is the file '%s', the %s; name a file that is not "
				     "read",
				     x->option, x->path, path, what);
	}
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

/* SRC or SRC:/TARGET. What is too long is no file. */
static int spare_added(const struct trial_export *exports, const char *value, struct err *e)
{
	const char *colon = strrchr(value, ':');
	char path[PATH_MAX];
	int bytes = (int)(colon && colon[1] == '/' ? (size_t)(colon - value) : strlen(value));

	if (snprintf(path, sizeof(path), "%.*s", bytes, value) >= (int)sizeof(path))
		return 0;
	return trial_export_spare(exports, "file of -add", path, e);
}

/* The value of an option of that name, "-name VALUE" or "-name=VALUE"; NULL: it is another one. */
static const char *value_of(char *const *option, const char *name)
{
	size_t length = strlen(name);
	const char *word = *option;

	if (*word++ != '-')
		return NULL;
	word += *word == '-';
	if (strncmp(word, name, length) != 0)
		return NULL;
	return word[length] == '=' ? word + length + 1 : word[length] ? NULL : option[1];
}

int trial_export_spare_run(const struct trial_export *exports, char *const *option, struct err *e)
{
	static const char *const files[] = { "kernel", "initrd", "symbols" };
	int rc = 0;

	for (; rc == 0 && *option && strcmp(*option, "--") != 0; option++) {
		const char *added = value_of(option, "add");

		for (size_t i = 0; rc == 0 && i < sizeof(files) / sizeof(files[0]); i++)
			rc = trial_export_spare(exports, files[i], value_of(option, files[i]), e);
		if (rc == 0 && added)
			rc = spare_added(exports, added, e);
	}
	if (rc == 0 && *option)
		rc = trial_export_spare(exports, "program", option[1], e);
	return rc;
}

/*
 * --- writing ------------------------------------------------------------------------------------
 */

struct writing {
	const struct trial_export *what;
	const void *of;
	struct err why;
};

static int print_it(const void *ctx, FILE *out)
{
	struct writing *writing = (struct writing *)(uintptr_t)ctx;

	return writing->what->print(writing->of, out, &writing->why);
}

static int write_one(struct trial_export *x, const void *of, struct err *e)
{
	struct writing writing = { .what = x, .of = of };
	int rc = outfile_write(&x->file, print_it, &writing, e);

	if (rc < 0 && writing.why.code)
		return err_set(e, writing.why.code, "%s %s: %s", x->option, x->path,
			       writing.why.text);
	return rc;
}

int trial_export_write(struct trial_export *exports, const void *of, struct err *e)
{
	int rc = 0;

	if (fflush(stdout) != 0) { /* a file may be the same */
		rc = err_sys(e, errno, "stdout cannot be written");
		clearerr(stdout); /* it is said once */
	}
	for (struct trial_export *x = exports; x->option; x++) {
		struct err why;
		int one = write_one(x, of, &why);

		if (one < 0 && rc == 0) {
			*e = why;
			rc = one;
		}
	}
	return rc;
}

void trial_export_abandon(struct trial_export *exports)
{
	for (struct trial_export *x = exports; x->option; x++)
		outfile_abandon(&x->file);
}
