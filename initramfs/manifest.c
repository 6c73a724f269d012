/* SPDX-License-Identifier: MIT */
#include "initramfs/manifest.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "initramfs/cpio.h"
#include "initramfs/protocol.h"
#include "vmm/base/must.h"

#define ROOT PROTOCOL_FOLDER "/root"

enum { NAME_BYTES = sizeof(ROOT) + PATH_MAX };

/* A path in the guest that has an entry. */
struct known {
	const char *guest; /* "" for the root; the end of the entry's name */
	size_t entry;
	bool added; /* by --add */
};

static int no_memory(const struct manifest *m, struct err *e)
{
	return err_set(e, ENOMEM, "%s: no memory for the list of its files", m->tree.directory);
}

static int by_path(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return strcmp(x->guest, y->guest);
}

static struct known *lookup(const struct manifest *m, const char *guest)
{
	const struct known wanted = { .guest = guest };
	void *const *node = tfind(&wanted, &m->index, by_path);

	return node ? *node : NULL;
}

static struct tree_entry *entry_of(const struct manifest *m, const struct known *known)
{
	return &m->tree.entry[known->entry];
}

const char *manifest_guest(const struct tree_entry *entry)
{
	must(strncmp(entry->name, ROOT, strlen(ROOT)) == 0);
	return entry->name + strlen(ROOT);
}

/* A new entry for a path that has none. NULL with *e. */
static struct tree_entry *new_entry(struct manifest *m, const char *guest, bool added,
				    struct err *e)
{
	struct known *known = malloc(sizeof(*known));
	struct tree_entry *entry;
	char name[NAME_BYTES];

	(void)snprintf(name, sizeof(name), "%s%s", ROOT, guest);
	entry = tree_add(&m->tree, name, e);
	if (!entry || !known) {
		if (entry)
			(void)no_memory(m, e);
		free(known);
		return NULL;
	}
	*known = (struct known){ manifest_guest(entry), m->tree.count - 1, added };
	if (!tsearch(known, &m->index, by_path)) {
		(void)no_memory(m, e);
		free(known);
		return NULL;
	}
	return entry;
}

void manifest_init(struct manifest *manifest, const char *what)
{
	*manifest = (struct manifest){ .tree = { .directory = what, .fd = -1 } };
}

void manifest_finish(struct manifest *manifest)
{
	tdestroy(manifest->index, free);
	manifest->index = NULL;
	tree_finish(&manifest->tree);
}

static void describe(char text[PATH_MAX], const struct tree_entry *entry)
{
	if (S_ISREG(entry->mode))
		(void)snprintf(text, PATH_MAX, "the file %s", entry->source);
	else if (S_ISLNK(entry->mode))
		(void)snprintf(text, PATH_MAX, "a link to %s", entry->target);
	else
		(void)snprintf(text, PATH_MAX, "%s",
			       S_ISDIR(entry->mode) ? "a folder" : "a device or FIFO");
}

/* -- The way through the guest -- */

struct walk {
	char at[PATH_MAX];   /* so far; no link but perhaps its last part */
	char rest[PATH_MAX]; /* what is still to go */
	unsigned int links;
};

static void up(char *at)
{
	char *slash = strrchr(at, '/');

	if (slash)
		*slash = '\0';
}

static int too_long(const char *path, struct err *e)
{
	return err_set(e, ENAMETOOLONG, "%.60s...: the path in the guest has more than %d bytes",
		       path, PATH_MAX - 1);
}

/* Takes the next part off the rest. False: there is none. */
static bool next_part(struct walk *w, char part[PATH_MAX])
{
	const char *from = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(from, "/");

	memcpy(part, from, n);
	part[n] = '\0';
	from += n;
	from += strspn(from, "/");
	memmove(w->rest, from, strlen(from) + 1);
	return n > 0;
}

static int follow(struct walk *w, const char *target, struct err *e)
{
	char rest[2 * PATH_MAX];
	int n = snprintf(rest, sizeof(rest), "%s/%s", target, w->rest);

	if (n >= PATH_MAX)
		return too_long(w->at, e);
	if (++w->links > MANIFEST_LINKS_MAX)
		return err_set(e, ELOOP, "%s: more than %d symbolic links lead on from there",
			       w->at, MANIFEST_LINKS_MAX);
	if (target[0] == '/')
		w->at[0] = '\0';
	else
		up(w->at);
	memcpy(w->rest, rest, (size_t)n + 1);
	return 0;
}

static int make_folder(struct manifest *m, const char *guest, struct err *e)
{
	struct tree_entry *entry = new_entry(m, guest, false, e);
	struct stat st;

	if (!entry)
		return -e->code;
	entry->mode = S_IFDIR | 0755;
	if (stat(guest, &st) == 0 && S_ISDIR(st.st_mode))
		entry->mode = st.st_mode;
	return 0;
}

/* What is at w->at, when the way leads on from there. */
static int pass(struct manifest *m, struct walk *w, bool make, struct err *e)
{
	const struct known *known = lookup(m, w->at);
	const struct tree_entry *entry = known ? entry_of(m, known) : NULL;
	char text[PATH_MAX];

	if (!entry)
		return make ? make_folder(m, w->at, e) : 0;
	if (S_ISLNK(entry->mode))
		return follow(w, entry->target, e);
	if (S_ISDIR(entry->mode))
		return 0;
	describe(text, entry);
	return err_set(e, ENOTDIR, "%s/%s cannot be in the guest: %s is no folder there, but %s",
		       w->at, w->rest, w->at, text);
}

/* Ends with w->at being where path leads; its last part may be a link, or nothing. */
static int walk_to(struct manifest *m, struct walk *w, const char *path, bool make, struct err *e)
{
	char part[PATH_MAX];
	int rc = 0;

	must(path[0] == '/' && strlen(path) < PATH_MAX);
	*w->at = '\0';
	w->links = 0;
	strcpy(w->rest, path);
	while (rc == 0 && next_part(w, part)) {
		size_t used = strlen(w->at);

		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			up(w->at);
			continue;
		}
		if (used + 1 + strlen(part) >= sizeof(w->at))
			return too_long(path, e);
		w->at[used] = '/';
		strcpy(w->at + used + 1, part);
		if (*w->rest)
			rc = pass(m, w, make, e);
	}
	if (rc == 0 && make && !lookup(m, ""))
		rc = make_folder(m, "", e);
	return rc;
}

int manifest_folder(struct manifest *manifest, const char *guest, struct err *e)
{
	char path[PATH_MAX];
	struct walk w;

	/* With a part behind it, so that its last one is passed like the others. */
	if (snprintf(path, sizeof(path), "%s/.", guest) >= (int)sizeof(path))
		return too_long(guest, e);
	return walk_to(manifest, &w, path, true, e);
}

/* -- Two for one path -- */

static bool same_thing(const struct tree_entry *a, const struct tree_entry *b)
{
	if ((a->mode & S_IFMT) != (b->mode & S_IFMT))
		return false;
	if (S_ISREG(a->mode))
		return a->found.st_dev == b->found.st_dev && a->found.st_ino == b->found.st_ino;
	if (S_ISLNK(a->mode))
		return strcmp(a->target, b->target) == 0;
	return a->rdev_major == b->rdev_major && a->rdev_minor == b->rdev_minor;
}

static int refuse_second(const struct tree_entry *first, const struct tree_entry *second,
			 const char *guest, struct err *e)
{
	char one[PATH_MAX], two[PATH_MAX];

	describe(one, first);
	describe(two, second);
	return err_set(e, EEXIST,
		       "%s cannot be both in the guest: %s and %s; --add one of them elsewhere",
		       guest, one, two);
}

/*
 * Puts what was found at a path. Its strings become the manifest's, or are freed. The path may
 * have the same already.
 */
static int put(struct manifest *m, const char *guest, struct tree_entry *found, bool added,
	       struct err *e)
{
	struct known *known = lookup(m, guest);
	struct tree_entry *entry = known ? entry_of(m, known) : NULL;
	int rc = 0;

	found->name = NULL;
	if (entry && same_thing(entry, found)) {
		if (added)
			entry->mode = found->mode;
		known->added = known->added || added;
	} else if (entry) {
		rc = refuse_second(entry, found, guest, e);
	} else {
		entry = new_entry(m, guest, added, e);
		if (entry) {
			found->name = entry->name;
			*entry = *found;
			return 0;
		}
		rc = -e->code;
	}
	free(found->source);
	free(found->target);
	return rc;
}

/* -- What --add brings -- */

static int copy_path(const struct manifest *m, char **to, const char *folder, const char *name,
		     struct err *e)
{
	const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";

	if (asprintf(to, "%s%s%s", folder, slash, name) < 0) {
		*to = NULL;
		return no_memory(m, e);
	}
	return 0;
}

/* Moves one scanned entry to where it belongs. */
static int adopt(struct manifest *m, const char *source, struct tree_entry *from,
		 const char *target, struct err *e)
{
	struct tree_entry found = *from;
	struct walk w;
	int rc = walk_to(m, &w, target, true, e);

	found.source = NULL;
	if (rc == 0 && S_ISREG(from->mode))
		rc = copy_path(m, &found.source, source, from->name, e);
	if (rc < 0)
		return rc;
	from->target = NULL;
	return put(m, w.at, &found, true, e);
}

static int adopt_all(struct manifest *m, const struct tree *scanned, const char *source,
		     const char *target, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < scanned->count; i++) {
		char path[2 * PATH_MAX];

		(void)snprintf(path, sizeof(path), "%s/%s", target, scanned->entry[i].name);
		rc = strlen(path) < PATH_MAX
			     ? adopt(m, source, &scanned->entry[i], path, e)
			     : err_set(e, ENAMETOOLONG, "--add %s: %.60s... is too long a path",
				       source, path);
	}
	return rc;
}

static int add_folder(struct manifest *m, const char *source, const struct stat *st,
		      const char *target, struct err *e)
{
	struct tree scanned;
	struct known *known;
	struct walk w;
	int rc = tree_scan(&scanned, source, NULL, e);

	if (rc == 0)
		rc = manifest_folder(m, target, e);
	if (rc == 0)
		rc = adopt_all(m, &scanned, source, target, e);
	if (rc == 0)
		rc = walk_to(m, &w, target, false, e);
	/* The root keeps the permissions that it has. */
	known = rc == 0 && *w.at ? lookup(m, w.at) : NULL;
	if (known && S_ISDIR(entry_of(m, known)->mode)) {
		entry_of(m, known)->mode = st->st_mode;
		known->added = true;
	}
	tree_finish(&scanned);
	return rc;
}

static int add_file(struct manifest *m, const char *source, const char *target, struct err *e)
{
	struct tree scanned = { .fd = -1 };
	char *real = realpath(source, NULL), *slash;
	int rc;

	if (!real)
		return err_sys(e, errno, "--add %s: cannot be used", source);
	slash = strrchr(real, '/');
	*slash = '\0';
	rc = tree_scan_one(&scanned, *real ? real : "/", slash + 1, e);
	if (rc == 0)
		rc = adopt(m, *real ? real : "/", &scanned.entry[0], target, e);
	tree_finish(&scanned);
	free(real);
	return rc;
}

int manifest_add(struct manifest *manifest, const char *source, const char *target, struct err *e)
{
	struct stat st;

	if (stat(source, &st) < 0)
		return err_sys(e, errno, "--add %s: cannot be used", source);
	if (S_ISDIR(st.st_mode))
		return add_folder(manifest, source, &st, target, e);
	return add_file(manifest, source, target, e);
}

/* -- What the program needs -- */

/* Leads *file on by a link at w->at. */
static int go_on(struct spot *file, const struct walk *w, const char *target, struct err *e)
{
	struct spot here;

	strcpy(here.host, file->host);
	strcpy(here.guest, w->at);
	spot_folder(&here, &here);
	return spot_in(file, &here, target, e);
}

static const char *kind_name(mode_t mode)
{
	return S_ISDIR(mode)   ? "a directory"
	       : S_ISLNK(mode) ? "a symbolic link"
			       : "a device, a FIFO or a socket";
}

/* The path is one that --add has brought. */
static int step_added(struct spot *file, const struct tree_entry *entry, const struct walk *w,
		      const char *role, bool *done, struct err *e)
{
	if (S_ISLNK(entry->mode)) {
		strcpy(file->host, w->at);
		return go_on(file, w, entry->target, e);
	}
	if (!S_ISREG(entry->mode))
		return err_set(e, EINVAL, "%s %s: --add brings %s to this path; a file is needed",
			       role, w->at, kind_name(entry->mode));
	if (strlen(entry->source) >= sizeof(file->host))
		return too_long(entry->source, e);
	strcpy(file->host, entry->source);
	strcpy(file->guest, w->at);
	*done = true;
	return 0;
}

static int put_link(struct manifest *m, struct spot *file, const struct walk *w, const char *role,
		    struct err *e)
{
	struct tree_entry found = { .mode = S_IFLNK | 0777 };
	char target[PATH_MAX];
	ssize_t n = readlink(file->host, target, sizeof(target));
	int rc;

	if (n < 0)
		return err_sys(e, errno, "%s %s: the symbolic link cannot be read", role,
			       file->host);
	if (n == 0 || n == sizeof(target))
		return err_set(e, ENAMETOOLONG, "%s %s: the symbolic link's target has %zd bytes",
			       role, file->host, n);
	target[n] = '\0';
	found.target = strdup(target);
	if (!found.target)
		return no_memory(m, e);
	rc = put(m, w->at, &found, false, e);
	return rc == 0 ? go_on(file, w, target, e) : rc;
}

static int put_file(struct manifest *m, struct spot *file, const struct stat *st,
		    const struct walk *w, const char *role, struct err *e)
{
	struct tree_entry found = { .mode = st->st_mode, .found = *st };

	if ((uint64_t)st->st_size > CPIO_FILE_MAX_BYTES)
		return err_set(e, EFBIG,
			       "%s %s: has %lld bytes; an archive holds files of at most %llu",
			       role, file->host, (long long)st->st_size, CPIO_FILE_MAX_BYTES);
	found.source = strdup(file->host);
	if (!found.source)
		return no_memory(m, e);
	strcpy(file->guest, w->at);
	return put(m, w->at, &found, false, e);
}

static int step(struct manifest *m, struct spot *file, const char *role, bool *done, struct err *e)
{
	const struct known *known;
	struct stat st;
	struct walk w;
	int rc = walk_to(m, &w, file->guest, true, e);

	if (rc < 0)
		return rc;
	known = lookup(m, w.at);
	if (known && known->added)
		return step_added(file, entry_of(m, known), &w, role, done, e);
	if (lstat(file->host, &st) < 0)
		return err_sys(e, errno, "%s %s: cannot be used", role, file->host);
	if (S_ISLNK(st.st_mode))
		return put_link(m, file, &w, role, e);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "%s %s: is %s; a file is needed", role, file->host,
			       kind_name(st.st_mode));
	*done = true;
	return put_file(m, file, &st, &w, role, e);
}

int manifest_place(struct manifest *manifest, struct spot *file, const char *role, struct err *e)
{
	bool done = false;
	int rc = 0;

	for (int links = 0; rc == 0 && !done; links++) {
		if (links > MANIFEST_LINKS_MAX)
			return err_set(e, ELOOP,
				       "%s %s: more than %d symbolic links lead on from there",
				       role, file->host, MANIFEST_LINKS_MAX);
		rc = step(manifest, file, role, &done, e);
	}
	return rc;
}

int manifest_see(struct manifest *manifest, const struct spot *file, char host[PATH_MAX])
{
	struct spot at = *file;
	bool done = false;
	struct walk w;
	struct err e;

	for (int links = 0; links <= MANIFEST_LINKS_MAX; links++) {
		const struct known *known;

		if (walk_to(manifest, &w, at.guest, false, &e) < 0)
			return -1;
		known = lookup(manifest, w.at);
		if (!known || !known->added)
			done = true;
		else if (step_added(&at, entry_of(manifest, known), &w, "", &done, &e) < 0)
			return -1;
		if (done) {
			strcpy(host, at.host);
			return 0;
		}
	}
	return -1;
}
