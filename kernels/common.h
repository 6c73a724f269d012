/* SPDX-License-Identifier: MIT */
/*
 * kernels/common.h: the headers that most of a kernel's C files include, directly or through
 * others. kernels/build.sh has gcc read them once for each kernel, and kernels/cc gives each file
 * what came of it. One more is worth its place when it saves more than it takes to load; these
 * were found by compiling a sample of allnoconfig's files with seven sets of them.
 */
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/mm.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/syscalls.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/device.h>
#include <linux/backing-dev.h>
#include <linux/ptrace.h>
#include <linux/cpu.h>
#include <linux/swap.h>
