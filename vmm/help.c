/* SPDX-License-Identifier: MIT */
#include "vmm/help.h"

static const char USAGE[] =
	"usage: tvmm -kernel bzImage [-initrd cpio.gz] [options]\n"
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
	"  -unpack WHO        who unpacks a bzImage: auto (the default: the host where it "
	"can),\n"
	"                     host, guest (slower, but with KASLR)\n"
	"  -no-cache          unpack anew; without it, unpacked kernels are kept in\n"
	"                     $XDG_CACHE_HOME/tvmm or ~/.cache/tvmm\n"
	"  -explain           print what the image says and what would go where; needs no "
	"KVM\n"
	"\n"
	"machine\n"
	"  -m SIZE            memory: 256 or 256M or 1G; 128 MiB without it\n"
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
	"  keys               Ctrl-a x quit, h help, b break, t time stamps, c monitor,\n"
	"                     Ctrl-a Ctrl-a for a Ctrl-a\n"
	"\n"
	"end of the run\n"
	"  -timeout TIME      give up after 30s, 500ms, 2m ...\n"
	"  -until REGEX       end well when a console line matches (POSIX extended)\n"
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
	"\n"
	"exit status\n"
	"  0    powered off, halted, rebooted, -until matched, ended by key\n"
	"  1-119  the guest's own (isa-debug-exit)\n"
	"  120  -assert: a budget was broken; compare -fail-if-slower: it is slower\n"
	"  121  the guest crashed (triple fault, KVM internal error)\n"
	"  124  -timeout          125  tvmm could not do it\n"
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
	"usage: tvmm probe [--json]\n"
	"\n"
	"Tells whether this host can run guests: /dev/kvm, what its KVM can do, and what "
	"a\n"
	"guest of a few dozen instructions found: long mode, user mode, syscall, a timer\n"
	"interrupt, hardware breakpoints, the FPU.\n"
	"\n"
	"exit status: 0 ordinary Linux guests can run; 1 they cannot, but KVM is there;\n"
	"125 there is no usable KVM.\n";

void help_print(FILE *out)
{
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
