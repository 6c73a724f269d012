/* SPDX-License-Identifier: MIT */
/*
 * The end of a child is noticed without signalfd(2) and pidfd_open(2), which small kernels lack:
 * SIGCHLD is let in only while ppoll(2) waits. Authority: ppoll(2); wait(2); pipe(7); sigaction(2)
 * "C library/kernel differences"; sigreturn(2).
 */
#include "initramfs/guest/pump.h"

#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/wait.h>

#include "initramfs/guest/input.h"
#include "initramfs/guest/sys.h"
#include "initramfs/guest/wire.h"

enum { WIRE, IN, OUT, ERR, ENDS };

struct pumped {
	struct pollfd end[ENDS];
	struct input input;
};

void pump_signal_return(void);

__asm__("pump_signal_return:\n"
	"\tmov	$15, %eax\n" /* __NR_rt_sigreturn */
	"\tsyscall\n");

static void do_nothing(int signal)
{
	(void)signal;
}

void pump_prepare(void)
{
	const struct sigaction action = {
		.sa_handler = do_nothing,
		.sa_flags = SA_RESTORER | SA_RESTART | SA_NOCLDSTOP,
		.sa_restorer = pump_signal_return,
	};
	const unsigned long child = 1UL << (SIGCHLD - 1);

	(void)sys4(rt_sigaction, SIGCHLD, &action, NULL, sizeof(child));
	(void)sys4(rt_sigprocmask, SIG_BLOCK, &child, NULL, sizeof(child));
}

/* Takes the ended ones off the kernel's list. True: the program is among them. */
static bool has_ended(long program, int *status)
{
	for (;;) {
		int its_status;
		long pid = sys4(wait4, -1, &its_status, WNOHANG, NULL);

		if (pid <= 0)
			return false;
		if (pid == program) {
			*status = its_status;
			return true;
		}
	}
}

/* One read, one frame. How many bytes; 0 at the end, negative when there are none now. */
static long send_some(int from, enum protocol_frame type, size_t at_most)
{
	static uint8_t bytes[PROTOCOL_PAYLOAD_MAX];
	long got = sys3(read, from, bytes, at_most < sizeof(bytes) ? at_most : sizeof(bytes));

	if (got > 0)
		wire_send(type, bytes, (size_t)got);
	return got;
}

static void serve_output(struct pollfd *end, enum protocol_frame type)
{
	if (end->revents && send_some(end->fd, type, PROTOCOL_PAYLOAD_MAX) == 0)
		end->fd = -1;
}

static void send_what_is_left(int from, enum protocol_frame type)
{
	int left = 0;

	if (from < 0)
		return;
	(void)sys3(ioctl, from, FIONREAD, &left);
	while (left > 0) {
		long sent = send_some(from, type, (size_t)left);

		if (sent <= 0)
			return;
		left -= (int)sent;
	}
}

static void choose(struct pumped *p, int wire)
{
	bool wants = input_wants(&p->input);

	p->end[WIRE].fd = wants && p->end[WIRE].events ? wire : -1;
	p->end[IN].fd = p->input.waiting_bytes ? p->input.pipe : -1;
}

static void serve(struct pumped *p)
{
	serve_output(&p->end[OUT], PROTOCOL_STDOUT);
	serve_output(&p->end[ERR], PROTOCOL_STDERR);
	if (p->end[IN].revents)
		input_pass_on(&p->input);
	if (p->end[WIRE].revents && !input_read(&p->input, p->end[WIRE].fd))
		p->end[WIRE].events = 0;
}

int pump(const struct started *started, int wire)
{
	const unsigned long no_signals = 0;
	static struct pumped p;
	int status = 0;

	p.end[WIRE].events = POLLIN;
	p.end[IN].events = POLLOUT;
	p.end[OUT] = (struct pollfd){ .fd = started->out, .events = POLLIN };
	p.end[ERR] = (struct pollfd){ .fd = started->err, .events = POLLIN };
	input_init(&p.input, started->in);
	while (!has_ended(started->pid, &status)) {
		choose(&p, wire);
		if (sys5(ppoll, p.end, ENDS, NULL, &no_signals, sizeof(no_signals)) > 0)
			serve(&p);
	}
	send_what_is_left(p.end[OUT].fd, PROTOCOL_STDOUT);
	send_what_is_left(p.end[ERR].fd, PROTOCOL_STDERR);
	return status;
}
