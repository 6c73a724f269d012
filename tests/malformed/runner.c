/* SPDX-License-Identifier: MIT */
/*
 * runner ZOO TVMM [PREFIX]: has the zoo made in a new folder, takes every case of it to tvmm, and
 * judges what comes of it by the case's class (zoo.h):
 *
 *   refused   status 125, nothing on stdout, one line "tvmm: ..." on stderr with the words in it,
 *             /dev/kvm not opened
 *   accepted, guest   `tvmm --explain` ends with 0, a plan on stdout and nothing on stderr;
 *             /dev/kvm not opened
 *   either    one of the two above
 *   run       ends in time, by itself, with one of the statuses that are right
 *
 * and each but the last within LIMIT_MS of wall time and of CPU time, and LIMIT_RSS_BYTES. Time is
 * the least of ten tries, because a machine has other things to do as well. Under sanitizers a
 * try takes ten times as long and memory is not looked at.
 *
 * The file's own name is taken out of a message before words are looked for, so that it cannot
 * stand for them.
 *
 * Prints "ok N - NAME", "not ok N - NAME: why" or "ok N - NAME # SKIP why", and a table of the
 * families in the end. With PREFIX only cases whose names begin so. Before all that the judge is
 * tried on runs that it must object to.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/malformed/witness.h"
#include "tests/malformed/zoo.h"
#include "vmm/base/must.h"

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum {
	SPEC_STATUS_REFUSED = 125,
	LIMIT_MS = SANITIZED ? 500 : 50,
	LIMIT_RSS_BYTES = 16 << 20,
	TRIES = 10,
	NS_PER_MS = 1000000,
	ARGUMENTS_MAX = 24,
	FAULT_BYTES = 512,
	FAMILIES_MAX = 64,
	FAMILY_BYTES = 16,
};

/* Beyond it a run hangs. A guest gets its second of -timeout. */
#define HANG_NS 10000000000ULL

struct zoo_entry {
	const char *name, *words;
	enum zoo_class class;
	char *argument[ARGUMENTS_MAX];
	size_t arguments;
};

struct family {
	char name[FAMILY_BYTES];
	unsigned int cases, refused, accepted, guest, either, run, skipped;
	uint64_t wall_ns, max_rss_bytes; /* the greatest */
};

static struct {
	const char *tvmm;
	unsigned int number, passed, failed, skipped;
	struct family family[FAMILIES_MAX];
	size_t families;
	bool blind; /* opens cannot be seen here */
	bool kvm;
} runner;

/* --- judging ----------------------------------------------------------------------------------- */

/* What is wrong with a run; "" if nothing is. */
struct fault {
	char text[FAULT_BYTES];
};

static void object(struct fault *fault, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void object(struct fault *fault, const char *format, ...)
{
	size_t length = strlen(fault->text);
	va_list arguments;

	if (length + 2 >= sizeof(fault->text))
		return;
	if (length)
		length += (size_t)sprintf(fault->text + length, "; ");
	va_start(arguments, format);
	(void)vsnprintf(fault->text + length, sizeof(fault->text) - length, format, arguments);
	va_end(arguments);
}

static void judge_ending(const struct witness *w, int status, struct fault *fault)
{
	if (w->out_of_time)
		object(fault, "hangs");
	else if (!w->exited)
		object(fault, "killed by signal %d", w->status);
	else if (w->status != status)
		object(fault, "status %d instead of %d", w->status, status);
}

static void judge_costs(const struct witness *w, struct fault *fault)
{
	if (w->wall_ns > (uint64_t)LIMIT_MS * NS_PER_MS)
		object(fault, "took %llu ms", (unsigned long long)w->wall_ns / NS_PER_MS);
	if (w->cpu_ns > (uint64_t)LIMIT_MS * NS_PER_MS)
		object(fault, "took %llu ms of CPU time",
		       (unsigned long long)w->cpu_ns / NS_PER_MS);
	if (!SANITIZED && w->max_rss_bytes > LIMIT_RSS_BYTES)
		object(fault, "used %llu KiB", (unsigned long long)w->max_rss_bytes >> 10);
	if (w->opened_kvm)
		object(fault, "/dev/kvm was opened");
}

/* Takes every occurrence of name out of text. */
static void take_out(char *text, const char *name)
{
	size_t length = strlen(name);

	for (char *at = text; length && (at = strstr(at, name)) != NULL;)
		memmove(at, at + length, strlen(at + length) + 1);
}

static void judge_words(const char *name, const char *words, const char *err, struct fault *fault)
{
	char text[WITNESS_TEXT_BYTES], *list = strdup(words), *rest = list, *word;

	must(list != NULL);
	(void)snprintf(text, sizeof(text), "%s", err);
	take_out(text, name);
	while ((word = strsep(&rest, "|")) != NULL) {
		bool is_file = strncmp(word, name, strlen(name)) == 0;

		if (strstr(is_file ? err : text, word) == NULL)
			object(fault, "stderr does not say '%s'", word);
	}
	free(list);
}

static void judge_refusal(const struct zoo_entry *entry, const struct witness *w,
			  struct fault *fault)
{
	const char *newline = strchr(w->err, '\n');

	judge_ending(w, SPEC_STATUS_REFUSED, fault);
	if (w->out_bytes)
		object(fault, "stdout has %llu bytes", (unsigned long long)w->out_bytes);
	if (strncmp(w->err, "tvmm: ", 6) != 0)
		object(fault, "stderr does not begin with 'tvmm: '");
	if (!newline || newline[1] || w->err_bytes != strlen(w->err))
		object(fault, "stderr is not one line");
	for (const unsigned char *p = (const unsigned char *)w->err; *p; p++) {
		if ((*p < 0x20 && *p != '\n') || *p == 0x7f) {
			object(fault, "stderr has control characters");
			break;
		}
	}
	judge_words(entry->name, entry->words, w->err, fault);
	judge_costs(w, fault);
}

static void judge_plan(const struct witness *w, struct fault *fault)
{
	judge_ending(w, 0, fault);
	if (w->out_bytes == 0)
		object(fault, "stdout is empty");
	if (w->err_bytes)
		object(fault, "stderr has %llu bytes", (unsigned long long)w->err_bytes);
	judge_costs(w, fault);
}

/* One of the statuses, and on stderr the sentence that tells which. */
static void judge_run(const struct zoo_entry *entry, const struct witness *w, struct fault *fault)
{
	char text[32], *list = strdup(entry->words), *rest = list, *word;
	bool right = false;

	must(list != NULL);
	while ((word = strsep(&rest, "|")) != NULL)
		right |= w->exited && w->status == atoi(word);
	free(list);
	if (w->out_of_time)
		object(fault, "hangs");
	else if (!w->exited)
		object(fault, "killed by signal %d", w->status);
	else if (!right)
		object(fault, "status %d is none of %s", w->status, entry->words);
	(void)snprintf(text, sizeof(text), "exit status %d\n", w->status);
	if (strstr(w->err, text) == NULL)
		object(fault, "stderr does not say 'exit status %d'", w->status);
}

static void judge(const struct zoo_entry *entry, const struct witness *w, struct fault *fault)
{
	fault->text[0] = '\0';
	if (entry->class == ZOO_REFUSED ||
	    (entry->class == ZOO_EITHER && w->exited && w->status == SPEC_STATUS_REFUSED))
		judge_refusal(entry, w, fault);
	else if (entry->class == ZOO_RUN)
		judge_run(entry, w, fault);
	else
		judge_plan(w, fault);
}

/* --- running ------------------------------------------------------------------------------------ */

/* A run as the case's class wants it. Times and memory are the least of the tries. */
static void try_case(const struct zoo_entry *entry, struct witness *w, struct fault *fault)
{
	bool explain = entry->class != ZOO_REFUSED && entry->class != ZOO_RUN;
	char *argv[ARGUMENTS_MAX + 3];
	size_t n = 0;

	argv[n++] = (char *)(uintptr_t)runner.tvmm;
	if (explain)
		argv[n++] = (char *)(uintptr_t) "--explain";
	for (size_t i = 0; i < entry->arguments; i++)
		argv[n++] = entry->argument[i];
	argv[n] = NULL;
	for (unsigned int tries = 0; tries < TRIES; tries++) {
		struct witness least = *w;

		witness(argv, HANG_NS, w);
		runner.blind |= !w->sees_opens;
		if (tries > 0) {
			w->wall_ns = w->wall_ns < least.wall_ns ? w->wall_ns : least.wall_ns;
			w->cpu_ns = w->cpu_ns < least.cpu_ns ? w->cpu_ns : least.cpu_ns;
		}
		judge(entry, w, fault);
		if (!fault->text[0] || w->out_of_time || entry->class == ZOO_RUN)
			break;
	}
}

static struct family *family_of(const char *name)
{
	size_t length = strcspn(name, "-");
	struct family *f = runner.family;

	for (; f < runner.family + runner.families; f++) {
		if (strlen(f->name) == length && strncmp(f->name, name, length) == 0)
			return f;
	}
	must(runner.families < FAMILIES_MAX && length < FAMILY_BYTES);
	runner.families++;
	memcpy(f->name, name, length);
	return f;
}

static void count(const struct zoo_entry *entry, const struct witness *w)
{
	struct family *f = family_of(entry->name);

	f->cases++;
	*(entry->class == ZOO_REFUSED    ? &f->refused
	  : entry->class == ZOO_ACCEPTED ? &f->accepted
	  : entry->class == ZOO_GUEST    ? &f->guest
	  : entry->class == ZOO_EITHER   ? &f->either
					 : &f->run) += 1;
	if (entry->class == ZOO_RUN)
		return;
	if (w->wall_ns > f->wall_ns)
		f->wall_ns = w->wall_ns;
	if (w->max_rss_bytes > f->max_rss_bytes)
		f->max_rss_bytes = w->max_rss_bytes;
}

static void tell(const char *name, const struct fault *fault)
{
	runner.number++;
	if (fault->text[0]) {
		runner.failed++;
		printf("not ok %u - %s: %s\n", runner.number, name, fault->text);
	} else {
		runner.passed++;
		printf("ok %u - %s\n", runner.number, name);
	}
}

static void skip(const char *name, const char *why)
{
	runner.skipped++;
	printf("ok %u - %s # SKIP %s\n", ++runner.number, name, why);
}

static void run_case(const struct zoo_entry *entry)
{
	struct witness w = { 0 };
	struct fault fault;

	if (entry->class == ZOO_SKIPPED || (entry->class == ZOO_RUN && !runner.kvm)) {
		family_of(entry->name)->skipped++;
		skip(entry->name,
		     entry->class == ZOO_RUN ? "no /dev/kvm to run it on" : entry->words);
		return;
	}
	try_case(entry, &w, &fault);
	count(entry, &w);
	tell(entry->name, &fault);
	if (fault.text[0] && w.err[0])
		printf("# stderr: %.*s\n", (int)strcspn(w.err, "\n"), w.err);
}

/* --- the manifest ------------------------------------------------------------------------------- */

/* Undoes \xNN in place. */
static char *unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		unsigned int byte;

		if (sscanf(from, "\\x%2x", &byte) == 1) {
			*to++ = (char)byte;
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return text;
}

/* Takes a line of the manifest apart, in place. */
static void read_entry(char *line, struct zoo_entry *entry)
{
	const char *class;

	line[strcspn(line, "\n")] = '\0';
	entry->name = strsep(&line, "\t");
	class = strsep(&line, "\t");
	must(class != NULL && class[0] && !class[1]);
	entry->class = (enum zoo_class) class[0];
	entry->words = unescape(strsep(&line, "\t"));
	for (entry->arguments = 0; line; entry->arguments++) {
		must(entry->arguments < ARGUMENTS_MAX);
		entry->argument[entry->arguments] = unescape(strsep(&line, "\t"));
	}
}

static void run_manifest(const char *prefix)
{
	FILE *manifest = fopen("manifest", "re");
	size_t room = 0;
	char *line = NULL;

	must(manifest != NULL);
	while (getline(&line, &room, manifest) > 0) {
		struct zoo_entry entry;

		read_entry(line, &entry);
		if (strncmp(entry.name, prefix, strlen(prefix)) == 0)
			run_case(&entry);
	}
	free(line);
	(void)fclose(manifest);
}

/* --- is the judge awake? ------------------------------------------------------------------------ */

/* Where the judge's objections are tried: a program that does everything wrong. */
static int misbehave(void)
{
	const struct timespec nap = { 0, 2L * LIMIT_MS * NS_PER_MS };
	uint64_t start;
	clock_t begin = clock();
	char *memory = malloc(2 * (size_t)LIMIT_RSS_BYTES);

	must(memory != NULL);
	for (start = 0; start < 2 * (uint64_t)LIMIT_RSS_BYTES; start += 4096)
		((volatile char *)memory)[start] = 1;
	while (clock() - begin < 2 * LIMIT_MS * (CLOCKS_PER_SEC / 1000))
		;
	(void)nanosleep(&nap, NULL);
	(void)!open("/dev/kvm", O_RDONLY | O_CLOEXEC);
	printf("not a word\n");
	(void)fprintf(stderr, "two\nlines\033\n");
	(void)fflush(stdout);
	free(memory);
	return 3;
}

static void expect_objection(const struct fault *fault, const char *words)
{
	struct fault missing = { .text = "" };
	char name[128], *list = strdup(words), *rest = list, *word;

	must(list != NULL);
	while ((word = strsep(&rest, "|")) != NULL) {
		if (strstr(fault->text, word) == NULL)
			object(&missing, "no objection with '%s' in: %s", word, fault->text);
	}
	(void)snprintf(name, sizeof(name), "the judge objects: %s", words);
	tell(name, &missing);
	free(list);
}

static void try_judge(void)
{
	static char crash[] = "--crash", good[] = ZOO_GOOD_KERNEL, kernel[] = "-kernel";
	static char timeout[] = "-timeout", ms[] = "100ms", version[] = "--version";
	struct zoo_entry entry = { .name = "x", .words = "nonsense", .class = ZOO_REFUSED };
	const char *tvmm = runner.tvmm;
	struct witness w;
	struct fault fault;

	entry.arguments = 1;
	entry.argument[0] = version;
	try_case(&entry, &w, &fault);
	expect_objection(&fault, "status 0|stdout has|not one line|begin with|say 'nonsense'");
	runner.tvmm = "/proc/self/exe";
	try_case(&entry, &w, &fault);
	expect_objection(&fault, SANITIZED ? "status 3|not one line|control|ms|CPU time"
					   : "status 3|not one line|control|ms|CPU time|KiB");
	entry.argument[0] = crash;
	try_case(&entry, &w, &fault);
	expect_objection(&fault, "killed by signal");
	runner.tvmm = tvmm;
	entry.arguments = 4;
	entry.argument[0] = kernel;
	entry.argument[1] = good;
	entry.argument[2] = timeout;
	entry.argument[3] = ms;
	try_case(&entry, &w, &fault);
	if (runner.blind)
		skip("no file is refused after /dev/kvm was opened",
		     "this host does not let opens be seen (SECCOMP_RET_USER_NOTIF)");
	else
		expect_objection(&fault, "/dev/kvm was opened");
}

/* --- folders ------------------------------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static bool make_zoo(const char *zoo, const char *folder)
{
	pid_t pid = fork();
	int status;

	must(pid >= 0);
	if (pid == 0) {
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)execl(zoo, zoo, folder, (char *)NULL);
		_exit(127);
	}
	must(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int by_name(const void *a, const void *b)
{
	const struct family *one = a, *other = b;

	return strcmp(one->name, other->name);
}

static void print_families(void)
{
	struct family all = { .name = "all" };

	qsort(runner.family, runner.families, sizeof(runner.family[0]), by_name);

	printf("# %-7s %6s %8s %8s %6s %6s %4s %8s %8s %9s\n", "family", "cases", "refused",
	       "accepted", "guest", "either", "run", "skipped", "slowest", "most RSS");
	for (size_t i = 0; i <= runner.families; i++) {
		const struct family *f = i < runner.families ? &runner.family[i] : &all;

		printf("# %-7s %6u %8u %8u %6u %6u %4u %8u %5.1f ms %5llu KiB\n", f->name, f->cases,
		       f->refused, f->accepted, f->guest, f->either, f->run, f->skipped,
		       (double)f->wall_ns / NS_PER_MS, (unsigned long long)f->max_rss_bytes >> 10);
		all.cases += f->cases;
		all.refused += f->refused;
		all.accepted += f->accepted;
		all.guest += f->guest;
		all.either += f->either;
		all.run += f->run;
		all.skipped += f->skipped;
		if (f->wall_ns > all.wall_ns)
			all.wall_ns = f->wall_ns;
		if (f->max_rss_bytes > all.max_rss_bytes)
			all.max_rss_bytes = f->max_rss_bytes;
	}
	printf("# malformed/zoo: %u passed, %u failed, %u skipped\n", runner.passed, runner.failed,
	       runner.skipped);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/tvmm-zoo-XXXXXX", zoo[PATH_MAX], tvmm[PATH_MAX];
	int fd;

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return misbehave();
	if (argc == 2 && strcmp(argv[1], "--crash") == 0)
		abort();
	if (argc < 3 || !realpath(argv[1], zoo) || !realpath(argv[2], tvmm)) {
		(void)fprintf(stderr, "usage: runner ZOO TVMM [PREFIX]\n");
		return EXIT_FAILURE;
	}
	must(mkdtemp(folder) != NULL && chdir(folder) == 0);
	runner.tvmm = tvmm;
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	runner.kvm = fd >= 0;
	if (fd >= 0)
		(void)close(fd);
	(void)setenv("LC_ALL", "C", 1);
	if (make_zoo(zoo, folder)) {
		try_judge();
		run_manifest(argc > 3 ? argv[3] : "");
		print_families();
	} else {
		tell("the zoo", &(struct fault){ "could not be made" });
	}
	must(chdir("/") == 0);
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return runner.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
