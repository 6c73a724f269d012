/* SPDX-License-Identifier: MIT */
/*
 * aid: what the guest tests need and a shell cannot do.
 *
 *	aid pipe BYTES COMMAND [ARGUMENT]...	runs the command, its stdout's pipe that small
 *	aid connect PATH			talks to the Unix socket there, once it is there
 *	aid listen PATH				makes the socket, talks to the first who comes
 *	aid kvm					is there a usable /dev/kvm? Says why not
 *
 * To talk: stdin goes to the socket and the socket to stdout, until the peer ends it. The end of
 * stdin ends nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECT_TRIES = 500, TRY_US = 10000, COPY_BYTES = 4096 };

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)fputs("aid: ", stderr);
	(void)vfprintf(stderr, format, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static void run_with_pipe(int size_bytes, char **argv)
{
	if (fcntl(STDOUT_FILENO, F_SETPIPE_SZ, size_bytes) < 0)
		die("stdout is not a pipe that can have %d bytes: %s", size_bytes, strerror(errno));
	execvp(argv[0], argv);
	die("%s: %s", argv[0], strerror(errno));
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		die("%s: too long for a socket", path);
	strcpy(address.sun_path, path);
	return address;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	for (int i = 0; fd >= 0 && i < CONNECT_TRIES; i++) {
		if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
			return fd;
		(void)usleep(TRY_US);
	}
	die("%s: %s", path, strerror(errno));
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), peer;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 1) < 0)
		die("%s: %s", path, strerror(errno));
	peer = accept(fd, NULL, NULL);
	if (peer < 0)
		die("%s: %s", path, strerror(errno));
	(void)close(fd);
	return peer;
}

/* False at the end of `from`. */
static bool copy_some(int from, int to)
{
	char bytes[COPY_BYTES];
	ssize_t n = read(from, bytes, sizeof(bytes));

	for (ssize_t done = 0, m; done < n; done += m) {
		m = write(to, bytes + done, (size_t)(n - done));
		if (m < 0)
			die("cannot pass on: %s", strerror(errno));
	}
	return n > 0;
}

static void talk(int peer)
{
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
				 { .fd = peer, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			die("%s", strerror(errno));
		if (fds[1].revents && !copy_some(peer, STDOUT_FILENO))
			return;
		if (fds[0].revents && !copy_some(STDIN_FILENO, peer))
			fds[0].fd = -1;
	}
}

/* Asks KVM itself, not tvmm: a tvmm that cannot use it is to fail, not to be skipped. */
static int look_for_kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR);
	int version = fd < 0 ? -1 : ioctl(fd, KVM_GET_API_VERSION, 0);
	int vm = version < 0 ? -1 : ioctl(fd, KVM_CREATE_VM, 0);

	if (vm < 0)
		(void)printf("/dev/kvm cannot be %s: %s\n", fd < 0 ? "opened" : "used",
			     strerror(errno));
	return vm < 0;
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "pipe") == 0)
		run_with_pipe(atoi(argv[2]), argv + 3);
	if (argc == 2 && strcmp(argv[1], "kvm") == 0)
		return look_for_kvm();
	if (argc != 3)
		die("usage: see the head of tests/guest/aid.c");
	if (strcmp(argv[1], "connect") == 0)
		talk(connect_to(argv[2]));
	else if (strcmp(argv[1], "listen") == 0)
		talk(listen_at(argv[2]));
	else
		die("does not know '%s'", argv[1]);
	return 0;
}
