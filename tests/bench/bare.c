/* SPDX-License-Identifier: MIT */
/*
 * bare: what does KVM alone take of a VMM's start?
 *
 *	bare
 *
 * Makes a VM with 128 MiB of memory, interrupt controllers and timer in the kernel, one CPU with its CPUID, and runs it:
 * real mode, at address 0, where a reset through the keyboard controller is waiting. That is what a VMM cannot
 * leave out; it places no kernel, checks nothing and has no device. So this is the floor under a
 * figure of tests/bench/first_run.c on the same host. Ends at the guest's first exit, with status 0 if that
 * was the reset.
 *
 * The calls and their order: [KVM] 4.1 to 4.46; the memory before the controllers, which is quicker (design of
 * vmm/vm.c).
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_BYTES (128UL << 20)
#define HUGE_BYTES   (2UL << 20)

enum { ENTRIES = 128 };

static void need(int rc, const char *what)
{
	if (rc < 0) {
		perror(what);
		_exit(1);
	}
}

static uint8_t *memory(void)
{
	uint8_t *at = mmap(NULL, MEMORY_BYTES + HUGE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	need(at == MAP_FAILED ? -1 : 0, "mmap");
	return (uint8_t *)(((uintptr_t)at + HUGE_BYTES - 1) & -HUGE_BYTES);
}

static void set_cpuid(int kvm, int cpu)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[ENTRIES];
	} cpuid = { .head = { .nent = ENTRIES } };

	need(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "KVM_GET_SUPPORTED_CPUID");
	need(ioctl(cpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
}

static void enter_at_0(int cpu)
{
	struct kvm_regs regs = { .rflags = 2 };
	struct kvm_sregs sregs;

	need(ioctl(cpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	need(ioctl(cpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	need(ioctl(cpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

int main(void)
{
	static const uint8_t reset[] = { 0xb0, 0xfe, 0xe6, 0x64, 0xf4 }; /* al = fe; out 64; hlt */
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY_BYTES };
	struct kvm_run *run;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, cpu, bytes;

	need(kvm, "/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	need(vm, "KVM_CREATE_VM");
	region.userspace_addr = (uintptr_t)memory();
	memcpy((void *)region.userspace_addr, reset, sizeof(reset));
	need(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	need(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	need(ioctl(vm, KVM_CREATE_PIT2, &pit), "KVM_CREATE_PIT2");
	bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	need(bytes, "KVM_GET_VCPU_MMAP_SIZE");
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	need(cpu, "KVM_CREATE_VCPU");
	run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	need(run == MAP_FAILED ? -1 : 0, "mmap of the CPU");
	set_cpuid(kvm, cpu);
	enter_at_0(cpu);
	need(ioctl(cpu, KVM_RUN, 0), "KVM_RUN");
	return run->exit_reason != KVM_EXIT_IO || run->io.port != 0x64;
}
