/* SPDX-License-Identifier: MIT */
/*
 * In place of tvmm: runs plain/tvmm, which lies beside it, and gives it the words of OPTIONS as well, a
 * list of C strings. They come first where a guest is booted, and first behind the "--" of a command
 * that boots guests; other commands get what was typed.
 *
 * Without a C library, so that all that a tracer sees of it is one execve().
 *
 * Authority: System V ABI, AMD64 supplement, "Process Initialization"; getauxval(3), AT_EXECFN.
 */
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>

#include <asm/unistd.h>

enum { WORDS_MAX = 4096, PATH_BYTES = 4096 };

static const char *const options[] = { OPTIONS };

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static long call(long number, const void *a, const void *b, const void *c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

/* How many of the words come before ours; -1: ours do not belong there. */
static long place_of_options(long argc, char **argv)
{
	static const char *const commands[] = { "bench", "compare", "table" };
	bool boots = false;

	if (argc < 2 || argv[1][0] == '-')
		return argc < 2 ? -1 : 1;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		boots |= same(argv[1], commands[i]);
	for (long i = 2; boots && i < argc; i++)
		if (same(argv[i], "--"))
			return i + 1;
	return -1;
}

/* The path by which we were run, with plain/ in front of its last part. */
static void find_plain(const char *ours, char path[PATH_BYTES])
{
	static const char name[] = "plain/tvmm";
	size_t folder = 0;

	for (size_t i = 0; ours[i] && i < PATH_BYTES - sizeof(name); i++) {
		path[i] = ours[i];
		if (ours[i] == '/')
			folder = i + 1;
	}
	for (size_t i = 0; i < sizeof(name); i++)
		path[folder + i] = name[i];
}

static const char *executed_path(char **envp)
{
	const Elf64_auxv_t *aux;

	while (*envp)
		envp++;
	for (aux = (const void *)(envp + 1); aux->a_type != AT_NULL; aux++)
		if (aux->a_type == AT_EXECFN)
			return (const char *)aux->a_un.a_val;
	return "";
}

/* stack: argc, argv, NULL, envp, NULL, the auxiliary vector. */
__attribute__((noreturn, used)) void start(long *stack)
{
	static char path[PATH_BYTES];
	static const char *words[WORDS_MAX];
	long argc = stack[0], before, n = 0;
	char **argv = (char **)(stack + 1), **envp = argv + argc + 1;

	before = place_of_options(argc, argv);
	for (long i = 0; i <= argc && n < WORDS_MAX - 16; i++) {
		for (size_t k = 0; i == before && k < sizeof(options) / sizeof(options[0]); k++)
			words[n++] = options[k];
		if (i < argc)
			words[n++] = argv[i];
	}
	find_plain(executed_path(envp), path);
	(void)call(__NR_execve, path, words, envp);
	for (;;)
		(void)call(__NR_exit_group, (const void *)127, NULL, NULL);
}

__asm__(".globl _start\n"
	"_start:\n"
	"	xor	%ebp, %ebp\n"
	"	mov	%rsp, %rdi\n"
	"	and	$-16, %rsp\n"
	"	call	start\n");
