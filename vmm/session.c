/* SPDX-License-Identifier: MIT */
#include "vmm/session.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "boot/entry.h"
#include "boot/initrd.h"
#include "boot/place.h"
#include "vmm/base/clock.h"
#include "vmm/guard.h"
#include "vmm/hostmem.h"
#include "vmm/quietrun.h"
#include "vmm/reaper.h"
#include "vmm/settle.h"
#include "vmm/terminal.h"

void session_init(struct session *session, const struct options *options, const struct marks *marks)
{
	session->options = options;
	session->cmdline = options->append;
	session->marks = *marks;
	kernelcache_init(&session->cache);
	if (options->no_cache)
		kernelcache_none(&session->cache, "-no-cache was given");
	kernel_init(&session->kernel);
	account_init(&session->account);
	initrd_init(&session->initrd);
	session->bundle.fd = -1;
	vm_init(&session->vm);
	(void)pthread_mutex_init(&session->filler.cpuid_lock, NULL);
	chardev_init(&session->serial);
	chardev_init(&session->err_dev);
	chardev_init(&session->log_dev);
	session->control.wake_fd = -1;
}

/* Of guest memory, by its own word. */
static uint64_t kernel_bytes(const struct kernel *kernel)
{
	if (kernel->elf)
		return kernel->elf->end_gpa - kernel->elf->start_gpa;
	return kernel->bzimage->init_size;
}

static int open_initrd(struct session *session, struct err *e)
{
	const struct options *options = session->options;
	const struct initrd_request request = {
		.path = options->initrd,
		.cache = &session->cache,
		.no_notes = !technique_on(options->without, TECHNIQUE_CACHE_NOTES),
		.leave_packed = options->unpack == KERNEL_UNPACK_GUEST ||
				!technique_on(options->without, TECHNIQUE_UNPACKED_INITRD),
		.cmdline = session->cmdline,
		.ram_bytes = options->ram_bytes,
		.kernel_bytes = kernel_bytes(&session->kernel),
	};

	return initrd_open(&session->initrd, &request, e);
}

/* What has to be in the guest for a program to run there. */
static int make_bundle(struct session *session, struct err *e)
{
	const struct program_options *program = &session->options->program;
	const struct bundle_request request = {
		.argument = program->argument,
		.arguments = program->arguments,
		.add = program->add,
		.adds = program->adds,
		.has_initrd = session->options->initrd != NULL,
	};

	return program->argument ? bundle_make(&session->bundle, &request, e) : 0;
}

/* Where -initrd's archive begins: at once, or behind the program's. */
static uint64_t initrd_offset_bytes(const struct session *session)
{
	uint64_t align = INITRD_ALIGN_BYTES;

	return (session->bundle.size_bytes + align - 1) / align * align;
}

static const char *initrd_name(const struct session *session)
{
	const char *path = session->options->initrd;

	if (session->bundle.fd < 0)
		return path;
	return path ? "(with the program and what it needs)" : "(the program and what it needs)";
}

/* Not to block: a FIFO's reader may be slow. What it does not take makes the guest wait. */
static int open_log(struct session *session, struct err *e)
{
	int rc;

	if (!session->options->log)
		return 0;
	rc = newfile_examine(&session->log, "-log", session->options->log, e);
	if (rc == 0)
		rc = newfile_open(&session->log, e);
	if (rc == 0 && session->log.inherited < 0)
		(void)fcntl(session->log.fd, F_SETFL, O_NONBLOCK);
	return rc;
}

/*
 * Random bytes for a guest whose CPU has none, unless the host has none yet: a boot does not wait for
 * them. With RDRAND, kernels that would take the seed mostly trust that, and the seed is 0.3 ms of
 * setting up for nothing.
 */
static const uint8_t *rng_seed(struct session *session)
{
	size_t bytes = sizeof(session->rng_seed);

	if (!technique_on(session->options->without, TECHNIQUE_RNG_SEED) ||
	    cpuid_expects(&session->options->cpu, "rdrand"))
		return NULL;
	session->no_seed = getrandom(session->rng_seed, bytes, GRND_NONBLOCK) != (ssize_t)bytes;
	return session->no_seed ? NULL : session->rng_seed;
}

/* The kernel's facts are known. */
static int make_cmdline(struct session *session, struct err *e)
{
	const struct options *options = session->options;
	const struct kernel *kernel = &session->kernel;
	const struct fastappend_facts facts = {
		.append = options->append,
		.takes_bytes = plan_cmdline_takes(kernel->bzimage),
		.cpus = options->cpus,
		.rdrand = options->fast_append && cpuid_expects(&options->cpu, "rdrand"),
		.linux64 = !kernel->elf || kernel->elf->entry == ELFIMAGE_ENTRY_LINUX64,
	};
	int rc = options->fast_append ? fastappend_make(&session->fast, &facts, e) : 0;

	if (session->fast.cmdline)
		session->cmdline = session->fast.cmdline;
	return rc;
}

int session_plan(struct session *session, struct err *e)
{
	const struct options *options = session->options;
	int rc = kernel_open(&session->kernel,
			     &(struct kernel_request){
				     .path = options->kernel,
				     .unpack = options->unpack,
				     .cache = &session->cache,
				     .no_notes =
					     !technique_on(options->without, TECHNIQUE_CACHE_NOTES),
				     .ram_bytes = options->ram_bytes,
			     },
			     e);

	if (rc == 0)
		rc = make_cmdline(session, e);
	if (rc == 0)
		rc = open_initrd(session, e);
	if (rc == 0)
		rc = make_bundle(session, e);
	if (rc < 0)
		return rc;
	machine_board(options->cpus, &session->board);
	session->request = (struct plan_request){
		.bzimage = session->kernel.bzimage,
		.elf = session->kernel.elf,
		.ram_bytes = options->ram_bytes,
		.initrd_bytes =
			initrd_offset_bytes(session) + initrd_image(&session->initrd)->size_bytes,
		.kernel_name = options->kernel,
		.initrd_name = initrd_name(session),
		.cmdline = session->cmdline,
		.board = &session->board,
		.mp_table = technique_on(options->without, TECHNIQUE_MP_TABLE),
		.rng_seed = rng_seed(session),
	};
	rc = plan_boot(&session->request, &session->plan, e);
	if (rc < 0 && initrd_leave_packed(&session->initrd)) {
		session->request.initrd_bytes =
			initrd_offset_bytes(session) + session->initrd.file.size_bytes;
		rc = plan_boot(&session->request, &session->plan, e);
	}
	if (rc == 0 && options->action == OPTIONS_BOOT)
		rc = account_plan(&session->account, &options->account,
				  &(struct account_kernel){
					  .kernel = &session->kernel,
					  .plan = &session->plan,
					  .initrd = &session->initrd.file,
					  .cmdline = session->cmdline,
					  .cpus = options->cpus,
				  },
				  e);
	if (rc == 0 && options->action == OPTIONS_BOOT)
		rc = open_log(session, e);
	mark_now(&session->marks, MARK_PLANNED);
	return rc;
}

/* KVM tells it in 0.1 to 0.3 ms: whoever comes first asks, the other one waits. */
static int ask_cpuid(struct session *session, struct err *e)
{
	struct filler *filler = &session->filler;
	int rc = 0;

	(void)pthread_mutex_lock(&filler->cpuid_lock);
	if (!filler->cpuid_asked)
		rc = cpuid_ask(filler->cpuid, &session->vm, e);
	filler->cpuid_asked = rc == 0;
	(void)pthread_mutex_unlock(&filler->cpuid_lock);
	return rc;
}

static int make_vcpus(struct session *session, struct err *e)
{
	const struct options *options = session->options;
	struct entry_state entry;
	int rc;

	session->runs = calloc(options->cpus, sizeof(*session->runs));
	if (session->runs)
		session->vcpus = calloc(options->cpus, sizeof(*session->vcpus));
	if (!session->vcpus)
		return err_sys(e, ENOMEM, "%u vCPUs", options->cpus);
	rc = ask_cpuid(session, e);
	if (rc == 0)
		rc = vcpus_init(session->vcpus, options->cpus, &session->vm, &options->cpu,
				session->filler.cpuid, e);
	if (rc < 0)
		return rc;
	entry_of_plan(&session->plan, &entry);
	return vcpu_set_entry(&session->vcpus[0], &entry, e);
}

/* A kernel of at most so many bytes, without an initrd, is none that could be Linux. */
enum { TINY_KERNEL_BYTES = 256 << 10 };

static bool is_tiny(const struct boot_plan *plan)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < plan->loads; i++)
		bytes += plan->load[i].to.size_bytes;
	return bytes <= TINY_KERNEL_BYTES;
}

/*
 * A kernel without an initrd is a test's, more often than not: of the first 2 MiB it takes what we
 * put there, and to clear the rest of a huge page would be most of its time; so would be one for a tiny kernel,
 * and to look through it for a log. Linux with a root looks through the first 2 MiB for tables, and is better off
 * with one fault.
 */
static void start_small(const struct session *session)
{
	const struct boot_plan *plan = &session->plan;

	if (plan->initrd.size_bytes || session->options->small_pages ||
	    !technique_on(session->options->without, TECHNIQUE_SMALL_START))
		return;
	vm_small_pages(&session->vm, 0, 1);
	if (!is_tiny(plan))
		return;
	for (size_t i = 0; i < plan->loads; i++)
		vm_small_pages(&session->vm, plan->load[i].to.gpa, plan->load[i].to.size_bytes);
}

static int map_memory(struct session *session, struct err *e)
{
	const struct boot_plan *plan = &session->plan;
	const struct vm_ram ram = {
		.low_bytes = plan->ram_low.size_bytes,
		.high_gpa = plan->ram_high.gpa,
		.high_bytes = plan->ram_high.size_bytes,
	};
	int rc = hostmem_can_give(session->options->ram_bytes, e);

	if (rc == 0)
		rc = vm_map_memory(&session->vm, &ram, !session->options->small_pages, e);
	if (rc == 0)
		start_small(session);
	return rc;
}

/*
 * ---- guest memory is filled while the VM is opened --------------------------------------------
 */

enum { FILLER_STACK_BYTES = 256 << 10 };

/* The program's archive, and -initrd's behind it. */
static int place_archives(struct session *session, struct err *e)
{
	const struct boot_plan *plan = &session->plan;
	struct input_file bundle = { .path = "(in memory)",
				     .what = "the program's archive",
				     .fd = session->bundle.fd,
				     .size_bytes = session->bundle.size_bytes };
	int rc = 0;

	if (session->bundle.fd >= 0)
		rc = place_initrd(plan, 0, &bundle, &session->vm.memory, e);
	if (rc == 0 && session->options->initrd)
		rc = initrd_place(&session->initrd,
				  guest_memory_at(&session->vm.memory,
						  plan->initrd.gpa + initrd_offset_bytes(session),
						  initrd_image(&session->initrd)->size_bytes),
				  e);
	return rc;
}

/*
 * While KVM still makes the VM, the filler touches memory that the guest will touch: the host clears a
 * huge page at its first touch, now or then. Linux hands memory out from the top during its early
 * boot (memblock allocates from the highest address down), so what lies below the initrd comes first:
 * the page array, and its first tables, in the two huge pages below. A kernel without an initrd
 * touches nothing (see map_memory()).
 */
static void touch_ahead(struct session *session)
{
	enum { PAGES_AHEAD = 2 };
	const uint64_t huge = 2 << 20;
	const struct plan_range *initrd = &session->plan.initrd, *low = &session->plan.ram_low;
	uint64_t top = initrd->gpa;

	if (!initrd->size_bytes || top > low->size_bytes || session->options->small_pages ||
	    !technique_on(session->options->without, TECHNIQUE_TOUCH_AHEAD))
		return;
	top &= ~(huge - 1);
	for (int i = 0; i < PAGES_AHEAD && !atomic_load(&session->filler.awaited); i++) {
		volatile uint8_t *at;

		top -= huge;
		if (top < session->plan.kernel.gpa + session->plan.kernel.size_bytes)
			return;
		at = guest_memory_at(&session->vm.memory, top, 1);
		*at = 0; /* which it is */
	}
}

/*
 * Fills the memory, and keeps what was unpacked for the next run. Not while the guest runs: a
 * kernel that measures its clocks does not take well to losing the CPU, which on a host with one
 * CPU it would.
 */
static void *fill_memory(void *argument)
{
	struct session *session = argument;
	struct filler *filler = &session->filler;
	struct kernel *kernel = &session->kernel;
	struct err unsaid; /* the other thread then asks again, and says it */

	filler->rc = place_boot(&session->request, &session->plan, kernel_image(kernel), NULL,
				&session->vm.memory, &filler->e);
	if (filler->rc < 0 && kernel_leave_cache(kernel, &filler->e) == 0)
		filler->rc = place_boot(&session->request, &session->plan, kernel_image(kernel),
					NULL, &session->vm.memory, &filler->e);
	atomic_store(&filler->placed, true);
	if (filler->rc == 0 && !atomic_exchange(&filler->archives_taken, true))
		filler->rc = place_archives(session, &filler->e);
	(void)ask_cpuid(session, &unsaid);
	if (filler->rc == 0)
		filler->rc = kernel_check_placed(kernel, &session->plan, &session->vm.memory,
						 &filler->e);
	if (filler->rc == 0) {
		kernel_keep(kernel);
		touch_ahead(session);
	}
	explicit_bzero(session->rng_seed, sizeof(session->rng_seed));
	kernel_finish(kernel);
	return NULL;
}

/* The filler takes no signals: they are the main thread's. */
static void start_filler(struct session *session)
{
	struct filler *filler = &session->filler;
	pthread_attr_t attributes;
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, FILLER_STACK_BYTES);
	filler->refused = pthread_create(&filler->thread, &attributes, fill_memory, session);
	filler->threaded = filler->refused == 0;
	(void)pthread_attr_destroy(&attributes);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/*
 * The thread that made the VM helps the filler: what takes longest of filling is that the host clears
 * huge pages, and it has the kernel's cleared from the top down, while the filler copies from the
 * bottom up. What is in them stays. A host before Linux 5.14 refuses that, and the filler has them
 * cleared as it comes to them.
 */
static void clear_ahead_of_filler(struct session *session)
{
	const uint64_t huge = 2 << 20, page = 4096;
	const struct boot_plan *plan = &session->plan;

	if (session->options->small_pages || session->vm.no_huge_pages)
		return;
	for (size_t i = plan->loads; i-- > 0;) {
		const struct plan_range *to = &plan->load[i].to;
		const uint64_t begin = to->gpa & ~(page - 1);
		uint64_t at, end = to->gpa + to->size_bytes;

		/* Not more than is read into them: there may be none but small pages to be had. */
		for (; end > begin; end = at) {
			at = (end - 1) & ~(huge - 1);
			at = at > begin ? at : begin;
			if (atomic_load(&session->filler.placed) ||
			    madvise(guest_memory_at(&session->vm.memory, at, end - at), end - at,
				    MADV_POPULATE_WRITE) < 0)
				return;
		}
	}
}

static int make_vm(struct session *session, struct err *e)
{
	int rc = vm_add_memory(&session->vm, e);

	if (rc == 0)
		rc = vm_add_interrupt_controllers(&session->vm, e);
	return rc < 0 ? rc : make_vcpus(session, e);
}

/*
 * The VM is made while a thread fills the memory: KVM_CREATE_VM waits for a grace period on Linux before
 * 6.13, where it moves a thread of its own into the control group, 6 ms and more, and what comes
 * after it takes 0.3 to 0.6. This thread calls KVM, because one that was just started comes second where
 * there is one CPU.
 */
static int make_vm_and_fill(struct session *session, struct err *e)
{
	struct filler *filler = &session->filler;
	int rc = vm_open(&session->vm, e);

	if (rc < 0)
		return rc;
	filler->cpuid = cpuid_new(); /* here: a thread's first memory is a heap of its own */
	if (!filler->cpuid)
		return err_sys(e, ENOMEM, "CPUID");
	if (technique_on(session->options->without, TECHNIQUE_PARALLEL_FILL))
		start_filler(session);
	rc = vm_create(&session->vm, e);
	atomic_store(&filler->awaited, true);
	if (rc == 0)
		rc = make_vm(session, e);
	if (rc == 0 && filler->threaded && !atomic_exchange(&filler->archives_taken, true))
		rc = place_archives(session, e);
	if (rc == 0 && filler->threaded)
		clear_ahead_of_filler(session);
	if (filler->threaded)
		(void)pthread_join(filler->thread, NULL);
	else
		(void)fill_memory(session);
	if (rc == 0 && filler->rc == 0)
		initrd_keep(&session->initrd);
	initrd_finish(&session->initrd);
	kernelcache_close(&session->cache);
	bundle_finish(&session->bundle);
	free(filler->cpuid);
	filler->cpuid = NULL;
	if (rc < 0)
		return rc;
	if (filler->rc < 0)
		*e = filler->e;
	return filler->rc;
}

/* Where the console's text and a program's output go besides the serial line's other end. */
static void attach_outlets(struct session *session)
{
	const struct options *options = session->options;
	struct console *console = &session->console;

	if (options->log) {
		session->log_dev.kind = CHARDEV_FILE;
		session->log_dev.out_fd = session->log.fd;
		console_attach(console, CONSOLE_LOG, &session->log_dev, true);
	}
	if (trouble_wanted(&options->trouble))
		console_attach_trouble(console, &options->trouble);
	dialogue_init(&session->dialogue, &options->dialogue);
	if (options->dialogue.steps)
		console_attach_dialogue(console, &session->dialogue);
	if (!options->program.argument)
		return;
	program_init(&session->program);
	chardev_open_output(&session->err_dev, STDERR_FILENO);
	console_attach(console, CONSOLE_OUT, &session->serial, false);
	console_attach(console, CONSOLE_ERR, &session->err_dev, options->program.verbose);
	console_attach_program(console, &session->program);
}

static int make_machine(struct session *session, struct err *e)
{
	const struct options *options = session->options;
	int rc = control_init(&session->control, &session->marks, e);

	if (rc < 0)
		return rc;
	console_init(&session->console, &session->serial, &session->control, &session->marks,
		     options->until_set ? &options->until : NULL);
	attach_outlets(session);
	return machine_init(&session->machine, &session->vm, &session->control,
			    (struct byte_sink){ console_put, &session->console },
			    &options->debugexit, e);
}

/* What can be refused without the host's KVM comes before it. */
int session_place(struct session *session, struct err *e)
{
	int rc = make_machine(session, e);

	if (rc == 0)
		rc = chardev_open(&session->serial, &session->options->serial, e);
	if (rc == 0)
		rc = map_memory(session, e);
	if (rc == 0)
		rc = make_vm_and_fill(session, e);
	mark_now(&session->marks, MARK_PLACED);
	return rc;
}

static void *vcpu_thread(void *argument)
{
	struct run *run = argument;

	vcpu_begin(run->entry.ctx);
	if (run->observer)
		observer_begin(run->observer, run->entry.ctx);
	if (run->cpu == 0 && !control_stopped(run->control))
		mark_now(run->control->marks, MARK_FIRST_RUN);
	(void)run_until_end(run);
	if (run->observer)
		observer_end(run->observer);
	vcpu_end(run->entry.ctx);
	return NULL;
}

static void prepare_supervisor(struct session *session)
{
	const struct options *options = session->options;
	struct supervisor *s = &session->supervisor;
	bool keys = session->serial.kind == CHARDEV_MON_STDIO;

	s->control = &session->control;
	s->console = &session->console;
	s->machine = &session->machine;
	s->dev = &session->serial;
	s->keyboard = (struct keyboard){
		.keys = { .escape = keys ? options->escape_key : 0 },
		.console = &session->console,
		.control = &session->control,
		.machine = &session->machine,
	};
	s->coalesce = &session->coalesce;
	s->coalesces = technique_on(options->without, TECHNIQUE_COALESCED_CONSOLE);
	s->vm = &session->vm;
	s->program = options->program.argument ? &session->program : NULL;
	s->timeout_ns = options->timeout_ns;
	s->sampled = options->account.profile_hz != 0;
	if (options->timeout_ns)
		s->deadline_ns = session->marks.at_ns[MARK_MAIN] + options->timeout_ns;
}

/*
 * The run loop needs little stack, and a small one does not invite the host to back it with a
 * huge page, which costs milliseconds of clearing before the first KVM_RUN.
 */
enum { VCPU_STACK_BYTES = 256 << 10 };

static void prepare_runs(struct session *session)
{
	for (unsigned int cpu = 0; cpu < session->options->cpus; cpu++)
		session->runs[cpu] = (struct run){
			.cpu = cpu,
			.kvm = session->vcpus[cpu].run,
			.entry = run_entry_kvm(&session->vcpus[cpu]),
			.machine = &session->machine,
			.control = &session->control,
			.console = &session->console,
			.coalesce = &session->coalesce,
		};
	account_attach(&session->account, session->runs, &session->console, &session->machine,
		       &session->vm.memory, &session->marks);
	session->control.runs = session->runs;
	session->control.cpus = session->options->cpus;
}

static int prepare_hangwatch(struct session *session, struct err *e)
{
	const struct hangwatch_of of = {
		.runs = session->runs,
		.cpus = session->options->cpus,
		.control = &session->control,
		.console = &session->console,
		.machine = &session->machine,
	};

	if (!session->options->hang.allowed_ns)
		return 0;
	session->supervisor.hangwatch = &session->hangwatch;
	return hangwatch_init(&session->hangwatch, &session->options->hang, &of, e);
}

static void join_vcpus(struct session *session, unsigned int first)
{
	for (unsigned int cpu = first; cpu < session->options->cpus; cpu++)
		(void)pthread_join(session->vcpus[cpu].thread, NULL);
}

/*
 * CPU 0 comes last: the others wait in KVM until it starts them, so that not one instruction has
 * run when a thread cannot be had.
 */
static int start_vcpus(struct session *session, struct err *e)
{
	unsigned int cpu = session->options->cpus;
	pthread_attr_t attributes;
	int code = 0;

	prepare_runs(session);
	if (prepare_hangwatch(session, e) < 0)
		return -ENOMEM;
	vcpu_init_kick();
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, VCPU_STACK_BYTES);
	while (code == 0 && cpu > 0) {
		cpu--;
		code = pthread_create(&session->vcpus[cpu].thread, &attributes, vcpu_thread,
				      &session->runs[cpu]);
	}
	(void)pthread_attr_destroy(&attributes);
	if (code == 0)
		return 0;
	control_end_kind(&session->control, ENDING_QUIT);
	join_vcpus(session, cpu + 1);
	return err_sys(e, code, "the thread of CPU %u cannot be started", cpu);
}

/* The guest's last bytes may lie in KVM's ring yet. */
static void take_last_coalesced(struct session *session)
{
	supervisor_take_coalesced(&session->supervisor);
	if (!coalesce_waiting(&session->coalesce))
		return;
	(void)supervisor_drain(&session->supervisor); /* for room */
	supervisor_take_coalesced(&session->supervisor);
}

int session_run(struct session *session, struct ending *ending, struct err *e)
{
	bool stdio = session->serial.in_fd == STDIN_FILENO && !session->options->program.argument;
	int rc = 0;

	prepare_supervisor(session);
	if (stdio)
		rc = terminal_make_raw(STDIN_FILENO, session->serial.kind == CHARDEV_STDIO, e);
	guard_hold();
	if (rc == 0)
		rc = start_vcpus(session, e);
	if (rc < 0) {
		guard_release();
		return rc;
	}
	supervise(&session->supervisor, session->vcpus, session->options->cpus);
	join_vcpus(session, 0);
	guard_enter(GUARD_REPORT);
	*ending = session->control.ending;
	take_last_coalesced(session);
	console_end_of_input(&session->console);
	settle_ending(session, ending);
	session->output_lost = supervisor_drain(&session->supervisor);
	if (session->output_lost && ending_status(ending) == 0 && ending->kind != ENDING_QUIT)
		*ending = (struct ending){ .kind = ENDING_OUTPUT_LOST,
					   .detail = (uint64_t)session->output_lost };
	terminal_restore();
	return 0;
}

static const char *how_kernel_is_entered(const struct session *session)
{
	const struct kernel *kernel = &session->kernel;

	if (!kernel->bzimage)
		return session->plan.entry == PLAN_ENTRY_PVH ? "ELF file, by PVH" : "ELF file";
	switch (kernel->origin) {
	case KERNEL_AS_IT_IS:
		break;
	case KERNEL_UNPACKED:
		return "bzImage, unpacked on the host now";
	case KERNEL_FROM_CACHE:
		return "bzImage, unpacked on the host before";
	}
	return "bzImage, which unpacks itself";
}

static const char *how_entered(struct session *session)
{
	char initrd[64];

	(void)initrd_how(&session->initrd, initrd, sizeof(initrd));
	(void)snprintf(session->entered, sizeof(session->entered), "%s%s%s",
		       how_kernel_is_entered(session), *initrd ? "; initrd: " : "", initrd);
	return session->entered;
}

/* What the guest was at, when nobody knows why it ended so; unless nobody is to be told. */
static void take_autopsy(struct session *session, const struct account_run *run)
{
	const struct watch *watch = &session->console.watch;
	struct ending in_short = *run->ending; /* CPU and RIP are told below */

	if (!autopsy_explains(run->ending) || (session->options->quiet && !session->account.wanted))
		return;
	in_short.rip = in_short.cpus = 0;
	ending_describe(&in_short, session->autopsy_of, sizeof(session->autopsy_of));
	autopsy_take(&session->autopsy,
		     &(struct autopsy_request){
			     .what = session->autopsy_of,
			     .account = &session->account,
			     .run = run,
			     .vm = &session->vm,
			     .vcpus = session->vcpus,
			     .cpus = session->options->cpus,
			     .last_line = watch->line,
			     .last_line_bytes =
				     watch->in_line ? watch->length : strlen(watch->line),
			     .last_line_at_ns = watch->start_ns,
		     });
	session->account.report.autopsy = &session->autopsy;
}

int session_report(struct session *session, const struct ending *ending, int argc, char **argv,
		   const char *version, struct err *e)
{
	const struct options *options = session->options;
	struct account_run run = {
		.argc = argc,
		.argv = argv,
		.version = version,
		.kernel = options->kernel,
		.initrd = options->initrd,
		.cmdline = session->cmdline,
		.entered = how_entered(session),
		.fast_append = options->fast_append ? session->fast.added : NULL,
		.no_fast_append = session->fast.why_none[0] ? session->fast.why_none : NULL,
		.ram_bytes = options->ram_bytes,
		.ending = ending,
		.marks = &session->marks,
		.machine = &session->machine,
		.board = &session->board,
		.memory = &session->vm.memory,
		.plan = &session->plan,
		.guest_unpacks = session->kernel.elf == NULL,
		.console_bytes = console_bytes(&session->console),
		.coalesced_bytes = session->coalesce.bytes,
	};
	struct err why;
	int rc, written;

	/* Before the account reads in it. */
	run.touched_known =
		options->small_pages && vm_count_touched(&session->vm, &run.touched_pages) == 0;
	rc = account_settle(&session->account, &run, e);
	if (rc < 0)
		return rc;
	fallbacks_find(session);
	take_autopsy(session, &run);
	/* The files tell of it as well, and are there without it. It has a time limit of its own. */
	if (options->account.control) {
		guard_limit(0, 0);
		rc = quietrun(&session->account.report, argc, argv, options->append, e);
		guard_limit(clock_now_ns(), options->timeout_ns);
	}
	written = account_write(&session->account, rc < 0 ? &why : e);
	rc = rc < 0 ? rc : written;
	written = newfile_close(&session->log, rc < 0 ? &why : e);
	return rc < 0 ? rc : written;
}

static void finish_all_but_vm(struct session *session)
{
	autopsy_finish(&session->autopsy);
	fastappend_finish(&session->fast);
	account_finish(&session->account);
	hangwatch_finish(&session->hangwatch);
	kernel_finish(&session->kernel);
	initrd_finish(&session->initrd);
	kernelcache_close(&session->cache);
	bundle_finish(&session->bundle);
	chardev_close(&session->serial);
	chardev_close(&session->err_dev);
	chardev_close(&session->log_dev);
	newfile_abandon(&session->log);
}

static void finish_vm(struct session *session)
{
	if (session->vcpus)
		vcpus_finish(session->vcpus, session->options->cpus);
	free(session->vcpus);
	free(session->runs);
	vm_finish(&session->vm);
	control_finish(&session->control);
}

void session_finish(struct session *session)
{
	finish_all_but_vm(session);
	finish_vm(session);
}

void session_leave(struct session *session, int status)
{
	finish_all_but_vm(session);
	if (session->vcpus && session->vcpus[0].run)
		reaper_leave(&session->vm, status);
	finish_vm(session);
}
