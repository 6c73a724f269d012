/* SPDX-License-Identifier: MIT */
#include "vmm/help_table.h"

static const char USAGE_TABLE[] =
	"usage: tvmm table [NAME=]KERNEL[,VMLINUX]... [options] [-- OPTIONS OF THE RUNS]\n"
	"       tvmm table --read F... [--export-... F]\n"
	"\n"
	"Puts kernels beside each other: how large they are, and how long they take to\n"
	"boot. KERNEL is a bzImage or a vmlinux; VMLINUX the one that a bzImage was made\n"
	"of, for what it takes on the disk. Without NAME= a row is called by the kernel's\n"
	"folder. All have the same options behind -- (-initrd F -m 256 -append LINE).\n"
	"\n"
	"A run ends at the line 'Boot took N seconds', which this project's initramfs\n"
	"prints, or as -until in its options says, and fails after 60 s or -timeout.\n"
	"A kernel that does not boot is a row that says how it ended.\n"
	"\n"
	"  -r, --runs N            of each kernel: 10 without it\n"
	"  -w, --warmup N          runs of each before, not counted: 1 without it\n"
	"  --seed N                of the order and the intervals; without it, it varies\n"
	"  --uptime REGEX          the line in which the guest tells its /proc/uptime, with\n"
	"                          one group around the seconds; without it\n"
	"                          'Boot took ([0-9.]+) seconds'\n"
	"  --least-memory          look for the smallest -m that still boots, from 16 MiB on\n"
	"  --against qemu[:pc|microvm]\n"
	"                          boot the same under QEMU in the same series\n"
	"  --qemu PROGRAM          instead of qemu-system-x86_64\n"
	"  --export-markdown F     the table\n"
	"  --export-csv F          a row for each kernel\n"
	"  --export-json F         every number\n"
	"  --export-chart F        size against time, SVG\n"
	"  --read F                instead of kernels: rows that --export-json wrote; nothing is\n"
	"                          run. Of several files there is one table\n"
	"\n"
	"exit status: 0 at least one kernel booted; 125 none did, or the table could not be\n"
	"made; 128+N ended by signal N. docs/table.md has the method.\n";

void help_print_table(FILE *out)
{
	(void)fputs(USAGE_TABLE, out);
}
