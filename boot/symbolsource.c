/* SPDX-License-Identifier: MIT */
#include "boot/symbolsource.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "boot/zeropage.h"
#include "vmm/base/le.h"

enum {
	VERSION_BYTES = 256, /* of a bzImage's version string, with a NUL */
	VERSION_FROM = 0x200,
	KERNEL_VERSION = 0x20e, /* [BOOT]: the string's offset from 0x200, u16; 0: none */
	WHERE_BYTES = 128,
	PASSED_BYTES = 320,
};

#define FILE_MAX_BYTES (16ULL << 30) /* a vmlinux with DWARF; little of it is read */

/* What one search works on. */
struct hunt {
	const struct symbols_request *request;
	struct symbols *symbols;
	char *told;
	bool placed, guest_unpacks; /* the image is what lies in guest memory; who put it there */
	char passed[PASSED_BYTES];  /* what was there and not right */
};

/* Adds to what was passed over; what no longer fits is left out whole. */
static void pass_over(struct hunt *h, const char *path, int rc, const struct err *why)
{
	size_t used = strlen(h->passed), left = sizeof(h->passed) - used;
	const char *words =
		rc == -ESTALE    ? h->placed ? "not what lies in guest memory" : "of another build"
		: rc == -EBADMSG ? "holds no symbols, or is damaged"
		: rc == -ENOENT  ? "stripped"
		: rc == -ENOTSUP ? "cannot be checked"
		: rc == -EINVAL  ? "not a regular file"
				 : strerror(why->code);
	int n = snprintf(h->passed + used, left, "%s%s (%s)", used ? ", " : "", path, words);

	if (n < 0 || (size_t)n >= left)
		h->passed[used] = '\0';
}

static int found(struct hunt *h, const char *where)
{
	(void)snprintf(h->told, SYMBOLS_TOLD_BYTES, "%s%s%s", where,
		       h->passed[0] ? "; passed over: " : "", h->passed);
	return 0;
}

/* The version string of the bzImage: "6.1.0 (me@here) #1 SMP ...", or "". */
static void read_version(const char *path, char version[VERSION_BYTES])
{
	uint8_t head[HDR_END_2_12];
	struct input_file file;
	struct err e;
	uint64_t at, n = 0;

	if (file_open(&file, "kernel", path, FILE_MAX_BYTES, &e) == 0 &&
	    file.size_bytes >= sizeof(head) && file_read(&file, 0, head, sizeof(head), &e) == 0 &&
	    get_le32(head + HDR_HEADER) == HEADER_MAGIC && get_le16(head + KERNEL_VERSION) != 0) {
		at = VERSION_FROM + (uint64_t)get_le16(head + KERNEL_VERSION);
		n = at < file.size_bytes ? file.size_bytes - at : 0;
		if (n > VERSION_BYTES - 1)
			n = VERSION_BYTES - 1;
		if (file_read(&file, at, version, n, &e) < 0)
			n = 0;
	}
	version[n] = '\0';
	file_close(&file);
}

/*
 * The banner has all of the version string, with the compiler in between:
 * "Linux version 6.1.0 (me@here) (gcc 12) #1 SMP ...".
 */
static bool has_version(const char *banner, const char *version)
{
	const char *number = strstr(version, " #");
	size_t release = number ? (size_t)(number - version) : 0;

	banner += strlen("Linux version ");
	return release > 0 && strncmp(banner, version, release) == 0 &&
	       strstr(banner + release, number) != NULL;
}

/* Do they belong to the kernel? -ENOTSUP: nothing tells. */
static int check(struct hunt *h, const char *path, struct err *e)
{
	const struct symbols_request *r = h->request;
	char version[VERSION_BYTES];

	if (r->image)
		return symbols_check(h->symbols, path, r->image, r->elf, e);
	read_version(r->kernel_path, version);
	if (!version[0] || !h->symbols->banner[0])
		return err_set(e, ENOTSUP,
			       "symbols %s: cannot be compared with kernel %s, which the guest "
			       "unpacks",
			       path, r->kernel_path);
	if (!has_version(h->symbols->banner, version))
		return err_set(e, ESTALE,
			       "symbols %s: are of another build than kernel %s, whose version is "
			       "'%s'",
			       path, r->kernel_path, version);
	return 0;
}

/* Reads an open file and compares it with the kernel. There may be symbols to finish after all. */
static int read_fitting(struct hunt *h, struct input_file *file, struct err *e)
{
	int rc = symbols_read(h->symbols, file, e);

	file_close(file);
	return rc < 0 ? rc : check(h, file->path, e);
}

static int take_named(struct hunt *h, struct err *e)
{
	char where[WHERE_BYTES];
	struct input_file file;
	int rc = file_open(&file, "symbols", h->request->named, FILE_MAX_BYTES, e);

	if (rc < 0)
		return rc;
	rc = read_fitting(h, &file, e);
	if (rc < 0 && rc != -ENOTSUP) {
		symbols_finish(h->symbols);
		return rc;
	}
	(void)snprintf(where, sizeof(where), "%s that was named%s", h->symbols->source,
		       rc < 0 ? ", not compared with the kernel" : "");
	return found(h, where);
}

/* A place where symbols may be, its path as printf() makes it. 0: they are. -ENOENT: go on. */
__attribute__((format(printf, 3, 4))) static int look(struct hunt *h, const char *where,
						      const char *fmt, ...)
{
	char path[PATH_MAX], words[WHERE_BYTES];
	struct input_file file;
	struct err why;
	va_list ap;
	int n, rc;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(path) || strcmp(path, h->request->kernel_path) == 0)
		return -ENOENT;
	rc = file_open(&file, "symbols", path, FILE_MAX_BYTES, &why);
	if (rc == -ENOENT || rc == -ENOTDIR)
		return -ENOENT;
	if (rc == 0)
		rc = read_fitting(h, &file, &why);
	if (rc < 0) {
		symbols_finish(h->symbols);
		pass_over(h, path, rc, &why);
		return -ENOENT;
	}
	(void)snprintf(words, sizeof(words), "%s %s", h->symbols->source, where);
	return found(h, words);
}

/* What was loaded had no more of the file than is to be in memory. */
static int look_in_file(struct hunt *h)
{
	const char *path = h->request->kernel_path;
	struct input_file file;
	struct err why;
	int rc = file_open(&file, "kernel", path, FILE_MAX_BYTES, &why);

	if (rc < 0)
		return -ENOENT;
	if (!elfimage_is_elf(&file)) {
		file_close(&file);
		return -ENOENT;
	}
	rc = read_fitting(h, &file, &why);
	if (rc == 0)
		return found(h, "the kernel's own symbol table");
	symbols_finish(h->symbols);
	if (rc != -ENOENT)
		pass_over(h, path, rc, &why);
	return -ENOENT;
}

static int look_in_kernel(struct hunt *h)
{
	const struct input_file *image = h->request->image;
	struct err why;
	int rc;

	if (h->placed)
		return look_in_file(h);
	rc = image ? symbols_read(h->symbols, image, &why) : -ENOENT;

	if (rc == 0)
		return found(h, "the kernel's own symbol table");
	if (rc != -ENOENT)
		pass_over(h, image->path, rc, &why);
	return -ENOENT;
}

static int look_beside(struct hunt *h)
{
	const char *path = h->request->kernel_path, *slash = strrchr(path, '/');
	int folder = slash ? (int)(slash + 1 - path) : 0;
	int rc = look(h, "beside the kernel", "%.*svmlinux", folder, path);

	return rc == 0 ? 0 : look(h, "beside the kernel", "%.*sSystem.map", folder, path);
}

/* How many bytes of the path are before "arch/x86/boot/FILE"; -1 for another path. */
static int build_bytes(const char *path)
{
	static const char *const folders[] = { "arch/x86/boot/", "arch/x86_64/boot/" };
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; slash && i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t has = (size_t)(slash + 1 - path), folder = strlen(folders[i]);

		if (has >= folder && strncmp(path + has - folder, folders[i], folder) == 0 &&
		    (has == folder || path[has - folder - 1] == '/'))
			return (int)(has - folder);
	}
	return -1;
}

static int look_in_build(struct hunt *h)
{
	const char *path = h->request->kernel_path;
	int build = build_bytes(path), rc;

	if (build < 0)
		return -ENOENT;
	rc = look(h, "of the kernel's build", "%.*svmlinux", build, path);
	return rc == 0 ? 0 : look(h, "of the kernel's build", "%.*sSystem.map", build, path);
}

static int look_for_release(struct hunt *h)
{
	static const char begins[] = "vmlinuz-";
	const char *path = h->request->kernel_path, *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *release = name + sizeof(begins) - 1;
	int rc;

	if (strncmp(name, begins, sizeof(begins) - 1) != 0 || !*release)
		return -ENOENT;
	rc = look(h, "of that release beside the kernel", "%.*sSystem.map-%s", (int)(name - path),
		  path, release);
	if (rc < 0)
		rc = look(h, "in /usr/lib/debug/boot", "/usr/lib/debug/boot/vmlinux-%s", release);
	if (rc < 0)
		rc = look(h, "in /lib/modules", "/lib/modules/%s/build/vmlinux", release);
	return rc;
}

static int look_at_kallsyms(struct hunt *h)
{
	const struct symbols_request *r = h->request;
	char words[WHERE_BYTES];
	struct err why;
	int rc = r->image ? symbols_of_kallsyms(h->symbols, r->image, r->elf, &why) : -ENOENT;

	if (rc == 0) {
		(void)snprintf(words, sizeof(words), "kallsyms in the kernel (%zu symbols)",
			       h->symbols->count);
		return found(h, words);
	}
	if (rc != -ENOENT)
		pass_over(h, "kallsyms", rc, &why);
	return -ENOENT;
}

static int search(struct hunt *h, struct err *e)
{
	static int (*const places[])(struct hunt *) = {
		look_in_kernel, look_beside, look_in_build, look_for_release, look_at_kallsyms,
	};
	int rc = -ENOENT;

	for (size_t i = 0; rc < 0 && i < sizeof(places) / sizeof(places[0]); i++)
		rc = places[i](h);
	if (rc == 0)
		return 0;
	return err_set(e, ENOENT,
		       "no symbols: kernel %s %s, and there are none beside it%s%s; "
		       "give its vmlinux or System.map with -symbols",
		       h->request->kernel_path,
		       h->guest_unpacks ? "is unpacked by the guest"
					: "has no symbol table and no kallsyms",
		       h->passed[0] ? "; passed over: " : "", h->passed);
}

int symbols_for_kernel(struct symbols *symbols, const struct symbols_request *request,
		       char told[SYMBOLS_TOLD_BYTES], struct err *e)
{
	struct hunt h = {
		.request = request,
		.symbols = symbols,
		.told = told,
		.guest_unpacks = !request->image,
	};

	symbols_init(symbols);
	told[0] = '\0';
	return request->named ? take_named(&h, e) : search(&h, e);
}

/* The image is one segment, its memory: what the kernel's file had in there, and more. */
int symbols_for_placed(struct symbols *symbols, const struct symbols_placed *placed,
		       char told[SYMBOLS_TOLD_BYTES], struct err *e)
{
	uint64_t size_bytes = placed->end_gpa - placed->start_gpa;
	const void *bytes = guest_memory_at(placed->memory, placed->start_gpa, size_bytes);
	const struct elfimage facts = {
		.start_gpa = placed->start_gpa,
		.end_gpa = placed->end_gpa,
		.segments = 1,
		.segment[0] = { .gpa = placed->start_gpa,
				.file_bytes = size_bytes,
				.memory_bytes = size_bytes },
	};
	struct input_file image;
	const struct symbols_request request = {
		.kernel_path = placed->kernel_path,
		.image = &image,
		.elf = &facts,
	};
	struct hunt h = {
		.request = &request,
		.symbols = symbols,
		.told = told,
		.placed = true,
		.guest_unpacks = placed->guest_unpacks,
	};

	symbols_init(symbols);
	told[0] = '\0';
	if (!bytes)
		return err_set(e, ENOENT, "no symbols: kernel %s is not in the guest's RAM",
			       placed->kernel_path);
	file_of_memory(&image, "guest memory of", placed->kernel_path, bytes, size_bytes);
	return search(&h, e);
}
