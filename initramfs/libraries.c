/* SPDX-License-Identifier: MIT */
#include "initramfs/libraries.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "initramfs/cpio.h"

enum {
	LOADER_MAX_BYTES = 16 << 20,
	LOOKED_BYTES = 360, /* of a message: where a library was looked for */
	PROGRAM = 0,        /* the first object */
	VARIANTS = 2,       /* of $LIB */
};

/* What the guest's loader will have loaded. */
struct object {
	const char *name; /* as it was needed; borrowed from who needs it, or from the loader */
	char *path;       /* on the host, as it is opened */
	char *guest;      /* the same in the guest */
	struct elfneeds needs;
	size_t by; /* the object that needed it */
	dev_t dev;
	ino_t ino;
};

struct search {
	struct libraries *l;
	struct err *e;
	unsigned int machine;
	const struct libraries_loader *loader; /* NULL: not known, for it is a library */
	struct object *object;
	size_t objects;
	/* Of the name that is being looked for: */
	const char *name;
	struct spot found;
	char host[PATH_MAX]; /* the file that was found there */
	char looked[LOOKED_BYTES];
};

static const char *const usual_64[] = {
	"/lib/x86_64-linux-gnu",
	"/usr/lib/x86_64-linux-gnu",
	"/lib64",
	"/usr/lib64",
	"/lib",
	"/usr/lib",
	NULL,
};

static const char *const usual_32[] = {
	"/lib/i386-linux-gnu",
	"/usr/lib/i386-linux-gnu",
	"/lib32",
	"/usr/lib32",
	"/lib",
	"/usr/lib",
	NULL,
};

static const char *const lib_64[VARIANTS] = { "lib/x86_64-linux-gnu", "lib64" };
static const char *const lib_32[VARIANTS] = { "lib/i386-linux-gnu", "lib" };

void libraries_init(struct libraries *libraries, struct manifest *manifest, const struct spot *here,
		    const char *environment, const char *configuration)
{
	memset(libraries, 0, sizeof(*libraries));
	libraries->manifest = manifest;
	libraries->here = here;
	libraries->environment = environment;
	libraries->configuration = configuration;
}

void libraries_finish(struct libraries *libraries)
{
	for (size_t i = 0; i < libraries->loaders; i++) {
		free(libraries->loader[i].path);
		free(libraries->loader[i].bytes);
	}
	for (size_t i = 0; i < libraries->folders; i++)
		free(libraries->folder[i]);
	ldconf_finish(&libraries->conf);
	memset(libraries, 0, sizeof(*libraries));
}

static int no_memory(struct search *s)
{
	return err_set(s->e, ENOMEM, "%s: no memory for the list of its libraries",
		       s->objects ? s->object[PROGRAM].path : "the program");
}

/* -- What the guest's loader knows -- */

/* Has the loader this folder compiled in? glibc writes "/lib/", musl "/lib:/usr/local/lib". */
static bool has_compiled_in(const struct libraries_loader *loader, const char *folder)
{
	size_t n = strlen(folder);
	const char *at = loader->bytes, *end = at + loader->size_bytes;

	while ((at = memmem(at, (size_t)(end - at), folder, n))) {
		char before = at == loader->bytes ? '\0' : at[-1];
		const char *behind = at + n;

		if (behind < end && *behind == '/')
			behind++;
		if ((before == '\0' || before == ':') && behind < end &&
		    (*behind == '\0' || *behind == ':'))
			return true;
		at++;
	}
	return false;
}

static bool looks_there(const struct search *s, const char *folder)
{
	char normal[PATH_MAX];

	return s->loader && spot_normal(normal, folder) == 0 && has_compiled_in(s->loader, normal);
}

/* The guest's LD_LIBRARY_PATH gets the folder, unless it has it. */
static int tell(struct search *s, const char *folder)
{
	struct libraries *l = s->l;
	char normal[PATH_MAX];

	(void)spot_normal(normal, folder);
	for (size_t i = 0; i < l->folders; i++) {
		if (strcmp(l->folder[i], normal) == 0)
			return 0;
	}
	if (l->folders == LIBRARIES_FOLDERS_MAX)
		return err_set(s->e, E2BIG,
			       "%s: its libraries are in more than %d folders that the loader does "
			       "not know; put some of them together",
			       s->object[PROGRAM].path, LIBRARIES_FOLDERS_MAX);
	l->folder[l->folders] = strdup(normal);
	if (!l->folder[l->folders])
		return no_memory(s);
	l->folders++;
	return 0;
}

int libraries_environment(const struct libraries *libraries, char *text, size_t room, struct err *e)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < libraries->folders; i++) {
		int n = snprintf(text + used, room - used, "%s%s", i ? ":" : "",
				 libraries->folder[i]);

		if ((size_t)n >= room - used)
			return err_set(e, E2BIG,
				       "LD_LIBRARY_PATH for the guest has more than %zu "
				       "bytes",
				       room - 1);
		used += (size_t)n;
	}
	return 0;
}

/* -- Looking -- */

static bool is_noted(const struct search *s, const char *folder)
{
	size_t n = strlen(folder);

	for (const char *at = s->looked; (at = strstr(at, folder)); at++) {
		if ((at == s->looked || at[-1] == ' ') && (at[n] == '\0' || at[n] == ','))
			return true;
	}
	return false;
}

/* For the message, as far as there is room. */
static void note_looked(struct search *s, const char *folder)
{
	static const char rest[] = ", ...";
	size_t used = strlen(s->looked), room = sizeof(s->looked) - used - sizeof(rest);

	if (is_noted(s, folder) || is_noted(s, "..."))
		return;
	if (strlen(folder) + strlen(", ") < room)
		(void)sprintf(s->looked + used, "%s%s", used ? ", " : "", folder);
	else
		strcpy(s->looked + used, used ? rest : "...");
}

static bool is_for(const char *path, unsigned int machine)
{
	struct input_file file;
	struct stat st;
	struct err ignored;
	bool is;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    file_open(&file, "library", path, CPIO_FILE_MAX_BYTES, &ignored) < 0)
		return false;
	is = elfneeds_machine(&file) == machine;
	file_close(&file);
	return is;
}

/* 1: the library is there; 0: it is not. */
static int try_file(struct search *s, const struct spot *file)
{
	if (manifest_see(s->l->manifest, file, s->host) < 0 || !is_for(s->host, s->machine))
		return 0;
	s->found = *file;
	return 1;
}

static int try_folder(struct search *s, const struct spot *folder, bool must_tell)
{
	struct spot file;
	struct err ignored;
	int rc;

	if (strlen(folder->host) == 0 || spot_in(&file, folder, s->name, &ignored) < 0)
		return 0;
	note_looked(s, folder->host);
	rc = try_file(s, &file);
	if (rc == 1 && must_tell)
		rc = tell(s, folder->guest) < 0 ? -s->e->code : 1;
	return rc;
}

static int try_plain(struct search *s, const char *folder)
{
	struct spot spot;
	struct err ignored;

	if (spot_in(&spot, s->l->here, folder, &ignored) < 0)
		return 0;
	return try_folder(s, &spot, !looks_there(s, folder));
}

struct expansion {
	const struct object *origin; /* NULL: $ORIGIN means nothing */
	const char *lib;
	const char *platform;
	bool has_origin, has_lib, has_platform;
};

/* The length of $WORD or ${WORD} at text; 0: it is something else. */
static size_t token(const char *text, const char *word)
{
	size_t n = strlen(word);

	if (text[1] == '{')
		return strncmp(text + 2, word, n) == 0 && text[2 + n] == '}' ? n + 3 : 0;
	return strncmp(text + 1, word, n) == 0 ? n + 1 : 0;
}

static bool append(char to[PATH_MAX], const char *text, size_t n)
{
	size_t used = strlen(to);

	if (n >= PATH_MAX - used)
		return false;
	memcpy(to + used, text, n);
	to[used + n] = '\0';
	return true;
}

static bool append_both(struct spot *to, const char *text, size_t n)
{
	return append(to->host, text, n) && append(to->guest, text, n);
}

static bool append_origin(struct spot *to, struct expansion *x)
{
	struct spot file;

	x->has_origin = true;
	strcpy(file.host, x->origin->path);
	strcpy(file.guest, x->origin->guest);
	spot_folder(&file, &file);
	return append(to->host, file.host, strlen(file.host)) &&
	       append(to->guest, file.guest, strlen(file.guest));
}

/* One of ld.so(8)'s "dynamic string tokens" at text, or a plain byte. *n: how long it is. */
static bool expand_one(struct spot *to, const char *text, size_t *n, struct expansion *x)
{
	if (*text == '$') {
		*n = token(text, "ORIGIN");
		if (*n && x->origin)
			return append_origin(to, x);
		*n = token(text, "LIB");
		if (*n) {
			x->has_lib = true;
			return append_both(to, x->lib, strlen(x->lib));
		}
		*n = token(text, "PLATFORM");
		if (*n) {
			x->has_platform = true;
			return append_both(to, x->platform, strlen(x->platform));
		}
	}
	*n = 1;
	return append_both(to, text, 1);
}

/* The path that text[0..bytes) means, from the working directory. False: it is too long. */
static bool expand(struct search *s, struct spot *to, const char *text, size_t bytes,
		   struct expansion *x)
{
	const struct spot *here = s->l->here;
	size_t n;

	to->host[0] = to->guest[0] = '\0';
	if (bytes == 0 || (*text != '/' && *text != '$')) {
		*to = *here;
		if (!append_both(to, "/", 1))
			return false;
	}
	for (size_t i = 0; i < bytes; i += n) {
		if (!expand_one(to, text + i, &n, x))
			return false;
	}
	return to->host[0] == '/' && to->guest[0] == '/';
}

static struct expansion expansion_for(const struct search *s, const struct object *origin,
				      int variant)
{
	bool is64 = s->machine == EM_X86_64;

	return (struct expansion){
		.origin = origin,
		.lib = is64 ? lib_64[variant] : lib_32[variant],
		.platform = is64 ? "x86_64" : "i686",
	};
}

/* One folder of a list, in both readings of $LIB. */
static int try_element(struct search *s, const char *text, size_t bytes,
		       const struct object *origin, bool must_tell)
{
	int rc = 0;

	for (int variant = 0; rc == 0 && variant < VARIANTS; variant++) {
		struct expansion x = expansion_for(s, origin, variant);
		struct spot folder;

		if (!expand(s, &folder, text, bytes, &x))
			return 0;
		if (variant > 0 && !x.has_lib)
			break;
		rc = try_folder(s, &folder,
				must_tell || x.has_lib || x.has_platform ||
					(x.has_origin && origin == &s->object[PROGRAM]));
	}
	return rc;
}

static int try_list(struct search *s, const char *list, const char *separators,
		    const struct object *origin, bool must_tell)
{
	int rc = 0;

	for (const char *at = list; rc == 0 && at;) {
		size_t n = strcspn(at, separators);

		rc = try_element(s, at, n, origin, must_tell);
		at = at[n] ? at + n + 1 : NULL;
	}
	return rc;
}

/* The DT_RPATH of who needs it, and of all before. */
static int try_rpaths(struct search *s, size_t by)
{
	int rc = 0;

	if (s->object[by].needs.runpath)
		return 0;
	for (size_t i = by; rc == 0; i = s->object[i].by) {
		if (s->object[i].needs.rpath)
			rc = try_list(s, s->object[i].needs.rpath, ":", &s->object[i], false);
		if (i == PROGRAM)
			break;
	}
	return rc;
}

static int try_system(struct search *s)
{
	const char *const *usual = s->machine == EM_X86_64 ? usual_64 : usual_32;
	struct libraries *l = s->l;
	int rc = 0;

	if (!l->conf_is_read) {
		l->conf_is_read = true;
		rc = ldconf_read(&l->conf, l->configuration, s->e);
	}
	for (size_t i = 0; rc == 0 && i < l->conf.folders; i++)
		rc = try_plain(s, l->conf.folder[i]);
	for (; rc == 0 && *usual; usual++)
		rc = try_plain(s, *usual);
	return rc;
}

/* A name with a slash is a path. */
static int try_path(struct search *s, size_t by)
{
	struct expansion x = expansion_for(s, &s->object[by], 0);
	struct spot file;

	note_looked(s, "just there");
	return expand(s, &file, s->name, strlen(s->name), &x) ? try_file(s, &file) : 0;
}

/* 1: s->found has it; 0: it is nowhere. */
static int look_for(struct search *s, size_t by, const char *name)
{
	const struct object *object = &s->object[by];
	int rc;

	s->name = name;
	*s->looked = '\0';
	if (strchr(name, '/'))
		return try_path(s, by);
	rc = try_rpaths(s, by);
	if (rc == 0 && s->l->environment && *s->l->environment)
		rc = try_list(s, s->l->environment, ":;", &s->object[PROGRAM], true);
	if (rc == 0 && object->needs.runpath)
		rc = try_list(s, object->needs.runpath, ":", object, false);
	return rc == 0 ? try_system(s) : rc;
}

/* -- What is loaded -- */

/* musl's loader is libc and more by itself, and does not look for files of these names. */
static bool is_in_musl(const struct search *s, const char *name)
{
	static const char *const own[] = { "libc.",  "libpthread.", "librt.",  "libm.",
					   "libdl.", "libutil.",    "libxnet." };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strncmp(name, own[i], strlen(own[i])) == 0)
			return s->loader && s->loader->is_musl;
	}
	return false;
}

static bool is_loaded(const struct search *s, const char *name)
{
	for (size_t i = 0; i < s->objects; i++) {
		const char *soname = s->object[i].needs.soname;

		if (strcmp(s->object[i].name, name) == 0 || (soname && strcmp(soname, name) == 0))
			return true;
	}
	return is_in_musl(s, name);
}

static bool is_loaded_file(const struct search *s, const struct stat *st)
{
	for (size_t i = 0; i < s->objects; i++) {
		if (s->object[i].dev == st->st_dev && s->object[i].ino == st->st_ino)
			return true;
	}
	return false;
}

/* Makes an object; needs becomes its own. */
static int add_object(struct search *s, const char *name, const char *path, const char *guest,
		      struct elfneeds *needs, const struct stat *st, size_t by)
{
	struct object *object;

	if (s->objects == LIBRARIES_MAX) {
		elfneeds_finish(needs);
		return err_set(s->e, E2BIG, "%s: needs more than %d libraries",
			       s->object[PROGRAM].path, LIBRARIES_MAX);
	}
	object = &s->object[s->objects++];
	*object = (struct object){
		.name = name,
		.path = strdup(path),
		.guest = strdup(guest),
		.needs = *needs,
		.by = by,
		.dev = st->st_dev,
		.ino = st->st_ino,
	};
	return object->path && object->guest ? 0 : no_memory(s);
}

static int read_needs(struct search *s, const char *what, const char *path, struct elfneeds *needs,
		      struct stat *st)
{
	struct input_file file;
	int rc = file_open(&file, what, path, CPIO_FILE_MAX_BYTES, s->e);

	if (rc < 0)
		return rc;
	rc = fstat(file.fd, st) < 0 ? err_sys(s->e, errno, "%s %s: cannot be examined", what, path)
				    : elfneeds_read(needs, &file, s->e);
	file_close(&file);
	return rc;
}

/* The library that was found, for its needs: brought to its place, and among the objects. */
static int take_found(struct search *s, size_t by)
{
	struct spot file = s->found;
	struct elfneeds needs;
	struct stat st;
	int rc = manifest_place(s->l->manifest, &file, "library", s->e);

	if (rc == 0)
		rc = read_needs(s, "library", file.host, &needs, &st);
	if (rc < 0)
		return rc;
	if (is_loaded_file(s, &st)) {
		elfneeds_finish(&needs);
		return 0;
	}
	return add_object(s, s->name, s->host, s->found.guest, &needs, &st, by);
}

static int take_needed(struct search *s, size_t by)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->object[by].needs.count; i++) {
		const char *name = s->object[by].needs.needed[i];

		if (is_loaded(s, name))
			continue;
		rc = look_for(s, by, name);
		if (rc == 0)
			return err_set(
				s->e, ELIBACC,
				"%s: needs the %s library %s, which was not found; looked in "
				"%s; install it, or name its folder in LD_LIBRARY_PATH",
				s->object[by].path, s->machine == EM_X86_64 ? "x86-64" : "i386",
				name, s->looked);
		if (rc == 1)
			rc = take_found(s, by);
	}
	return rc;
}

/* -- The loader -- */

static int read_loader(struct search *s, const char *path, struct libraries_loader *loader)
{
	struct input_file file;
	int rc = file_open(&file, "loader", path, LOADER_MAX_BYTES, s->e);

	if (rc < 0)
		return rc;
	loader->size_bytes = (size_t)file.size_bytes;
	loader->bytes = malloc(loader->size_bytes + 1);
	rc = loader->bytes ? file_read(&file, 0, loader->bytes, loader->size_bytes, s->e)
			   : no_memory(s);
	file_close(&file);
	return rc;
}

static bool is_musl(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strncmp(slash ? slash + 1 : path, "ld-musl-", strlen("ld-musl-")) == 0;
}

static const struct libraries_loader *find_loader(const struct search *s, const char *path)
{
	for (size_t i = 0; i < s->l->loaders; i++) {
		const struct libraries_loader *loader = &s->l->loader[i];

		if (loader->machine == s->machine && (!path || strcmp(loader->path, path) == 0))
			return loader;
	}
	return NULL;
}

static int keep_loader(struct search *s, const char *path, const char *host)
{
	struct libraries_loader *loader = &s->l->loader[s->l->loaders];

	if (find_loader(s, path))
		return 0;
	if (s->l->loaders == LIBRARIES_LOADERS_MAX)
		return err_set(s->e, E2BIG, "%s: is one loader too many; at most %d are packed",
			       path, LIBRARIES_LOADERS_MAX);
	s->l->loaders++;
	*loader = (struct libraries_loader){ .machine = s->machine, .is_musl = is_musl(path) };
	loader->path = strdup(path);
	return loader->path ? read_loader(s, host, loader) : no_memory(s);
}

static int refuse_loader(struct search *s, const char *path, const char *why)
{
	return err_set(s->e, ELIBACC,
		       "%s: its loader (PT_INTERP) is %s, which %s; install it, or link the "
		       "program statically",
		       s->object[PROGRAM].path, path, why);
}

/* Brings the loader that the program names to its place. It is the first that is loaded. */
static int take_loader(struct search *s)
{
	const char *path = s->object[PROGRAM].needs.interpreter;
	struct elfneeds needs;
	struct spot file;
	struct stat st;
	int rc = spot_in(&file, s->l->here, path, s->e);

	if (rc < 0)
		return rc;
	if (manifest_see(s->l->manifest, &file, s->host) < 0 || stat(s->host, &st) < 0)
		return refuse_loader(s, path, "is not on this host");
	if (!is_for(s->host, s->machine))
		return refuse_loader(s, path, "is no ELF file for the program's machine");
	rc = manifest_place(s->l->manifest, &file, "loader", s->e);
	if (rc == 0)
		rc = keep_loader(s, path, file.host);
	if (rc == 0)
		rc = read_needs(s, "loader", file.host, &needs, &st);
	return rc == 0 ? add_object(s, path, file.host, file.guest, &needs, &st, PROGRAM) : rc;
}

static int take_all(struct search *s, const struct spot *file, struct elfneeds *needs)
{
	const bool has_loader = needs->interpreter != NULL;
	struct stat st;
	int rc;

	if (stat(file->host, &st) < 0) {
		elfneeds_finish(needs);
		return err_sys(s->e, errno, "%s: cannot be examined", file->host);
	}
	rc = add_object(s, "", file->host, file->guest, needs, &st, PROGRAM);
	if (rc == 0 && has_loader)
		rc = take_loader(s);
	s->loader = find_loader(s, has_loader ? s->object[PROGRAM].needs.interpreter : NULL);
	/* The objects grow meanwhile: each is reached in its turn. */
	for (size_t i = 0; rc == 0 && i < s->objects; i++)
		rc = take_needed(s, i);
	return rc;
}

int libraries_pack(struct libraries *libraries, const struct spot *file, struct elfneeds *needs,
		   struct err *e)
{
	struct search *s = calloc(1, sizeof(*s));
	struct object *object = calloc(LIBRARIES_MAX, sizeof(*object));
	int rc;

	if (!s || !object) {
		rc = err_set(e, ENOMEM, "%s: no memory for the list of its libraries", file->host);
		elfneeds_finish(needs);
	} else {
		s->l = libraries;
		s->e = e;
		s->machine = needs->machine;
		s->object = object;
		rc = take_all(s, file, needs);
	}
	for (size_t i = 0; s && i < s->objects; i++) {
		free(object[i].path);
		free(object[i].guest);
		elfneeds_finish(&object[i].needs);
	}
	free(object);
	free(s);
	return rc;
}
