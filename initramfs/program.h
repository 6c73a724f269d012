/* SPDX-License-Identifier: MIT */
/*
 * The program that is to be run, found on the host by the words that were typed, brought into the
 * archive with all that it takes to start it: loader and libraries of an ELF program; the
 * interpreter of a script, by the rules of the kernel, and what `env` in a script's first line
 * looks for.
 *
 * Authority: [LINUX] fs/binfmt_script.c, fs/exec.c; execve(2); env(1).
 */
#ifndef TVMM_INITRAMFS_PROGRAM_H
#define TVMM_INITRAMFS_PROGRAM_H

#include <stdbool.h>

#include "initramfs/libraries.h"

#define PROGRAM_GUEST_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	PROGRAM_HEAD_BYTES = 256, /* what the kernel looks at of a script */
	PROGRAM_SCRIPTS_MAX = 5,  /* scripts that interpret each other, by fs/exec.c of Linux 6.1 */
	PROGRAM_STARTS_MAX = 16,  /* of programs by `env` */
};

struct program {
	/* From the caller: */
	struct libraries *libraries;
	const char *typed;
	const char *host_path; /* $PATH, or NULL */
	bool has_initrd;

	/* For the caller: */
	char path[PATH_MAX]; /* to be executed in the guest */
	char folder
		[PATH_MAX]; /* that has to come first in its PATH, because `env` looks there; "" */
};

/*
 * Brings it. What is not on the host is left to the guest if has_initrd: then path is as it was
 * typed. 0, or -errno with *e.
 */
int program_pack(struct program *program, struct err *e);

/*
 * Takes a script's first line apart: "#!", the interpreter, an argument (all the rest of the line;
 * "" without) out of a file's first bytes. head has a NUL behind its size_bytes, which are at most
 * PROGRAM_HEAD_BYTES. False: the kernel would not run it.
 */
bool program_parse_script(const char *head, size_t size_bytes, char interpreter[PROGRAM_HEAD_BYTES],
			  char argument[PROGRAM_HEAD_BYTES]);

#endif
