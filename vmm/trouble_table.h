/* SPDX-License-Identifier: MIT */
/* Between trouble.c and its table. */
#ifndef TVMM_TROUBLE_TABLE_H
#define TVMM_TROUBLE_TABLE_H

#include <stddef.h>

enum { TROUBLE_TEXTS_MAX = 24 };

enum trouble_where {
	TROUBLE_BEGINS,   /* the kernel's line begins with the words */
	TROUBLE_ANYWHERE, /* they stand in it, behind its start, a blank or a ']' */
	TROUBLE_DIES,     /* it is the head of an oops, "words...: 0002 [#1] ..." */
};

struct trouble_text {
	enum trouble_where where;
	const char *words; /* NULL behind the last one */
	const char *also;  /* stands somewhere behind the words; NULL: nothing has to */
};

enum trouble_group {
	TROUBLE_CRASH = 1 << 0,
	TROUBLE_LOCKUP = 1 << 1,
	TROUBLE_SANITIZER = 1 << 2,
	TROUBLE_KERNEL = 1 << 3,
	TROUBLE_ALL = 1 << 4,
};

struct trouble_name {
	const char *name;
	const char *catches; /* for people */
	unsigned int groups; /* enum trouble_group; TROUBLE_ALL goes without saying */
	struct trouble_text text[TROUBLE_TEXTS_MAX];
};

struct trouble_group_name {
	const char *name;
	const char *catches;
	unsigned int group;
};

/* A line that several of them match is told by the first of those that are looked for. */
extern const struct trouble_name trouble_table[];
extern const size_t trouble_table_rows;
extern const struct trouble_group_name trouble_groups[];
extern const size_t trouble_groups_count;

#endif
