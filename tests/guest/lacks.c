/* SPDX-License-Identifier: MIT */
/*
 * lacks: runs a command on a host that lacks something, or seems to: system calls are answered by a filter
 * as an older kernel, or one that is short of something, would.
 *
 *	lacks WORD[,WORD]... COMMAND [ARGUMENT]...
 *
 * Authority: [KVM] KVM_CHECK_EXTENSION, which says 0 of what it does not know; seccomp(2),
 * SECCOMP_RET_ERRNO, whose error 0 makes the call return 0.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RULE_STATEMENTS = 8, STATEMENTS_MAX = 256 };

/* A call is answered with the error if two of its arguments are these. */
struct rule {
	const char *word;
	uint32_t call;
	struct {
		unsigned int number;
		uint32_t value;
	} argument[2];
	bool less; /* the second is to be less than the value */
	int error;
};

#define CAPABILITY(name) { { 1, (uint32_t)KVM_CHECK_EXTENSION }, { 2, KVM_CAP_##name } }, false, 0
#define IOCTL(name)      { { 1, (uint32_t)(name) }, { 1, (uint32_t)(name) } }, false

static const struct rule rules[] = {
	{ "coalesced-pio", SYS_ioctl, CAPABILITY(COALESCED_PIO) },
	{ "coalesced-mmio", SYS_ioctl, CAPABILITY(COALESCED_MMIO) },
	{ "coalesced-zone", SYS_ioctl, IOCTL(KVM_REGISTER_COALESCED_MMIO), ENOSPC },
	{ "tsc-deadline", SYS_ioctl, CAPABILITY(TSC_DEADLINE_TIMER) },
	{ "tsc-khz", SYS_ioctl, IOCTL(KVM_GET_TSC_KHZ), EIO },
	{ "emulation-failure", SYS_ioctl, CAPABILITY(EXIT_ON_EMULATION_FAILURE) },
	{ "immediate-exit", SYS_ioctl, CAPABILITY(IMMEDIATE_EXIT) },
	{ "huge-pages",
	  SYS_madvise,
	  { { 2, MADV_HUGEPAGE }, { 2, MADV_HUGEPAGE } },
	  false,
	  EINVAL },
	/* The copy of a packed file is small; guest memory and what is written down of a run are not. */
	{ "memory-to-unpack",
	  SYS_mmap,
	  { { 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE }, { 1, 64 << 10 } },
	  true,
	  ENOMEM },
	{ "random", SYS_getrandom, { { 2, 1 }, { 2, 1 } }, false, EAGAIN }, /* GRND_NONBLOCK */
	{ "close-range", SYS_close_range, { { 2, 0 }, { 2, 0 } }, false, ENOSYS },
};

enum { RULES = sizeof(rules) / sizeof(rules[0]) };

__attribute__((noreturn)) static void die(const char *what)
{
	(void)fprintf(stderr, "lacks: %s\n", what);
	exit(1);
}

/* Of the low halves: no value here has more. */
static struct sock_filter load_argument(unsigned int number)
{
	return (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS,
		(uint32_t)(offsetof(struct seccomp_data, args) + 8 * number));
}

static size_t add_rule(const struct rule *rule, struct sock_filter *to)
{
	const struct sock_filter statements[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->call, 0, 5),
		load_argument(rule->argument[0].number),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->argument[0].value, 0, 3),
		load_argument(rule->argument[1].number),
		BPF_JUMP(BPF_JMP | (rule->less ? BPF_JGE : BPF_JEQ) | BPF_K,
			 rule->argument[1].value, rule->less, !rule->less),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)rule->error),
	};

	memcpy(to, statements, sizeof(statements));
	return sizeof(statements) / sizeof(statements[0]);
}

static void add_word(const char *word, size_t length, struct sock_filter *filter, size_t *n)
{
	for (size_t i = 0; i < RULES; i++) {
		if (strlen(rules[i].word) != length || strncmp(rules[i].word, word, length) != 0)
			continue;
		*n += add_rule(&rules[i], filter + *n);
		return;
	}
	die("see the head of tests/guest/lacks.c, and the words below it");
}

static void filter_calls(const char *words)
{
	struct sock_filter filter[STATEMENTS_MAX];
	struct sock_fprog program = { .filter = filter };
	size_t n = 0, length;

	do {
		length = strcspn(words, ",");
		if (n + RULE_STATEMENTS + 1 > STATEMENTS_MAX)
			die("too many words");
		add_word(words, length, filter, &n);
		words += length + 1;
	} while (words[-1] == ',');
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		die("no filter of system calls can be had");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		die("usage: see the head of tests/guest/lacks.c");
	filter_calls(argv[1]);
	(void)execvp(argv[2], argv + 2);
	die(argv[2]);
}
