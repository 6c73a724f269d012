/* SPDX-License-Identifier: MIT */
#include "initramfs/guest/places.h"

#include <stddef.h>

#include <linux/fcntl.h>
#include <linux/stat.h>

#include "initramfs/guest/sys.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void make_directory(const char *path, unsigned int mode)
{
	(void)sys2(mkdir, path, mode);
}

/* On a file system without the file: what cannot be mounted leaves an empty directory. */
static void mount(const char *type, const char *where, const char *options)
{
	make_directory(where, 0755);
	(void)sys5(mount, type, where, type, 0, options);
}

void places_make_nodes(void)
{
	static const struct {
		const char *path;
		unsigned short mode;
		unsigned char major, minor;
	} node[] = {
		{ "/dev/null", 0666, 1, 3 },    { "/dev/zero", 0666, 1, 5 },
		{ "/dev/full", 0666, 1, 7 },    { "/dev/random", 0666, 1, 8 },
		{ "/dev/urandom", 0666, 1, 9 }, { "/dev/kmsg", 0644, 1, 11 },
		{ "/dev/ttyS0", 0600, 4, 64 },  { "/dev/tty", 0666, 5, 0 },
		{ "/dev/console", 0600, 5, 1 }, { "/dev/ptmx", 0666, 5, 2 },
	};

	make_directory("/dev", 0755);
	for (size_t i = 0; i < COUNT_OF(node); i++)
		(void)sys3(mknod, node[i].path, S_IFCHR | node[i].mode,
			   node[i].major << 8 | node[i].minor);
}

static void make_links(void)
{
	static const char *const link[][2] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "fd/0", "/dev/stdin" },
		{ "fd/1", "/dev/stdout" },
		{ "fd/2", "/dev/stderr" },
	};

	for (size_t i = 0; i < COUNT_OF(link); i++)
		(void)sys2(symlink, link[i][0], link[i][1]);
}

void places_make(void)
{
	(void)sys1(umask, 0);
	mount("devtmpfs", "/dev", "mode=0755");
	places_make_nodes();
	make_links();
	mount("devpts", "/dev/pts", "mode=0620,ptmxmode=0666");
	mount("proc", "/proc", NULL);
	mount("sysfs", "/sys", NULL);
	make_directory("/dev/shm", 01777);
	make_directory("/tmp", 01777);
	make_directory("/run", 0755);
	(void)sys1(umask, 022);
}
