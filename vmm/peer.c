/* SPDX-License-Identifier: MIT */
#include "vmm/peer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/timing/cleantext.h"

static const char DEFAULT_PROGRAM[] = "qemu-system-x86_64";

enum { WORDS_MAX = 32, NUMBER_BYTES = 32, VERSION_LIMIT_S = 5 };

/* What comes before the guest: no network, no graphics, the serial line on stdio. */
static const char *const machine_words[][WORDS_MAX] = {
	[PEER_PC] = { "-M", "pc", "-nographic", "-nic", "none", "-enable-kvm", "-cpu", "host",
		      NULL },
	[PEER_MICROVM] = { "-M", "microvm,acpi=off", "-nodefaults", "-no-user-config", "-display",
			   "none", "-serial", "stdio", "-enable-kvm", "-cpu", "host", NULL },
};

/*
 * --- finding it ---------------------------------------------------------------------------------
 */

static int take_machine(struct peer *peer, const char *what, struct err *e)
{
	if (strcmp(what, "qemu") == 0 || strcmp(what, "qemu:pc") == 0)
		peer->machine = PEER_PC;
	else if (strcmp(what, "qemu:microvm") == 0)
		peer->machine = PEER_MICROVM;
	else
		return err_set(
			e, EINVAL,
			"--against: '%s' is not known; it takes qemu, qemu:pc (the same) and "
			"qemu:microvm",
			what);
	return 0;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* As a shell does it: a name with a '/' is a path, another one is in a folder of $PATH. */
static bool look_for(const char *name, char *path, size_t path_bytes)
{
	const char *folders = getenv("PATH");
	int length;

	if (strchr(name, '/'))
		return snprintf(path, path_bytes, "%s", name) < (int)path_bytes && is_program(path);
	for (folders = folders ? folders : ""; *folders; folders += *folders == ':') {
		size_t folder = strcspn(folders, ":");

		length = snprintf(path, path_bytes, "%.*s%s%s", (int)folder, folders,
				  folder ? "/" : "./", name);
		if (length < (int)path_bytes && is_program(path))
			return true;
		folders += folder;
	}
	return false;
}

/* The first line of what it says. */
struct first_line {
	char text[128];
	size_t length;
};

static bool hear_first_line(void *ctx, const char *bytes, size_t count, uint64_t at_ns)
{
	struct first_line *line = ctx;

	(void)at_ns;
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] == '\n')
			return true;
		if ((unsigned char)bytes[i] >= 0x20 && bytes[i] != 0x7f &&
		    line->length + 1 < sizeof(line->text))
			line->text[line->length++] = bytes[i];
	}
	return false;
}

/* "QEMU emulator version 7.2.9 (...)" -> "QEMU 7.2.9"; what is anything else stays as it is. */
static void shorten_version(struct first_line *line)
{
	static const char before[] = "QEMU emulator version ";
	size_t skipped = sizeof(before) - 1;

	if (strncmp(line->text, before, skipped) != 0)
		return;
	(void)memmove(line->text + 5, line->text + skipped, line->length + 1 - skipped);
	line->text[5 + strcspn(line->text + 5, " ")] = '\0';
}

static int ask_for_version(const struct peer *peer, struct child_group *group,
			   struct first_line *line, struct err *e)
{
	static char name[] = "qemu", version[] = "--version";
	char *const option[] = { name, version, NULL };
	const struct child_request request = {
		.program = peer->program,
		.option = option,
		.hear = hear_first_line,
		.ctx = line,
		.at_once = true,
		.stranger = true,
		.limit_ns = VERSION_LIMIT_S * 1000000000ULL,
	};
	struct child_result result;
	size_t number;
	int rc = child_group_start(group, &request, 0, e);

	if (rc == 0)
		rc = child_group_wait(group, &number, &result, e);
	if (rc < 0)
		return rc;
	child_finish(&result);
	if (result.interrupted || line->length)
		return result.interrupted;
	if (result.timed_out)
		return err_set(e, ETIMEDOUT,
			       "%s --version has told no version after %d s, and was ended",
			       peer->program, VERSION_LIMIT_S);
	return err_set(e, ENOEXEC, "%s --version ends with status %d%s%s and tells no version",
		       peer->program, result.status, *result.said ? ": " : "", result.said);
}

int peer_find(struct peer *peer, const char *what, const char *program, struct child_group *group,
	      struct err *e)
{
	struct first_line line = { 0 };
	char version[sizeof(line.text)];
	size_t used;
	int rc = take_machine(peer, what, e);

	if (rc < 0)
		return rc;
	if (!look_for(program ? program : DEFAULT_PROGRAM, peer->program, sizeof(peer->program)))
		return err_set(
			e, ENOENT,
			"--against %s: there is no program '%s'; Debian's package "
			"qemu-system-x86 has qemu-system-x86_64, and --qemu names another one",
			what, program ? program : DEFAULT_PROGRAM);
	rc = ask_for_version(peer, group, &line, e);
	if (rc != 0)
		return rc;
	shorten_version(&line);
	(void)cleantext_copy(version, sizeof(version), line.text, false);
	used = (size_t)snprintf(peer->words, sizeof(peer->words), "%s:", version);
	for (const char *const *word = machine_words[peer->machine];
	     *word && used < sizeof(peer->words); word++)
		used += (size_t)snprintf(peer->words + used, sizeof(peer->words) - used, " %s",
					 *word);
	return 0;
}

/*
 * --- a run --------------------------------------------------------------------------------------
 */

struct command {
	const char *word[WORDS_MAX + 16];
	size_t words;
	char ram[NUMBER_BYTES], cpus[NUMBER_BYTES];
};

static void add(struct command *command, const char *option, const char *value)
{
	command->word[command->words++] = option;
	command->word[command->words++] = value;
}

static void make_command(struct command *c, const struct peer *peer, const struct peer_guest *guest)
{
	c->word[c->words++] = DEFAULT_PROGRAM;
	for (const char *const *word = machine_words[peer->machine]; *word; word++)
		c->word[c->words++] = *word;
	(void)snprintf(c->ram, sizeof(c->ram), "%" PRIu64 "K", guest->ram_bytes >> 10);
	add(c, "-m", c->ram);
	(void)snprintf(c->cpus, sizeof(c->cpus), "%u", guest->cpus);
	if (guest->cpus > 1)
		add(c, "-smp", c->cpus);
	add(c, "-kernel", guest->kernel);
	if (guest->initrd)
		add(c, "-initrd", guest->initrd);
	add(c, "-append", guest->append);
	c->word[c->words++] = "-no-reboot";
	c->word[c->words] = NULL;
}

static void judge(struct peer_result *to, const struct child_result *from,
		  const struct peer_guest *guest)
{
	to->interrupted = from->interrupted;
	to->started_ns = from->started_ns;
	to->ended_well = to->signs.until_ns != 0;
	if (to->ended_well)
		return;
	if (from->timed_out)
		(void)snprintf(to->ending, sizeof(to->ending),
			       "not there after %.3g s, the time limit",
			       (double)guest->limit_ns / 1e9);
	else
		(void)snprintf(to->ending, sizeof(to->ending),
			       "QEMU ended with status %d before -until matched%s%s", from->status,
			       *from->said ? ": " : "", from->said);
}

int peer_run(const struct peer *peer, const struct peer_guest *guest, struct child_group *group,
	     struct peer_result *result, struct err *e)
{
	struct command command = { .words = 0 };
	const struct child_request request = {
		.program = peer->program,
		.option = (char *const *)(uintptr_t)command.word,
		.hear = bootsigns_hear,
		.ctx = &result->signs,
		.at_once = true,
		.stranger = true,
		.limit_ns = guest->limit_ns,
	};
	struct child_result ended;
	size_t number;
	int rc;

	(void)memset(result, 0, sizeof(*result));
	bootsigns_init(&result->signs, guest->uptime, guest->until);
	make_command(&command, peer, guest);
	rc = child_group_start(group, &request, 0, e);
	if (rc == 0)
		rc = child_group_wait(group, &number, &ended, e);
	if (rc < 0)
		return rc;
	child_finish(&ended);
	bootsigns_end(&result->signs);
	judge(result, &ended, guest);
	return 0;
}
