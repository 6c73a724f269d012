/* SPDX-License-Identifier: MIT */
#include "vmm/help.h"

#include <string.h>

static const char USAGE[] =
	"usage: tvmm -kernel bzImage [-initrd cpio.gz] [options] [-- PROGRAM ARGUMENT...]\n"
	"       tvmm COMMAND [--help]\n"
	"\n"
	"Boots a Linux kernel on /dev/kvm, with a serial console and nothing else, and "
	"tells\n"
	"where the time went. Options are QEMU's, with one dash or two.\n"
	"\n"
	"boot\n"
	"  -kernel FILE       a bzImage (boot protocol 2.12 or later, 64-bit) or an ELF "
	"vmlinux\n"
	"  -initrd FILE       an initramfs: a cpio archive, packed or not\n"
	"  -append LINE       the kernel's whole command line; without it\n"
	"                     'console=ttyS0 reboot=k panic=-1'\n"
	"  -fast-append       put words in front of that line which make a boot shorter on this\n"
	"                     machine; -explain shows each, and why\n"
	"  -unpack WHO        who unpacks a bzImage: auto (the default: the host where it "
	"can),\n"
	"                     host, guest (slower, but with KASLR)\n"
	"  -no-cache          unpack anew; without it, what was unpacked is kept in\n"
	"                     $XDG_CACHE_HOME/tvmm or ~/.cache/tvmm\n"
	"  -explain           print what the image says and what would go where; needs no "
	"KVM\n"
	"\n"
	"a program in the guest (docs/run.md)\n"
	"  -- PROGRAM ARG...  run it in the freshly booted kernel: its input, its output, its\n"
	"                     exit status (120 and above become 119, signal N is 100 + N)\n"
	"  -add SRC[:DST]     a file or a folder for it, more than once\n"
	"  -v, -verbose       the kernel's console on stderr, and the account\n"
	"\n"
	"machine\n"
	"  -m SIZE            memory: 256 or 256M or 1G; 128 MiB without it\n"
	"  -no-huge-pages     memory in pages of 4 KiB: slower, but the report then tells how\n"
	"                     many the guest has touched (memory.touched)\n"
	"  -without WORD,...  turn off what makes it faster, to find out what is to blame: see\n"
	"                     the manual page\n"
	"  -smp N             CPUs: 1 to 255, as cores of one socket; 1 without it\n"
	"  -cpu host[,+F|-F]  the host's CPU, with or without features by their names in\n"
	"                     /proc/cpuinfo; -kvm hides KVM from the guest\n"
	"\n"
	"console\n"
	"  -serial WHERE      mon:stdio (the default, with keys), stdio (byte for byte), "
	"null,\n"
	"                     file:F, pty, unix:F[,server=on[,wait=off]]\n"
	"  -echr N            code of the escape key: 1 (Ctrl-a) without it, 0 for no "
	"keys\n"
	"  -log FILE          the console's text once more, each line behind its time\n"
	"  -after REGEX -send TEXT\n"
	"                     a dialogue: when the console says it, type this (\\n, \\r, \\xHH);\n"
	"                     more than once\n"
	"  keys               Ctrl-a x quit, h help, b break, t time stamps, c monitor,\n"
	"                     Ctrl-a Ctrl-a for a Ctrl-a\n"
	"\n"
	"end of the run\n"
	"  -timeout TIME      give up after 30s, 500ms, 2m ...\n"
	"  -hang TIME[,idle]  give up when nothing moves for so long; with idle, also when\n"
	"                     the guest only waits\n"
	"  -until REGEX       end well when a console line matches (POSIX extended)\n"
	"  -fail-on LIST      end badly when the kernel says so: oops, warn, lockdep, ... or all;\n"
	"                     or /REGEX/\n"
	"  -device isa-debug-exit[,iobase=P][,iosize=N]\n"
	"                     lets the guest end the run with status (value << 1) | 1\n"
	"\n"
	"account of the boot\n"
	"  -account LIST      what is taken down: marks (always), phases, initcalls, exits,\n"
	"                     lines, all; without it, what the outputs below need\n"
	"  -symbols FILE      the kernel's vmlinux or System.map; without it, those beside the\n"
	"                     kernel, or its own kallsyms\n"
	"  -profile HZ        sample where the CPUs are, 1 to 20000 times a second\n"
	"  -mark NAME=REGEX   a mark at the first console line that matches\n"
	"  -report FILE       all of it as JSON (docs/report.md); - is stdout\n"
	"  -html FILE         all of it as one page to look at\n"
	"  -trace FILE        in the trace-event format, for Perfetto\n"
	"  -folded FILE       the profile's stacks, a line each\n"
	"  -flame FILE        the profile as a flame graph, SVG\n"
	"  -dmesg FILE        the kernel's log, read from the guest's memory at the end\n"
	"  -assert BUDGET     'kernel<40ms', 'console.bytes<4096': status 120 if not so\n"
	"  -control           run once more with the console quiet, and compare\n"
	"\n"
	"for CI (docs/ci.md)\n"
	"  -tap               KTAP on the console or from the program decides: status 120 if\n"
	"                     not all tests passed\n"
	"  -junit FILE        the run, and the tests of -tap, as JUnit XML\n"
	"  -summary FILE      the same as Markdown, added to the file's end\n"
	"\n"
	"  -q, -quiet         only the guest's words; nothing at a good end\n"
	"  -h, -help          this text\n"
	"  -version           the version\n"
	"\n"
	"Accepted for scripts that were written for QEMU, without effect: -enable-kvm,\n"
	"-accel kvm, -M/-machine pc|q35|microvm, -nographic, -nodefaults, "
	"-no-user-config,\n"
	"-no-reboot, -no-shutdown, -display none, -vga none, -monitor none.\n"
	"\n"
	"commands\n"
	"  probe              can this host run guests, and what can they do there?\n"
	"  initramfs          pack a folder into a cpio.gz, reproducibly, without root\n"
	"  bench              run it many times, with statistics\n"
	"  compare            two sets of options, or two reports: is there a difference?\n"
	"  table              kernels beside each other: sizes, boot times\n"
	"  explain-config     two kernels: which options differ, and what that costs\n"
	"\n"
	"exit status\n"
	"  0    powered off, halted, rebooted, -until matched, ended by key\n"
	"  1-119  the program's or the guest's own (--, isa-debug-exit)\n"
	"  120  a check failed: -fail-on, -tap, -assert, a dialogue; compare: it is slower\n"
	"  121  the guest crashed (triple fault, KVM internal error), or left before its program\n"
	"  122  -hang             124  -timeout          125  tvmm could not do it\n"
	"  128+N  ended by signal N    255  the guest's kernel panicked\n";

static const char USAGE_INITRAMFS[] =
	"usage: tvmm initramfs DIR -o FILE.cpio.gz [-d NODES]\n"
	"\n"
	"Packs a folder into an initramfs: newc cpio, gzip -9. Everything belongs to "
	"root,\n"
	"/dev/console is there even if DIR has none, and equal folders give equal bytes\n"
	"(SOURCE_DATE_EPOCH sets the files' times; without it they are 0). Needs no root.\n"
	"\n"
	"  -o FILE   where to; replaced at once when all is written, left alone otherwise\n"
	"  -d NODES  a list of more entries, a line each:\n"
	"              nod PATH MODE UID GID b|c MAJOR MINOR\n"
	"              dir PATH MODE UID GID\n"
	"              pipe PATH MODE UID GID\n"
	"              slink PATH TARGET MODE UID GID\n"
	"              file PATH SOURCE MODE UID GID\n";

static const char USAGE_PROBE[] =
	"usage: tvmm probe [--ci] [--json]\n"
	"\n"
	"Tells whether this host can run guests: /dev/kvm, what its KVM can do, and what "
	"a\n"
	"guest of a few dozen instructions found: long mode, user mode, syscall, a timer\n"
	"interrupt, hardware breakpoints, the FPU.\n"
	"\n"
	"  --ci      a line for each thing that guests need: ok, limited, missing or unknown,\n"
	"            its name, and what was found; then what to do about what is missing:\n"
	"            containers, CI systems, udev, firmware. Exit status 0: nothing is\n"
	"            missing; 125\n"
	"  --json    the same as one JSON object\n"
	"\n"
	"exit status: 0 ordinary Linux guests can run; 1 they cannot, but KVM is there;\n"
	"125 there is no usable KVM.\n";

bool help_is_wanted(int argc, char *const *argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

void help_print(FILE *out)
{
	/*
	 * The longest of them does not fit in what a stream buffers by itself. It is written as one, so that
	 * a write that fails is that of main()'s fflush(), who tells why.
	 */
	static char buffer[sizeof(USAGE)];

	(void)setvbuf(out, buffer, _IOFBF, sizeof(buffer));
	(void)fputs(USAGE, out);
}

void help_print_initramfs(FILE *out)
{
	(void)fputs(USAGE_INITRAMFS, out);
}

void help_print_probe(FILE *out)
{
	(void)fputs(USAGE_PROBE, out);
}
