/* SPDX-License-Identifier: MIT */
/*
 * System calls without a libc: sysN(NAME, N arguments). The answer is the kernel's: -errno is an
 * error. Numbers and structures are those of the kernel's own headers for user space.
 *
 * Authority: syscall(2) "Architecture calling conventions", x86-64; the calls' own pages in
 * section 2. Where a libc's call differs from the kernel's ("C library/kernel differences"), it is
 * the kernel's.
 */
#ifndef TVMM_INITRAMFS_GUEST_SYS_H
#define TVMM_INITRAMFS_GUEST_SYS_H

#include <asm/unistd.h>

static inline long sys_call0(long number)
{
	long answer;

	__asm__ volatile("syscall" : "=a"(answer) : "a"(number) : "rcx", "r11", "memory");
	return answer;
}

static inline long sys_call3(long number, long a, long b, long c)
{
	long answer;

	__asm__ volatile("syscall"
			 : "=a"(answer)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return answer;
}

static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long answer;

	__asm__ volatile("syscall"
			 : "=a"(answer)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return answer;
}

#define sys0(name)          sys_call0(__NR_##name)
#define sys1(name, a)       sys_call3(__NR_##name, (long)(a), 0, 0)
#define sys2(name, a, b)    sys_call3(__NR_##name, (long)(a), (long)(b), 0)
#define sys3(name, a, b, c) sys_call3(__NR_##name, (long)(a), (long)(b), (long)(c))
#define sys4(name, a, b, c, d) \
	sys_call6(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define sys5(name, a, b, c, d, e) \
	sys_call6(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define sys6(name, a, b, c, d, e, f) \
	sys_call6(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#endif
