/* SPDX-License-Identifier: MIT */
#include "vmm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/must.h"
#include "vmm/hostmem.h"

static const char KVM_PATH[] = "/dev/kvm";

enum {
	API_VERSION = 12,
	/*
	 * Where Intel hosts without unrestricted guest keep a task state segment and an identity
	 * page table for real mode: in the hole, out of RAM's way. [KVM] KVM_SET_TSS_ADDR.
	 */
	TSS_GPA = 0xfffbd000,
	IDENTITY_MAP_GPA = 0xfffbc000,
	HUGE_PAGE_BYTES = 2 << 20,
	PAGE_BYTES = 4 << 10,
};

int kvm_ioctl(int fd, unsigned long request, void *argument)
{
	int rc;

	do {
		rc = ioctl(fd, request, argument);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

int kvm_ioctl_value(int fd, unsigned long request, unsigned long value)
{
	return kvm_ioctl(fd, request, (void *)value);
}

int kvm_capability(int fd, int capability)
{
	int rc = kvm_ioctl_value(fd, KVM_CHECK_EXTENSION, (unsigned long)capability);

	return rc < 0 ? 0 : rc;
}

static int explain_no_permission(int code, struct err *e)
{
	struct stat st;

	if (stat(KVM_PATH, &st) < 0)
		return err_sys(e, code, "%s cannot be opened", KVM_PATH);
	if (code == EPERM)
		return err_set(e, code,
			       "%s may not be used in this container: start it with --device "
			       "/dev/kvm; `tvmm probe --ci` tells more",
			       KVM_PATH);
	if (st.st_gid != 0 && (st.st_mode & 0060) == 0060)
		return err_set(e, code,
			       "%s may not be opened by this user, but by group %u (mode %03o): "
			       "join that group, usually with `usermod -aG kvm NAME`, and log in "
			       "again; `tvmm probe --ci` tells more",
			       KVM_PATH, st.st_gid, st.st_mode & 0777U);
	return err_set(e, code,
		       "%s may be opened by root only (group %u, mode %03o): give it to group kvm "
		       "with mode 0660, by a udev rule, and join that group; `tvmm probe --ci` "
		       "tells more",
		       KVM_PATH, st.st_gid, st.st_mode & 0777U);
}

static int explain_failure(int code, const char *what_failed, struct err *e)
{
	switch (code) {
	case ENOENT:
		return err_set(e, code,
			       "%s is missing: load the module kvm_intel or kvm_amd, and enable "
			       "virtualization in the firmware (or nested virtualization in the "
			       "host of this virtual machine; a container needs --device "
			       "/dev/kvm); `tvmm probe --ci` tells more",
			       KVM_PATH);
	case EACCES:
	case EPERM:
		return explain_no_permission(code, e);
	case EBUSY:
		return err_set(e, code,
			       "%s is busy: another hypervisor holds the CPU; `tvmm probe --ci` "
			       "tells more",
			       KVM_PATH);
	case ENODEV:
	case ENXIO:
		return err_set(e, code,
			       "%s has no driver behind it: this CPU or this kernel cannot run "
			       "virtual machines; `tvmm probe --ci` tells more",
			       KVM_PATH);
	default:
		return err_sys(e, code, "%s: %s", KVM_PATH, what_failed);
	}
}

static int check_kvm(int kvm_fd, struct err *e)
{
	static const struct {
		int number;
		const char *name;
	} needed[] = {
		{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
		{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
		{ KVM_CAP_PIT2, "KVM_CAP_PIT2" },
		{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
		{ KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE" },
		{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	};
	int version = kvm_ioctl(kvm_fd, KVM_GET_API_VERSION, NULL);

	if (version < 0)
		return err_sys(e, -version, "%s is not a KVM device", KVM_PATH);
	if (version != API_VERSION)
		return err_set(e, ENOTSUP, "%s speaks API version %d; %d is needed", KVM_PATH,
			       version, API_VERSION);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!kvm_capability(kvm_fd, needed[i].number))
			return err_set(e, ENOTSUP,
				       "the host's KVM lacks %s; a kernel from 4.12 on has it",
				       needed[i].name);
	}
	return 0;
}

/*
 * Where KVM has to emulate an instruction and cannot, it then tells which one it was.
 * [KVM] KVM_CAP_EXIT_ON_EMULATION_FAILURE. Without it the ending only lacks the bytes.
 */
static void ask_for_instruction_bytes(const struct vm *vm)
{
	struct kvm_enable_cap enable = { .cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE, .args = { 1 } };

	if (kvm_capability(vm->kvm_fd, KVM_CAP_EXIT_ON_EMULATION_FAILURE))
		(void)kvm_ioctl(vm->vm_fd, KVM_ENABLE_CAP, &enable);
}

void vm_init(struct vm *vm)
{
	memset(vm, 0, sizeof(*vm));
	vm->kvm_fd = vm->vm_fd = -1;
}

static void close_descriptors(struct vm *vm)
{
	if (vm->vm_fd >= 0)
		(void)close(vm->vm_fd);
	if (vm->kvm_fd >= 0)
		(void)close(vm->kvm_fd);
	vm->vm_fd = vm->kvm_fd = -1;
}

int vm_open(struct vm *vm, struct err *e)
{
	int rc;

	vm->kvm_fd = (int)TEMP_FAILURE_RETRY(open(KVM_PATH, O_RDWR | O_CLOEXEC));
	if (vm->kvm_fd < 0)
		return explain_failure(errno, "cannot be opened", e);
	rc = check_kvm(vm->kvm_fd, e);
	if (rc < 0)
		close_descriptors(vm);
	return rc;
}

int vm_create(struct vm *vm, struct err *e)
{
	int fd = kvm_ioctl(vm->kvm_fd, KVM_CREATE_VM, NULL);

	if (fd < 0)
		return explain_failure(-fd, "no virtual machine can be created", e);
	vm->vm_fd = fd;
	ask_for_instruction_bytes(vm);
	vm->tsc_deadline_timer = kvm_capability(vm->kvm_fd, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	return 0;
}

/*
 * Anonymous memory whose host address is as far from a 2 MiB boundary as its guest address (both
 * are on one), so that the host can back it with huge pages: one fault instead of 512.
 */
static void *map_ram(uint64_t size_bytes, bool huge_pages, int *no_huge_pages)
{
	size_t padded = size_bytes + HUGE_PAGE_BYTES;
	uint8_t *raw = mmap(NULL, padded, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *aligned;
	size_t before;

	if (raw == MAP_FAILED)
		return NULL;
	before = (size_t)(-(uintptr_t)raw & (HUGE_PAGE_BYTES - 1));
	aligned = raw + before;
	if (before)
		(void)munmap(raw, before);
	(void)munmap(aligned + size_bytes, HUGE_PAGE_BYTES - before);
	if (madvise(aligned, size_bytes, huge_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) < 0 &&
	    huge_pages)
		*no_huge_pages = errno;
	(void)madvise(aligned, size_bytes, MADV_DONTDUMP);
	return aligned;
}

static int map_region(struct vm *vm, size_t slot, uint64_t gpa, uint64_t size_bytes,
		      bool huge_pages, struct err *e)
{
	uint8_t *host = map_ram(size_bytes, huge_pages, &vm->no_huge_pages);

	if (!host)
		return hostmem_explain(size_bytes, errno, e);
	vm->memory.region[slot] = (struct guest_memory_region){ gpa, size_bytes, host };
	return 0;
}

int vm_map_memory(struct vm *vm, const struct vm_ram *ram, bool huge_pages, struct err *e)
{
	int rc = map_region(vm, 0, 0, ram->low_bytes, huge_pages, e);

	if (rc == 0 && ram->high_bytes)
		rc = map_region(vm, 1, ram->high_gpa, ram->high_bytes, huge_pages, e);
	return rc;
}

void vm_small_pages(const struct vm *vm, uint64_t gpa, uint64_t bytes)
{
	const struct guest_memory_region *low = &vm->memory.region[0];
	const uint64_t huge = HUGE_PAGE_BYTES;
	const uint64_t begin = gpa & ~(huge - 1), end = (gpa + bytes + huge - 1) & ~(huge - 1);

	if (begin < low->size_bytes)
		(void)madvise(low->host + begin,
			      (end < low->size_bytes ? end : low->size_bytes) - begin,
			      MADV_NOHUGEPAGE);
}

static int count_touched(const struct guest_memory_region *region, uint64_t *pages)
{
	unsigned char resident[HUGE_PAGE_BYTES / PAGE_BYTES];

	for (uint64_t done = 0; done < region->size_bytes; done += HUGE_PAGE_BYTES) {
		uint64_t left = region->size_bytes - done;
		size_t bytes = left < HUGE_PAGE_BYTES ? (size_t)left : HUGE_PAGE_BYTES;

		if (mincore(region->host + done, bytes, resident) < 0)
			return -errno;
		for (size_t i = 0; i < (bytes + PAGE_BYTES - 1) / PAGE_BYTES; i++)
			*pages += resident[i] & 1;
	}
	return 0;
}

int vm_count_touched(const struct vm *vm, uint64_t *pages)
{
	int rc = 0;

	*pages = 0;
	for (size_t i = 0; rc == 0 && i < GUEST_MEMORY_REGIONS; i++)
		rc = count_touched(&vm->memory.region[i], pages);
	return rc;
}

int vm_add_memory(struct vm *vm, struct err *e)
{
	for (uint32_t slot = 0; slot < GUEST_MEMORY_REGIONS; slot++) {
		const struct guest_memory_region *from = &vm->memory.region[slot];
		struct kvm_userspace_memory_region region = {
			.slot = slot,
			.guest_phys_addr = from->gpa,
			.memory_size = from->size_bytes,
			.userspace_addr = (uintptr_t)from->host,
		};
		int rc = 0;

		if (from->size_bytes)
			rc = kvm_ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
		if (rc < 0)
			return err_sys(e, -rc, "KVM refuses %llu MiB of guest memory at %#llx",
				       (unsigned long long)(from->size_bytes >> 20),
				       (unsigned long long)from->gpa);
	}
	return 0;
}

int vm_add_interrupt_controllers(struct vm *vm, struct err *e)
{
	/* The dummy answers port 0x61, whose bits 0, 1 and 5 kernels use to time channel 2. */
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity_map = IDENTITY_MAP_GPA;
	int rc;

	/* Both are for Intel hosts; elsewhere KVM keeps the value and does nothing. */
	(void)kvm_ioctl(vm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
	(void)kvm_ioctl_value(vm->vm_fd, KVM_SET_TSS_ADDR, TSS_GPA);
	rc = kvm_ioctl(vm->vm_fd, KVM_CREATE_IRQCHIP, NULL);
	if (rc < 0)
		return err_sys(e, -rc, "KVM cannot create the interrupt controllers");
	rc = kvm_ioctl(vm->vm_fd, KVM_CREATE_PIT2, &pit);
	if (rc < 0)
		return err_sys(e, -rc, "KVM cannot create the timer (PIT)");
	return 0;
}

void vm_set_irq(const struct vm *vm, uint32_t irq, bool level)
{
	struct kvm_irq_level line = { .irq = irq, .level = level };
	int rc = kvm_ioctl(vm->vm_fd, KVM_IRQ_LINE, &line);

	must(rc >= 0); /* the number is ours, and the controllers exist */
}

void vm_unmap_memory(struct vm *vm)
{
	for (size_t i = 0; i < GUEST_MEMORY_REGIONS; i++) {
		struct guest_memory_region *r = &vm->memory.region[i];

		if (r->host)
			(void)munmap(r->host, r->size_bytes);
		memset(r, 0, sizeof(*r));
	}
}

void vm_finish(struct vm *vm)
{
	close_descriptors(vm);
	vm_unmap_memory(vm);
}
