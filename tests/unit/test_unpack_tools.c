/* SPDX-License-Identifier: MIT */
/*
 * Payloads packed by the tools that Linux's build calls, with its options, are unpacked: machine
 * code (this program's own file, some MiB at most) goes in and comes back. Prints TAP; a tool that
 * is not installed is skipped.
 *
 * Authority: [LINUX] scripts/Makefile.lib, scripts/xz_wrap.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/unpack.h"
#include "tests/common/payload.h"
#include "vmm/base/must.h"

enum { CONTENTS_MAX_BYTES = 3 << 20, FRONT_BYTES = 32 };

static const struct {
	enum unpack_format format;
	const char *name, *SPEC_command;
} tools[] = {
	{ UNPACK_GZIP, "gzip", "gzip -n -f -9" },
	{ UNPACK_BZIP2, "bzip2", "bzip2 -9" },
	{ UNPACK_LZMA, "lzma", "lzma -9" },
	{ UNPACK_XZ, "xz", "xz --check=crc32 --x86 --lzma2=,dict=32MiB" },
	{ UNPACK_XZ, "xz", "xz --check=crc32 --x86 --lzma2=,dict=128MiB" }, /* since Linux 6.12 */
	{ UNPACK_LZO, "lzop", "lzop -9" },
	{ UNPACK_LZ4, "lz4", "lz4 -l -9 - -" },
	{ UNPACK_ZSTD, "zstd", "zstd -22 --ultra" },
};

static uint8_t *read_file(const char *path, size_t max_bytes, size_t *size_bytes)
{
	uint8_t *bytes = malloc(max_bytes);
	FILE *file = fopen(path, "rb");

	must(bytes != NULL && file != NULL);
	*size_bytes = fread(bytes, 1, max_bytes, file);
	(void)fclose(file);
	return bytes;
}

/* `cat FILE | TOOL > OUT`, as Linux's build has it; its status. */
static int run_tool(const char *command, const char *from, size_t bytes, const char *to)
{
	char line[1024];

	(void)snprintf(line, sizeof(line), "head -c %zu '%s' | %s >'%s' 2>/dev/null", bytes, from,
		       command, to);
	return system(line);
}

/* NULL when the payload in path unpacks to contents, or what is wrong. */
static const char *check_stream(enum unpack_format format, const char *path,
				const uint8_t *contents, size_t size_bytes)
{
	static struct err error;
	size_t stream_bytes;
	uint8_t *stream = read_file(path, 2 * CONTENTS_MAX_BYTES, &stream_bytes);
	uint8_t *to = calloc(1, size_bytes), *kernel;
	const char *wrong = NULL;
	struct payload payload;
	struct bzimage image = { .init_size = UINT32_MAX, .payload_offset = FRONT_BYTES };
	struct input_file file;
	uint32_t told = 0;

	payload_of_stream(&payload, format, stream, stream_bytes, (uint32_t)size_bytes);
	kernel = calloc(1, FRONT_BYTES + payload.size_bytes);
	must(to != NULL && kernel != NULL);
	memcpy(kernel + FRONT_BYTES, payload.bytes, payload.size_bytes);
	file_of_memory(&file, "kernel", path, kernel, FRONT_BYTES + payload.size_bytes);
	image.payload_length = (uint32_t)payload.size_bytes;
	image.payload_format = unpack_format_of(payload.bytes, payload.size_bytes);
	if (image.payload_format != format)
		wrong = "its first bytes say another format";
	else if (unpack_size(&file, &image, &told, &error) < 0)
		wrong = error.text;
	else if (told != size_bytes)
		wrong = "its last four bytes say another size";
	else if (unpack_payload(&file, &image, to, told, &error) < 0)
		wrong = error.text;
	else if (memcmp(to, contents, size_bytes) != 0)
		wrong = "other bytes came out";
	payload_free(&payload);
	free(kernel);
	free(stream);
	free(to);
	return wrong;
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/tvmm-unpack-XXXXXX", which[64];
	int fd = mkstemp(path), failed = 0;
	size_t size_bytes;
	uint8_t *contents = read_file(argv[0], CONTENTS_MAX_BYTES, &size_bytes);

	must(argc > 0 && fd >= 0);
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		const char *command = tools[i].SPEC_command, *wrong;

		(void)snprintf(which, sizeof(which), "command -v %s >/dev/null", tools[i].name);
		if (system(which) != 0) {
			printf("ok %zu - %s # SKIP %s is not installed\n", i + 1, command,
			       tools[i].name);
			continue;
		}
		wrong = run_tool(command, argv[0], size_bytes, path) != 0
				? "the tool failed"
				: check_stream(tools[i].format, path, contents, size_bytes);
		printf("%sok %zu - %s%s%s\n", wrong ? "not " : "", i + 1, command,
		       wrong ? ": " : "", wrong ? wrong : "");
		failed += wrong != NULL;
	}
	printf("1..%zu\n", sizeof(tools) / sizeof(tools[0]));
	(void)close(fd);
	(void)unlink(path);
	free(contents);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
