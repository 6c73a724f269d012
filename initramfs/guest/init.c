/* SPDX-License-Identifier: MIT */
/*
 * The guest's first process for `tvmm -- PROGRAM`, /.tvmm/init: says hello, puts what tvmm has
 * packed into its place, runs the program, passes its streams through and tells how it ended.
 * protocol.h tells what is said.
 *
 * It has no libc, needs no more of the kernel than ELF programs, the serial port and an initramfs,
 * and is a few KB. Left out: a network (not even the loopback is up), host name, users, modules.
 *
 * Authority: [LINUX] init/main.c, kernel_init(), for what process 1 finds; System V ABI, AMD64
 * supplement, "Process Initialization"; reboot(2); kill(2) for the signals that process 1 does not
 * get; futex(2).
 */
#include <stddef.h>

#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/reboot.h>
#include <linux/time.h>

#include "initramfs/guest/input.h"
#include "initramfs/guest/merge.h"
#include "initramfs/guest/places.h"
#include "initramfs/guest/pump.h"
#include "initramfs/guest/run.h"
#include "initramfs/guest/start.h"
#include "initramfs/guest/sys.h"
#include "initramfs/guest/wire.h"

#define FOLDER "/" PROTOCOL_FOLDER

enum { FUTEX_WAKE_OP = 1, STAY_MS = 2000 };

void first(void);

/* The stack pointer is aligned by the kernel; a call would have pushed 8 bytes. */
__asm__(".global _start\n"
	"_start:\n"
	"\txor	%ebp, %ebp\n"
	"\tcall	first\n");

/* Without /dev/console the first file that is opened would be taken for standard input. */
static void fill_standard_files(void)
{
	long fd;

	do
		fd = sys4(openat, AT_FDCWD, "/", O_RDONLY, 0);
	while (fd >= 0 && fd <= 2);
	(void)sys1(close, fd);
}

/*
 * tvmm ends the run when it has been told the ending. Another VMM does not know; a restart ends
 * most of them, where a power-off needs ACPI.
 */
static void end(void)
{
	wire_drain();
	(void)sys3(poll, NULL, 0, STAY_MS);
	(void)sys4(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART,
		   NULL);
	for (;;)
		(void)sys0(pause);
}

static void end_without_wire(long error)
{
	struct text text = { 0 };

	text_add(&text, "tvmm: /dev/ttyS0: ");
	if (error == ENXIO || error == ENODEV || error == EIO)
		text_add(&text, "CONFIG_SERIAL_8250 is not in this kernel, or there is no port");
	else
		text_add_error(&text, error);
	text_add(&text, "; programs can only be run with it\n");
	(void)sys3(write, 2, text.bytes, text.count);
	end();
}

static void fail(const struct text *why)
{
	wire_send_text(PROTOCOL_FAILED, why);
	end();
}

static int open_wire(void)
{
	long fd = wire_open();

	if (fd < 0) {
		places_make_nodes();
		fd = wire_open();
	}
	if (fd < 0)
		end_without_wire(-fd);
	return (int)fd;
}

static void say_hello(void)
{
	wire_send(PROTOCOL_HELLO, PROTOCOL_HELLO_TEXT, sizeof(PROTOCOL_HELLO_TEXT) - 1);
	wire_send_number(PROTOCOL_CREDIT, INPUT_WINDOW_BYTES);
}

static bool prepare(struct run *run, struct text *why)
{
	if (!run_read(run, FOLDER "/run", why) || !merge_into(FOLDER "/root", "/", why))
		return false;
	(void)sys1(unlink, FOLDER "/run");
	(void)sys1(unlink, FOLDER "/init");
	(void)sys1(rmdir, FOLDER);
	places_make();
	pump_prepare();
	return run_find(run, why);
}

/* A libc's threads abort() where futexes are missing, and do not say of what. */
static void note_of_death(int signal)
{
	static const char futex[] = "CONFIG_FUTEX is not in this kernel: if the program has "
				    "threads, that is why it aborted";
	unsigned int word = 0;

	if (signal == SIGABRT && sys3(futex, &word, FUTEX_WAKE_OP, 1) == -ENOSYS)
		wire_send(PROTOCOL_NOTE, futex, sizeof(futex) - 1);
}

/* wait(2): the signal is in bits 0-6, the exit status in bits 8-15. */
static void tell_ending(int status)
{
	int signal = status & 0x7f;

	if (!signal) {
		wire_send_number(PROTOCOL_EXIT, (unsigned long)(status >> 8 & 0xff));
		return;
	}
	note_of_death(signal);
	wire_send_number(PROTOCOL_SIGNAL, (unsigned long)signal);
}

__attribute__((used)) void first(void)
{
	static struct run run;
	static struct text why;
	struct started started;
	int wire;

	fill_standard_files();
	wire = open_wire();
	say_hello();
	if (!prepare(&run, &why) || !start(&started, &run, &why))
		fail(&why);
	tell_ending(pump(&started, wire));
	end();
}
