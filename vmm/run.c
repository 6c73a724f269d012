/* SPDX-License-Identifier: MIT */
#include "vmm/run.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <time.h>

enum { TURNED_AWAY_MAX = 8, NAP_NS = 1000000 };

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

struct run_entry run_entry_kvm(struct vcpu *vcpu)
{
	return (struct run_entry){ enter_kvm, unkick_kvm, halted_in_kvm, vcpu, kick_kvm };
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
	if (control_look(control, run->cpu))
		return ending_of(ENDING_HALTED, 0);
	return go_on();
}

static struct ending internal_error(const struct kvm_run *kvm)
{
	struct ending ending = ending_of(ENDING_KVM_INTERNAL_ERROR, kvm->internal.suberror);
	uint64_t flag = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;

	if (kvm->internal.suberror == KVM_INTERNAL_ERROR_EMULATION && kvm->internal.ndata >= 1 &&
	    (kvm->emulation_failure.flags & flag)) {
		uint8_t bytes = kvm->emulation_failure.insn_size;

		ending.instruction_bytes = bytes < ENDING_BYTES_MAX ? bytes : ENDING_BYTES_MAX;
		memcpy(ending.instruction, kvm->emulation_failure.insn_bytes,
		       ending.instruction_bytes);
	}
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
		return internal_error(kvm);
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

static struct ending serve(struct run *run, int rc)
{
	nap_if_turned_away(run, rc);
	if (rc == -EINTR || rc == -EAGAIN)
		return look_around(run);
	if (rc < 0)
		return ending_of(ENDING_KVM_RUN_FAILED, (uint64_t)-rc);
	run->exits++;
	return serve_exit(run);
}

struct ending run_until_end(struct run *run)
{
	struct ending ending = go_on();

	control_is_cpu(run->cpu);
	while (ending.kind == ENDING_NONE) {
		ending = serve(run, run->entry.enter(run->entry.ctx));
		if (ending.kind == ENDING_NONE && control_stopped(run->control))
			ending = run->control->ending; /* a device ended the run */
	}
	control_end(run->control, &ending);
	return run->control->ending;
}
