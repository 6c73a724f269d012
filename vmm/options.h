/* SPDX-License-Identifier: MIT */
/*
 * The command line as plain data. Spellings are QEMU's, with one dash or two; what is not known
 * is an error that names it and the nearest option.
 */
#ifndef TVMM_OPTIONS_H
#define TVMM_OPTIONS_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "initramfs/bundle.h"
#include "vmm/accountoptions.h"
#include "vmm/base/err.h"
#include "vmm/chardev.h"
#include "vmm/cpuid.h"
#include "vmm/dialogue.h"
#include "vmm/hang.h"
#include "vmm/kernel.h"
#include "vmm/machine.h"
#include "vmm/technique.h"
#include "vmm/trouble.h"

enum options_action {
	OPTIONS_BOOT,
	OPTIONS_EXPLAIN, /* plan, print the plan, end */
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

enum { OPTIONS_ADDS_MAX = 64 };

/* -- PROGRAM ARGUMENT...: what is run in the guest, and with what beside it. */
struct program_options {
	char *const *argument; /* of the command line; NULL: no program is to be run */
	size_t arguments;
	struct bundle_add add[OPTIONS_ADDS_MAX];
	char *add_text[OPTIONS_ADDS_MAX]; /* owned: what `add` points into */
	size_t adds;
	bool verbose; /* the kernel's console goes to stderr */
	char *append; /* owned: options.append, when it had to be made */
};

struct options {
	enum options_action action;
	const char *kernel, *initrd; /* paths, or NULL */
	const char *append;          /* never NULL */
	bool fast_append;            /* tvmm's words come in front of it: vmm/fastappend.h */
	enum kernel_unpack unpack;
	bool no_cache; /* no unpacked kernel is looked for or kept */
	uint64_t ram_bytes;
	bool small_pages; /* -no-huge-pages */
	technique_set without;
	unsigned int cpus; /* 1 to TOPOLOGY_CPUS_MAX */
	struct cpu_model cpu;
	struct chardev_spec serial;
	bool serial_given;
	const char *log;     /* a path, or NULL */
	uint8_t escape_key;  /* the control character's code; 0: none */
	uint64_t timeout_ns; /* 0: none */
	struct hang_options hang;
	bool until_set;
	regex_t until;
	struct trouble trouble;          /* -fail-on */
	struct dialogue_script dialogue; /* -send, -after */
	struct debugexit_config debugexit;
	struct account_options account;
	struct program_options program;
	bool brief; /* no account, and no word about an ending with status 0 */
	bool quiet; /* brief, and no autopsy */
};

/* argv[0] is skipped. 0, or -EINVAL with *e filled. Strings are borrowed from argv. */
int options_parse(struct options *options, int argc, char **argv, struct err *e);
void options_finish(struct options *options);

/* "256", "256M", "1G": bytes; a bare number is in MiB. */
int options_parse_size(const char *option, const char *text, uint64_t *bytes, struct err *e);

/* "30", "30s", "500ms", "2m", "1h", "1.5": nanoseconds; a bare number is in seconds. */
int options_parse_duration(const char *option, const char *text, uint64_t *ns, struct err *e);

#endif
