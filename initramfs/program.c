/* SPDX-License-Identifier: MIT */
#include "initramfs/program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "initramfs/cpio.h"

/* How a program came to be started. */
struct start {
	const char *role;
	int scripts; /* that led here, each the interpreter's of the one before */
	int starts;
};

static int pack(struct program *p, struct spot *file, const struct start *start, struct err *e);

/* -- Finding -- */

/* 1: what the path will mean is there, *st tells what it is; 0: it is not; or -errno. */
static int look(struct program *p, const struct spot *file, struct stat *st)
{
	char host[PATH_MAX];

	if (manifest_see(p->libraries->manifest, file, host) < 0)
		return 0;
	if (stat(host, st) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

/*
 * Looks for a name in a list of folders, as execvp(3) does. 1: *file is the first that can be
 * executed or, if none can, the first that is a file; 0: there is none.
 */
static int search(struct program *p, const char *list, const char *name, struct spot *file)
{
	int found = 0;

	for (const char *at = list; at;) {
		size_t n = strcspn(at, ":");
		char folder[PATH_MAX] = ".";
		struct spot spot;
		struct stat st;
		struct err ignored;

		if (n > 0 && n < sizeof(folder))
			(void)snprintf(folder, sizeof(folder), "%.*s", (int)n, at);
		at = at[n] ? at + n + 1 : NULL;
		if (n >= sizeof(folder) ||
		    spot_in(&spot, p->libraries->here, folder, &ignored) < 0 ||
		    spot_in(&spot, &spot, name, &ignored) < 0 || look(p, &spot, &st) != 1 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (!found || (st.st_mode & 0111))
			*file = spot;
		if (st.st_mode & 0111)
			return 1;
		found = 1;
	}
	return found;
}

static const char *path_of_host(const struct program *p)
{
	return p->host_path && *p->host_path ? p->host_path : PROGRAM_GUEST_PATH;
}

/* 1: *file is where it is; 0: it is not on the host; or -errno with *e. */
static int find(struct program *p, struct spot *file, struct err *e)
{
	struct stat st;
	int rc;

	if (!strchr(p->typed, '/'))
		return search(p, path_of_host(p), p->typed, file);
	rc = spot_in(file, p->libraries->here, p->typed, e);
	if (rc < 0)
		return rc;
	rc = look(p, file, &st);
	return rc < 0 ? err_sys(e, -rc, "program %s: cannot be used", p->typed) : rc;
}

/* -- Scripts -- */

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

static const char *word_end(const char *at, const char *end)
{
	while (at < end && *at != ' ' && *at != '\t' && *at != '\0')
		at++;
	return at;
}

static void copy(char to[PROGRAM_HEAD_BYTES], const char *from, const char *end)
{
	size_t n = strnlen(from, (size_t)(end - from));

	memcpy(to, from, n);
	to[n] = '\0';
}

/*
 * The line ends with a newline. If there is none in what the kernel looks at, the argument may be
 * cut off, for the interpreter reads the script by itself, but the interpreter's name may not.
 */
bool program_parse_script(const char *head, size_t size_bytes, char interpreter[PROGRAM_HEAD_BYTES],
			  char argument[PROGRAM_HEAD_BYTES])
{
	const char *text = head + strlen("#!"), *end, *name, *behind;
	bool whole;

	if (size_bytes < strlen("#!") || memcmp(head, "#!", strlen("#!")) != 0)
		return false;
	end = memchr(text, '\n', size_bytes - strlen("#!"));
	whole = end || size_bytes < PROGRAM_HEAD_BYTES;
	if (!end)
		end = head + (whole ? size_bytes : PROGRAM_HEAD_BYTES - 1);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t')) {
		end--;
		whole = true;
	}
	name = skip_blanks(text, end);
	behind = word_end(name, end);
	if (name == behind || (behind == end && !whole))
		return false;
	copy(interpreter, name, behind);
	copy(argument, skip_blanks(behind, end), end);
	return true;
}

/*
 * What env(1) will look for: the argument, or with -S its first word that is neither an option nor
 * a variable. False: nothing that could be told.
 */
static bool env_name(const char *argument, char name[PROGRAM_HEAD_BYTES])
{
	static const char split[] = "--split-string=";
	const char *end = argument + strlen(argument), *at = argument;
	bool is_split = true;

	if (strncmp(at, "-S", 2) == 0)
		at += 2;
	else if (strncmp(at, split, strlen(split)) == 0)
		at += strlen(split);
	else
		is_split = false;
	if (!is_split) {
		strcpy(name, argument);
		return *name && *name != '-' && !strchr(name, '=');
	}
	for (at = skip_blanks(at, end); at < end; at = skip_blanks(word_end(at, end), end)) {
		copy(name, at, word_end(at, end));
		if (*name != '-' && !strchr(name, '='))
			return true;
	}
	return false;
}

static bool is_in_list(const char *list, const char *folder)
{
	size_t n = strlen(folder);

	for (const char *at = list; at; at = strchr(at, ':')) {
		at += *at == ':';
		if (strncmp(at, folder, n) == 0 && (at[n] == '\0' || at[n] == ':'))
			return true;
	}
	return false;
}

/* Brings what env will start. What is not there is for env to complain about. */
static int pack_for_env(struct program *p, const char *argument, const struct start *from,
			struct err *e)
{
	struct start start = { .role = "program", .starts = from->starts + 1 };
	char name[PROGRAM_HEAD_BYTES];
	struct spot file, folder;
	struct stat st;

	if (!env_name(argument, name))
		return 0;
	if (strchr(name, '/')) {
		if (spot_in(&file, p->libraries->here, name, e) < 0)
			return -e->code;
	} else if (search(p, path_of_host(p), name, &file) == 1) {
		spot_folder(&folder, &file);
		if (spot_normal(folder.host, folder.guest) == 0 && !*p->folder &&
		    !is_in_list(PROGRAM_GUEST_PATH, folder.host))
			strcpy(p->folder, folder.host);
	} else {
		return 0;
	}
	if (start.starts > PROGRAM_STARTS_MAX)
		return err_set(e, ELOOP, "program %s: more than %d scripts start each other by env",
			       file.host, PROGRAM_STARTS_MAX);
	return look(p, &file, &st) == 1 ? pack(p, &file, &start, e) : 0;
}

static bool is_env(const char *interpreter)
{
	const char *slash = strrchr(interpreter, '/');

	return strcmp(slash ? slash + 1 : interpreter, "env") == 0;
}

static int refuse_interpreter(const struct spot *script, const char *name, const struct start *from,
			      struct err *e)
{
	size_t n = strlen(name);

	if (n && name[n - 1] == '\r')
		return err_set(e, ENOENT,
			       "%s %s: its first line ends with CR LF, so its interpreter would be "
			       "'%s'; give it lines that end with LF",
			       from->role, script->host, name);
	return err_set(e, ENOENT,
		       "%s %s: its first line names the interpreter %s, which is not on this host",
		       from->role, script->host, name);
}

static int pack_script(struct program *p, const struct spot *script, const char *head,
		       size_t size_bytes, const struct start *from, struct err *e)
{
	struct start start = { "interpreter", from->scripts + 1, from->starts };
	char interpreter[PROGRAM_HEAD_BYTES], argument[PROGRAM_HEAD_BYTES];
	struct spot file;
	struct stat st;
	int rc;

	if (!program_parse_script(head, size_bytes, interpreter, argument))
		return err_set(e, ENOEXEC,
			       "%s %s: its first line names no interpreter behind #! within %d "
			       "bytes",
			       from->role, script->host, PROGRAM_HEAD_BYTES);
	if (start.scripts > PROGRAM_SCRIPTS_MAX)
		return err_set(e, ELOOP,
			       "%s %s: is a script for a script, and so on; Linux follows %d",
			       from->role, script->host, PROGRAM_SCRIPTS_MAX);
	rc = spot_in(&file, p->libraries->here, interpreter, e);
	if (rc < 0)
		return rc;
	if (look(p, &file, &st) != 1)
		return p->has_initrd ? 0 : refuse_interpreter(script, interpreter, from, e);
	rc = pack(p, &file, &start, e);
	return rc == 0 && is_env(interpreter) ? pack_for_env(p, argument, &start, e) : rc;
}

/* -- Packing -- */

static int pack_elf(struct program *p, const struct spot *file, const struct input_file *input,
		    struct err *e)
{
	struct elfneeds needs;
	int rc = elfneeds_read(&needs, input, e);

	if (rc < 0)
		return rc;
	if (!needs.interpreter && !needs.has_entry) {
		elfneeds_finish(&needs);
		return err_set(e, ENOEXEC,
			       "%s %s: is a shared library (no PT_INTERP, and e_entry is 0); a "
			       "program is needed",
			       input->what, input->path);
	}
	return libraries_pack(p->libraries, file, &needs, e);
}

static int pack_by_kind(struct program *p, const struct spot *file, const struct input_file *input,
			const struct start *start, struct err *e)
{
	char head[PROGRAM_HEAD_BYTES + 1] = { 0 };
	size_t n = input->size_bytes < PROGRAM_HEAD_BYTES ? (size_t)input->size_bytes
							  : PROGRAM_HEAD_BYTES;
	int rc = file_read(input, 0, head, n, e);

	if (rc < 0)
		return rc;
	if (elfneeds_is_elf(head, n))
		return pack_elf(p, file, input, e);
	if (memcmp(head, "#!", strlen("#!")) == 0)
		return pack_script(p, file, head, n, start, e);
	return err_set(e, ENOEXEC,
		       "%s %s: %s; an ELF program or a script that begins with #! is needed",
		       start->role, file->host,
		       n == 0 ? "is empty" : "is neither an ELF file nor begins with #!");
}

/* Brings a file that is to be executed, with its needs. *file becomes where it is and will be. */
static int pack(struct program *p, struct spot *file, const struct start *start, struct err *e)
{
	struct input_file input;
	struct stat st;
	int rc = manifest_place(p->libraries->manifest, file, start->role, e);

	if (rc < 0)
		return rc;
	rc = file_open(&input, start->role, file->host, CPIO_FILE_MAX_BYTES, e);
	if (rc < 0)
		return rc;
	if (fstat(input.fd, &st) < 0)
		rc = err_sys(e, errno, "%s %s: cannot be examined", start->role, file->host);
	else if (!(st.st_mode & 0111))
		rc = err_set(e, EACCES, "%s %s: is not executable (its mode is %04o); chmod +x it",
			     start->role, file->host, st.st_mode & 07777);
	else
		rc = pack_by_kind(p, file, &input, start, e);
	file_close(&input);
	return rc;
}

static int leave_to_guest(struct program *p, struct err *e)
{
	if (strlen(p->typed) >= sizeof(p->path))
		return err_sys(e, ENAMETOOLONG, "program %.60s...", p->typed);
	strcpy(p->path, p->typed);
	return 0;
}

static int refuse(const struct program *p, struct err *e)
{
	if (strchr(p->typed, '/'))
		return err_set(e, ENOENT,
			       "program %s: there is no such file; give the path of one, or an "
			       "-initrd that has it",
			       p->typed);
	return err_set(
		e, ENOENT,
		"program %s: is in no folder of PATH (%s); give its path, or an -initrd that "
		"has it",
		p->typed, path_of_host(p));
}

/* With a slash and without `..` as it was typed, so that $0 of a script is what it is here. */
static int set_path(struct program *p, const struct spot *file, struct err *e)
{
	if (strchr(p->typed, '/') && !strstr(p->typed, ".."))
		return leave_to_guest(p, e);
	(void)spot_normal(p->path, file->guest);
	return 0;
}

int program_pack(struct program *program, struct err *e)
{
	struct start start = { .role = "program" };
	struct spot file;
	int rc;

	program->path[0] = program->folder[0] = '\0';
	if (!*program->typed)
		return err_set(e, EINVAL, "program '': its name is empty; say what to run");
	rc = find(program, &file, e);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return program->has_initrd ? leave_to_guest(program, e) : refuse(program, e);
	rc = set_path(program, &file, e);
	return rc == 0 ? pack(program, &file, &start, e) : rc;
}
