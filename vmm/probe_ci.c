/* SPDX-License-Identifier: MIT */
/* What was found and where it was looked for -> what is missing, and what to do. Asks nobody. */
#include "vmm/probe_ci.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

enum {
	STATUS_READY = 0,
	STATUS_NOT_READY = 125,
	API_VERSION = 12,
	GROUP_READ_WRITE = 0060,
	DESCRIPTORS_FEW = 64,
};

#define MIB         (1ULL << 20)
#define GUEST_BYTES (128 * MIB) /* of a guest without -m */
#define OURS_BYTES  (16 * MIB)  /* address space beside it, with a small kernel */

struct judging {
	const struct probe_result *result;
	const struct probe_place *place;
	struct probe_ci *ci;
};

static void note(struct judging *j, const char *name, enum probe_ci_state state, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));
static void advise(struct judging *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The next item. */
static void note(struct judging *j, const char *name, enum probe_ci_state state, const char *fmt,
		 ...)
{
	struct probe_ci_item *item = &j->ci->item[j->ci->items++];
	va_list ap;

	item->name = name;
	item->state = state;
	item->todo[0] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(item->words, sizeof(item->words), fmt, ap);
	va_end(ap);
}

/* A line of what to do about the item that was noted last. */
static void advise(struct judging *j, const char *fmt, ...)
{
	struct probe_ci_item *item = &j->ci->item[j->ci->items - 1];
	size_t used = strlen(item->todo);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(item->todo + used, sizeof(item->todo) - used - 1, fmt, ap);
	va_end(ap);
	(void)strcat(item->todo, "\n");
}

/* It was not to be seen, for a reason that stands elsewhere. */
static void leave_open(struct judging *j, const char *name, const char *where)
{
	note(j, name, PROBE_CI_UNKNOWN, "could not be tried: see %s", where);
}

/*
 * --- advice that several items have -------------------------------------------------------------
 */

static void advise_on_processor(struct judging *j)
{
	const char *where = j->place->container ? "on the container's host, " : "";
	const char *module = j->place->maker == PROBE_AMD     ? "kvm_amd"
			     : j->place->maker == PROBE_INTEL ? "kvm_intel"
							      : "kvm_intel or kvm_amd";

	if (j->place->virtualizes) {
		advise(j, "%sload KVM's driver: sudo modprobe %s", where, module);
		advise(j, "if that is refused, enable virtualization in the firmware (VT-x, SVM)");
	} else if (j->place->in_vm) {
		advise(j, "this is a virtual machine, and its processor has no VMX or SVM: enable "
			  "nested "
			  "virtualization in its host");
		advise(j, "    KVM as the host: options kvm_amd nested=1 (or kvm_intel) in "
			  "/etc/modprobe.d, and the guest's CPU as host");
		advise(j,
		       "    a cloud: a kind of instance that offers nested virtualization, or bare "
		       "metal");
	} else {
		advise(j, "enable virtualization in the firmware: VT-x, or SVM (AMD-V)");
		advise(j, "%sthen load KVM's driver: sudo modprobe %s", where, module);
	}
}

static void advise_on_container(struct judging *j)
{
	advise(j,
	       "give the device to the container: docker run --device /dev/kvm (podman the same)");
	if (j->place->container == PROBE_KUBERNETES)
		advise(j,
		       "Kubernetes: a device plugin for KVM, or a privileged pod with a hostPath "
		       "volume /dev/kvm");
	if (j->place->runner == PROBE_GITLAB)
		advise(j, "GitLab: in the runner's config.toml, below [runners.docker]: "
			  "devices = [\"/dev/kvm\"]");
	if (j->place->runner == PROBE_GITHUB)
		advise(j, "GitHub: in the workflow, below the job's container: "
			  "options: --device /dev/kvm");
}

static void advise_on_busy(struct judging *j)
{
	advise(j,
	       "end the other hypervisor (VirtualBox, VMware, Xen): it holds the processor's VT-x "
	       "or SVM");
}

/*
 * --- the device's file --------------------------------------------------------------------------
 */

static void judge_device(struct judging *j)
{
	const struct probe_device *device = &j->result->device;

	if (device->present && !device->is_other) {
		note(j, "device", PROBE_CI_OK,
		     "/dev/kvm is there: mode %04o, user id %u, group %s%s(%u)", device->mode,
		     device->uid, device->group, device->group[0] ? " " : "", device->gid);
		return;
	}
	if (device->present) {
		note(j, "device", PROBE_CI_MISSING,
		     "/dev/kvm is there, but is not a character device");
		advise(j,
		       "remove it; docker makes a folder for -v /dev/kvm where the host has none");
	} else {
		note(j, "device", PROBE_CI_MISSING, "/dev/kvm is not there%s",
		     j->place->kvm_registered ? ", though this kernel has KVM" : "");
	}
	if (j->place->container)
		advise_on_container(j);
	if (j->place->runner == PROBE_GITHUB)
		advise(j, "GitHub: runners with Linux on x86-64 have it (runs-on: ubuntu-latest); "
			  "those "
			  "with arm64, macOS or Windows have not");
	if (j->place->runner == PROBE_GITLAB)
		advise(j, "GitLab: a runner of one's own on a host with KVM; GitLab.com's promise "
			  "none");
	if (!j->place->kvm_registered)
		advise_on_processor(j);
	else if (!j->place->container)
		advise(j,
		       "make the node: sudo udevadm trigger --name-match=kvm, or sudo mknod -m 660 "
		       "/dev/kvm c 10 232");
}

/* What GitHub's documents for Android's emulator say: a step cannot log in anew. */
static void advise_udev(struct judging *j, const char *who)
{
	advise(j, "%s, a step before tvmm's:", who);
	advise(j, "    echo 'KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0666\", "
		  "OPTIONS+=\"static_node=kvm\"' |");
	advise(j, "        sudo tee /etc/udev/rules.d/99-kvm.rules");
	advise(j, "    sudo udevadm control --reload-rules");
	advise(j, "    sudo udevadm trigger --name-match=kvm");
}

static void advise_permission(struct judging *j)
{
	const struct probe_device *device = &j->result->device;
	bool by_group = device->gid != 0 && (device->mode & GROUP_READ_WRITE) == GROUP_READ_WRITE;

	if (j->place->container && by_group)
		advise(j, "add the group: docker run --device /dev/kvm --group-add %u",
		       device->gid);
	else if (by_group && j->place->in_group)
		advise(j, "its mode would let this user: look for an access control list (getfacl "
			  "/dev/kvm) or a security module");
	else if (by_group && j->place->runner != PROBE_GITHUB)
		advise(j, "join the group, and log in again: sudo usermod -aG %s USER",
		       device->group[0] ? device->group : "kvm");
	else if (!by_group && j->place->runner != PROBE_GITHUB)
		advise(j, "give it to a group: a udev rule KERNEL==\"kvm\", GROUP=\"kvm\", "
			  "MODE=\"0660\"");
	advise_udev(j,
		    j->place->runner == PROBE_GITHUB ? "GitHub Actions" : "in CI (GitHub Actions)");
}

static void judge_permission(struct judging *j)
{
	const struct probe_result *r = j->result;
	const struct probe_device *device = &r->device;

	if (r->step > PROBE_OPENING) {
		note(j, "permission", PROBE_CI_OK, "user id %u may open /dev/kvm", j->place->uid);
	} else if (!device->present || device->is_other) {
		leave_open(j, "permission", "device");
	} else if (r->err.code == EPERM) {
		note(j, "permission", PROBE_CI_MISSING,
		     "opening /dev/kvm is forbidden, whatever its mode: by a container's device "
		     "rules");
		advise(j, "a node that was made by hand, or came by -v, is not enough");
		advise_on_container(j);
	} else if (r->err.code == EACCES) {
		note(j, "permission", PROBE_CI_MISSING,
		     "user id %u may not open /dev/kvm: mode %04o, user id %u, group %s%s(%u), "
		     "which "
		     "it is %sin",
		     j->place->uid, device->mode, device->uid, device->group,
		     device->group[0] ? " " : "", device->gid, j->place->in_group ? "" : "not ");
		advise_permission(j);
	} else {
		note(j, "permission", PROBE_CI_OK, "user id %u is not turned away", j->place->uid);
	}
}

/*
 * --- KVM ----------------------------------------------------------------------------------------
 */

/* A filter of system calls answers for the kernel, or ends the process. */
static bool is_filtered(const struct judging *j)
{
	const struct probe_result *r = j->result;

	if (r->ended_by_signal == SIGSYS)
		return true;
	return j->place->seccomp == 2 && r->step >= PROBE_ASKING && r->step < PROBE_DONE &&
	       (r->err.code == EPERM || r->err.code == EACCES || r->err.code == ENOSYS);
}

static void note_open_failure(struct judging *j)
{
	int code = j->result->err.code;

	if (code == EBUSY) {
		note(j, "driver", PROBE_CI_MISSING,
		     "/dev/kvm is busy: another hypervisor holds it");
		advise_on_busy(j);
	} else if (code == ENODEV || code == ENXIO) {
		note(j, "driver", PROBE_CI_MISSING, "/dev/kvm has no driver behind it");
		advise_on_processor(j);
	} else {
		note(j, "driver", PROBE_CI_MISSING, "/dev/kvm cannot be opened: %s",
		     j->result->ended_by_signal ? j->result->err.text : strerror(code));
	}
}

static void judge_driver(struct judging *j)
{
	const struct probe_result *r = j->result;

	if (r->step == PROBE_OPENING) {
		if (!r->device.present || r->device.is_other)
			leave_open(j, "driver", "device");
		else if (r->err.code == EPERM || r->err.code == EACCES)
			leave_open(j, "driver", "permission");
		else
			note_open_failure(j);
	} else if (r->api_version || is_filtered(j)) {
		note(j, "driver", PROBE_CI_OK, "a driver stands behind it");
	} else {
		note(j, "driver", PROBE_CI_MISSING, "what answers is not KVM: %s", r->err.text);
		advise(j, "ls -l /dev/kvm has to show a character device 10, 232");
	}
}

/* Whether the items about KVM itself have to be left open, and where it is told why. */
static const char *why_not_asked(const struct judging *j)
{
	const struct probe_result *r = j->result;

	if (r->api_version)
		return NULL;
	if (is_filtered(j))
		return "seccomp";
	if (!r->device.present || r->device.is_other)
		return "device";
	return r->step == PROBE_OPENING && (r->err.code == EPERM || r->err.code == EACCES)
		       ? "permission"
		       : "driver";
}

static void judge_api(struct judging *j)
{
	const char *why = why_not_asked(j);
	int version = j->result->api_version;

	if (why) {
		leave_open(j, "api", why);
	} else if (version == API_VERSION) {
		note(j, "api", PROBE_CI_OK, "version %d", version);
	} else {
		note(j, "api", PROBE_CI_MISSING, "version %d; %d is needed", version, API_VERSION);
		advise(j, "another kernel: Linux has had version %d since 2.6.22", API_VERSION);
	}
}

/* The names of those that KVM has not; of the needed ones, or of the others that cost something. */
static size_t name_lacking(const struct probe_result *r, enum probe_kind kind, const char *only,
			   char *names, size_t bytes)
{
	size_t lacking = 0;

	names[0] = '\0';
	for (size_t i = 0; i < r->capabilities; i++) {
		const struct probe_capability *c = &r->capability[i];
		size_t used = strlen(names);

		if (c->kind != kind || c->value != 0 || (only && strcmp(c->name, only) != 0))
			continue;
		(void)snprintf(names + used, bytes - used, "%s%s", lacking++ ? ", " : "", c->name);
	}
	return lacking;
}

static void judge_capabilities(struct judging *j)
{
	const char *why = why_not_asked(j);
	char names[256];

	if (why) {
		leave_open(j, "capabilities", why);
	} else if (name_lacking(j->result, PROBE_NEEDED, NULL, names, sizeof(names))) {
		note(j, "capabilities", PROBE_CI_MISSING, "this KVM lacks %s", names);
		advise(j,
		       "a host's kernel from 4.12 on has them on x86-64; a KVM that is not Linux's "
		       "may not");
	} else if (name_lacking(j->result, PROBE_YES_NO, "KVM_CAP_TSC_DEADLINE_TIMER", names,
				sizeof(names))) {
		note(j, "capabilities", PROBE_CI_LIMITED,
		     "all that are needed; without %s kernels calibrate a timer, 0.1 to 0.2 s of a "
		     "boot",
		     names);
	} else {
		note(j, "capabilities", PROBE_CI_OK, "all that are needed");
	}
}

/* The item whose line tells why nobody asked for a VM; NULL: it is not that. */
static const char *why_no_vm(const struct judging *j)
{
	const char *why = why_not_asked(j);
	char names[256];

	if (why)
		return why;
	if (is_filtered(j))
		return "seccomp";
	if (j->result->api_version != API_VERSION)
		return "api";
	return name_lacking(j->result, PROBE_NEEDED, NULL, names, sizeof(names)) ? "capabilities"
										 : NULL;
}

/* The same for a guest that runs. */
static const char *why_no_guest(const struct judging *j)
{
	const char *why = why_no_vm(j);

	return why ? why : j->result->step < PROBE_CHECKING ? "vm" : NULL;
}

static void judge_vm(struct judging *j)
{
	const struct probe_result *r = j->result;

	if (r->step > PROBE_CREATING) {
		note(j, "vm", PROBE_CI_OK, "a virtual machine can be made");
		return;
	}
	if (why_no_vm(j)) {
		leave_open(j, "vm", why_no_vm(j));
		return;
	}
	note(j, "vm", PROBE_CI_MISSING, "%s", r->err.text);
	if (r->err.code == EBUSY)
		advise_on_busy(j);
	else if (r->err.code == ENOMEM)
		advise(j, "give it memory: see memory and limits");
	else
		advise(j, "the host's kernel log tells more: dmesg | grep -i kvm");
}

/*
 * --- guests -------------------------------------------------------------------------------------
 */

static bool passed(const struct probe_result *r, enum probe_check_id id)
{
	return r->check[id].outcome == PROBE_PASSED;
}

/* The first of the checks that was run and failed; PROBE_CHECKS: none. */
static enum probe_check_id first_failure(const struct probe_result *r,
					 const enum probe_check_id *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (r->check[ids[i]].outcome == PROBE_FAILED)
			return ids[i];
	}
	return PROBE_CHECKS;
}

static void judge_kernel(struct judging *j)
{
	static const enum probe_check_id ids[] = { PROBE_LONG_MODE, PROBE_TIMER };
	const struct probe_result *r = j->result;
	enum probe_check_id bad = first_failure(r, ids, 2);

	if (bad != PROBE_CHECKS) {
		note(j, "kernel", PROBE_CI_MISSING, "64-bit kernels cannot run: %s: %s",
		     bad == PROBE_TIMER ? "timer interrupt" : "long mode", r->check[bad].detail);
		advise(j, "another host: this one's KVM runs no ordinary kernel");
	} else if (why_no_guest(j)) {
		leave_open(j, "kernel", why_no_guest(j));
	} else if (r->step == PROBE_CHECKING) {
		note(j, "kernel", PROBE_CI_MISSING, "no guest could be run: %s", r->err.text);
		if (r->err.code == ENOMEM)
			advise(j, "give it memory: see memory and limits");
	} else {
		note(j, "kernel", PROBE_CI_OK, "64-bit code runs, and timer interrupts arrive");
	}
}

static void judge_user_space(struct judging *j)
{
	static const enum probe_check_id ids[] = { PROBE_FPU, PROBE_USER_MODE, PROBE_SYSCALL };
	static const char *const names[PROBE_CHECKS] = {
		[PROBE_FPU] = "FPU",
		[PROBE_USER_MODE] = "user mode",
		[PROBE_SYSCALL] = "syscall",
	};
	const struct probe_result *r = j->result;
	enum probe_check_id bad = first_failure(r, ids, 3);

	if (bad != PROBE_CHECKS) {
		note(j, "user-space", PROBE_CI_MISSING,
		     "kernels run up to their first process, programs do not: %s: %s", names[bad],
		     r->check[bad].detail);
		advise(j, "this KVM interprets its guests, or lacks a part of a processor: take a "
			  "host "
			  "with VT-x or SVM, or a runner with nested virtualization");
		advise(j,
		       "what needs no program (the kernel's own tests, up to \"Run /init\") can be "
		       "tested here");
		advise(j, "from tvmm's sources: boot in the lab (make lab), which needs no KVM");
	} else if (r->step == PROBE_DONE) {
		note(j, "user-space", PROBE_CI_OK, "programs run, and their system calls arrive");
	} else {
		leave_open(j, "user-space", why_no_guest(j) ? why_no_guest(j) : "kernel");
	}
}

static void judge_breakpoints(struct judging *j)
{
	const struct probe_check *check = &j->result->check[PROBE_BREAKPOINT];

	if (check->outcome == PROBE_NOT_RUN)
		leave_open(j, "breakpoints", why_no_guest(j) ? why_no_guest(j) : "kernel");
	else if (passed(j->result, PROBE_BREAKPOINT))
		note(j, "breakpoints", PROBE_CI_OK, "they stop a guest where they are");
	else
		note(j, "breakpoints", PROBE_CI_LIMITED,
		     "they do not fire (%s): times inside a kernel come from its console alone",
		     check->detail);
}

/*
 * --- what a process gets ------------------------------------------------------------------------
 */

static void judge_memory(struct judging *j)
{
	const struct hostmem *memory = &j->place->memory;
	struct err e;

	if (hostmem_check(memory, GUEST_BYTES, &e) < 0) {
		note(j, "memory", PROBE_CI_MISSING, "%s", e.text);
		advise(j, "raise the limit (docker run --memory 1g; Kubernetes: "
			  "resources.limits.memory), or give guests less: -m 64");
	} else if (memory->group_bytes < memory->ram_bytes) {
		note(j, "memory", PROBE_CI_OK, "%llu MiB, the limit of the control group",
		     (unsigned long long)(memory->group_bytes / MIB));
	} else {
		note(j, "memory", PROBE_CI_OK, "%llu MiB",
		     (unsigned long long)(memory->ram_bytes / MIB));
	}
}

static void judge_limits(struct judging *j)
{
	const uint64_t *limit = j->place->limit;
	uint64_t space = limit[PROBE_LIMIT_AS] < limit[PROBE_LIMIT_DATA] ? limit[PROBE_LIMIT_AS]
									 : limit[PROBE_LIMIT_DATA];

	if (space < GUEST_BYTES + OURS_BYTES) {
		note(j, "limits", PROBE_CI_MISSING,
		     "a process gets %llu MiB of memory (RLIMIT_AS, RLIMIT_DATA): too little for a "
		     "guest "
		     "of 128",
		     (unsigned long long)(space / MIB));
		advise(j,
		       "ulimit -v unlimited; ulimit -d unlimited (systemd: LimitAS=, LimitDATA=)");
	} else if (space != UINT64_MAX) {
		note(j, "limits", PROBE_CI_LIMITED,
		     "a process gets %llu MiB of memory (RLIMIT_AS, RLIMIT_DATA): no guest can be "
		     "larger",
		     (unsigned long long)(space / MIB));
	} else if (limit[PROBE_LIMIT_CPU] != UINT64_MAX) {
		note(j, "limits", PROBE_CI_LIMITED,
		     "a process is ended after %llu s of CPU (RLIMIT_CPU): so is a run",
		     (unsigned long long)limit[PROBE_LIMIT_CPU]);
	} else if (limit[PROBE_LIMIT_FSIZE] != UINT64_MAX) {
		note(j, "limits", PROBE_CI_LIMITED,
		     "files can have %llu bytes (RLIMIT_FSIZE): reports and logs may need more",
		     (unsigned long long)limit[PROBE_LIMIT_FSIZE]);
	} else if (limit[PROBE_LIMIT_NOFILE] < DESCRIPTORS_FEW) {
		note(j, "limits", PROBE_CI_LIMITED,
		     "%llu descriptors (RLIMIT_NOFILE): few for bench --jobs and many CPUs",
		     (unsigned long long)limit[PROBE_LIMIT_NOFILE]);
	} else {
		note(j, "limits", PROBE_CI_OK, "none that a run could meet");
	}
}

static void judge_seccomp(struct judging *j)
{
	const struct probe_result *r = j->result;

	if (is_filtered(j)) {
		note(j, "seccomp", PROBE_CI_MISSING, "a filter forbids KVM's system calls: %s",
		     r->err.text);
		advise(j, "docker run --security-opt seccomp=unconfined, or a profile that allows "
			  "ioctl");
		advise(j, "systemd: SystemCallFilter= has to let ioctl pass");
	} else if (j->place->seccomp == 0) {
		note(j, "seccomp", PROBE_CI_OK, "no filter");
	} else if (r->step == PROBE_DONE) {
		note(j, "seccomp", PROBE_CI_OK,
		     "what filter there is lets KVM's system calls pass");
	} else {
		note(j, "seccomp", PROBE_CI_UNKNOWN,
		     "%s; whether it lets KVM's system calls pass could not be tried",
		     j->place->seccomp > 0 ? "there is a filter" : "nobody tells of a filter");
	}
}

void probe_ci_judge(const struct probe_result *result, const struct probe_place *place,
		    struct probe_ci *ci)
{
	struct judging j = { result, place, ci };

	ci->items = 0;
	judge_device(&j);
	judge_permission(&j);
	judge_driver(&j);
	judge_api(&j);
	judge_capabilities(&j);
	judge_vm(&j);
	judge_kernel(&j);
	judge_user_space(&j);
	judge_breakpoints(&j);
	judge_memory(&j);
	judge_limits(&j);
	judge_seccomp(&j);
}

int probe_ci_status(const struct probe_ci *ci)
{
	for (size_t i = 0; i < ci->items; i++) {
		if (ci->item[i].state == PROBE_CI_MISSING)
			return STATUS_NOT_READY;
	}
	return STATUS_READY;
}
