/* SPDX-License-Identifier: MIT */
#include "vmm/chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/base/suggest.h"

static const char *const KIND_NAMES[] = {
	[CHARDEV_MON_STDIO] = "mon:stdio", [CHARDEV_STDIO] = "stdio", [CHARDEV_NULL] = "null",
	[CHARDEV_FILE] = "file:",          [CHARDEV_PTY] = "pty",     [CHARDEV_UNIX] = "unix:",
};

enum { KINDS = sizeof(KIND_NAMES) / sizeof(KIND_NAMES[0]) };

static bool takes_path(enum chardev_kind kind)
{
	return kind == CHARDEV_FILE || kind == CHARDEV_UNIX;
}

static bool is_word(const char *text, int length, const char *word)
{
	return (size_t)length == strlen(word) && strncmp(text, word, (size_t)length) == 0;
}

/* ",server=on,wait=off" and QEMU's older ",server,nowait". */
static int parse_socket_options(const char *text, struct chardev_spec *spec, struct err *e)
{
	spec->wait = true;
	while (*text == ',') {
		int length = (int)strcspn(++text, ",");

		if (is_word(text, length, "server") || is_word(text, length, "server=on"))
			spec->server = true;
		else if (is_word(text, length, "nowait") || is_word(text, length, "wait=off"))
			spec->wait = false;
		else if (!is_word(text, length, "server=off") && !is_word(text, length, "wait") &&
			 !is_word(text, length, "wait=on"))
			return err_set(e, EINVAL,
				       "-serial unix: does not know '%.*s'; it is "
				       "unix:PATH[,server=on[,wait=off]]",
				       length, text);
		text += length;
	}
	return 0;
}

static int unknown_kind(const char *text, struct err *e)
{
	char kind[16];
	const char *near;

	(void)snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(text, ","), text);
	near = suggest_nearest(kind, KIND_NAMES, KINDS);
	return err_set(e, EINVAL,
		       "-serial: '%s' is not one of stdio, mon:stdio, null, file:PATH, pty, "
		       "unix:PATH%s%s%s",
		       text, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int chardev_parse(const char *text, struct chardev_spec *spec, struct err *e)
{
	memset(spec, 0, sizeof(*spec));
	for (int kind = 0; kind < KINDS; kind++) {
		size_t length = strlen(KIND_NAMES[kind]);

		spec->kind = (enum chardev_kind)kind;
		if (!takes_path(spec->kind)) {
			if (strcmp(text, KIND_NAMES[kind]) == 0)
				return 0;
			continue;
		}
		if (strncmp(text, KIND_NAMES[kind], length) != 0)
			continue;
		spec->path = text + length;
		spec->path_bytes =
			(int)(kind == CHARDEV_UNIX ? strcspn(spec->path, ",") : strlen(spec->path));
		if (!spec->path_bytes)
			return err_set(e, EINVAL, "-serial %s needs a path behind the colon", text);
		return kind == CHARDEV_UNIX
			       ? parse_socket_options(spec->path + spec->path_bytes, spec, e)
			       : 0;
	}
	return unknown_kind(text, e);
}

void chardev_init(struct chardev *dev)
{
	*dev = (struct chardev){ .in_fd = -1, .out_fd = -1, .listen_fd = -1 };
}

/*
 * A description of stdout or stderr of our own that does not block. O_NONBLOCK on the inherited one
 * would change it for everybody who shares it, the shell's terminal included. Regular files never
 * block and keep their shared offset; a socket is written to with MSG_DONTWAIT.
 */
static void open_output(struct chardev *dev, int fd)
{
	const int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	char path[32];
	struct stat st;

	dev->out_fd = fd;
	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode))
		return;
	dev->socket = S_ISSOCK(st.st_mode);
	if (dev->socket)
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	dev->out_fd = open(path, flags);
	dev->close_out = dev->out_fd >= 0;
	if (dev->out_fd < 0) {
		dev->out_fd = fd;
		dev->one_byte_writes = true;
	}
}

void chardev_open_output(struct chardev *dev, int fd)
{
	chardev_init(dev);
	dev->kind = CHARDEV_STDIO;
	open_output(dev, fd);
}

static int open_pty(struct chardev *dev, struct err *e)
{
	struct termios raw;
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	int other_end;

	if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 ||
	    ptsname_r(fd, dev->name, sizeof(dev->name)) != 0) {
		int code = errno;

		if (fd >= 0)
			(void)close(fd);
		return err_sys(e, code, "-serial pty: no pseudo-terminal can be had");
	}
	/* Opened once, so that "nobody is there" reads as a hang-up from the start. */
	other_end = open(dev->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (other_end >= 0) {
		if (tcgetattr(other_end, &raw) == 0) {
			cfmakeraw(&raw);
			(void)tcsetattr(other_end, TCSANOW, &raw);
		}
		(void)close(other_end);
	}
	dev->in_fd = dev->out_fd = fd;
	dev->close_out = true;
	return 0;
}

static int socket_address(const struct chardev_spec *spec, struct sockaddr_un *address,
			  struct err *e)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if ((size_t)spec->path_bytes >= sizeof(address->sun_path))
		return err_set(e, ENAMETOOLONG,
			       "-serial unix:%.*s: the path has %d bytes; a socket's has at most "
			       "%zu",
			       spec->path_bytes, spec->path, spec->path_bytes,
			       sizeof(address->sun_path) - 1);
	memcpy(address->sun_path, spec->path, (size_t)spec->path_bytes);
	return 0;
}

static void use_socket(struct chardev *dev, int fd)
{
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	dev->in_fd = dev->out_fd = fd;
	dev->close_out = true;
	dev->socket = true;
}

void chardev_accept(struct chardev *dev)
{
	int fd = accept4(dev->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	use_socket(dev, fd);
}

void chardev_hang_up(struct chardev *dev)
{
	if (dev->kind == CHARDEV_UNIX && dev->out_fd >= 0)
		(void)close(dev->out_fd);
	if (dev->kind == CHARDEV_UNIX) {
		dev->out_fd = -1;
		dev->close_out = false;
	}
	dev->in_fd = -1;
}

static int serve_socket(struct chardev *dev, const struct chardev_spec *spec, int fd,
			const struct sockaddr_un *address, struct err *e)
{
	struct stat st;

	/* As QEMU does: a socket that an earlier run left behind is replaced, nothing else is. */
	if (lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(address->sun_path);
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 || listen(fd, 1) < 0)
		return err_sys(e, errno, "-serial unix:%.*s: cannot listen", spec->path_bytes,
			       spec->path);
	dev->listen_fd = fd;
	if (spec->wait) {
		chardev_accept(dev);
		if (dev->in_fd < 0)
			return err_sys(e, errno, "-serial unix:%.*s: nobody came", spec->path_bytes,
				       spec->path);
	}
	return 0;
}

static int open_unix(struct chardev *dev, const struct chardev_spec *spec, struct err *e)
{
	struct sockaddr_un address;
	int rc = socket_address(spec, &address, e);
	int fd;

	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, errno, "-serial unix: no socket can be had");
	if (spec->server) {
		rc = serve_socket(dev, spec, fd, &address, e);
	} else if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		rc = err_sys(e, errno, "-serial unix:%.*s: cannot connect (',server=on' listens)",
			     spec->path_bytes, spec->path);
	} else {
		use_socket(dev, fd);
	}
	if (rc < 0) {
		(void)close(fd);
		dev->listen_fd = -1;
	}
	return rc;
}

static int open_file(struct chardev *dev, const struct chardev_spec *spec, struct err *e)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

	dev->out_fd = (int)TEMP_FAILURE_RETRY(open(spec->path, flags, 0666));
	if (dev->out_fd < 0)
		return err_sys(e, errno, "-serial file:%s: cannot be opened for writing",
			       spec->path);
	dev->close_out = true;
	return 0;
}

int chardev_open(struct chardev *dev, const struct chardev_spec *spec, struct err *e)
{
	chardev_init(dev);
	dev->kind = spec->kind;
	switch (spec->kind) {
	case CHARDEV_MON_STDIO:
	case CHARDEV_STDIO:
		dev->in_fd = STDIN_FILENO;
		open_output(dev, STDOUT_FILENO);
		return 0;
	case CHARDEV_FILE:
		return open_file(dev, spec, e);
	case CHARDEV_PTY:
		return open_pty(dev, e);
	case CHARDEV_UNIX:
		return open_unix(dev, spec, e);
	case CHARDEV_NULL:
		break;
	}
	return 0;
}

bool chardev_connected(const struct chardev *dev)
{
	struct pollfd p = { .fd = dev->out_fd };

	if (dev->kind != CHARDEV_PTY)
		return dev->out_fd >= 0;
	return poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP);
}

static bool writable_now(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) > 0;
}

static ssize_t write_some(struct chardev *dev, const uint8_t *bytes, size_t count)
{
	if (dev->socket)
		return send(dev->out_fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (!dev->one_byte_writes)
		return write(dev->out_fd, bytes, count);
	if (writable_now(dev->out_fd))
		return write(dev->out_fd, bytes, 1);
	errno = EAGAIN;
	return -1;
}

long chardev_write(struct chardev *dev, const uint8_t *bytes, unsigned long count)
{
	ssize_t n;

	if (!chardev_connected(dev))
		return (long)count;
	do {
		n = write_some(dev, bytes, count);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		return 0;
	if (dev->kind != CHARDEV_UNIX)
		return -errno;
	chardev_hang_up(dev); /* the peer has gone, and may come back */
	return (long)count;
}

void chardev_close(struct chardev *dev)
{
	if (dev->close_out)
		(void)close(dev->out_fd);
	if (dev->listen_fd >= 0)
		(void)close(dev->listen_fd);
	dev->in_fd = dev->out_fd = dev->listen_fd = -1;
	dev->close_out = false;
}
