/* SPDX-License-Identifier: MIT */
#include "vmm/fallbacks.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/must.h"
#include "vmm/session.h"

__attribute__((format(printf, 2, 3))) static void add(struct fallbacks *f, const char *format, ...)
{
	va_list ap;

	must(f->count < FALLBACKS_MAX);
	va_start(ap, format);
	(void)vsnprintf(f->text[f->count], sizeof(f->text[0]), format, ap);
	va_end(ap);
	f->list[f->count] = f->text[f->count];
	f->count++;
}

static void find_of_cache(struct fallbacks *f, const struct session *s)
{
	const struct cached *kernel = &s->kernel.cached, *initrd = &s->initrd.cached;

	if (!s->options->no_cache && s->cache.why.code)
		add(f, "no cache: %s", s->cache.why.text);
	if (kernel->not_kept)
		add(f, "the cache does not keep the unpacked kernel: %s",
		    strerror(kernel->not_kept));
	if (initrd->not_kept)
		add(f, "the cache does not keep the unpacked initrd: %s",
		    strerror(initrd->not_kept));
}

/* Read by now if there is to be a report; here for the account that is printed alone. */
static bool host_never_gives_huge_pages(struct report_host *host, bool printed)
{
	if (!host->huge_pages[0] && printed)
		host_read_huge_pages(host, "");
	return strcmp(host->huge_pages, "never") == 0;
}

static void find_of_memory(struct fallbacks *f, struct session *s)
{
	if (s->kernel.no_memory)
		add(f, "no memory to unpack the kernel in: it unpacks itself");
	if (s->initrd.no_memory)
		add(f, "no memory to unpack the initrd in: the guest unpacks it");
	if (s->options->small_pages)
		return;
	if (s->vm.no_huge_pages)
		add(f, "no huge pages for the guest's memory: %s", strerror(s->vm.no_huge_pages));
	else if (host_never_gives_huge_pages(&s->account.report.host, !s->options->brief))
		add(f, "no huge pages for the guest's memory: "
		       "/sys/kernel/mm/transparent_hugepage/enabled says never");
}

static void find_of_kvm(struct fallbacks *f, const struct session *s)
{
	int code = s->supervisor.not_coalesced;

	if (!s->vm.tsc_deadline_timer)
		add(f, "KVM has no TSC-deadline timer: the guest measures its APIC timer");
	if (s->vcpus[0].rates_unknown)
		add(f, "KVM does not tell the rate of the TSC: nor does CPUID tell the guest");
	if (code == ENOTSUP)
		add(f, "KVM cannot coalesce writes to ports: each byte of the console is an exit");
	else if (code)
		add(f, "writes to the console are not coalesced: %s", strerror(code));
}

void fallbacks_find(struct session *s)
{
	struct fallbacks *f = &s->fallbacks;

	f->count = 0;
	find_of_cache(f, s);
	find_of_memory(f, s);
	find_of_kvm(f, s);
	if (s->filler.refused)
		add(f, "no thread to fill the guest's memory while KVM makes the VM: %s",
		    strerror(s->filler.refused));
	if (s->no_seed && s->plan.entry == PLAN_ENTRY_LINUX64)
		add(f, "the host has no random bytes yet: the guest gets no seed");
	s->account.report.fallback = f->list;
	s->account.report.fallbacks = f->count;
}
