/* SPDX-License-Identifier: MIT */
/*
 * bare: what does KVM alone take of a VMM's start?
 *
 *	bare [FILE]...
 *
 * Makes a VM with 128 MiB of memory, interrupt controllers and timer in the kernel, one CPU with its CPUID, and runs it:
 * real mode, at address 0, where a reset through the keyboard controller is waiting. That is what a VMM cannot
 * leave out; it places no kernel, checks nothing and has no device. So this is the floor under a
 * figure of tests/bench/first_run.c on the same host. Ends at the guest's first exit, with status 0 if that
 * was the reset.
 *
 * With files, such as an unpacked kernel and initrd, it does what none can leave out that has those in the guest's
 * memory before it runs: reads them into huge pages, the first from 16 MiB on, the others behind it. A
 * thread begins before the VM is made and has the first file; who made the VM reads the others meanwhile,
 * and has the first one's pages cleared ahead of the thread. Holes are passed over.
 *
 * The calls and their order: [KVM] 4.1 to 4.46; the memory before the controllers, which is quicker (design of
 * vmm/vm.c).
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_BYTES (128UL << 20)
#define HUGE_BYTES   (2UL << 20)

#define FILES_BEGIN (16UL << 20)

enum { ENTRIES = 128, FILES_MAX = 8, STACK_BYTES = 256 << 10 };

/* A file and its place. */
struct load {
	int fd;
	uint8_t *at;
	size_t bytes;
	atomic_bool is_read;
};

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

/* Opens the files, and gives each its place. Returns how many there are. */
static int open_files(char *const name[], uint8_t *ram, struct load load[FILES_MAX])
{
	uint8_t *at = ram + FILES_BEGIN;
	int files = 0;

	for (; name[files]; files++) {
		struct stat st;

		need(files < FILES_MAX ? 0 : -1, "files");
		load[files] =
			(struct load){ .fd = open(name[files], O_RDONLY | O_CLOEXEC), .at = at };
		need(load[files].fd, name[files]);
		need(fstat(load[files].fd, &st), name[files]);
		load[files].bytes = (size_t)st.st_size;
		at += (load[files].bytes + HUGE_BYTES - 1) & -HUGE_BYTES;
		need(at <= ram + MEMORY_BYTES ? 0 : -1, "files larger than the memory");
	}
	if (files)
		need(madvise(ram, MEMORY_BYTES, MADV_HUGEPAGE), "MADV_HUGEPAGE");
	return files;
}

static void *read_file(void *argument)
{
	struct load *load = argument;
	off_t from = 0, to;

	while ((from = lseek(load->fd, from, SEEK_DATA)) >= 0) {
		to = lseek(load->fd, from, SEEK_HOLE);
		while (from < to) {
			ssize_t n = pread(load->fd, load->at + from, (size_t)(to - from), from);

			need(n > 0 ? 0 : -1, "read");
			from += n;
		}
	}
	atomic_store(&load->is_read, true);
	return NULL;
}

/* From the top down, while the thread reads from the bottom up. */
static void clear_ahead(struct load *load)
{
	uint8_t *at = load->at + ((load->bytes + HUGE_BYTES - 1) & -HUGE_BYTES);

	while (at > load->at && !atomic_load(&load->is_read)) {
		at -= HUGE_BYTES;
		if (madvise(at, HUGE_BYTES, MADV_POPULATE_WRITE) < 0)
			return;
	}
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

int main(int argc, char **argv)
{
	static const uint8_t reset[] = { 0xb0, 0xfe, 0xe6, 0x64, 0xf4 }; /* al = fe; out 64; hlt */
	static struct load load[FILES_MAX];
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY_BYTES };
	struct kvm_run *run;
	uint8_t *ram = memory();
	int files = open_files(argv + (argc > 0), ram, load);
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, cpu, bytes;
	pthread_attr_t attributes;
	pthread_t reader;

	need(kvm, "/dev/kvm");
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (files)
		need(-pthread_create(&reader, &attributes, read_file, &load[0]), "a thread");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	need(vm, "KVM_CREATE_VM");
	region.userspace_addr = (uintptr_t)ram;
	memcpy(ram, reset, sizeof(reset));
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
	for (int i = 1; i < files; i++)
		(void)read_file(&load[i]);
	if (files) {
		clear_ahead(&load[0]);
		(void)pthread_join(reader, NULL);
	}
	need(ioctl(cpu, KVM_RUN, 0), "KVM_RUN");
	return run->exit_reason != KVM_EXIT_IO || run->io.port != 0x64;
}
