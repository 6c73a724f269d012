/* SPDX-License-Identifier: MIT */
/*
 * zoo FOLDER: fills the folder with the cases that zoo.h tells of.
 */
#include "tests/malformed/zoo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/must.h"

void zoo_begin(struct zoo *zoo, const char *name, ...)
{
	va_list arguments;
	int n;

	must(zoo->arguments == 0 && zoo->words[0] == '\0');
	va_start(arguments, name);
	n = vsnprintf(zoo->name, sizeof(zoo->name), name, arguments);
	va_end(arguments);
	must(n > 0 && (size_t)n < sizeof(zoo->name));
}

void zoo_argument(struct zoo *zoo, const char *format, ...)
{
	va_list arguments;

	must(zoo->arguments < ZOO_ARGUMENTS_MAX);
	va_start(arguments, format);
	must(vasprintf(&zoo->argument[zoo->arguments++], format, arguments) >= 0);
	va_end(arguments);
}

const char *zoo_path(const struct zoo *zoo, const char *suffix)
{
	static char path[2 * ZOO_NAME_BYTES];

	must((size_t)snprintf(path, sizeof(path), "%s%s", zoo->name, suffix) < sizeof(path));
	return path;
}

/* A new file called NAME and the suffix: an open descriptor. */
static int create(struct zoo *zoo, const char *suffix)
{
	const char *path = zoo_path(zoo, suffix);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0) {
		(void)fprintf(stderr, "zoo: %s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	zoo->files++;
	return fd;
}

static void write_and_close(int fd, uint64_t offset, const void *bytes, size_t size_bytes)
{
	const uint8_t *at = bytes;

	for (size_t done = 0; done < size_bytes;) {
		ssize_t n = pwrite(fd, at + done, size_bytes - done, (off_t)(offset + done));

		must(n > 0);
		done += (size_t)n;
	}
	must(close(fd) == 0);
}

void zoo_file(struct zoo *zoo, const char *suffix, const void *bytes, size_t size_bytes)
{
	write_and_close(create(zoo, suffix), 0, bytes, size_bytes);
}

void zoo_write(struct zoo *zoo, const char *suffix, uint64_t offset, const void *bytes,
	       size_t size_bytes)
{
	int fd = open(zoo_path(zoo, suffix), O_WRONLY | O_CLOEXEC);

	must(fd >= 0);
	write_and_close(fd, offset, bytes, size_bytes);
}

bool zoo_sparse(struct zoo *zoo, const char *suffix, uint64_t size_bytes)
{
	int fd = create(zoo, suffix);
	bool made = size_bytes <= INT64_MAX && ftruncate(fd, (off_t)size_bytes) == 0;

	must(close(fd) == 0);
	return made;
}

void zoo_names_file(struct zoo *zoo, const char *suffix)
{
	size_t length = strlen(zoo->words);
	int n = snprintf(zoo->words + length, sizeof(zoo->words) - length, "%s%s%s",
			 length ? "|" : "", zoo->name, suffix);

	must(n > 0 && (size_t)n < sizeof(zoo->words) - length);
}

void zoo_kernel(struct zoo *zoo, const void *bytes, size_t size_bytes)
{
	zoo_file(zoo, "", bytes, size_bytes);
	zoo_names_file(zoo, "");
	zoo_argument(zoo, "-kernel");
	zoo_argument(zoo, "%s", zoo->name);
}

void zoo_initrd(struct zoo *zoo, const void *bytes, size_t size_bytes)
{
	zoo_file(zoo, "", bytes, size_bytes);
	zoo_names_file(zoo, "");
	zoo_argument(zoo, "-kernel");
	zoo_argument(zoo, ZOO_GOOD_KERNEL);
	zoo_argument(zoo, "-initrd");
	zoo_argument(zoo, "%s", zoo->name);
}

static void print_column(const char *text, FILE *out)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f || *p == '\\')
			(void)fprintf(out, "\\x%02x", *p);
		else
			(void)fputc(*p, out);
	}
}

void zoo_end(struct zoo *zoo, enum zoo_class class, const char *words)
{
	bool names_file = (class == ZOO_REFUSED || class == ZOO_EITHER) && zoo->words[0];

	(void)fprintf(zoo->manifest, "%s\t%c\t", zoo->name, class);
	print_column(words ? words : "", zoo->manifest);
	if (names_file && words)
		(void)fputc('|', zoo->manifest);
	if (names_file)
		print_column(zoo->words, zoo->manifest);
	/* What a kernel is unpacked to depends on its file alone. */
	(void)fprintf(zoo->manifest, "\t--no-cache");
	for (size_t i = 0; i < zoo->arguments; i++) {
		(void)fputc('\t', zoo->manifest);
		print_column(zoo->argument[i], zoo->manifest);
		free(zoo->argument[i]);
	}
	(void)fputc('\n', zoo->manifest);
	zoo->arguments = 0;
	zoo->words[0] = '\0';
	zoo->cases++;
}

void zoo_image(struct image *image)
{
	image_init(image);
	memset(image->bytes + IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET, 0, 8);
}

/* What other cases stand beside, and the proof that a good one is taken. */
static void controls(struct zoo *zoo)
{
	static const char archive[512] = "070701";
	struct image image;

	zoo_image(&image);
	zoo_begin(zoo, ZOO_GOOD_KERNEL);
	zoo_kernel(zoo, image.bytes, image.size_bytes);
	zoo_end(zoo, ZOO_ACCEPTED, NULL);
	zoo_begin(zoo, ZOO_GOOD_INITRD);
	zoo_initrd(zoo, archive, sizeof(archive));
	zoo_end(zoo, ZOO_ACCEPTED, NULL);
	image_free(&image);
}

int main(int argc, char **argv)
{
	static struct zoo zoo;

	if (argc != 2 || chdir(argv[1]) < 0) {
		(void)fprintf(stderr, "usage: zoo FOLDER\n");
		return EXIT_FAILURE;
	}
	zoo.manifest = fopen("manifest", "wxe");
	if (!zoo.manifest) {
		(void)fprintf(stderr, "zoo: %s/manifest: %s\n", argv[1], strerror(errno));
		return EXIT_FAILURE;
	}
	controls(&zoo);
	zoo_bzimage(&zoo);
	zoo_pairs(&zoo);
	zoo_elfs(&zoo);
	zoo_payloads(&zoo);
	zoo_kinds(&zoo);
	zoo_initrds(&zoo);
	zoo_command_lines(&zoo);
	zoo_guests(&zoo);
	must(fclose(zoo.manifest) == 0);
	printf("zoo: %zu cases, %zu files\n", zoo.cases, zoo.files);
	return EXIT_SUCCESS;
}
