/* SPDX-License-Identifier: MIT */
#include "vmm/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/guard.h"
#include "vmm/ownpages.h"
#include "vmm/terminal.h"

#define NS_PER_MS 1000000ULL

enum {
	/*
	 * The vCPUs' CPU time is read once a tick; when it has hardly moved, they are asked
	 * whether they are halted for good. Found at the latest after two ticks.
	 */
	TICK_MS = 15,
	/*
	 * A guest that has been idle for IDLE_TICKS in a row is looked at less often, and we give back
	 * what we have needed so far; so we do once in a guest that is busy for BUSY_TICKS, not at its start.
	 */
	IDLE_TICKS = 64,
	BUSY_TICKS = 128,
	IDLE_TICK_MS = 40,
	/* The tick once the kernel has said that it halts or powers down. */
	FAST_TICK_MS = 2,
	/* When the guest takes nothing for so long, typed bytes are read for the keys in them. */
	INPUT_STALL_MS = 1000,
	/* How long a reader of the console may stand still at the end of a run. */
	DRAIN_STALL_MS = 5000,
	/* After a signal or a timeout, where all is to be over in 50 ms; and altogether. */
	DRAIN_STALL_HURRIED_MS = 8,
	DRAIN_HURRIED_MS = 10,
	INPUT_CHUNK_BYTES = 512,
};

/* Ctrl-z from outside, or `kill -TSTP`: leave the terminal in order, stop, and go on raw. */
static void stop_and_continue(void)
{
	terminal_restore();
	(void)kill(getpid(), SIGSTOP);
	terminal_resume();
}

static void take_signals(struct supervisor *s)
{
	int number;

	while ((number = guard_next_signal()) != 0) {
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
	if (s->program)
		return program_input_room(s->program, machine_input_room(s->machine)) > 0;
	if (guest_takes_input(s) || s->keyboard.in_monitor)
		return true;
	return s->input_is_terminal &&
	       machine_input_stalled_ns(s->machine) > INPUT_STALL_MS * NS_PER_MS;
}

/*
 * A program's: as much as the guest has given credit for. Its end goes in as well, and is the last
 * that does.
 */
static void take_program_input(struct supervisor *s)
{
	uint8_t bytes[PROGRAM_INPUT_CHUNK_BYTES], wire[PROGRAM_WIRE_BYTES];
	size_t limit = program_input_room(s->program, machine_input_room(s->machine));
	ssize_t n = read(s->dev->in_fd, bytes, limit);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		n = 0;
	machine_input(s->machine, wire, program_wrap_input(s->program, wire, bytes, (size_t)n));
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
	bool idle = s->sampled || cpu_ns - s->vcpus_cpu_ns < IDLE_NS ||
		    (s->hangwatch && hang_all_off(&s->hangwatch->hang));

	if (idle || control_looking(s->control))
		control_ask_to_look(s->control);
	s->idle_ticks = idle ? s->idle_ticks + 1 : 0;
	if (s->idle_ticks == IDLE_TICKS || (!idle && ++s->busy_ticks == BUSY_TICKS))
		ownpages_give_back();
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
	console_end_trouble(s->console, now);
	if (s->hangwatch && now >= s->hangwatch->next_ns)
		hangwatch_turn(s->hangwatch, now);
}

enum {
	POLL_WAKE,
	POLL_INPUT,
	POLL_LISTEN,
	POLL_OUTPUT, /* as many as there are outlets */
	POLLS = POLL_OUTPUT + CONSOLE_OUTLETS
};

/* Outlets that took nothing when they were last tried. */
static void fill_output_polls(struct supervisor *s, struct pollfd fds[CONSOLE_OUTLETS])
{
	for (int i = 0; i < CONSOLE_OUTLETS; i++) {
		const struct chardev *dev = console_blocked(s->console, (enum console_outlet)i);

		fds[i] = (struct pollfd){ .fd = dev ? dev->out_fd : -1, .events = POLLOUT };
	}
}

static void fill_polls(struct supervisor *s, struct pollfd *fds)
{
	bool listens = s->dev->listen_fd >= 0 && !chardev_connected(s->dev);

	fds[POLL_WAKE] = (struct pollfd){ .fd = s->control->wake_fd, .events = POLLIN };
	fds[POLL_INPUT] =
		(struct pollfd){ .fd = wants_input(s) ? s->dev->in_fd : -1, .events = POLLIN };
	fill_output_polls(s, fds + POLL_OUTPUT);
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
	if (s->hangwatch && s->hangwatch->next_ns < until)
		until = s->hangwatch->next_ns;
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

/* What -send types, as the guest takes it. */
static void type_dialogue(struct supervisor *s)
{
	uint8_t bytes[INPUT_CHUNK_BYTES];
	size_t room = machine_input_room(s->machine);
	size_t count =
		console_to_type(s->console, bytes, room < sizeof(bytes) ? room : sizeof(bytes));

	if (count)
		machine_input(s->machine, bytes, count);
}

/*
 * Writes out. True: something has come, so come back soon for what follows it. After an empty look
 * the console is told to wake us again.
 */
static bool write_out(struct supervisor *s)
{
	uint64_t bytes = console_bytes(s->console);
	bool something = bytes != s->seen_bytes || console_waiting(s->console);
	enum console_flush flushed = console_flush(s->console);

	s->seen_bytes = bytes;
	if (flushed != CONSOLE_EMPTY)
		return false;
	return something || !console_sleep(s->console);
}

/*
 * Bytes may go into KVM's ring only while we come back soon. What was put there meanwhile wakes us
 * as any byte does.
 */
static bool watch_coalesced(struct supervisor *s, bool soon)
{
	bool done;

	if (!s->coalesce->ring || soon == s->coalesce->watched)
		return soon;
	(void)pthread_mutex_lock(&s->machine->lock);
	done = coalesce_watch(s->coalesce, soon);
	(void)pthread_mutex_unlock(&s->machine->lock);
	if (!soon)
		supervisor_take_coalesced(s);
	return soon || !done || coalesce_waiting(s->coalesce);
}

/*
 * While the guest runs already: KVM's bus is changed, which may wait for a grace period. Behind the
 * last memory slot and vCPU, which wait for that in their turn since Linux 6.18.
 */
static void begin_coalescing(struct supervisor *s)
{
	if (!s->coalesces)
		return;
	s->not_coalesced = -coalesce_begin(s->coalesce, s->vm, &s->vcpus[0]);
	if (!s->not_coalesced)
		console_tell_all(s->console);
}

void supervise(struct supervisor *s, const struct vcpu *vcpus, unsigned int cpus)
{
	struct pollfd fds[POLLS];
	bool lingering = false;

	s->vcpus = vcpus;
	s->cpus = cpus;
	s->input_is_terminal = s->dev->in_fd >= 0 && isatty(s->dev->in_fd);
	s->next_tick_ns = clock_now_ns() + TICK_MS * NS_PER_MS;
	guard_run_begins(s->control->wake_fd);
	begin_coalescing(s);
	while (!control_stopped(s->control)) {
		fill_polls(s, fds);
		wait_for_work(s, fds, lingering);
		if (fds[POLL_WAKE].revents)
			control_clear_wake(s->control);
		take_signals(s);
		if (fds[POLL_LISTEN].revents)
			chardev_accept(s->dev);
		if (fds[POLL_INPUT].revents && s->program)
			take_program_input(s);
		else if (fds[POLL_INPUT].revents)
			take_input(s);
		type_dialogue(s);
		supervisor_take_coalesced(s);
		lingering = watch_coalesced(s, write_out(s));
		tick_if_due(s);
	}
	console_let_go(s->console);
}

void supervisor_take_coalesced(struct supervisor *s)
{
	if (!coalesce_waiting(s->coalesce))
		return;
	(void)pthread_mutex_lock(&s->machine->lock);
	if (console_has_room(s->console)) {
		coalesce_found(s->coalesce, s->machine);
		coalesce_drain(s->coalesce, s->machine);
	}
	(void)pthread_mutex_unlock(&s->machine->lock);
}

/* How long the reader may go on to take what is left, and how long he may take nothing. */
struct patience {
	uint64_t until_ns, stall_ms;
};

static struct patience patience_of(const struct supervisor *s)
{
	enum ending_kind kind = s->control->ending.kind;
	uint64_t now = clock_now_ns();

	if (kind == ENDING_TIMEOUT || kind == ENDING_SIGNAL || kind == ENDING_QUIT)
		return (struct patience){ now + DRAIN_HURRIED_MS * NS_PER_MS,
					  DRAIN_STALL_HURRIED_MS };
	return (struct patience){ s->deadline_ns ? s->deadline_ns : UINT64_MAX, DRAIN_STALL_MS };
}

int supervisor_drain(struct supervisor *s)
{
	struct patience patience = patience_of(s);
	enum console_flush flushed;

	while ((flushed = console_flush(s->console)) == CONSOLE_BLOCKED) {
		struct pollfd out[CONSOLE_OUTLETS];
		uint64_t now = clock_now_ns();
		uint64_t left_ms =
			now < patience.until_ns ? (patience.until_ns - now) / NS_PER_MS : 0;
		int wait_ms = (int)(left_ms < patience.stall_ms ? left_ms : patience.stall_ms);

		fill_output_polls(s, out);
		if (poll(out, CONSOLE_OUTLETS, wait_ms) == 0)
			return ETIMEDOUT;
	}
	return flushed == CONSOLE_LOST ? s->console->lost : 0;
}
