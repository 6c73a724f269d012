/* SPDX-License-Identifier: MIT */
/*
 * probe --ci without KVM: hand-made results and places are judged; trees that stand for / are looked at;
 * lines and JSON are read back; a filter of system calls ends the probe's process and not the test.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/common/folder.h"
#include "vmm/probe_ci.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The names and states of vmm/probe_ci.h's head, which do not change, and the statuses of the help. */
enum { SPEC_READY = 0, SPEC_NOT_READY = 125, SPEC_API = 12 };

static const char *const NAMES[] = { "device",       "permission", "driver", "api",
				     "capabilities", "vm",         "kernel", "user-space",
				     "breakpoints",  "memory",     "limits", "seccomp" };

static struct probe_result result;
static struct probe_place place;
static struct probe_ci ci;
static char text[16384];

/* A host where all is well. */
static void make_good(void)
{
	(void)memset(&result, 0, sizeof(result));
	result.device = (struct probe_device){ true, 0660, 0, 104, "kvm", false };
	result.step = PROBE_DONE;
	result.api_version = SPEC_API;
	result.capabilities = 3;
	result.capability[0] = (struct probe_capability){ "KVM_CAP_IRQCHIP", "", PROBE_NEEDED, 1 };
	result.capability[1] = (struct probe_capability){ "KVM_CAP_PIT2", "", PROBE_NEEDED, 1 };
	result.capability[2] =
		(struct probe_capability){ "KVM_CAP_TSC_DEADLINE_TIMER", "", PROBE_YES_NO, 1 };
	for (int id = 0; id < PROBE_CHECKS; id++)
		result.check[id] = (struct probe_check){ PROBE_PASSED, 1, "seen" };
	place = (struct probe_place){ .maker = PROBE_INTEL, .uid = 1000 };
	for (size_t i = 0; i < PROBE_LIMITS; i++)
		place.limit[i] = UINT64_MAX;
	place.memory = (struct hostmem){ .ram_bytes = 4ULL << 30, .group_bytes = UINT64_MAX };
}

/* It came to that step and failed there. */
static void stop_at(enum probe_step step, int code)
{
	result.step = step;
	(void)err_set(&result.err, code ? code : EIO, "it failed");
	if (step < PROBE_CREATING) {
		result.api_version = 0;
		for (size_t i = 0; i < result.capabilities; i++)
			result.capability[i].value = -1;
	}
	(void)memset(result.check, 0, sizeof(result.check));
}

static const struct probe_ci_item *item(const char *name)
{
	for (size_t i = 0; i < ci.items; i++) {
		if (strcmp(ci.item[i].name, name) == 0)
			return &ci.item[i];
	}
	ck_abort_msg("there is no %s", name);
	return NULL;
}

static void print(void (*how)(const struct probe_ci *, FILE *))
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	how(&ci, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_uint_lt(strlen(text), sizeof(text) - 1);
}

/* All that is missing, with blanks between. */
static const char *missing(void)
{
	static char names[256];

	probe_ci_judge(&result, &place, &ci);
	names[0] = '\0';
	for (size_t i = 0; i < ci.items; i++) {
		if (ci.item[i].state == PROBE_CI_MISSING)
			(void)strcat(strcat(names, *names ? " " : ""), ci.item[i].name);
	}
	ck_assert_int_eq(probe_ci_status(&ci), *names ? SPEC_NOT_READY : SPEC_READY);
	return names;
}

#define SAYS(name, part) \
	ck_assert_msg(strstr(item(name)->words, part), "%s: '%s'", name, item(name)->words)
#define ADVISES(name, part) \
	ck_assert_msg(strstr(item(name)->todo, part), "%s: '%s'", name, item(name)->todo)
#define DOES_NOT_ADVISE(name, part) \
	ck_assert_msg(!strstr(item(name)->todo, part), "%s: '%s'", name, item(name)->todo)

/* --- a good host -------------------------------------------------------------------------------- */

START_TEST(all_is_well)
{
	make_good();
	ck_assert_str_eq(missing(), "");
	ck_assert_uint_eq(ci.items, COUNT(NAMES));
	for (size_t i = 0; i < COUNT(NAMES); i++) {
		ck_assert_str_eq(ci.item[i].name, NAMES[i]);
		ck_assert_int_eq(ci.item[i].state, PROBE_CI_OK);
		ck_assert_str_eq(ci.item[i].todo, "");
	}
	print(probe_ci_print);
	ck_assert_ptr_nonnull(
		strstr(text, "ok       device        /dev/kvm is there: mode 0660, user id 0, "
			     "group kvm (104)\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n\nEverything that guests need is here.\n"));
	ck_assert_ptr_null(strstr(text, "What to do"));
}
END_TEST

START_TEST(less_than_it_could_be)
{
	make_good();
	result.check[PROBE_BREAKPOINT].outcome = PROBE_FAILED;
	result.capability[2].value = 0;
	place.limit[PROBE_LIMIT_CPU] = 60;
	ck_assert_str_eq(missing(), "");
	ck_assert_int_eq(item("breakpoints")->state, PROBE_CI_LIMITED);
	ck_assert_int_eq(item("capabilities")->state, PROBE_CI_LIMITED);
	ck_assert_int_eq(item("limits")->state, PROBE_CI_LIMITED);
	SAYS("limits", "after 60 s of CPU");
	print(probe_ci_print);
	ck_assert_ptr_nonnull(strstr(text, "\nlimited  breakpoints   they do not fire (seen)"));
}
END_TEST

/* --- the device --------------------------------------------------------------------------------- */

static void make_no_device(void)
{
	make_good();
	result.device = (struct probe_device){ .present = false };
	stop_at(PROBE_OPENING, ENOENT);
}

START_TEST(no_device)
{
	make_no_device();
	place.virtualizes = true;
	ck_assert_str_eq(missing(), "device");
	ADVISES("device", "load KVM's driver: sudo modprobe kvm_intel\n");
	ADVISES("device", "firmware");
	DOES_NOT_ADVISE("device", "docker");
	for (size_t i = 1; i <= 8; i++) {
		ck_assert_int_eq(ci.item[i].state, PROBE_CI_UNKNOWN);
		ck_assert_str_eq(ci.item[i].words, "could not be tried: see device");
	}
	place.maker = PROBE_AMD;
	place.virtualizes = false;
	ck_assert_str_eq(missing(), "device");
	ADVISES("device", "enable virtualization in the firmware");
	ADVISES("device", "modprobe kvm_amd\n");
	place.in_vm = true;
	ck_assert_str_eq(missing(), "device");
	ADVISES("device", "enable nested virtualization in its host");
	DOES_NOT_ADVISE("device", "firmware");
}
END_TEST

START_TEST(a_container_without_the_device)
{
	make_no_device();
	place.container = PROBE_DOCKER;
	place.kvm_registered = true;
	ck_assert_str_eq(missing(), "device");
	SAYS("device", "though this kernel has KVM");
	ADVISES("device", "docker run --device /dev/kvm");
	DOES_NOT_ADVISE("device", "modprobe");
	DOES_NOT_ADVISE("device", "GitLab");
	place.runner = PROBE_GITLAB;
	(void)missing();
	ADVISES("device", "config.toml, below [runners.docker]: devices = [\"/dev/kvm\"]");
	place.runner = PROBE_GITHUB;
	(void)missing();
	ADVISES("device", "options: --device /dev/kvm");
	ADVISES("device", "runs-on: ubuntu-latest");
	place.container = PROBE_KUBERNETES;
	(void)missing();
	ADVISES("device", "a device plugin for KVM");
	place.kvm_registered = false;
	place.virtualizes = true;
	(void)missing();
	ADVISES("device", "on the container's host, load KVM's driver");
}
END_TEST

START_TEST(a_node_that_is_not_there_or_is_another)
{
	make_no_device();
	place.kvm_registered = true;
	ck_assert_str_eq(missing(), "device");
	ADVISES("device", "mknod -m 660 /dev/kvm c 10 232");
	result.device = (struct probe_device){ .present = true, .is_other = true };
	result.err.code = EISDIR;
	ck_assert_str_eq(missing(), "device");
	SAYS("device", "not a character device");
	ck_assert_int_eq(item("driver")->state, PROBE_CI_UNKNOWN);
}
END_TEST

/* --- permission --------------------------------------------------------------------------------- */

/* As GitHub's documents for Android's emulator write it. */
static const char RULE[] =
	"echo 'KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0666\", OPTIONS+=\"static_node=kvm\"' |\n";

START_TEST(not_permitted)
{
	make_good();
	stop_at(PROBE_OPENING, EACCES);
	ck_assert_str_eq(missing(), "permission");
	SAYS("permission", "user id 1000 may not open /dev/kvm: mode 0660, user id 0, group kvm "
			   "(104), which it is "
			   "not in");
	ADVISES("permission", "sudo usermod -aG kvm USER\n");
	ADVISES("permission", RULE);
	ADVISES("permission", "sudo udevadm control --reload-rules\n");
	ADVISES("permission", "sudo udevadm trigger --name-match=kvm\n");
	ck_assert_str_eq(item("driver")->words, "could not be tried: see permission");
	ck_assert_int_eq(item("device")->state, PROBE_CI_OK);
	place.runner = PROBE_GITHUB; /* a step cannot log in again */
	(void)missing();
	ADVISES("permission", RULE);
	DOES_NOT_ADVISE("permission", "usermod");
	place.runner = PROBE_NO_RUNNER;
	result.device.mode = 0600;
	(void)missing();
	ADVISES("permission", "KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0660\"");
	DOES_NOT_ADVISE("permission", "usermod");
	result.device.mode = 0660;
	place.in_group = true;
	(void)missing();
	ADVISES("permission", "access control list");
	place.in_group = false;
	place.container = PROBE_DOCKER;
	(void)missing();
	ADVISES("permission", "docker run --device /dev/kvm --group-add 104\n");
}
END_TEST

/* What a container's device rules answer is EPERM, a file's mode EACCES. */
START_TEST(forbidden_by_a_container)
{
	make_good();
	stop_at(PROBE_OPENING, EPERM);
	place.container = PROBE_DOCKER;
	place.runner = PROBE_GITLAB;
	ck_assert_str_eq(missing(), "permission");
	SAYS("permission", "container's device rules");
	ADVISES("permission", "docker run --device /dev/kvm");
	ADVISES("permission", "config.toml");
	DOES_NOT_ADVISE("permission", "usermod");
}
END_TEST

/* --- KVM ---------------------------------------------------------------------------------------- */

START_TEST(no_driver_and_busy)
{
	static const int codes[] = { ENODEV, ENXIO };

	for (size_t i = 0; i < COUNT(codes); i++) {
		make_good();
		stop_at(PROBE_OPENING, codes[i]);
		ck_assert_str_eq(missing(), "driver");
		SAYS("driver", "no driver behind it");
		ADVISES("driver", "modprobe kvm_intel");
		ck_assert_int_eq(item("permission")->state, PROBE_CI_OK);
	}
	make_good();
	stop_at(PROBE_OPENING, EBUSY);
	ck_assert_str_eq(missing(), "driver");
	SAYS("driver", "busy");
	ADVISES("driver", "end the other hypervisor");
	make_good();
	stop_at(PROBE_OPENING, EMFILE);
	ck_assert_str_eq(missing(), "driver");
	SAYS("driver", "Too many open files");
	make_good();
	stop_at(PROBE_ASKING, ENOTTY);
	ck_assert_str_eq(missing(), "driver");
	SAYS("driver", "what answers is not KVM: it failed");
	make_good();
	stop_at(PROBE_CREATING, EBUSY);
	ck_assert_str_eq(missing(), "vm");
	ADVISES("vm", "end the other hypervisor");
	ck_assert_str_eq(item("kernel")->words, "could not be tried: see vm");
}
END_TEST

START_TEST(old_and_lacking)
{
	make_good();
	stop_at(PROBE_ASKING, ENOTSUP);
	result.api_version = 11;
	ck_assert_str_eq(missing(), "api");
	SAYS("api", "version 11; 12 is needed");
	ck_assert_str_eq(item("vm")->words, "could not be tried: see api");
	make_good();
	stop_at(PROBE_ASKING, ENOTSUP);
	result.api_version = SPEC_API;
	result.capability[0].value = result.capability[1].value = 0;
	ck_assert_str_eq(missing(), "capabilities");
	SAYS("capabilities", "lacks KVM_CAP_IRQCHIP, KVM_CAP_PIT2");
	ck_assert_str_eq(item("user-space")->words, "could not be tried: see capabilities");
}
END_TEST

START_TEST(guests_that_do_not_run)
{
	static const struct {
		enum probe_check_id id;
		const char *item, *words;
	} spec[] = {
		{ PROBE_LONG_MODE, "kernel", "long mode: " },
		{ PROBE_TIMER, "kernel", "timer interrupt: " },
		{ PROBE_FPU, "user-space", "FPU: " },
		{ PROBE_USER_MODE, "user-space", "user mode: " },
		{ PROBE_SYSCALL, "user-space", "syscall: from CPL 3, syscall arrives in CPL 3" },
	};

	for (size_t i = 0; i < COUNT(spec); i++) {
		make_good();
		result.check[spec[i].id].outcome = PROBE_FAILED;
		(void)strcpy(result.check[spec[i].id].detail,
			     "from CPL 3, syscall arrives in CPL 3");
		ck_assert_str_eq(missing(), spec[i].item);
		SAYS(spec[i].item, spec[i].words);
		ADVISES(spec[i].item, "host");
	}
	SAYS("user-space", "kernels run up to their first process, programs do not");
	ADVISES("user-space", "make lab");
	make_good();
	stop_at(PROBE_CHECKING, ENOMEM);
	ck_assert_str_eq(missing(), "kernel");
	SAYS("kernel", "no guest could be run: it failed");
	ADVISES("kernel", "see memory and limits");
}
END_TEST

/* --- what a process gets ------------------------------------------------------------------------ */

START_TEST(memory_and_limits)
{
	make_good();
	place.memory.group_bytes = 100ULL << 20;
	(void)strcpy(place.memory.group_file, "/sys/fs/cgroup/memory.max");
	ck_assert_str_eq(missing(), "memory");
	SAYS("memory", "/sys/fs/cgroup/memory.max");
	ADVISES("memory", "docker run --memory");
	place.memory.group_bytes = 300ULL << 20;
	ck_assert_str_eq(missing(), "");
	SAYS("memory", "300 MiB, the limit of the control group");
	place.limit[PROBE_LIMIT_DATA] = 100ULL << 20;
	ck_assert_str_eq(missing(), "limits");
	SAYS("limits", "a process gets 100 MiB");
	ADVISES("limits", "ulimit -v unlimited; ulimit -d unlimited");
	place.limit[PROBE_LIMIT_DATA] = 1ULL << 30;
	ck_assert_str_eq(missing(), "");
	SAYS("limits", "a process gets 1024 MiB");
	place.limit[PROBE_LIMIT_DATA] = UINT64_MAX;
	place.limit[PROBE_LIMIT_FSIZE] = 1000;
	ck_assert_str_eq(missing(), "");
	SAYS("limits", "files can have 1000 bytes");
	place.limit[PROBE_LIMIT_FSIZE] = UINT64_MAX;
	place.limit[PROBE_LIMIT_NOFILE] = 20;
	ck_assert_str_eq(missing(), "");
	ck_assert_int_eq(item("limits")->state, PROBE_CI_LIMITED);
}
END_TEST

START_TEST(filters_of_system_calls)
{
	static const int codes[] = { EPERM, EACCES, ENOSYS };
	static const enum probe_step steps[] = { PROBE_ASKING, PROBE_CREATING, PROBE_CHECKING };

	for (size_t i = 0; i < COUNT(codes); i++) {
		for (size_t k = 0; k < COUNT(steps); k++) {
			make_good();
			place.seccomp = 2;
			stop_at(steps[k], codes[i]);
			ck_assert_str_eq(missing(), "seccomp");
			SAYS("seccomp", "a filter forbids KVM's system calls: it failed");
			ADVISES("seccomp", "--security-opt seccomp=unconfined");
			ck_assert_str_eq(item("kernel")->words, "could not be tried: see seccomp");
		}
	}
	make_good();
	place.seccomp = 2;
	ck_assert_str_eq(missing(), "");
	SAYS("seccomp", "lets KVM's system calls pass");
	/* Docker's own profile has a filter too: it is not to blame for a device that is missing. */
	make_no_device();
	place.seccomp = 2;
	ck_assert_str_eq(missing(), "device");
	ck_assert_int_eq(item("seccomp")->state, PROBE_CI_UNKNOWN);
	/* Nor is there one where nobody says so. */
	make_good();
	stop_at(PROBE_CREATING, EPERM);
	ck_assert_str_eq(missing(), "vm");
	make_good();
	stop_at(PROBE_ASKING, ECANCELED);
	result.ended_by_signal = SIGSYS;
	ck_assert_str_eq(missing(), "seccomp");
}
END_TEST

/* Whatever it was, what stops the probe is missing somewhere, and only then. */
START_TEST(never_ready_without_an_end)
{
	static const int codes[] = { ENOENT, EACCES, EPERM,     EBUSY,  ENODEV, ENXIO,
				     ENOTTY, ENOMEM, ECANCELED, ENOSYS, EINTR,  ENOTSUP };
	static const int signals[] = { 0, SIGSYS, SIGKILL, SIGSEGV };

	for (size_t all = 0; all < COUNT(codes) * COUNT(signals) * PROBE_DONE * 3 * 2; all++) {
		make_good();
		stop_at((enum probe_step)(all % PROBE_DONE),
			codes[all / PROBE_DONE % COUNT(codes)]);
		result.ended_by_signal = signals[all / PROBE_DONE / COUNT(codes) % COUNT(signals)];
		place.seccomp = (int)(all / PROBE_DONE / COUNT(codes) / COUNT(signals) % 3);
		if (result.step == PROBE_ASKING &&
		    all >= COUNT(codes) * COUNT(signals) * PROBE_DONE * 3)
			result.api_version = SPEC_API;
		ck_assert_msg(*missing(), "step %d, code %d, signal %d, filter %d", result.step,
			      result.err.code, result.ended_by_signal, place.seccomp);
	}
}
END_TEST

/* --- where it runs ------------------------------------------------------------------------------ */

static void put(const char *path, const char *content)
{
	char all[256], *slash;

	(void)snprintf(all, sizeof(all), "%s", folder_at(path));
	for (slash = strchr(all + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(all, 0700);
		*slash = '/';
	}
	folder_put(all, content, strlen(content));
}

static void look(void)
{
	struct probe_device device = { .present = true, .gid = getegid() };

	probe_place_look(&place, &device, folder_at("."));
}

static void forget_environment(void)
{
	static const char *const names[] = { "KUBERNETES_SERVICE_HOST", "container",
					     "GITHUB_ACTIONS", "GITLAB_CI", "CI" };

	for (size_t i = 0; i < COUNT(names); i++)
		(void)unsetenv(names[i]);
}

START_TEST(nothing_to_be_seen)
{
	folder_make();
	forget_environment();
	look();
	ck_assert_int_eq(place.container, PROBE_NO_CONTAINER);
	ck_assert_int_eq(place.runner, PROBE_NO_RUNNER);
	ck_assert_int_eq(place.maker, PROBE_OTHER_MAKER);
	ck_assert(!place.virtualizes && !place.in_vm && !place.kvm_registered);
	ck_assert_int_eq(place.seccomp, -1);
	ck_assert(place.in_group);
	ck_assert_uint_eq(place.uid, geteuid());
	folder_remove();
}
END_TEST

START_TEST(files_that_tell)
{
	folder_make();
	forget_environment();
	put("proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\n"
			    "flags\t\t: fpu vme svm_lock hypervisor svm\nbugs\t\t: vmx\n"
			    "\nflags\t\t: vmx\n");
	put("proc/misc", "235 autofs\n  1 psaux\n232 kvm\n");
	put("proc/self/status", "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n");
	put(".dockerenv", "");
	look();
	ck_assert_int_eq(place.container, PROBE_DOCKER);
	ck_assert_int_eq(place.maker, PROBE_AMD);
	ck_assert(place.virtualizes && place.in_vm && place.kvm_registered);
	ck_assert_int_eq(place.seccomp, 2);
	put("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu svm_lock xvmx\n");
	put("proc/misc", "235 kvmx\n");
	look();
	ck_assert_int_eq(place.maker, PROBE_INTEL);
	ck_assert(!place.virtualizes && !place.in_vm && !place.kvm_registered);
	folder_remove();
}
END_TEST

START_TEST(variables_that_tell)
{
	folder_make();
	forget_environment();
	(void)setenv("CI", "true", 1);
	look();
	ck_assert_int_eq(place.runner, PROBE_OTHER_RUNNER);
	(void)setenv("GITLAB_CI", "true", 1);
	look();
	ck_assert_int_eq(place.runner, PROBE_GITLAB);
	(void)unsetenv("GITLAB_CI");
	(void)setenv("GITHUB_ACTIONS", "true", 1);
	(void)setenv("container", "lxc", 1);
	look();
	ck_assert_int_eq(place.runner, PROBE_GITHUB);
	ck_assert_int_eq(place.container, PROBE_OTHER_CONTAINER);
	(void)setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
	look();
	ck_assert_int_eq(place.container, PROBE_KUBERNETES);
	folder_remove();
}
END_TEST

/* --- what is printed ---------------------------------------------------------------------------- */

START_TEST(lines)
{
	static const char *const states[] = { "ok", "limited", "missing", "unknown" };
	char state[16], name[32];
	const char *line = text;

	make_good();
	stop_at(PROBE_OPENING, EACCES);
	result.check[PROBE_BREAKPOINT].outcome = PROBE_FAILED;
	(void)missing();
	print(probe_ci_print);
	for (size_t i = 0; i < COUNT(NAMES); i++, line = strchr(line, '\n') + 1) {
		ck_assert_int_eq(sscanf(line, "%15s %31s ", state, name), 2);
		ck_assert_str_eq(name, NAMES[i]);
		ck_assert_str_eq(state, states[ci.item[i].state]);
	}
	ck_assert_msg(strncmp(line, "\nWhat to do\n\npermission\n  join the group", 40) == 0, "%s",
		      line);
	ck_assert_ptr_nonnull(strstr(text, "\n\nGuests cannot run here: missing: permission.\n"));
}
END_TEST

START_TEST(json)
{
	json_t *root, *checks, *todo;

	make_good();
	stop_at(PROBE_OPENING, EACCES);
	(void)strcpy(result.device.group, "k\"v\xff");
	(void)missing();
	print(probe_ci_print_json);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(root != NULL, "%s", text);
	ck_assert_int_eq(json_integer_value(json_object_get(root, "status")), SPEC_NOT_READY);
	ck_assert(json_is_false(json_object_get(root, "ready")));
	checks = json_object_get(root, "checks");
	ck_assert_uint_eq(json_array_size(checks), COUNT(NAMES));
	for (size_t i = 0; i < COUNT(NAMES); i++)
		ck_assert_str_eq(
			json_string_value(json_object_get(json_array_get(checks, i), "name")),
			NAMES[i]);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(checks, 1), "state")),
			 "missing");
	todo = json_object_get(json_array_get(checks, 1), "todo");
	ck_assert_uint_eq(json_array_size(todo), 6);
	ck_assert_str_eq(json_string_value(json_array_get(todo, 4)),
			 "    sudo udevadm control --reload-rules");
	json_decref(root);
}
END_TEST

/* --- the probe's own process -------------------------------------------------------------------- */

/* Ends whoever opens a file to read and write it, as the probe does with /dev/kvm. */
static void forbid_opening(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, O_RDWR | O_CLOEXEC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { COUNT(filter), filter };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(a_filter_ends_the_probe)
{
	forbid_opening();
	probe_run_apart(&result);
	ck_assert_int_eq(result.ended_by_signal, SIGSYS);
	ck_assert_int_eq(result.step, PROBE_OPENING);
	ck_assert_int_eq(probe_status(&result), SPEC_NOT_READY);
	ck_assert_ptr_nonnull(strstr(result.err.text, "ended by signal 31"));
	probe_place_look(&place, &result.device, "");
	ck_assert_int_eq(place.seccomp, 2);
	ck_assert_ptr_nonnull(strstr(missing(), "seccomp"));
	SAYS("seccomp", "ended by signal 31");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		all_is_well,
		less_than_it_could_be,
		no_device,
		a_container_without_the_device,
		a_node_that_is_not_there_or_is_another,
		not_permitted,
		forbidden_by_a_container,
		no_driver_and_busy,
		old_and_lacking,
		guests_that_do_not_run,
		memory_and_limits,
		filters_of_system_calls,
		never_ready_without_an_end,
		nothing_to_be_seen,
		files_that_tell,
		variables_that_tell,
		lines,
		json,
		a_filter_ends_the_probe,
	};
	Suite *suite = suite_create("probe_ci");
	TCase *tcase = tcase_create("probe_ci");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
