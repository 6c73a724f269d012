/* SPDX-License-Identifier: MIT */
#include "initramfs/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "initramfs/archive.h"
#include "initramfs/cpio.h"
#include "initramfs/guestinit.h"
#include "initramfs/program.h"
#include "initramfs/protocol.h"
#include "vmm/base/must.h"

#define WHAT          "the program's archive"
#define CONFIGURATION "/etc/ld.so.conf"

enum {
	BUFFER_BYTES = 16 << 10,
	LIBRARY_PATH_BYTES = 64 << 10,
};

struct making {
	const struct bundle_request *request;
	struct manifest manifest;
	struct libraries libraries;
	struct program program;
	struct spot here;
	char *run; /* the text of /.tvmm/run */
	size_t run_bytes;
	struct err *e;
};

/* -- What --add says -- */

static int check_target(const char *source, const char *target, struct err *e)
{
	static const char own[] = "/" PROTOCOL_FOLDER;
	char normal[PATH_MAX];

	if (target[0] != '/')
		return err_set(e, EINVAL,
			       "--add %s: its place in the guest is '%s'; an absolute path is "
			       "needed",
			       source, target);
	if (strlen(target) >= PATH_MAX)
		return err_set(e, ENAMETOOLONG,
			       "--add %s: its place in the guest has %zu bytes; at most %d are "
			       "allowed",
			       source, strlen(target), PATH_MAX - 1);
	if (spot_normal(normal, target) < 0)
		return err_set(e, EINVAL,
			       "--add %s: its place in the guest, %s, leads above the root by '..'",
			       source, target);
	if (strncmp(normal, own, strlen(own)) == 0 &&
	    (normal[strlen(own)] == '\0' || normal[strlen(own)] == '/'))
		return err_set(e, EINVAL, "--add %s: %s in the guest is for tvmm's own files",
			       source, target);
	return 0;
}

int bundle_parse_add(char *text, struct bundle_add *add, struct err *e)
{
	char *colon = strrchr(text, ':');

	*add = (struct bundle_add){ .source = text };
	if (colon && colon[1] == '\0')
		return err_set(e, EINVAL,
			       "--add %s: nothing follows the colon; an absolute path in the guest "
			       "is needed",
			       text);
	if (colon && colon[1] == '/') {
		*colon = '\0';
		add->target = colon + 1;
	}
	if (!*text)
		return err_set(e, EINVAL, "--add '%s': names no file of the host",
			       add->target ? add->target : "");
	return add->target ? check_target(add->source, add->target, e) : 0;
}

/* SRC/. means what is in SRC. */
static bool means_contents(const char *source)
{
	size_t n = strlen(source);

	return n > 0 && source[n - 1] == '.' && (n == 1 || source[n - 2] == '/');
}

/* The place in the guest: with the source's last name if it ends with a slash. */
static int place_of(const struct bundle_add *add, const char *source, char target[PATH_MAX],
		    struct err *e)
{
	char from[PATH_MAX], full[2 * PATH_MAX];
	const char *to = add->target;
	int rc;

	(void)spot_normal(from, source);
	if (!to) {
		strcpy(target, from);
		return check_target(add->source, target, e);
	}
	rc = check_target(add->source, to, e);
	if (rc < 0)
		return rc;
	(void)snprintf(full, sizeof(full), "%s%s", to,
		       to[strlen(to) - 1] == '/' && !means_contents(add->source)
			       ? strrchr(from, '/') + 1
			       : "");
	if (strlen(full) >= PATH_MAX)
		return err_set(e, ENAMETOOLONG, "--add %s: %.60s... is too long a path",
			       add->source, full);
	return spot_normal(target, full);
}

static int refuse_source(const struct bundle_add *add, struct err *e)
{
	const char *colon = add->target ? NULL : strrchr(add->source, ':');

	if (colon)
		return err_sys(e, errno,
			       "--add %s: cannot be used (if %s is meant to be its place in the "
			       "guest: that is an absolute path)",
			       add->source, colon + 1);
	return err_sys(e, errno, "--add %s: cannot be used", add->source);
}

/* -- What ELF files need that --add has brought -- */

/* It was none. */
static int forget(struct err *e)
{
	*e = (struct err){ 0 };
	return 0;
}

static int pack_needs(struct making *m, const struct tree_entry *entry,
		      const struct input_file *file, bool is_named)
{
	struct elfneeds needs;
	struct spot spot;
	int rc = elfneeds_read(&needs, file, m->e);

	/* What is for another machine or broken is just a file. */
	if (rc < 0)
		return rc == -ENOEXEC || rc == -EBADMSG ? forget(m->e) : rc;
	if (!needs.interpreter && needs.count == 0) {
		elfneeds_finish(&needs);
		return 0;
	}
	strcpy(spot.host, file->path);
	strcpy(spot.guest, manifest_guest(entry));
	rc = libraries_pack(&m->libraries, &spot, &needs, m->e);
	/* In a folder many a program may lie that nobody will run. */
	return rc == -ELIBACC && !is_named ? forget(m->e) : rc;
}

/* *entry is a copy: libraries are added to the tree meanwhile. */
static int examine_added(struct making *m, struct tree_entry entry, bool is_named)
{
	char magic[4] = { 0 };
	struct input_file file;
	struct err ignored;
	int rc = 0;

	if (!S_ISREG(entry.mode) || (!is_named && !(entry.mode & 0111)) ||
	    strlen(entry.source) >= PATH_MAX || strlen(manifest_guest(&entry)) >= PATH_MAX)
		return 0;
	/* What cannot be read is told when it is to be packed. */
	if (file_open(&file, "file", entry.source, CPIO_FILE_MAX_BYTES, &ignored) < 0)
		return 0;
	if (file.size_bytes >= sizeof(magic))
		rc = file_read(&file, 0, magic, sizeof(magic), m->e);
	if (rc == 0 && elfneeds_is_elf(magic, sizeof(magic)))
		rc = pack_needs(m, &entry, &file, is_named);
	file_close(&file);
	return rc;
}

struct brought {
	size_t first, end; /* the entries of one --add */
	bool is_named;     /* a file by itself */
};

static int bring(struct making *m, const struct bundle_add *add, struct brought *brought)
{
	struct spot source;
	char target[PATH_MAX];
	struct stat st;
	int rc = spot_in(&source, &m->here, add->source, m->e);

	if (rc == 0)
		rc = place_of(add, source.host, target, m->e);
	if (rc < 0)
		return rc;
	if (!*add->source || stat(source.host, &st) < 0)
		return refuse_source(add, m->e);
	brought->is_named = !S_ISDIR(st.st_mode);
	brought->first = m->manifest.tree.count;
	rc = manifest_add(&m->manifest, source.host, target, m->e);
	brought->end = m->manifest.tree.count;
	return rc;
}

static int examine_brought(struct making *m, const struct brought *brought)
{
	int rc = 0;

	for (size_t i = brought->first; rc == 0 && i < brought->end; i++)
		rc = examine_added(m, m->manifest.tree.entry[i], brought->is_named);
	return rc;
}

/* -- The parts -- */

/*
 * --add comes first, so that the program and its libraries can be what it has brought. The program
 * comes before what the files of --add need, because its loader is the one that counts.
 */
static int gather(struct making *m)
{
	const struct bundle_request *request = m->request;
	struct brought *brought = calloc(request->adds + 1, sizeof(*brought));
	int rc = 0;

	if (!brought)
		return err_set(m->e, ENOMEM, "%s: no memory for --add", WHAT);
	for (size_t i = 0; rc == 0 && i < request->adds; i++)
		rc = bring(m, &request->add[i], &brought[i]);
	if (rc == 0)
		rc = program_pack(&m->program, m->e);
	for (size_t i = 0; rc == 0 && i < request->adds; i++)
		rc = examine_brought(m, &brought[i]);
	free(brought);
	return rc == 0 ? manifest_folder(&m->manifest, m->here.guest, m->e) : rc;
}

static void put_text(FILE *out, const char *name, const char *text)
{
	(void)fprintf(out, "%s%s", name, text);
	(void)fputc('\0', out);
}

static void put_count(FILE *out, size_t count)
{
	(void)fprintf(out, "%zu", count);
	(void)fputc('\0', out);
}

static void put_environment(FILE *out, const struct making *m, const char *library_path)
{
	const char *term = getenv("TERM");

	put_count(out, 2 + (size_t)(term != NULL) + (*library_path != '\0'));
	(void)fprintf(out, "PATH=%s%s", m->program.folder, *m->program.folder ? ":" : "");
	put_text(out, "", PROGRAM_GUEST_PATH);
	put_text(out, "HOME=", "/");
	if (term)
		put_text(out, "TERM=", term);
	if (*library_path)
		put_text(out, "LD_LIBRARY_PATH=", library_path);
}

static void put_run(FILE *out, const struct making *m, const char *library_path)
{
	put_text(out, "", PROTOCOL_RUN_MAGIC);
	put_text(out, "", m->here.guest);
	put_text(out, "", m->program.path);
	put_count(out, m->request->arguments);
	for (size_t i = 0; i < m->request->arguments; i++)
		put_text(out, "", m->request->argument[i]);
	put_environment(out, m, library_path);
}

static int make_run(struct making *m)
{
	char *library_path = malloc(LIBRARY_PATH_BYTES);
	FILE *out = library_path ? open_memstream(&m->run, &m->run_bytes) : NULL;
	int rc = -ENOMEM;

	if (out) {
		rc = libraries_environment(&m->libraries, library_path, LIBRARY_PATH_BYTES, m->e);
		if (rc == 0)
			put_run(out, m, library_path);
		if (fclose(out) != 0 && rc == 0)
			rc = -ENOMEM;
	}
	free(library_path);
	return rc == -ENOMEM ? err_set(m->e, ENOMEM, "%s: no memory for its arguments", WHAT) : rc;
}

/* [DEVICES], by name; modes as on any Linux. */
static const struct {
	const char *name;
	uint32_t mode, major, minor;
} nodes[] = {
	{ "dev", S_IFDIR | 0755, 0, 0 },           { "dev/console", S_IFCHR | 0600, 5, 1 },
	{ "dev/full", S_IFCHR | 0666, 1, 7 },      { "dev/kmsg", S_IFCHR | 0644, 1, 11 },
	{ "dev/null", S_IFCHR | 0666, 1, 3 },      { "dev/random", S_IFCHR | 0666, 1, 8 },
	{ "dev/tty", S_IFCHR | 0666, 5, 0 },       { "dev/ttyS0", S_IFCHR | 0600, 4, 64 },
	{ "dev/urandom", S_IFCHR | 0666, 1, 9 },   { "dev/zero", S_IFCHR | 0666, 1, 5 },
	{ PROTOCOL_FOLDER, S_IFDIR | 0755, 0, 0 },
};

static int add_nodes(struct making *m)
{
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		struct tree_entry *entry = tree_add(&m->manifest.tree, nodes[i].name, m->e);

		if (!entry)
			return -m->e->code;
		entry->mode = nodes[i].mode;
		entry->rdev_major = nodes[i].major;
		entry->rdev_minor = nodes[i].minor;
	}
	return 0;
}

static int add_bytes(struct making *m, const char *name, uint32_t permissions, const void *bytes,
		     size_t size_bytes)
{
	struct tree_entry *entry = tree_add(&m->manifest.tree, name, m->e);

	if (!entry)
		return -m->e->code;
	entry->mode = S_IFREG | permissions;
	entry->bytes = bytes;
	entry->found.st_size = (off_t)size_bytes;
	return 0;
}

static int prepare(struct making *m)
{
	int rc = gather(m);

	if (rc == 0)
		rc = make_run(m);
	if (rc == 0)
		rc = add_nodes(m);
	if (rc == 0)
		rc = add_bytes(m, PROTOCOL_FOLDER "/run", 0600, m->run, m->run_bytes);
	if (rc == 0)
		rc = add_bytes(m, PROTOCOL_FOLDER "/init", 0755, guestinit_start,
			       (uintptr_t)guestinit_end - (uintptr_t)guestinit_start);
	return rc == 0 ? tree_arrange(&m->manifest.tree, m->e) : rc;
}

/* -- Into memory -- */

struct memory {
	int fd;
	size_t used;
	char buffer[BUFFER_BYTES];
};

static int write_all(int fd, const char *bytes, size_t size_bytes, struct err *e)
{
	for (size_t done = 0; done < size_bytes;) {
		ssize_t n = write(fd, bytes + done, size_bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "%s: cannot be kept in memory", WHAT);
		done += (size_t)n;
	}
	return 0;
}

static int flush(struct memory *memory, struct err *e)
{
	int rc = write_all(memory->fd, memory->buffer, memory->used, e);

	memory->used = 0;
	return rc;
}

static int write_memory(void *to, const void *bytes, size_t size_bytes, struct err *e)
{
	struct memory *memory = to;
	int rc = 0;

	if (size_bytes > sizeof(memory->buffer) - memory->used)
		rc = flush(memory, e);
	if (rc == 0 && size_bytes > sizeof(memory->buffer))
		return write_all(memory->fd, bytes, size_bytes, e);
	if (rc == 0) {
		memcpy(memory->buffer + memory->used, bytes, size_bytes);
		memory->used += size_bytes;
	}
	return rc;
}

/* Half of the host's memory: the guest needs room for it too. */
static uint64_t most_bytes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	uint64_t bytes;

	if (pages <= 0 || page_bytes <= 0 ||
	    __builtin_mul_overflow((uint64_t)pages, (uint64_t)page_bytes, &bytes))
		return UINT64_MAX;
	return bytes / 2;
}

static int check_size(const struct tree *tree, struct err *e)
{
	uint64_t bytes = UINT64_MAX, most = most_bytes();

	if (archive_size(tree, &bytes) < 0 || bytes > most)
		return err_set(e, EFBIG,
			       "%s: has %llu bytes; at most %llu, half of this host's memory, are "
			       "possible: --add less",
			       WHAT, (unsigned long long)bytes, (unsigned long long)most);
	return 0;
}

static int write_out(struct making *m, struct bundle *bundle)
{
	struct memory *memory = malloc(sizeof(*memory));
	struct archive archive = {
		.tree = &m->manifest.tree,
		.write = write_memory,
		.to = memory,
	};
	int rc;

	if (!memory)
		return err_set(m->e, ENOMEM, "%s: no memory to write it", WHAT);
	memory->used = 0;
	memory->fd = bundle->fd = memfd_create("tvmm-archive", MFD_CLOEXEC);
	rc = memory->fd < 0 ? err_sys(m->e, errno, "%s: no file in memory can be made", WHAT)
			    : archive_write(&archive, m->e);
	if (rc == 0)
		rc = flush(memory, m->e);
	bundle->size_bytes = archive.bytes;
	bundle->files = m->manifest.tree.count;
	free(memory);
	if (rc < 0)
		bundle_finish(bundle);
	return rc;
}

static int find_here(struct making *m)
{
	if (!getcwd(m->here.host, sizeof(m->here.host)))
		return err_sys(m->e, errno, "the working directory");
	if (m->here.host[0] != '/')
		return err_set(m->e, ENOENT, "the working directory: %s is no path from the root",
			       m->here.host);
	strcpy(m->here.guest, m->here.host);
	return 0;
}

static int make(struct making *m, struct bundle *bundle)
{
	int rc = find_here(m);

	if (rc == 0)
		rc = prepare(m);
	if (rc == 0)
		rc = check_size(&m->manifest.tree, m->e);
	return rc == 0 ? write_out(m, bundle) : rc;
}

int bundle_make(struct bundle *bundle, const struct bundle_request *request, struct err *e)
{
	struct making *m = calloc(1, sizeof(*m));
	int rc;

	must(request->arguments > 0);
	*bundle = (struct bundle){ .fd = -1 };
	if (!m)
		return err_set(e, ENOMEM, "%s: no memory to make it", WHAT);
	m->request = request;
	m->e = e;
	manifest_init(&m->manifest, WHAT);
	libraries_init(&m->libraries, &m->manifest, &m->here, getenv("LD_LIBRARY_PATH"),
		       CONFIGURATION);
	m->program = (struct program){
		.libraries = &m->libraries,
		.typed = request->argument[0],
		.host_path = getenv("PATH"),
		.has_initrd = request->has_initrd,
	};
	rc = make(m, bundle);
	libraries_finish(&m->libraries);
	manifest_finish(&m->manifest);
	free(m->run);
	free(m);
	return rc;
}

void bundle_finish(struct bundle *bundle)
{
	if (bundle->fd >= 0)
		(void)close(bundle->fd);
	bundle->fd = -1;
}
