/* SPDX-License-Identifier: MIT */
/*
 * Uses what ordinary programs ask of a kernel, one thing a run, and says what it got: a line
 * "NAME ok", or why not. tests/boot/usable_cases runs it in a guest.
 *
 *	useprog threads     four of them, a mutex, a condition: futexes
 *	useprog events      epoll with eventfd, timerfd and signalfd in it
 *	useprog signals     a handler on its own stack, an interval timer, a child's end
 *	useprog memory      shared memory: POSIX, memfd, System V, and a parent's with its child
 *	useprog files       a lock that a second descriptor does not get, inotify
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 2000, WORD = 0x6d6d7674 };

/* What failed first, and errno's word for it. */
static int no(const char *what)
{
	(void)printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t turned;
	unsigned int turn, count;
} shared = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };

/* Each waits for its turn, so that every round is a wait and a wake-up. */
static void *take_turns(void *argument)
{
	unsigned int mine = (unsigned int)(uintptr_t)argument;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		(void)pthread_mutex_lock(&shared.mutex);
		while (shared.turn != mine)
			(void)pthread_cond_wait(&shared.turned, &shared.mutex);
		shared.turn = (mine + 1) % THREADS;
		shared.count++;
		(void)pthread_cond_broadcast(&shared.turned);
		(void)pthread_mutex_unlock(&shared.mutex);
	}
	return NULL;
}

static int threads(void)
{
	pthread_t thread[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++) {
		errno = pthread_create(&thread[i], NULL, take_turns, (void *)i);
		if (errno)
			return no("pthread_create");
	}
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(thread[i], NULL);
	errno = 0;
	return shared.count == THREADS * ROUNDS ? 0 : no("turns were lost");
}

static int add(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int events(void)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 5000000 };
	int epoll = epoll_create1(EPOLL_CLOEXEC), event = eventfd(0, 0);
	int timer = timerfd_create(CLOCK_MONOTONIC, 0), signals;
	struct epoll_event got[3];
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, 0);
	if (epoll < 0 || event < 0 || timer < 0 || signals < 0)
		return no("epoll, eventfd, timerfd, signalfd");
	if (add(epoll, event) < 0 || add(epoll, timer) < 0 || add(epoll, signals) < 0)
		return no("epoll_ctl");
	if (epoll_wait(epoll, got, 3, 0) != 0)
		return no("something happened already");
	if (timerfd_settime(timer, 0, &soon, NULL) < 0 || eventfd_write(event, 1) < 0 ||
	    kill(getpid(), SIGUSR1) < 0)
		return no("timerfd_settime, eventfd_write, kill");
	(void)usleep(50000);
	return epoll_wait(epoll, got, 3, 1000) == 3 ? 0 : no("not all three happened");
}

static volatile sig_atomic_t alarms, elsewhere;
static char other_stack[65536];

static void on_alarm(int signal)
{
	char here;

	(void)signal;
	alarms++;
	elsewhere = &here >= other_stack && &here < other_stack + sizeof(other_stack);
}

static int signals(void)
{
	const stack_t stack = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) };
	const struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_ONSTACK };
	const struct itimerval often = { { 0, 10000 }, { 0, 10000 } };
	int status;
	pid_t child;

	if (sigaltstack(&stack, NULL) < 0 || sigaction(SIGALRM, &action, NULL) < 0 ||
	    setitimer(ITIMER_REAL, &often, NULL) < 0)
		return no("sigaltstack, sigaction, setitimer");
	while (alarms < 3)
		(void)pause();
	if (!elsewhere)
		return no("the handler did not run on its own stack");
	child = fork();
	if (child == 0)
		for (;;)
			(void)pause();
	(void)kill(child, SIGTERM);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? 0 : no("the child's end");
}

/* A child writes the word where the parent can see it. */
static int write_in_child(uint32_t *word, const char *what)
{
	pid_t child;

	if (word == MAP_FAILED)
		return no(what);
	child = fork();
	if (child == 0) {
		*word = WORD;
		_exit(0);
	}
	(void)waitpid(child, NULL, 0);
	return *word == WORD ? 0 : no(what);
}

static uint32_t *map(int fd, int flags)
{
	if (fd >= 0 && ftruncate(fd, 4096) < 0)
		return MAP_FAILED;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);
}

static int memory(void)
{
	int posix = shm_open("/useprog", O_RDWR | O_CREAT, 0600),
	    memfd = memfd_create("useprog", 0);
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);

	if (posix < 0 || memfd < 0 || id < 0)
		return no(posix < 0 ? "shm_open" : memfd < 0 ? "memfd_create" : "shmget");
	return write_in_child(map(-1, MAP_ANONYMOUS), "an anonymous mapping") ||
	       write_in_child(map(posix, 0), "POSIX shared memory") ||
	       write_in_child(map(memfd, 0), "a memfd") ||
	       write_in_child(shmat(id, NULL, 0), "System V shared memory");
}

static int files(void)
{
	int first = open("/tmp/lock", O_RDWR | O_CREAT, 0600), second = open("/tmp/lock", O_RDWR);
	struct pollfd watch = { .fd = inotify_init1(IN_NONBLOCK), .events = POLLIN };

	if (first < 0 || second < 0)
		return no("/tmp/lock");
	if (flock(first, LOCK_EX) < 0)
		return no("flock");
	if (flock(second, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return no("a second lock");
	if (watch.fd < 0 || inotify_add_watch(watch.fd, "/tmp", IN_CREATE) < 0)
		return no("inotify");
	if (mkdir("/tmp/made", 0700) < 0)
		return no("/tmp/made");
	return poll(&watch, 1, 1000) == 1 ? 0 : no("inotify saw nothing");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*use)(void);
	} thing[] = {
		{ "threads", threads }, { "events", events }, { "signals", signals },
		{ "memory", memory },   { "files", files },
	};

	for (size_t i = 0; i < sizeof(thing) / sizeof(thing[0]); i++) {
		if (argc != 2 || strcmp(argv[1], thing[i].name) != 0)
			continue;
		if (thing[i].use() != 0)
			return 1;
		(void)printf("%s ok\n", argv[1]);
		return 0;
	}
	return 2;
}
