/* SPDX-License-Identifier: MIT */
#include "vmm/topology.h"

#include <ctype.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/must.h"

enum {
	LEAF_CACHES = 0x4,
	LEAF_LEVELS = 0xb,
	LEAF_LEVELS_V2 = 0x1f,

	EDX_HTT = 1 << 28,
	ECX_CMP_LEGACY = 1 << 1,

	LEVEL_TYPE_THREAD = 1 << 8,
	LEVEL_TYPE_CORE = 2 << 8,

	CACHE_TYPE_MASK = 0x1f, /* 0: there are no more caches */
	CACHE_LEVEL_SHIFT = 5,
	CACHE_LEVEL_MASK = 7,
	CACHE_OWN_MASK = 0x3fff, /* what a cache says of itself, not of those who share it */
	CACHE_SHARING_SHIFT = 14,
	CACHE_CORES_SHIFT = 26,
	CACHE_CORES_MAX = 64,
	CACHE_SHARED_LEVEL = 3,
};

/* Leaf 0, EBX: how "AuthenticAMD" and "HygonGenuine" begin. */
#define VENDOR_AMD   0x68747541U
#define VENDOR_HYGON 0x6f677948U

#define LEAF_AMD_FEATURES 0x80000001U
#define LEAF_AMD_SIZES    0x80000008U
#define LEAF_AMD_CACHES   0x8000001dU
#define LEAF_AMD_IDS      0x8000001eU
#define LEAF_AMD_LEVELS   0x80000026U

/* QEMU's words. */
enum word { CPUS, MAXCPUS, SOCKETS, DIES, CLUSTERS, MODULES, CORES, THREADS, WORDS };

static const char *const words[WORDS] = {
	"cpus", "maxcpus", "sockets", "dies", "clusters", "modules", "cores", "threads",
};

static enum word find_word(const char *name, size_t length)
{
	int word = 0;

	while (word < WORDS &&
	       (strlen(words[word]) != length || strncmp(words[word], name, length) != 0))
		word++;
	return word;
}

/* "word=number"; the first item may be the number alone. */
static int parse_item(const char *item, size_t length, bool first, unsigned long number[WORDS],
		      struct err *e)
{
	const char *equals = memchr(item, '=', length);
	const char *digits = equals ? equals + 1 : item;
	enum word word = equals ? find_word(item, (size_t)(equals - item)) : first ? CPUS : WORDS;
	char *end;

	if (word == WORDS)
		return err_set(
			e, EINVAL,
			"-smp: there is no '%.*s'; it takes a number of CPUs, and words like "
			"cpus=, cores=, threads= and sockets=",
			(int)length, item);
	number[word] = strtoul(digits, &end, 10);
	if (!isdigit((unsigned char)*digits) || end != item + length || number[word] == 0)
		return err_set(e, EINVAL, "-smp: '%.*s' is not a number from 1 to %d", (int)length,
			       item, TOPOLOGY_CPUS_MAX);
	return 0;
}

/* Words that say what is so anyway are welcome. */
static int check_shape(const unsigned long number[WORDS], unsigned long cpus, struct err *e)
{
	for (int word = MAXCPUS; word < WORDS; word++) {
		unsigned long given = word == MAXCPUS || word == CORES ? cpus : 1;

		if (number[word] && number[word] != given)
			return err_set(e, ENOTSUP,
				       "-smp: %s=%lu was asked for; what there is, is sockets=1, "
				       "cores=%lu, threads=1, maxcpus=%lu",
				       words[word], number[word], cpus, cpus);
	}
	return 0;
}

int topology_parse(const char *text, unsigned int *cpus, struct err *e)
{
	unsigned long number[WORDS] = { 0 }, count;
	const char *item = text;
	int rc;

	for (;;) {
		size_t length = strcspn(item, ",");

		rc = parse_item(item, length, item == text, number, e);
		if (rc < 0)
			return rc;
		if (!item[length])
			break;
		item += length + 1;
	}
	count = number[CPUS] ? number[CPUS] : number[CORES] ? number[CORES] : number[MAXCPUS];
	if (!count)
		count = 1;
	if (count > TOPOLOGY_CPUS_MAX)
		return err_set(
			e, ENOTSUP,
			"-smp: '%s' asks for more than %d CPUs, and APIC ids have eight bits "
			"here, not x2APIC's 32",
			text, TOPOLOGY_CPUS_MAX);
	rc = check_shape(number, count, e);
	if (rc == 0)
		*cpus = (unsigned int)count;
	return rc;
}

/* How many bits of an APIC id tell the CPUs of the package apart. */
static unsigned int width_of(unsigned int cpus)
{
	unsigned int width = 0;

	while (1U << width < cpus)
		width++;
	return width;
}

static bool is_amd(const struct kvm_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == 0)
			return cpuid->entries[i].ebx == VENDOR_AMD ||
			       cpuid->entries[i].ebx == VENDOR_HYGON;
	}
	return false;
}

/* Removes all entries of a leaf; whether there were any. */
static bool drop_leaf(struct kvm_cpuid2 *cpuid, uint32_t function)
{
	uint32_t kept = 0, before = cpuid->nent;

	for (uint32_t i = 0; i < before; i++) {
		if (cpuid->entries[i].function != function)
			cpuid->entries[kept++] = cpuid->entries[i];
	}
	cpuid->nent = kept;
	return kept < before;
}

static void add_level(struct kvm_cpuid2 *cpuid, uint32_t function, uint32_t level,
		      unsigned int shift, unsigned int cpus, uint32_t type)
{
	cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2){
		.function = function,
		.index = level,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.eax = shift, /* of an id, so that what remains names the next level */
		.ebx = cpus,
		.ecx = level | type,
	};
}

/* KVM leaves these leaves empty since Linux 6.2; before, they were the host's. */
static void set_levels(struct kvm_cpuid2 *cpuid, uint32_t function, unsigned int cpus)
{
	if (!drop_leaf(cpuid, function))
		return; /* beyond the last leaf of this host's CPU */
	add_level(cpuid, function, 0, 0, 1, LEVEL_TYPE_THREAD);
	add_level(cpuid, function, 1, width_of(cpus), cpus, LEVEL_TYPE_CORE);
	add_level(cpuid, function, 2, 0, 0, 0);
}

/* The same bits in Intel's leaf 4 and AMD's 8000_001D, except for the cores of the package. */
static void set_sharing(struct kvm_cpuid_entry2 *cache, unsigned int sharing, unsigned int cores)
{
	unsigned int level = cache->eax >> CACHE_LEVEL_SHIFT & CACHE_LEVEL_MASK;

	if (!(cache->eax & CACHE_TYPE_MASK))
		return;
	cache->eax &= CACHE_OWN_MASK;
	if (level >= CACHE_SHARED_LEVEL)
		cache->eax |= (sharing - 1) << CACHE_SHARING_SHIFT;
	cache->eax |= (cores - 1) << CACHE_CORES_SHIFT;
}

static void set_entry(struct kvm_cpuid_entry2 *entry, unsigned int cpus, bool amd)
{
	unsigned int width = width_of(cpus), ids = 1U << width;

	switch (entry->function) {
	case 1:
		entry->ebx = (entry->ebx & ~0x00ff0000U) | cpus << 16;
		entry->edx = cpus > 1 ? entry->edx | EDX_HTT : entry->edx & ~(uint32_t)EDX_HTT;
		break;
	case LEAF_CACHES:
		set_sharing(entry, ids, ids < CACHE_CORES_MAX ? ids : CACHE_CORES_MAX);
		break;
	case LEAF_AMD_FEATURES:
		/* HTT means cores here, not threads. Intel has nothing in this bit. */
		entry->ecx &= ~(uint32_t)ECX_CMP_LEGACY;
		if (amd && cpus > 1)
			entry->ecx |= ECX_CMP_LEGACY;
		break;
	case LEAF_AMD_SIZES:
		entry->ecx &= ~0xf0ffU;
		if (amd)
			entry->ecx |= width << 12 | (cpus - 1);
		break;
	case LEAF_AMD_CACHES:
		set_sharing(entry, cpus, 1);
		break;
	default:
		break;
	}
}

void topology_set(struct kvm_cpuid2 *cpuid, unsigned int cpus)
{
	bool amd = is_amd(cpuid);

	must(cpus >= 1 && cpus <= TOPOLOGY_CPUS_MAX);
	for (uint32_t i = 0; i < cpuid->nent; i++)
		set_entry(&cpuid->entries[i], cpus, amd);
	set_levels(cpuid, LEAF_LEVELS, cpus);
	set_levels(cpuid, LEAF_LEVELS_V2, cpus);
	(void)drop_leaf(cpuid, LEAF_AMD_LEVELS); /* a reader goes back to 0BH then */
	topology_set_cpu(cpuid, 0);
}

void topology_set_cpu(struct kvm_cpuid2 *cpuid, unsigned int cpu)
{
	must(cpu < TOPOLOGY_CPUS_MAX);
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		switch (entry->function) {
		case 1:
			entry->ebx = (entry->ebx & 0x00ffffffU) | cpu << 24;
			break;
		case LEAF_LEVELS:
		case LEAF_LEVELS_V2:
			entry->edx = cpu;
			break;
		case LEAF_AMD_IDS:
			entry->eax = cpu;
			entry->ebx = cpu; /* the core's number; threads in it, less one, above */
			entry->ecx = 0;   /* node 0 of one */
			entry->edx = 0;
			break;
		default:
			break;
		}
	}
}
