/* SPDX-License-Identifier: MIT */
/*
 * Where the serial line leads: the option's words with QEMU's meanings, and each kind opened for
 * real. Writes never block, what nobody reads is dropped only where there is no cable, and what
 * belongs to others (the description behind stdout, a file at a socket's path) is left alone.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/chardev.h"

static struct chardev dev;
static struct chardev_spec spec;
static struct err e;
static char folder[64], path[100], word[200];

static void setup(void)
{
	const char *tmp = getenv("TMPDIR");

	(void)signal(SIGPIPE, SIG_IGN); /* as the supervisor does */
	(void)snprintf(folder, sizeof(folder), "%.40s/tvmm-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/it", folder);
}

static void teardown(void)
{
	chardev_close(&dev);
	(void)unlink(path);
	(void)rmdir(folder);
}

static void parse(const char *text)
{
	ck_assert_msg(chardev_parse(text, &spec, &e) == 0, "%s: %s", text, e.text);
}

/* kind:PATH and what may follow it. */
static void parse_with_path(const char *kind, const char *behind)
{
	(void)snprintf(word, sizeof(word), "%s%s%s", kind, path, behind);
	parse(word);
}

static void open_it(void)
{
	int rc = chardev_open(&dev, &spec, &e);

	ck_assert_msg(rc == 0, "%s", e.text);
}

static void write_all(const char *text)
{
	ck_assert_int_eq(chardev_write(&dev, (const uint8_t *)text, strlen(text)),
			 (long)strlen(text));
}

/* Exactly this waits at fd. */
static void expect(int fd, const char *text)
{
	char got[100] = "";
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 2000), 1);
	ck_assert_int_eq(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(text));
	ck_assert_str_eq(got, text);
}

static bool blocks(int fd)
{
	return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* The option's value. */

START_TEST(words)
{
	static const struct {
		const char *text;
		enum chardev_kind kind;
	} plain[] = {
		{ "stdio", CHARDEV_STDIO },
		{ "mon:stdio", CHARDEV_MON_STDIO },
		{ "null", CHARDEV_NULL },
		{ "pty", CHARDEV_PTY },
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		parse(plain[i].text);
		ck_assert_int_eq(spec.kind, plain[i].kind);
		ck_assert_ptr_null(spec.path);
	}
	parse("file:a,b=c"); /* a file's name may have commas */
	ck_assert_int_eq(spec.kind, CHARDEV_FILE);
	ck_assert_str_eq(spec.path, "a,b=c");
	ck_assert_int_eq(spec.path_bytes, 5);
}
END_TEST

START_TEST(words_of_sockets)
{
	static const struct {
		const char *text;
		bool server, wait;
	} forms[] = {
		{ "unix:/s", false, true },
		{ "unix:/s,server", true, true },
		{ "unix:/s,server=on", true, true },
		{ "unix:/s,server=off", false, true },
		{ "unix:/s,server,nowait", true, false },
		{ "unix:/s,server=on,wait=off", true, false },
		{ "unix:/s,wait=off,server=on", true, false },
		{ "unix:/s,server,wait", true, true },
		{ "unix:/s,server=on,wait=on", true, true },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		parse(forms[i].text);
		ck_assert_int_eq(spec.kind, CHARDEV_UNIX);
		ck_assert_int_eq(spec.path_bytes, 2);
		ck_assert_int_eq(strncmp(spec.path, "/s", 2), 0);
		ck_assert_msg(spec.server == forms[i].server && spec.wait == forms[i].wait, "%s",
			      forms[i].text);
	}
}
END_TEST

START_TEST(no_such_words)
{
	static const char *const bad[] = {
		"",
		"none",
		"stdio ",
		"stdiox",
		"stdio,x",
		"Null",
		"file",
		"file:",
		"unix",
		"unix:",
		"unix:,server",
		"mon:",
		"vc",
		"mon:stdio:",
		"tcp:1.2.3.4:5",
		"/dev/tty",
		"unix:/s,",
		"unix:/s,bogus",
		"pty:",
		"unix:/s,server=maybe",
		"unix:/s,,server",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(chardev_parse(bad[i], &spec, &e) == -EINVAL, "%s", bad[i]);
		ck_assert_ptr_nonnull(strstr(e.text, "-serial"));
	}
	(void)chardev_parse("stdoo", &spec, &e);
	ck_assert_ptr_nonnull(strstr(e.text, "did you mean 'stdio'?"));
	(void)chardev_parse("unix:/s,bogus", &spec, &e);
	ck_assert_ptr_nonnull(strstr(e.text, "'bogus'"));
	(void)chardev_parse("file:", &spec, &e);
	ck_assert_ptr_nonnull(strstr(e.text, "path"));
}
END_TEST

/* Opened for real. */

START_TEST(null_takes_everything)
{
	static const uint8_t much[100000];

	parse("null");
	open_it();
	ck_assert_int_eq(dev.in_fd, -1);
	ck_assert(!chardev_connected(&dev));
	ck_assert_int_eq(chardev_write(&dev, much, sizeof(much)), (long)sizeof(much));
}
END_TEST

START_TEST(file_is_written)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_eq(write(fd, "old and longer", 14), 14);
	(void)close(fd);
	parse_with_path("file:", "");
	open_it();
	ck_assert_int_eq(dev.in_fd, -1);
	write_all("one\n");
	write_all("two\n");
	fd = open(path, O_RDONLY);
	expect(fd, "one\ntwo\n");
	(void)close(fd);
}
END_TEST

START_TEST(file_that_cannot_be)
{
	parse("file:/nonexistent/folder/f");
	ck_assert_int_eq(chardev_open(&dev, &spec, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "/nonexistent/folder/f"));
	parse("file:/");
	ck_assert_int_eq(chardev_open(&dev, &spec, &e), -EISDIR);
	/* A FIFO that nobody reads is refused, not waited for. */
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	parse_with_path("file:", "");
	ck_assert_int_eq(chardev_open(&dev, &spec, &e), -ENXIO);
}
END_TEST

START_TEST(full_disk)
{
	parse("file:/dev/full");
	open_it();
	ck_assert_int_eq(chardev_write(&dev, (const uint8_t *)"x", 1), -ENOSPC);
}
END_TEST

/*
 * stdout as a pipe: fills up, goes on, breaks. The description is shared with whoever started us,
 * so O_NONBLOCK must not be set on it.
 */
static int saved_stdout, pipe_ends[2];

static void stdout_is(int fd)
{
	saved_stdout = dup(STDOUT_FILENO);
	ck_assert_int_ge(saved_stdout, 0);
	ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
}

static void stdout_is_back(void)
{
	(void)dup2(saved_stdout, STDOUT_FILENO);
	(void)close(saved_stdout);
}

static size_t fill(void)
{
	static uint8_t bytes[5000];
	size_t sum = 0;
	long n;

	while ((n = chardev_write(&dev, bytes, sizeof(bytes))) > 0)
		sum += (size_t)n;
	ck_assert_int_eq(n, 0);
	return sum;
}

static size_t empty(int fd)
{
	static uint8_t bytes[5000];
	size_t sum = 0;
	ssize_t n;

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		sum += (size_t)n;
	return sum;
}

static void check_pipe(void)
{
	size_t taken;

	write_all("ABC");
	expect(pipe_ends[0], "ABC");
	taken = fill();
	ck_assert_uint_gt(taken, 0);
	ck_assert(blocks(pipe_ends[1]));
	ck_assert_uint_eq(empty(pipe_ends[0]), taken);
	ck_assert_int_gt(chardev_write(&dev, (const uint8_t *)"more", 4), 0);
	(void)close(pipe_ends[0]);
	ck_assert_int_eq(chardev_write(&dev, (const uint8_t *)"x", 1), -EPIPE);
}

START_TEST(stdout_is_a_pipe)
{
	ck_assert_int_eq(pipe(pipe_ends), 0);
	stdout_is(pipe_ends[1]);
	parse("stdio");
	open_it();
	ck_assert_int_eq(dev.in_fd, STDIN_FILENO);
	check_pipe();
	chardev_close(&dev);
	ck_assert_int_ge(fcntl(STDOUT_FILENO, F_GETFD), 0); /* not ours to close */
	stdout_is_back();
}
END_TEST

/* Where no description of our own can be had: a byte at a time, and only after asking. */
START_TEST(stdout_that_cannot_be_reopened)
{
	ck_assert_int_eq(pipe(pipe_ends), 0);
	dev = (struct chardev){ .kind = CHARDEV_STDIO,
				.in_fd = -1,
				.out_fd = pipe_ends[1],
				.listen_fd = -1,
				.one_byte_writes = true };
	for (const char *p = "ABC"; *p; p++)
		ck_assert_int_eq(chardev_write(&dev, (const uint8_t *)p, strlen(p)), 1);
	expect(pipe_ends[0], "ABC");
	ck_assert_uint_gt(fill(), 0);
	(void)close(pipe_ends[0]);
	ck_assert_int_eq(chardev_write(&dev, (const uint8_t *)"x", 1), -EPIPE);
}
END_TEST

START_TEST(stdout_is_a_file)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	ck_assert_int_eq(write(fd, "before ", 7), 7);
	stdout_is(fd);
	parse("stdio");
	open_it();
	write_all("guest ");
	ck_assert_int_eq(write(fd, "after", 5), 5); /* one offset for all who share it */
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	expect(fd, "before guest after");
	ck_assert(blocks(fd));
	chardev_close(&dev);
	stdout_is_back();
	(void)close(fd);
}
END_TEST

START_TEST(stdout_is_a_socket)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pipe_ends), 0);
	stdout_is(pipe_ends[1]);
	parse("mon:stdio");
	open_it();
	check_pipe();
	chardev_close(&dev);
	stdout_is_back();
}
END_TEST

START_TEST(pseudo_terminal)
{
	struct termios settings;
	int user;

	parse("pty");
	open_it();
	ck_assert(!chardev_connected(&dev));
	write_all("nobody is there"); /* dropped, as on a line without a cable */
	user = open(dev.name, O_RDWR | O_NOCTTY);
	ck_assert_int_ge(user, 0);
	ck_assert(chardev_connected(&dev));
	ck_assert_int_eq(tcgetattr(user, &settings), 0);
	ck_assert_uint_eq(settings.c_lflag & (ICANON | ECHO | ISIG), 0);
	ck_assert_uint_eq(settings.c_oflag & OPOST, 0);
	write_all("login: ");
	expect(user, "login: ");
	ck_assert_int_eq(write(user, "\003root\r", 6), 6);
	expect(dev.in_fd, "\003root\r");
	ck_assert_uint_gt(fill(), 0); /* never blocks */
	(void)close(user);
	ck_assert(!chardev_connected(&dev));
	write_all("again nobody");
}
END_TEST

static int call(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

START_TEST(server_and_its_peers)
{
	int peer;

	parse_with_path("unix:", ",server=on,wait=off");
	open_it();
	ck_assert_int_ge(dev.listen_fd, 0);
	ck_assert_int_eq(dev.in_fd, -1);
	ck_assert(!chardev_connected(&dev));
	write_all("nobody is there");
	for (int round = 0; round < 3; round++) {
		peer = call();
		chardev_accept(&dev);
		ck_assert(chardev_connected(&dev));
		write_all("hello");
		expect(peer, "hello");
		ck_assert_int_eq(write(peer, "you", 3), 3);
		expect(dev.in_fd, "you");
		(void)close(peer);
		write_all("to nobody"); /* finds out that it has gone: no error, no SIGPIPE */
		ck_assert(!chardev_connected(&dev));
		ck_assert_int_eq(dev.in_fd, -1);
	}
	peer = call();
	chardev_accept(&dev);
	ck_assert_uint_gt(fill(), 0);
	ck_assert(chardev_connected(&dev));
	chardev_hang_up(&dev); /* the supervisor saw the end of its input */
	ck_assert(!chardev_connected(&dev));
	ck_assert_int_ge(dev.listen_fd, 0);
	(void)close(peer);
}
END_TEST

START_TEST(left_behind_and_other_peoples)
{
	struct stat st;
	int fd;

	parse_with_path("unix:", ",server,nowait");
	open_it();
	chardev_close(&dev); /* the socket's name stays, as after a kill */
	ck_assert_int_eq(lstat(path, &st), 0);
	open_it();
	chardev_close(&dev);

	ck_assert_int_eq(unlink(path), 0);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert_int_eq(chardev_open(&dev, &spec, &e), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(e.text, path));
	ck_assert_int_eq(dev.listen_fd, -1);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), peer;

	parse_with_path("unix:", "");
	ck_assert_int_eq(chardev_open(&dev, &spec, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, path));
	ck_assert_ptr_nonnull(strstr(e.text, "server=on"));
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(chardev_open(&dev, &spec, &e), -ECONNREFUSED);
	ck_assert_int_eq(listen(server, 1), 0);
	open_it();
	peer = accept(server, NULL, NULL);
	write_all("hello");
	expect(peer, "hello");
	ck_assert_int_eq(write(peer, "you", 3), 3);
	expect(dev.in_fd, "you");
	(void)close(peer);
	(void)close(server);
}
END_TEST

START_TEST(socket_names_have_an_end)
{
	char text[160] = "unix:/tmp/";
	size_t limit = sizeof(((struct sockaddr_un *)NULL)->sun_path); /* NUL included */

	memset(text + 10, 'x', sizeof(text) - 11);
	for (size_t length = limit - 1; length <= limit + 1; length++) {
		char c = text[5 + length];
		int rc;

		text[5 + length] = '\0';
		parse(text);
		rc = chardev_open(&dev, &spec, &e);
		ck_assert_int_eq(rc, length < limit ? -ENOENT : -ENAMETOOLONG);
		text[5 + length] = c;
	}
}
END_TEST

START_TEST(closing_twice)
{
	parse_with_path("file:", "");
	open_it();
	chardev_close(&dev);
	chardev_close(&dev);
	ck_assert_int_eq(dev.out_fd, -1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		words,
		words_of_sockets,
		no_such_words,
		null_takes_everything,
		file_is_written,
		file_that_cannot_be,
		full_disk,
		stdout_is_a_pipe,
		stdout_that_cannot_be_reopened,
		stdout_is_a_file,
		stdout_is_a_socket,
		pseudo_terminal,
		server_and_its_peers,
		left_behind_and_other_peoples,
		client,
		socket_names_have_an_end,
		closing_twice,
	};
	Suite *suite = suite_create("chardev");
	TCase *tcase = tcase_create("chardev");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
