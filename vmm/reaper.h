/* SPDX-License-Identifier: MIT */
/*
 * The end at once: whoever waits for tvmm waits for its process, and to close a VM takes KVM tens of
 * milliseconds of waiting for grace periods (kvm_destroy_vm(), mmu_notifier_release()). They are part
 * of the exit of the last process that has the VM. So another one is made last of all, the reaper:
 * it shares memory and descriptors, does nothing but wait for our end, and ends. The kernel closes
 * the VM then, while our status has been told.
 *
 * What is visible of it:
 *
 *	descriptors	all are closed before our end, those that were inherited too: readers of our
 *			output see its end, locks are free
 *	guest memory	is given back when our end is told, so that the next run finds it free
 *	folder		the reaper is in /
 *	processes	for some 20 to 70 ms one more in our group and session, which ends by SIGKILL and
 *			takes no other signal. Process 1, which adopts orphans, reaps it. There is no
 *			reaper where process 1 does not look like doing so, because a zombie would stay.
 *	the program	its file is in use for that time: it cannot be written to (ETXTBSY) or unmounted
 *
 * Where no reaper can be had, the VM is left to the kernel itself: its descriptor is put into a message between
 * sockets that nobody can reach any more. The collector of such sockets drops it, and the kernel closes it in a worker
 * of its own. No process of ours is left; for that time `ss -x` shows a socket "tvmm closes VM N".
 * It is the second choice, because that worker closes one VM after the other, some 50 a second, and other files
 * that kernel threads close come behind them: it is given 32 at most, then we close ours ourselves. Kernels
 * before 6.9, where the collector was not given a worker since (6.1 has it), collect in our close_range(), which
 * then takes as long as closing would.
 *
 * The reaper cannot outlive us by more than the kernel takes: it has no work, and its end is our death's
 * signal, which also comes when we are killed.
 *
 * Authority: clone(2), prctl(2) PR_SET_PDEATHSIG; [LINUX] kernel/exit.c (do_exit(): memory and files
 * are given back before the parent is told), virt/kvm/kvm_main.c (a mapped kvm_run page holds the VM);
 * unix(7) SCM_RIGHTS, [LINUX] net/unix/garbage.c.
 */
#ifndef TVMM_REAPER_H
#define TVMM_REAPER_H

#include "vmm/vm.h"

/*
 * Ends the process with the status and leaves its VM to a reaper. Everything has been written, one thread is
 * left, and at least one vCPU's page is still mapped.
 *
 * No reaper can be had: the limit of processes, a filter of system calls, a kernel before 5.9 (close_range),
 * when process 1 does not care for SIGCHLD (`tail -f /dev/null` in a container) or cannot be looked at,
 * when we are process 1 ourselves. Then the kernel gets the VM.
 *
 * Returns where neither can be had: no sockets, no turn, and in programs that sanitizers watch. Then nothing has
 * changed that closing the VM would notice.
 */
void reaper_leave(struct vm *vm, int status);

#endif
