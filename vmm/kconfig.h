/* SPDX-License-Identifier: MIT */
/*
 * A kernel's .config as data, and how two differ. Read as if somebody hostile had written it.
 *
 *	CONFIG_NAME=y | m | n | "text" | 123 | 0x1f
 *	# CONFIG_NAME is not set
 *	# any other comment, and empty lines
 *
 * An option that is not set, is n, or does not appear (because what it depends on is off) is the
 * same to the kernel that is built: it is off, and no difference. Of an option that stands there
 * twice the last line counts, as in Linux's own reader.
 *
 * Authority: [LINUX] scripts/kconfig/confdata.c, conf_read_simple() and conf_set_sym_val();
 * Documentation/kbuild/kconfig.rst.
 */
#ifndef TVMM_KCONFIG_H
#define TVMM_KCONFIG_H

#include <stddef.h>

#include "vmm/base/err.h"

enum {
	KCONFIG_FILE_MAX_BYTES = 4 << 20,
	KCONFIG_OPTIONS_MAX = 1 << 16,
	KCONFIG_NAME_MAX = 127, /* characters, without CONFIG_ */
	KCONFIG_LINE_MAX = 4096,
};

struct kconfig_option {
	const char *name;  /* without CONFIG_ */
	const char *value; /* as it stands there, quotes too; NULL: off */
	size_t line;
};

/* All zero is an empty one. */
struct kconfig {
	char *text;                    /* owned: what the others point into */
	struct kconfig_option *option; /* ascending by name, each once */
	size_t options;
};

/*
 * Parses a text. path: how messages call it. 0, or -errno with *e naming path and line (-EINVAL,
 * -EFBIG, -ENOMEM); *config is empty then. A text without a single option is refused.
 */
int kconfig_parse(struct kconfig *config, const char *path, const char *text, size_t bytes,
		  struct err *e);
/* The same from a file. */
int kconfig_read(struct kconfig *config, const char *path, struct err *e);
void kconfig_finish(struct kconfig *config);

/* The value of an option (without CONFIG_); NULL: it is off. */
const char *kconfig_find(const struct kconfig *config, const char *name);

struct kconfig_change {
	const char *name, *a, *b; /* borrowed from the two; a, b: NULL where it is off */
};

struct kconfig_difference {
	struct kconfig_change *change; /* owned; ascending by name */
	size_t changes;
	size_t only_a, only_b, changed; /* they add up to changes */
};

/* 0, or -ENOMEM with *e. Both must outlive the difference. */
int kconfig_compare(struct kconfig_difference *difference, const struct kconfig *a,
		    const struct kconfig *b, struct err *e);
void kconfig_difference_finish(struct kconfig_difference *difference);

#endif
