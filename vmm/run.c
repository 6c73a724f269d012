/* SPDX-License-Identifier: MIT */
#include "vmm/run.h"

#include <errno.h>
#include <linux/kvm.h>
#include <linux/serial_reg.h>
#include <string.h>
#include <time.h>

#include "vmm/vcpusample.h"

enum { TURNED_AWAY_MAX = 8, NAP_NS = 1000000, INT3 = 0xcc };

static int enter_kvm(void *ctx)
{
	return vcpu_enter(ctx);
}

static void unkick_kvm(void *ctx)
{
	vcpu_unkick(ctx);
}

static bool halted_in_kvm(void *ctx)
{
	return vcpu_halted_for_good(ctx);
}

static void kick_kvm(void *ctx)
{
	vcpu_kick(ctx);
}

static int set_breakpoints_kvm(void *ctx, const uint64_t *address, size_t count, bool reinject)
{
	return reinject ? vcpudebug_set_and_reinject(ctx, address, count)
			: vcpudebug_set(ctx, address, count);
}

static int registers_kvm(void *ctx, struct vcpu_registers *registers)
{
	return vcpudebug_registers(ctx, registers);
}

static int deliver_int3_kvm(void *ctx)
{
	return vcpudebug_deliver_int3(ctx);
}

static int sample_kvm(void *ctx, struct hang_sample *sample)
{
	return vcpusample_take(ctx, sample);
}

static const struct observer_cpu debug_kvm = { set_breakpoints_kvm, registers_kvm,
					       deliver_int3_kvm };

struct run_entry run_entry_kvm(struct vcpu *vcpu)
{
	return (struct run_entry){ enter_kvm, unkick_kvm, halted_in_kvm, vcpu,
				   kick_kvm,  &debug_kvm, sample_kvm };
}

static struct ending ending_of(enum ending_kind kind, uint64_t detail)
{
	return (struct ending){ .kind = kind, .detail = detail };
}

static struct ending go_on(void)
{
	return ending_of(ENDING_NONE, 0);
}

/*
 * Locks the machine, when the console has room for all that one exit may send. Looked at with the
 * lock held, so that no other CPU takes the room. False when the run has ended meanwhile.
 */
static bool lock_with_room(struct run *run)
{
	(void)pthread_mutex_lock(&run->machine->lock);
	while (run->console && !console_has_room(run->console)) {
		(void)pthread_mutex_unlock(&run->machine->lock);
		console_wait_for_room(run->console);
		if (control_stopped(run->control))
			return false;
		(void)pthread_mutex_lock(&run->machine->lock);
	}
	return true;
}

/* The guest has read how its transmitter is. */
static void look_at_transmitter(struct run *run, uint16_t port)
{
	if (run->coalesce &&
	    (port == MACHINE_COM1_PORT + UART_LSR || port == MACHINE_COM1_PORT + UART_IIR))
		coalesce_told(run->coalesce, run->machine);
}

/*
 * `count` accesses of `size` bytes to one port, their data one behind the other: a string
 * instruction moves through memory, not through ports. [KVM] KVM_EXIT_IO.
 */
static struct ending serve_io(struct run *run)
{
	struct machine *machine = run->machine;
	uint8_t *data = (uint8_t *)run->kvm + run->kvm->io.data_offset;
	uint32_t size = run->kvm->io.size;
	uint16_t port = run->kvm->io.port;
	bool out = run->kvm->io.direction == KVM_EXIT_IO_OUT;

	if (!out)
		(void)pthread_mutex_lock(&machine->lock);
	else if (!lock_with_room(run))
		return go_on();
	for (uint32_t i = 0; i < run->kvm->io.count; i++, data += size) {
		if (out)
			bus_write(&machine->ports, port, size, data);
		else
			bus_read(&machine->ports, port, size, data);
	}
	if (!out)
		look_at_transmitter(run, port);
	(void)pthread_mutex_unlock(&machine->lock);
	return go_on();
}

static struct ending serve_mmio(struct run *run)
{
	struct machine *machine = run->machine;
	uint64_t address = run->kvm->mmio.phys_addr;
	uint32_t size = run->kvm->mmio.len;

	if (size > sizeof(run->kvm->mmio.data))
		size = sizeof(run->kvm->mmio.data);
	(void)pthread_mutex_lock(&machine->lock);
	if (run->kvm->mmio.is_write)
		bus_write(&machine->mmio, address, size, run->kvm->mmio.data);
	else
		bus_read(&machine->mmio, address, size, run->kvm->mmio.data);
	(void)pthread_mutex_unlock(&machine->lock);
	return go_on();
}

/* Kicked out, or interrupted by a signal that means nothing here. */
static struct ending look_around(struct run *run)
{
	struct control *control = run->control;

	run->entry.unkick(run->entry.ctx);
	if (control_stopped(control))
		return control->ending;
	if (run->slot)
		hangwatch_answer(run->slot, run->entry.sample, run->entry.ctx);
	if (control_look(control, run->cpu))
		return ending_of(ENDING_HALTED, 0);
	return go_on();
}

/*
 * KVMs that interpret the guest's kernel mode do not know int3, with which Linux since 5.2 tests
 * itself as it starts. The guest gets what the hardware would have given it.
 */
static struct ending internal_error(struct run *run)
{
	const struct kvm_run *kvm = run->kvm;
	struct ending ending = ending_of(ENDING_KVM_INTERNAL_ERROR, kvm->internal.suberror);
	uint64_t flag = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;

	if (kvm->internal.suberror == KVM_INTERNAL_ERROR_EMULATION && kvm->internal.ndata >= 1 &&
	    (kvm->emulation_failure.flags & flag)) {
		uint8_t bytes = kvm->emulation_failure.insn_size;

		ending.instruction_bytes = bytes < ENDING_BYTES_MAX ? bytes : ENDING_BYTES_MAX;
		memcpy(ending.instruction, kvm->emulation_failure.insn_bytes,
		       ending.instruction_bytes);
	}
	if (ending.instruction_bytes && ending.instruction[0] == INT3 && run->entry.debug &&
	    run->entry.debug->deliver_int3(run->entry.ctx) == 0)
		return go_on();
	return ending;
}

static struct ending serve_exit(struct run *run)
{
	const struct kvm_run *kvm = run->kvm;

	switch (kvm->exit_reason) {
	case KVM_EXIT_IO:
		return serve_io(run);
	case KVM_EXIT_MMIO:
		return serve_mmio(run);
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_SET_TPR:
		return go_on();
	case KVM_EXIT_HLT: /* only without in-kernel interrupt controllers: nothing can wake it */
		return ending_of(ENDING_HALTED, 0);
	case KVM_EXIT_SHUTDOWN:
		return ending_of(ENDING_TRIPLE_FAULT, 0);
	case KVM_EXIT_FAIL_ENTRY:
		return ending_of(ENDING_KVM_FAIL_ENTRY,
				 kvm->fail_entry.hardware_entry_failure_reason);
	case KVM_EXIT_INTERNAL_ERROR:
		return internal_error(run);
	case KVM_EXIT_DEBUG:
		if (run->observer)
			return go_on(); /* it has been dealt with */
		return ending_of(ENDING_KVM_UNKNOWN_EXIT, kvm->exit_reason);
	default:
		return ending_of(ENDING_KVM_UNKNOWN_EXIT, kvm->exit_reason);
	}
}

/*
 * KVM wants to be entered again when a CPU that waited for its start was sent something. An NMI it
 * cannot take there, and wants that again and again. A kick ends the nap.
 */
static void nap_if_turned_away(struct run *run, int rc)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };

	run->turned_away = rc == -EAGAIN ? run->turned_away + 1 : 0;
	if (run->turned_away > TURNED_AWAY_MAX)
		(void)nanosleep(&nap, NULL);
}

/* What the guest wrote before it left comes before whatever it left for. */
static void drain_coalesced(struct run *run)
{
	if (!run->coalesce || !coalesce_waiting(run->coalesce) || !lock_with_room(run))
		return;
	coalesce_drain(run->coalesce, run->machine);
	(void)pthread_mutex_unlock(&run->machine->lock);
}

static struct ending serve(struct run *run, int rc)
{
	nap_if_turned_away(run, rc);
	drain_coalesced(run);
	if (rc == -EINTR || rc == -EAGAIN)
		return look_around(run);
	if (rc < 0)
		return ending_of(ENDING_KVM_RUN_FAILED, (uint64_t)-rc);
	run->exits++;
	return serve_exit(run);
}

/*
 * ---- what is told to whom looks on ------------------------------------------------------------
 */

static struct record_exit exit_of(const struct kvm_run *kvm)
{
	switch (kvm->exit_reason) {
	case KVM_EXIT_IO:
		return (struct record_exit){
			.kind = RECORD_EXIT_PIO,
			.address = kvm->io.port,
			.count =
				(uint16_t)(kvm->io.count < UINT16_MAX ? kvm->io.count : UINT16_MAX),
			.size = (uint32_t)kvm->io.size & 0x7f,
			.out = kvm->io.direction == KVM_EXIT_IO_OUT,
		};
	case KVM_EXIT_MMIO:
		return (struct record_exit){
			.kind = RECORD_EXIT_MMIO,
			.address = kvm->mmio.phys_addr,
			.count = 1,
			.size = kvm->mmio.len & 0x7f,
			.out = kvm->mmio.is_write != 0,
		};
	default:
		return (struct record_exit){
			.kind = RECORD_EXIT_OTHER,
			.address = kvm->exit_reason,
			.count = 1,
		};
	}
}

static void tell_observer(struct run *run, int rc)
{
	struct record_exit exit;

	bool kicked = rc == -EINTR || rc == -EAGAIN;
	bool stopped = rc == 0 && run->kvm->exit_reason == KVM_EXIT_DEBUG;

	if (kicked || stopped || observer_wants_exits(run->observer))
		observer_left(run->observer);
	if (kicked) {
		observer_kick(run->observer);
	} else if (stopped) {
		observer_debug(run->observer, run->kvm->debug.arch.pc);
	} else if (rc == 0) {
		exit = exit_of(run->kvm);
		observer_exit(run->observer, &exit);
	}
}

static int enter(struct run *run)
{
	int rc;

	if (!run->observer)
		return run->entry.enter(run->entry.ctx);
	observer_enters(run->observer);
	rc = run->entry.enter(run->entry.ctx);
	tell_observer(run, rc);
	return rc;
}

struct ending run_until_end(struct run *run)
{
	struct ending ending = go_on();

	control_is_cpu(run->cpu);
	while (ending.kind == ENDING_NONE) {
		ending = serve(run, enter(run));
		if (ending.kind == ENDING_NONE && control_stopped(run->control))
			ending = run->control->ending; /* a device ended the run */
	}
	control_end(run->control, &ending);
	return run->control->ending;
}
