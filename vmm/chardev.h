/* SPDX-License-Identifier: MIT */
/*
 * Where the guest's serial line leads on the host: `-serial stdio|mon:stdio|null|file:F|pty|
 * unix:F[,server[,nowait]]`, with QEMU's meanings. Opened before the run; nothing is opened later.
 */
#ifndef TVMM_CHARDEV_H
#define TVMM_CHARDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum chardev_kind {
	CHARDEV_MON_STDIO, /* stdio with the Ctrl-a keys */
	CHARDEV_STDIO,     /* stdio byte for byte; on a terminal Ctrl-c ends tvmm */
	CHARDEV_NULL,
	CHARDEV_FILE,
	CHARDEV_PTY,
	CHARDEV_UNIX,
};

struct chardev_spec {
	enum chardev_kind kind;
	const char *path; /* file, unix: borrowed from the option */
	int path_bytes;   /* of path, up to a comma */
	bool server, wait;
};

struct chardev {
	enum chardev_kind kind;
	int in_fd;     /* -1: no input */
	int out_fd;    /* -1: output goes nowhere */
	int listen_fd; /* of a server; polled while nobody is connected; else -1 */
	bool close_out;
	bool socket;
	bool one_byte_writes; /* a terminal that can only be written to without O_NONBLOCK */
	char name[128];       /* of the pty, for the message that tells it */
};

/* Reads the option's value. Returns 0, or -EINVAL with *e naming the nearest valid kind. */
int chardev_parse(const char *text, struct chardev_spec *spec, struct err *e);

/* Nothing is open. */
void chardev_init(struct chardev *dev);

/* Opens what spec says. A server that waits does so here. 0, or -errno with *e filled. */
int chardev_open(struct chardev *dev, const struct chardev_spec *spec, struct err *e);

/* stdout or stderr (fd is its number) to be written without blocking; nothing to read. Never fails. */
void chardev_open_output(struct chardev *dev, int fd);

/* Takes the peer that has come to listen_fd. */
void chardev_accept(struct chardev *dev);

/* The input has ended. A socket's peer has gone with it; a server waits for the next one. */
void chardev_hang_up(struct chardev *dev);

/* Whether somebody is at the other end: a pty may wait for its user, a server for its peer. */
bool chardev_connected(const struct chardev *dev);

/*
 * Writes without ever blocking, as much as goes. Returns the count, 0 when nothing goes now, or
 * -errno when nothing ever will. While nobody is at the other end, all of it is taken and dropped,
 * as on a serial line without a cable.
 */
long chardev_write(struct chardev *dev, const uint8_t *bytes, unsigned long count);

void chardev_close(struct chardev *dev);

#endif
