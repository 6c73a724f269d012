/* SPDX-License-Identifier: MIT */
/*
 * What tests/boot/program_cases runs in a guest: says, ends, dies as it is told.
 *
 *	guestprog exit N            ends with that status
 *	guestprog kill N            sends itself that signal
 *	guestprog say OUT ERR       writes the two texts to stdout and stderr
 *	guestprog flood BYTES       writes so many bytes to stdout, every value in no simple order
 *	guestprog copy              stdin to stdout, to its end
 *	guestprog args ...          its arguments, working directory and environment, a line each
 *	guestprog greet             what a shared library says (built with -DWITH_LIBRARY)
 *	guestprog orphan TEXT       a child says it, after its parent has ended
 *	guestprog forge HEX         writes those bytes to /dev/ttyS0, which is not its to write to
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef WITH_LIBRARY
const char *greeting(void);
#else
static const char *greeting(void)
{
	return "no library here";
}
#endif

extern char **environ;

static int write_all(int fd, const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count) {
		ssize_t n = write(fd, at, count);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 1;
		at += n;
		count -= (size_t)n;
	}
	return 0;
}

static int flood(size_t bytes)
{
	uint32_t state = 1;

	while (bytes) {
		uint8_t block[4096];
		size_t count = bytes < sizeof(block) ? bytes : sizeof(block);

		for (size_t i = 0; i < count; i++) {
			state = state * 1664525 + 1013904223;
			block[i] = (uint8_t)(state >> 24);
		}
		if (write_all(STDOUT_FILENO, block, count))
			return 1;
		bytes -= count;
	}
	return 0;
}

static int copy(void)
{
	char block[1000];
	ssize_t n;

	while ((n = read(STDIN_FILENO, block, sizeof(block))) > 0) {
		if (write_all(STDOUT_FILENO, block, (size_t)n))
			return 1;
	}
	return n < 0;
}

static int args(int argc, char **argv)
{
	char directory[4096];

	for (int i = 0; i < argc; i++)
		(void)printf("argument %d %s\n", i, argv[i]);
	(void)printf("directory %s\n", getcwd(directory, sizeof(directory)) ? directory : "none");
	for (char **e = environ; *e; e++)
		(void)printf("environment %s\n", *e);
	return 0;
}

static int orphan(const char *text)
{
	if (fork() == 0) {
		(void)usleep(200000);
		(void)write_all(STDOUT_FILENO, text, strlen(text));
		_exit(0);
	}
	return 0;
}

static int forge(const char *hex)
{
	int fd = open("/dev/ttyS0", O_WRONLY | O_NOCTTY);
	unsigned int byte;

	for (; fd >= 0 && sscanf(hex, "%2x", &byte) == 1; hex += 2) {
		uint8_t b = (uint8_t)byte;

		if (write_all(fd, &b, 1))
			return 1;
	}
	(void)sleep(5);
	return 7;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *value = argc > 2 ? argv[2] : "";

	if (strcmp(what, "exit") == 0)
		return atoi(value);
	if (strcmp(what, "kill") == 0)
		return kill(getpid(), atoi(value)) < 0 ? 1 : 2;
	if (strcmp(what, "say") == 0)
		return write_all(1, value, strlen(value)) ||
		       write_all(2, argv[3] ? argv[3] : "", argv[3] ? strlen(argv[3]) : 0);
	if (strcmp(what, "flood") == 0)
		return flood(strtoul(value, NULL, 10));
	if (strcmp(what, "copy") == 0)
		return copy();
	if (strcmp(what, "args") == 0)
		return args(argc, argv);
	if (strcmp(what, "greet") == 0)
		return puts(greeting()) < 0;
	if (strcmp(what, "orphan") == 0)
		return orphan(value);
	if (strcmp(what, "forge") == 0)
		return forge(value);
	return 99;
}
