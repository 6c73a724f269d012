/* SPDX-License-Identifier: MIT */
#include "vmm/cpuid.h"

#include <cpuid.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/must.h"
#include "vmm/base/suggest.h"
#include "vmm/topology.h"
#include "vmm/tscratio.h"

enum { ENTRIES_MAX = 256, NAME_BYTES = 24 };

enum {
	LEAF_TSC = 0x15,       /* denominator, numerator, crystal Hz */
	LEAF_FREQUENCY = 0x16, /* base MHz, maximum MHz, bus MHz */
	LEAF_HYPERVISOR_FIRST = 0x40000000,
	LEAF_HYPERVISOR_LAST = 0x400000ff,
};

enum cpuid_register { EAX, EBX, ECX, EDX };

/* A register full of feature bits; an empty name is a bit without one. */
struct feature_word {
	uint32_t function, index;
	enum cpuid_register reg;
	const char *names[32];
};

/* Names as Linux prints them in /proc/cpuinfo; bits as in [SDM] and [APM] "CPUID". */
static const struct feature_word words[] = {
	{ 1, 0, EDX, { "fpu",   "vme",  "de",         "pse",        "tsc",  "msr", "pae",  "mce",
		       "cx8",   "apic", [11] = "sep", "mtrr",       "pge",  "mca", "cmov", "pat",
		       "pse36", "pn",   "clflush",    [21] = "dts", "acpi", "mmx", "fxsr", "sse",
		       "sse2",  "ss",   "ht",         "tm",         "ia64", "pbe" } },
	{ 1,
	  0,
	  ECX,
	  { "pni",    "pclmulqdq", "dtes64",     "monitor", "ds_cpl",      "vmx",
	    "smx",    "est",       "tm2",        "ssse3",   "cid",         "sdbg",
	    "fma",    "cx16",      "xtpr",       "pdcm",    [17] = "pcid", "dca",
	    "sse4_1", "sse4_2",    "x2apic",     "movbe",   "popcnt",      "tsc_deadline_timer",
	    "aes",    "xsave",     [28] = "avx", "f16c",    "rdrand",      "hypervisor" } },
	{ 7, 0, EBX, { "fsgsbase",   "tsc_adjust", "sgx",
		       "bmi1",       "hle",        "avx2",
		       [7] = "smep", "bmi2",       "erms",
		       "invpcid",    "rtm",        "cqm",
		       [14] = "mpx", "rdt_a",      "avx512f",
		       "avx512dq",   "rdseed",     "adx",
		       "smap",       "avx512ifma", [23] = "clflushopt",
		       "clwb",       "intel_pt",   "avx512pf",
		       "avx512er",   "avx512cd",   "sha_ni",
		       "avx512bw",   "avx512vl" } },
	{ 7,
	  0,
	  ECX,
	  { [1] = "avx512vbmi",
	    "umip",
	    "pku",
	    "ospke",
	    "waitpkg",
	    "avx512_vbmi2",
	    [8] = "gfni",
	    "vaes",
	    "vpclmulqdq",
	    "avx512_vnni",
	    "avx512_bitalg",
	    "tme",
	    "avx512_vpopcntdq",
	    [16] = "la57",
	    [22] = "rdpid",
	    [25] = "cldemote",
	    [27] = "movdiri",
	    "movdir64b" } },
	{ 7,
	  0,
	  EDX,
	  { [2] = "avx512_4vnniw",
	    "avx512_4fmaps",
	    "fsrm",
	    [8] = "avx512_vp2intersect",
	    [10] = "md_clear",
	    [14] = "serialize",
	    [16] = "tsxldtrk",
	    [18] = "pconfig",
	    "arch_lbr",
	    [22] = "amx_bf16",
	    "avx512_fp16",
	    "amx_tile",
	    "amx_int8",
	    "spec_ctrl",
	    "intel_stibp",
	    "flush_l1d",
	    "arch_capabilities",
	    [31] = "ssbd" } },
	{ 7, 1, EAX, { [4] = "avx_vnni", "avx512_bf16", [10] = "fzrm", "fsrs", "fsrc" } },
	{ 0xd, 1, EAX, { "xsaveopt", "xsavec", "xgetbv1", "xsaves" } },
	{ 6, 0, EAX, { [2] = "arat" } },
	{ 0x80000001,
	  0,
	  EDX,
	  { [11] = "syscall",
	    [20] = "nx",
	    [22] = "mmxext",
	    [25] = "fxsr_opt",
	    "pdpe1gb",
	    "rdtscp",
	    [29] = "lm",
	    "3dnowext",
	    "3dnow" } },
	{ 0x80000001,
	  0,
	  ECX,
	  { "lahf_lm", "cmp_legacy",   "svm",           "extapic", "cr8_legacy", "abm",
	    "sse4a",   "misalignsse",  "3dnowprefetch", "osvw",    "ibs",        "xop",
	    "skinit",  "wdt",          [15] = "lwp",    "fma4",    "tce",        [21] = "tbm",
	    "topoext", "perfctr_core", [29] = "mwaitx" } },
	{ 0x80000007, 0, EDX, { [8] = "constant_tsc" } },
	{ 0x80000008,
	  0,
	  EBX,
	  { "clzero", "irperf",
	    "xsaveerptr", [4] = "rdpru", [9] = "wbnoinvd", [12] = "ibpb", [14] = "ibrs",
	    "stibp", [24] = "amd_ssbd", "virt_ssbd" } },
	{ LEAF_HYPERVISOR_FIRST + 1,
	  0,
	  EAX,
	  { "kvmclock", "kvm_nopiodelay", [3] = "kvm_clocksource2", "kvm_asyncpf", "kvm_steal_time",
	    "kvm_pv_eoi", "kvm_pv_unhalt", [9] = "kvm_pv_tlb_flush", [11] = "kvm_pv_ipi" } },
};

/*
 * A feature's index in struct cpu_model is its place in this walk: `kvm` first, then every named
 * bit of the table above, in order.
 */
struct feature {
	const struct feature_word *word; /* NULL for "kvm" */
	unsigned int bit;
};

static size_t list_features(struct feature *feature, const char **name)
{
	size_t n = 0;

	feature[n] = (struct feature){ NULL, 0 };
	name[n++] = "kvm";
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		for (unsigned int bit = 0; bit < 32; bit++) {
			if (!words[w].names[bit])
				continue;
			must(n < CPU_FEATURES_MAX);
			feature[n] = (struct feature){ &words[w], bit };
			name[n++] = words[w].names[bit];
		}
	}
	return n;
}

/* The index of the feature of that name, which goes into *feature; CPU_FEATURES_MAX: there is none. */
static size_t find_feature(const char *name, struct feature *feature)
{
	size_t n = 1;

	*feature = (struct feature){ NULL, 0 };
	if (strcmp(name, "kvm") == 0)
		return 0;
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		for (unsigned int bit = 0; bit < 32; bit++) {
			if (!words[w].names[bit])
				continue;
			if (strcmp(words[w].names[bit], name) == 0) {
				*feature = (struct feature){ &words[w], bit };
				return n;
			}
			n++;
		}
	}
	return CPU_FEATURES_MAX;
}

static int parse_change(const char *item, size_t length, struct cpu_model *model, struct err *e)
{
	struct feature features[CPU_FEATURES_MAX];
	const char *names[CPU_FEATURES_MAX];
	char name[NAME_BYTES];
	const char *near;
	size_t index;

	if ((*item != '+' && *item != '-') || length < 2 || length > NAME_BYTES)
		return err_set(e, EINVAL,
			       "-cpu: '%.*s' is neither +FEATURE nor -FEATURE (example: "
			       "-cpu host,-avx2)",
			       (int)length, item);
	(void)snprintf(name, sizeof(name), "%.*s", (int)length - 1, item + 1);
	index = find_feature(name, &features[0]);
	if (index < CPU_FEATURES_MAX) {
		model->change[index] = *item;
		return 0;
	}
	near = suggest_nearest(name, names, list_features(features, names));
	return err_set(e, EINVAL, "-cpu: there is no feature '%s'%s%s%s", name,
		       near ? "; did you mean '" : "; names are those of /proc/cpuinfo",
		       near ? near : "", near ? "'?" : "");
}

bool cpuid_expects(const struct cpu_model *model, const char *name)
{
	unsigned int registers[4] = { 0 };
	struct feature feature = { 0 };
	size_t index = find_feature(name, &feature);

	must(feature.word);
	if (model->change[index] == '-' ||
	    !__get_cpuid_count(feature.word->function, feature.word->index, &registers[EAX],
			       &registers[EBX], &registers[ECX], &registers[EDX]))
		return false;
	return registers[feature.word->reg] >> feature.bit & 1;
}

int cpuid_parse_model(const char *text, struct cpu_model *model, struct err *e)
{
	size_t length = strcspn(text, ",");

	memset(model, 0, sizeof(*model));
	if ((length != 4 || strncmp(text, "host", 4) != 0) &&
	    (length != 3 || strncmp(text, "max", 3) != 0))
		return err_set(e, EINVAL,
			       "-cpu: there is no model '%.*s'; it is host[,+feature|-feature]...",
			       (int)length, text);
	for (text += length; *text == ','; text += length) {
		int rc;

		text++;
		length = strcspn(text, ",");
		rc = parse_change(text, length, model, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static struct kvm_cpuid_entry2 *find_entry(struct kvm_cpuid2 *cpuid, uint32_t function,
					   uint32_t index)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == function && entry->index == index)
			return entry;
	}
	return NULL;
}

static uint32_t *register_of(struct kvm_cpuid_entry2 *entry, enum cpuid_register reg)
{
	switch (reg) {
	case EAX:
		return &entry->eax;
	case EBX:
		return &entry->ebx;
	case ECX:
		return &entry->ecx;
	default:
		return &entry->edx;
	}
}

static void drop_hypervisor_leaves(struct kvm_cpuid2 *cpuid)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function >= LEAF_HYPERVISOR_FIRST &&
		    entry->function <= LEAF_HYPERVISOR_LAST)
			continue;
		cpuid->entries[kept++] = *entry;
	}
	cpuid->nent = kept;
}

static void set_bit(struct kvm_cpuid2 *cpuid, uint32_t function, enum cpuid_register reg,
		    unsigned int bit, bool value)
{
	struct kvm_cpuid_entry2 *entry = find_entry(cpuid, function, 0);
	uint32_t *word;

	if (!entry)
		return;
	word = register_of(entry, reg);
	*word = value ? *word | 1U << bit : *word & ~(1U << bit);
}

static int apply_changes(struct kvm_cpuid2 *cpuid, const struct cpu_model *model, struct err *e)
{
	struct feature features[CPU_FEATURES_MAX];
	const char *names[CPU_FEATURES_MAX];
	size_t count = list_features(features, names);

	if (model->change[0] == '-')
		drop_hypervisor_leaves(cpuid);
	for (size_t i = 1; i < count; i++) {
		const struct feature_word *word = features[i].word;
		struct kvm_cpuid_entry2 *entry = find_entry(cpuid, word->function, word->index);
		uint32_t mask = 1U << features[i].bit;

		if (!model->change[i])
			continue;
		if (model->change[i] == '+' && (!entry || !(*register_of(entry, word->reg) & mask)))
			return err_set(e, ENOTSUP, "-cpu: this host's KVM cannot give a guest '%s'",
				       names[i]);
		if (model->change[i] == '-' && entry)
			*register_of(entry, word->reg) &= ~mask;
	}
	return 0;
}

static bool asked_for(const struct cpu_model *model, const char *wanted)
{
	struct feature feature;
	size_t index = find_feature(wanted, &feature);

	must(index < CPU_FEATURES_MAX);
	return model->change[index] == '+';
}

struct kvm_cpuid2 *cpuid_new(void)
{
	return calloc(1, sizeof(struct kvm_cpuid2) + (ENTRIES_MAX + TOPOLOGY_ADDS_ENTRIES) *
							     sizeof(struct kvm_cpuid_entry2));
}

int cpuid_ask(struct kvm_cpuid2 *cpuid, const struct vm *vm, struct err *e)
{
	int rc;

	cpuid->nent = ENTRIES_MAX;
	rc = kvm_ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid);
	return rc < 0 ? err_sys(e, -rc, "KVM does not tell which CPU features it supports") : 0;
}

int cpuid_build(struct kvm_cpuid2 *cpuid, const struct vm *vm, const struct cpu_model *model,
		unsigned int cpus, struct err *e)
{
	int rc;

	set_bit(cpuid, 1, ECX, 24, vm->tsc_deadline_timer);
	set_bit(cpuid, 1, ECX, 31, true); /* hypervisor */
	topology_set(cpuid, cpus);
	rc = apply_changes(cpuid, model, e);
	if (rc < 0)
		return rc;
	if (!asked_for(model, "vmx"))
		set_bit(cpuid, 1, ECX, 5, false);
	if (!asked_for(model, "svm"))
		set_bit(cpuid, 0x80000001, ECX, 2, false);
	return 0;
}

static void set_leaf(struct kvm_cpuid2 *cpuid, uint32_t function, uint32_t eax, uint32_t ebx,
		     uint32_t ecx)
{
	const struct kvm_cpuid_entry2 *first = find_entry(cpuid, 0, 0);
	struct kvm_cpuid_entry2 *leaf = find_entry(cpuid, function, 0);

	if (!first || first->eax < function || !leaf)
		return;
	leaf->eax = eax;
	leaf->ebx = ebx;
	leaf->ecx = ecx;
	leaf->edx = 0;
}

/*
 * What the TSC and the CPU run at. KVM leaves these leaves empty. Without them, Linux measures both with
 * the PIT on Intel's CPUs, unless it is a KVM guest. Where the host's leaves end before, nothing is
 * added: those CPUs' kernels do not expect them.
 */
bool cpuid_set_rates(struct kvm_cpuid2 *cpuid, int vcpu_fd)
{
	int khz = kvm_ioctl(vcpu_fd, KVM_GET_TSC_KHZ, NULL);
	struct tscratio ratio;
	uint32_t mhz;

	if (khz <= 0)
		return false;
	ratio = tscratio_of((uint32_t)khz);
	mhz = ((uint32_t)khz + 500) / 1000;
	if (ratio.numerator)
		set_leaf(cpuid, LEAF_TSC, ratio.denominator, ratio.numerator, TSCRATIO_CRYSTAL_HZ);
	if (mhz)
		set_leaf(cpuid, LEAF_FREQUENCY, mhz, mhz, TSCRATIO_CRYSTAL_HZ / 1000000);
	return true;
}

int cpuid_apply(struct kvm_cpuid2 *cpuid, int vcpu_fd, unsigned int cpu, struct err *e)
{
	int rc;

	topology_set_cpu(cpuid, cpu);
	rc = kvm_ioctl(vcpu_fd, KVM_SET_CPUID2, cpuid);
	return rc < 0 ? err_sys(e, -rc, "KVM refuses the guest's CPUID") : 0;
}
