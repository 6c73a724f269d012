/* SPDX-License-Identifier: MIT */
/*
 * Any command line: it is refused in one line, or every value is within its documented bounds
 * (docs/tvmm.1); and the same words give the same answer.
 *
 * Input: the words of the command line, without the program's name, one in a line.
 *
 * libFuzzer: -max_len=400 -dict=tests/fuzz/options.dict
 */
#include <ctype.h>

#include "tests/common/refusal.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/options.h"
#include "vmm/topology.h"

enum { WORDS_MAX = 32, PLUSES_MAX = 8 };

#define SPEC_RAM_MIN_BYTES  (16ULL << 20)
#define SPEC_TIMEOUT_MAX_NS 9000000000000000000ULL

struct words {
	char *word[WORDS_MAX + 1];
	int count;
};

/* Each word in memory of its own, so that a sanitizer sees who reads past its end. */
static void split(struct words *words, const uint8_t *bytes, size_t size_bytes)
{
	const char *at = (const char *)bytes, *end = at + size_bytes;

	words->count = 0;
	words->word[words->count++] = strdup("tvmm");
	while (at < end && words->count < WORDS_MAX) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = stop ? (size_t)(stop - at) : (size_t)(end - at);

		words->word[words->count++] = strndup(at, length); /* up to a NUL, as argv is */
		at += length + 1;
	}
	words->word[words->count] = NULL;
}

static void release(struct words *words)
{
	for (int i = 0; i < words->count; i++)
		free(words->word[i]);
}

/*
 * regcomp() copies what is repeated, so that `a++++` takes memory and time that double with every
 * plus sign, up to what vmm/lineregex.h allows: tenths of a second, with sanitizers more. Such words
 * are kept from it here.
 */
static bool for_regcomp_only(const struct words *words)
{
	for (int i = 0; i < words->count; i++) {
		unsigned int pluses = 0;

		for (const char *p = words->word[i]; *p; p++) {
			pluses += *p == '+';
			if (*p == '{' || pluses > PLUSES_MAX)
				return true;
		}
	}
	return false;
}

/* "256", "256M", "1G": as any word might be meant. MiB without a letter. */
static void check_size(const char *word)
{
	static const char letters[] = "KMGT";
	unsigned __int128 value = 0;
	const char *p = word, *letter;
	uint64_t bytes = 0;
	struct err e = { 0 };
	bool possible;
	int rc;

	for (; *p >= '0' && *p <= '9' && value <= UINT64_MAX; p++)
		value = value * 10 + (unsigned int)(*p - '0');
	letter = isalpha((unsigned char)*p) ? strchr(letters, toupper((unsigned char)*p)) : NULL;
	value <<= letter ? 10 * (letter - letters + 1) : 20;
	possible = p > word && value <= UINT64_MAX && (!*p || (letter && !p[1]));
	rc = options_parse_size("m", word, &bytes, &e);
	hold((rc == 0) == possible, "%s: %s", word, e.text);
	hold(rc < 0 || bytes == value, "%s is %llu", word, (unsigned long long)bytes);
}

static void check_serial(const struct chardev_spec *serial)
{
	bool has_path = serial->kind == CHARDEV_FILE || serial->kind == CHARDEV_UNIX;

	hold((unsigned int)serial->kind <= CHARDEV_UNIX, "kind %d", serial->kind);
	if (has_path)
		hold(serial->path && serial->path_bytes > 0 &&
			     (size_t)serial->path_bytes <= strlen(serial->path),
		     "path of %d bytes", serial->path_bytes);
}

static void check_values(const struct options *o)
{
	hold((unsigned int)o->action <= OPTIONS_VERSION, "action %d", o->action);
	if (o->action == OPTIONS_BOOT || o->action == OPTIONS_EXPLAIN)
		hold(o->kernel != NULL, "no kernel");
	hold(o->append != NULL, "no command line");
	hold(o->ram_bytes >= SPEC_RAM_MIN_BYTES && o->ram_bytes % 4096 == 0, "RAM of %llu bytes",
	     (unsigned long long)o->ram_bytes);
	hold(o->escape_key <= 31, "escape key %u", o->escape_key);
	hold(o->timeout_ns <= SPEC_TIMEOUT_MAX_NS, "timeout %llu",
	     (unsigned long long)o->timeout_ns);
	hold(o->debugexit.iosize <= DEBUGEXIT_MAX_IOSIZE, "iosize %u", o->debugexit.iosize);
	hold(!o->debugexit.iosize || o->debugexit.iobase, "iobase 0");
	hold(o->cpus >= 1 && o->cpus <= TOPOLOGY_CPUS_MAX, "%u CPUs", o->cpus);
	hold((unsigned int)o->unpack <= KERNEL_UNPACK_GUEST, "unpack %d", o->unpack);
	for (size_t i = 0; i < CPU_FEATURES_MAX; i++)
		hold(o->cpu.change[i] == 0 || o->cpu.change[i] == '+' || o->cpu.change[i] == '-',
		     "feature %zu: %d", i, o->cpu.change[i]);
	check_serial(&o->serial);
}

static bool same_program(const struct program_options *a, const struct program_options *b)
{
	if (a->argument != b->argument || a->arguments != b->arguments || a->adds != b->adds ||
	    a->verbose != b->verbose || !a->append != !b->append)
		return false;
	for (size_t i = 0; i < a->adds; i++) {
		if (strcmp(a->add_text[i], b->add_text[i]) != 0)
			return false;
	}
	return true;
}

/* What is borrowed from the words is compared as such, what is owned by its contents. */
static void check_same(const struct options *a, const struct options *b)
{
	hold(a->action == b->action && a->kernel == b->kernel && a->initrd == b->initrd &&
		     strcmp(a->append, b->append) == 0 && a->ram_bytes == b->ram_bytes &&
		     a->escape_key == b->escape_key && a->timeout_ns == b->timeout_ns &&
		     a->until_set == b->until_set && a->brief == b->brief && a->quiet == b->quiet &&
		     a->cpus == b->cpus && a->unpack == b->unpack && a->no_cache == b->no_cache &&
		     a->small_pages == b->small_pages &&
		     a->debugexit.iobase == b->debugexit.iobase &&
		     a->debugexit.iosize == b->debugexit.iosize &&
		     a->serial.kind == b->serial.kind && a->serial.path == b->serial.path &&
		     a->log == b->log && same_program(&a->program, &b->program) &&
		     memcmp(&a->cpu, &b->cpu, sizeof(a->cpu)) == 0,
	     "other options the second time");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct options options, again;
	struct err e = { 0 }, e2 = { 0 };
	struct words words;
	int rc;

	split(&words, bytes, size_bytes);
	for (int i = 1; i < words.count; i++)
		check_size(words.word[i]);
	if (!for_regcomp_only(&words)) {
		memset(&again, 0xff, sizeof(again));
		rc = options_parse(&options, words.count, words.word, &e);
		hold(options_parse(&again, words.count, words.word, &e2) == rc, "%s", e2.text);
		if (rc == 0) {
			check_values(&options);
			check_same(&options, &again);
		} else {
			hold(!refusal_flaw(rc, &e), "%s: %s", refusal_flaw(rc, &e), e.text);
			hold(strcmp(e.text, e2.text) == 0, "%s, then %s", e.text, e2.text);
		}
		options_finish(&options);
		options_finish(&again);
	}
	release(&words);
	return 0;
}
