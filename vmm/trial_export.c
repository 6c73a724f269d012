/* SPDX-License-Identifier: MIT */
#include "vmm/trial_export.h"

#include <errno.h>

#include "vmm/trial.h"

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

	(void)fflush(stdout); /* a file may be the same */
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
