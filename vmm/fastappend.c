/* SPDX-License-Identifier: MIT */
#include "vmm/fastappend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/must.h"
#include "vmm/cmdline.h"

enum { NAMES_MAX = 4 };

struct word {
	const char *word;
	const char *does;
	bool (*fits)(const struct fastappend_facts *facts); /* NULL: always */
	const char *when;                                   /* the same in words; NULL: always */
	const char *costs;
	const char *yours[NAMES_MAX]; /* with these too the user says what is to be */
};

static bool one_cpu(const struct fastappend_facts *facts)
{
	return facts->cpus == 1;
}

static bool has_rdrand(const struct fastappend_facts *facts)
{
	return facts->rdrand;
}

static const struct word table[FASTAPPEND_WORDS] = {
	{
		/* LINT0 stays open for the PIC: setup_local_APIC() of [LINUX] arch/x86/kernel/apic/apic.c. */
		.word = "noapic",
		.does = "the I/O APIC is left alone, interrupts come by way of the PIC",
		.fits = one_cpu,
		.when = "with one CPU",
		.costs = "/proc/interrupts says XT-PIC instead of IO-APIC",
		.yours = { "apic", "nolapic", "disableapic" }, /* other wishes about both APICs */
	},
	{
		.word = "8250.nr_uarts=1",
		.does = "one serial port is looked for; tvmm has no other",
		.costs = "no /dev/ttyS1 and up, which would lead nowhere",
		.yours = { "8250_core.nr_uarts" },
	},
	{
		.word = "pty.legacy_count=0",
		.does = "no BSD ptys, of which kernels with LEGACY_PTYS make 256",
		.costs = "no /dev/ptyp0 and the like; /dev/ptmx and /dev/pts are there",
	},
	{
		.word = "cryptomgr.notests=1",
		.does = "cryptographic algorithms are not tested as they are registered",
		.costs = "those tests, which kernels are by default built without",
		.yours = { "fips", "cryptomgr.panic_on_fail", "cryptomgr.noextratests" },
	},
	{
		.word = "random.trust_cpu=on",
		.does = "random numbers are ready at once, even if the kernel was built to wait",
		.fits = has_rdrand,
		.when = "with RDRAND",
		.costs = "the CPU's random numbers are believed to be good",
		.yours = { "nordrand" },
	},
};

const char *fastappend_word(size_t i)
{
	return i < FASTAPPEND_WORDS ? table[i].word : NULL;
}

/* ---- deciding -------------------------------------------------------------------------------- */

static enum fastappend_verdict judge(const struct word *word, const struct fastappend_facts *facts)
{
	if (cmdline_has(facts->append, word->word))
		return FASTAPPEND_YOURS;
	for (size_t i = 0; i < NAMES_MAX && word->yours[i]; i++)
		if (cmdline_has(facts->append, word->yours[i]))
			return FASTAPPEND_YOURS;
	return !word->fits || word->fits(facts) ? FASTAPPEND_ADDED : FASTAPPEND_UNFIT;
}

static void judge_all(struct fastappend *fast, const struct fastappend_facts *facts)
{
	size_t n = 0;

	for (size_t i = 0; i < FASTAPPEND_WORDS; i++) {
		fast->verdict[i] = judge(&table[i], facts);
		if (fast->verdict[i] != FASTAPPEND_ADDED)
			continue;
		n += (size_t)snprintf(fast->added + n, sizeof(fast->added) - n, "%s%s",
				      n ? " " : "", table[i].word);
		must(n < sizeof(fast->added));
	}
}

/* Takes them back: better a slower boot than some of the words, or a line that is refused. */
__attribute__((format(printf, 2, 3))) static void add_none(struct fastappend *fast, const char *why,
							   ...)
{
	va_list ap;

	va_start(ap, why);
	(void)vsnprintf(fast->why_none, sizeof(fast->why_none), why, ap);
	va_end(ap);
	fast->added[0] = '\0';
	for (size_t i = 0; i < FASTAPPEND_WORDS; i++)
		if (fast->verdict[i] == FASTAPPEND_ADDED)
			fast->verdict[i] = FASTAPPEND_NONE;
}

int fastappend_make(struct fastappend *fast, const struct fastappend_facts *facts, struct err *e)
{
	const char *blank = *facts->append ? " " : "";
	size_t length;

	memset(fast, 0, sizeof(*fast));
	judge_all(fast, facts);
	length = strlen(fast->added) + strlen(blank) + strlen(facts->append);
	if (!fast->added[0])
		add_none(fast, "-append says what is to be, or they are not for this guest");
	else if (!facts->linux64)
		add_none(fast, "the kernel is entered by PVH, and may not be Linux");
	else if (length > facts->takes_bytes)
		add_none(
			fast,
			"the command line would have %zu bytes with them, and the kernel takes %zu",
			length, facts->takes_bytes);
	else if (asprintf(&fast->cmdline, "%s%s%s", fast->added, blank, facts->append) < 0) {
		fast->cmdline = NULL;
		return err_sys(e, ENOMEM, "the command line");
	}
	return 0;
}

void fastappend_finish(struct fastappend *fast)
{
	free(fast->cmdline);
	fast->cmdline = NULL;
}

/* ---- telling --------------------------------------------------------------------------------- */

/* For a terminal of 80 columns, if a reason is no longer than the table's. */
static void explain_word(const struct fastappend *fast, size_t i, FILE *out)
{
	const struct word *word = &table[i];
	const char *when = word->when ? word->when : "always";

	if (fast->verdict[i] == FASTAPPEND_ADDED) {
		(void)fprintf(out, "  added      %s: %s\n%13s%s\n%13scosts: %s\n", word->word, when,
			      "", word->does, "", word->costs);
		return;
	}
	(void)fprintf(out, "  not added  %s: ", word->word);
	if (fast->verdict[i] == FASTAPPEND_YOURS)
		(void)fputs("-append says what is to be\n", out);
	else if (fast->verdict[i] == FASTAPPEND_UNFIT)
		(void)fprintf(out, "it is for guests %s\n", when);
	else
		(void)fprintf(out, "%s\n", fast->why_none);
}

void fastappend_explain(const struct fastappend *fast, FILE *out)
{
	(void)fputs("\nwords of -fast-append\n", out);
	for (size_t i = 0; i < FASTAPPEND_WORDS; i++)
		explain_word(fast, i, out);
}
