/* SPDX-License-Identifier: MIT */
#include "vmm/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/terminal.h"

#define NS_PER_MS 1000000ULL

enum {
	/*
	 * The vCPUs' CPU time is read once a tick; when it has hardly moved, they are asked
	 * whether they are halted for good. Found at the latest after two ticks.
	 */
	TICK_MS = 15,
	/* A guest that has been idle for IDLE_TICKS in a row is looked at less often. */
	IDLE_TICKS = 64,
	IDLE_TICK_MS = 40,
	/* The tick once the kernel has said that it halts or powers down. */
	FAST_TICK_MS = 2,
	/* When the guest takes nothing for so long, typed bytes are read for the keys in them. */
	INPUT_STALL_MS = 1000,
	/* How long a reader of the console may stand still at the end of a run. */
	DRAIN_STALL_MS = 5000,
	DRAIN_STALL_HURRIED_MS = 100,
	INPUT_CHUNK_BYTES = 512,
};

static const int ending_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

int supervisor_init(struct supervisor *supervisor, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ending_signals) / sizeof(ending_signals[0]); i++) {
		struct sigaction inherited;

		/* nohup, or a shell that started us in the background, may want it ignored. */
		if (sigaction(ending_signals[i], NULL, &inherited) == 0 &&
		    inherited.sa_handler != SIG_IGN)
			(void)sigaddset(&set, ending_signals[i]);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	supervisor->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervisor->signal_fd < 0)
		return err_sys(e, errno, "no signal descriptor can be had");
	return 0;
}

void supervisor_finish(struct supervisor *supervisor)
{
	if (supervisor->signal_fd >= 0)
		(void)close(supervisor->signal_fd);
	supervisor->signal_fd = -1;
}

/* Ctrl-z from outside, or `kill -TSTP`: leave the terminal in order, stop, and go on raw. */
static void stop_and_continue(void)
{
	terminal_restore();
	(void)kill(getpid(), SIGSTOP);
	terminal_resume();
}

/* The next signal's number, or 0. */
static int next_signal(const struct supervisor *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

static void take_signals(struct supervisor *s)
{
	int number;

	while ((number = next_signal(s)) != 0) {
		if (number == SIGTSTP)
			stop_and_continue();
		else
			control_end(s->control, &(struct ending){ .kind = ENDING_SIGNAL,
								  .detail = (uint64_t)number });
	}
}

static bool guest_takes_input(struct supervisor *s)
{
	return machine_input_room(s->machine) > 0;
}

/* Whether to read what is typed now: when there is room, or to look for the keys in it. */
static bool wants_input(struct supervisor *s)
{
	if (s->dev->in_fd < 0 || s->input_paused)
		return false;
	if (guest_takes_input(s) || s->keyboard.in_monitor)
		return true;
	return s->input_is_terminal &&
	       machine_input_stalled_ns(s->machine) > INPUT_STALL_MS * NS_PER_MS;
}

static void take_input(struct supervisor *s)
{
	uint8_t bytes[INPUT_CHUNK_BYTES];
	size_t room = machine_input_room(s->machine);
	bool guest_takes = room > 0;
	size_t limit = guest_takes && room < sizeof(bytes) ? room : sizeof(bytes);
	ssize_t n = read(s->dev->in_fd, bytes, limit);

	if (n > 0)
		keyboard_take(&s->keyboard, bytes, (size_t)n, guest_takes);
	else if (n < 0 && errno == EIO && s->dev->kind == CHARDEV_PTY)
		s->input_paused = true;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		chardev_hang_up(s->dev); /* its end ends nothing */
}

static uint64_t vcpus_cpu_ns(const struct supervisor *s)
{
	uint64_t ns = 0;

	for (unsigned int cpu = 0; cpu < s->cpus; cpu++)
		ns += vcpu_cpu_ns(&s->vcpus[cpu]);
	return ns;
}

/*
 * A guest that ran for less than that in a tick, all CPUs together, may be halted for good. Being
 * asked costs a vCPU's thread less too, so an idle guest is asked once a tick and a busy one never.
 */
enum { IDLE_NS = 1000000 };

static void watch_vcpus(struct supervisor *s)
{
	uint64_t cpu_ns = vcpus_cpu_ns(s);
	/* Samples of an idle guest take time as well, more than that where exits are slow. */
	bool idle = s->sampled || cpu_ns - s->vcpus_cpu_ns < IDLE_NS;

	if (idle || control_looking(s->control))
		control_ask_to_look(s->control);
	s->idle_ticks = idle ? s->idle_ticks + 1 : 0;
	s->vcpus_cpu_ns = cpu_ns;
}

static unsigned int tick_ms(const struct supervisor *s, bool soon)
{
	if (soon)
		return FAST_TICK_MS;
	return s->idle_ticks < IDLE_TICKS ? TICK_MS : IDLE_TICK_MS;
}

static void tick(struct supervisor *s, bool soon, uint64_t now)
{
	s->input_paused = false;
	watch_vcpus(s);
	s->next_tick_ns = now + tick_ms(s, soon) * NS_PER_MS;
	if (s->deadline_ns && now >= s->deadline_ns)
		control_end(s->control,
			    &(struct ending){ .kind = ENDING_TIMEOUT, .detail = s->timeout_ns });
}

static void tick_if_due(struct supervisor *s)
{
	enum announced announced = console_announced(s->console);
	bool soon = announced == ANNOUNCED_POWER_DOWN || announced == ANNOUNCED_HALT;
	uint64_t now = clock_now_ns();
	uint64_t fast = now + FAST_TICK_MS * NS_PER_MS;

	if (soon && s->next_tick_ns > fast)
		s->next_tick_ns = fast;
	if (now >= s->next_tick_ns || (s->deadline_ns && now >= s->deadline_ns))
		tick(s, soon, now);
}

enum { POLL_SIGNAL, POLL_WAKE, POLL_INPUT, POLL_OUTPUT, POLL_LISTEN, POLLS };

static void fill_polls(struct supervisor *s, struct pollfd *fds)
{
	bool listens = s->dev->listen_fd >= 0 && !chardev_connected(s->dev);

	fds[POLL_SIGNAL] = (struct pollfd){ .fd = s->signal_fd, .events = POLLIN };
	fds[POLL_WAKE] = (struct pollfd){ .fd = s->control->wake_fd, .events = POLLIN };
	fds[POLL_INPUT] =
		(struct pollfd){ .fd = wants_input(s) ? s->dev->in_fd : -1, .events = POLLIN };
	fds[POLL_OUTPUT] =
		(struct pollfd){ .fd = s->output_blocked ? s->dev->out_fd : -1, .events = POLLOUT };
	fds[POLL_LISTEN] =
		(struct pollfd){ .fd = listens ? s->dev->listen_fd : -1, .events = POLLIN };
}

static void wait_for_work(struct supervisor *s, struct pollfd *fds, bool lingering)
{
	uint64_t now = clock_now_ns(), until = s->next_tick_ns;
	struct timespec wait;
	uint64_t ns;

	if (s->deadline_ns && s->deadline_ns < until)
		until = s->deadline_ns;
	ns = until > now ? until - now : 0;
	if (lingering && ns > CONSOLE_LINGER_NS)
		ns = CONSOLE_LINGER_NS;
	wait.tv_sec = (time_t)(ns / 1000000000ULL);
	wait.tv_nsec = (long)(ns % 1000000000ULL);
	if (ppoll(fds, POLLS, &wait, NULL) < 0) {
		for (int i = 0; i < POLLS; i++)
			fds[i].revents = 0;
	}
}

/*
 * Writes out. True: something was there, so come back soon for what follows it. After an empty
 * look the console is told to wake us again.
 */
static bool serve_output(struct supervisor *s)
{
	bool something = console_waiting(s->console);
	enum console_flush flushed = console_flush(s->console);

	s->output_blocked = flushed == CONSOLE_BLOCKED;
	if (flushed != CONSOLE_EMPTY)
		return false;
	return something || !console_sleep(s->console);
}

void supervise(struct supervisor *s, const struct vcpu *vcpus, unsigned int cpus)
{
	struct pollfd fds[POLLS];
	bool lingering = false;

	s->vcpus = vcpus;
	s->cpus = cpus;
	s->input_is_terminal = s->dev->in_fd >= 0 && isatty(s->dev->in_fd);
	while (!control_stopped(s->control)) {
		fill_polls(s, fds);
		wait_for_work(s, fds, lingering);
		if (fds[POLL_SIGNAL].revents)
			take_signals(s);
		if (fds[POLL_WAKE].revents)
			control_clear_wake(s->control);
		if (fds[POLL_LISTEN].revents)
			chardev_accept(s->dev);
		if (fds[POLL_INPUT].revents)
			take_input(s);
		lingering = serve_output(s);
		tick_if_due(s);
	}
}

static bool in_a_hurry(const struct supervisor *s)
{
	enum ending_kind kind = s->control->ending.kind;

	return kind == ENDING_TIMEOUT || kind == ENDING_SIGNAL || kind == ENDING_QUIT;
}

int supervisor_drain(struct supervisor *s)
{
	int stall_ms = in_a_hurry(s) ? DRAIN_STALL_HURRIED_MS : DRAIN_STALL_MS;
	enum console_flush flushed;

	while ((flushed = console_flush(s->console)) == CONSOLE_BLOCKED) {
		struct pollfd fds[2] = { { .fd = s->dev->out_fd, .events = POLLOUT },
					 { .fd = s->signal_fd, .events = POLLIN } };
		int ready = poll(fds, 2, stall_ms);

		if (ready == 0)
			return ETIMEDOUT;
		if (fds[1].revents && next_signal(s) != SIGTSTP)
			return EINTR;
	}
	return flushed == CONSOLE_LOST ? s->console->lost : 0;
}
