#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Bad input through the program itself: files that are not what they should be, and command lines
# that cannot be meant. Each must be refused at once, in one line on stderr that names the file or
# the option, with status 125, an empty stdout, and without a look at /dev/kvm.
#
#   tests/malformed/cli.sh
#
# $TVMM is the program (build/tvmm). Prints "ok N - what", "not ok N - what: why" or "ok N - what
# # SKIP reason", and the numbers of each in the end. The exit status is 1 if any failed. Needs
# strace to see what is opened; without it the rest is checked.
#
# The judge itself is tried first: on a valid image it must see /dev/kvm being opened, and it must
# find fault with a run that is none of what it demands.
set -u
cd "$(dirname "$0")/../.." || exit 1
export LC_ALL=C
ulimit -c 0

# LeakSanitizer cannot look at a process that strace holds.
export ASAN_OPTIONS=detect_leaks=0

tvmm=$(realpath "${TVMM:-${B:-build}/tvmm}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

SPEC_STATUS=125
LIMIT_MS=1000

number=0 passed=0 failed=0 skipped=0

# --- files ------------------------------------------------------------------------------------

put() { # FILE OFFSET BYTES: as printf's format
	printf "$3" | dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none
}

# A small valid bzImage, protocol 2.15. Its code halts. Fields: [BOOT] "Details of Header Fields".
make_image() { # FILE
	truncate -s $((0x1800)) "$1"
	put "$1" 0x1f1 '\x03'                             # setup_sects: kernel from 0x800 on
	put "$1" 0x1f4 '\x00\x01\x00\x00'                 # syssize: 0x1000 bytes
	put "$1" 0x1fe '\x55\xaa\xeb\x6aHdrS\x0f\x02'     # boot_flag, jump, header, version
	put "$1" 0x211 '\x01'                             # loadflags: LOADED_HIGH
	put "$1" 0x22c '\xff\xff\xff\x7f\x00\x00\x20\x00' # initrd_addr_max, kernel_alignment
	put "$1" 0x234 '\x01\x00\x01\x00\xff\x07\x00\x00' # relocatable, xloadflags, cmdline_size
	put "$1" 0x258 '\x00\x00\x00\x01\x00\x00\x00\x00' # pref_address: 16 MiB
	put "$1" 0x260 '\x00\x00\x80\x00'                 # init_size: 8 MiB
	put "$1" 0xa00 '\xfa\xf4\xeb\xfc'                 # the 64-bit entry: 1: cli; hlt; jmp 1b
}

variant() { # FILE OFFSET BYTES: the valid image with some bytes changed
	cp good "$1"
	put "$1" "$2" "$3"
}

cut_at() { # FILE LENGTH
	cp good "$1"
	truncate -s "$2" "$1"
}

# --- the judge --------------------------------------------------------------------------------

now_us() { # into $us
	us=${EPOCHREALTIME/[.,]/}
}

if why=$(strace -f -o trace -e trace=openat,open,connect true 2>&1); then
	tracing=(strace -f -o trace -e "trace=openat,open,connect")
else
	tracing=()
fi

run() { # ARGUMENT...: into $status, $ms, files out, err and trace
	: >trace
	now_us
	local start=$us
	timeout -s KILL 10 "${tracing[@]}" "$tvmm" "$@" >out 2>err </dev/null
	status=$?
	now_us
	ms=$(((us - start) / 1000))
}

opened_kvm() {
	grep -q '/dev/kvm' trace
}

# What is wrong with the last run, into $fault; empty when it was a refusal as it should be.
judge() { # WORD...: each must be in the message
	local word
	fault=
	[ "$status" = $SPEC_STATUS ] || fault+=" status $status;"
	[ ! -s out ] || fault+=" stdout has $(stat -c %s out) bytes;"
	[ "$(wc -l <err)" = 1 ] || fault+=" stderr has $(wc -l <err) lines;"
	[ -z "$(tail -c 1 err)" ] || fault+=" stderr does not end its line;"
	grep -q '^tvmm: ' err || fault+=" stderr does not begin with 'tvmm: ';"
	! grep -q '[[:cntrl:]]' err || fault+=" stderr has control characters;"
	for word; do
		grep -qF -e "$word" err || fault+=" stderr does not say '$word';"
	done
	! opened_kvm || fault+=" /dev/kvm was opened;"
	[ "$ms" -lt $LIMIT_MS ] || fault+=" took $ms ms;"
}

tell() { # WHAT: by $fault
	number=$((number + 1))
	if [ -z "$fault" ]; then
		passed=$((passed + 1))
		echo "ok $number - $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $number - $1:${fault%;}"
	head -n 3 err | sed 's/^/# stderr: /'
}

skip() { # WHAT REASON
	number=$((number + 1))
	skipped=$((skipped + 1))
	echo "ok $number - $1 # SKIP $2"
}

# refused WHAT WORDS ARGUMENT...: WORDS are separated by |
refused() {
	local what=$1 words
	IFS='|' read -r -a words <<<"$2"
	shift 2
	run "$@"
	judge "${words[@]}"
	tell "$what"
}

# For what is on the edge and still right.
accepted() { # WHAT ARGUMENT...
	local what=$1
	shift
	run --explain "$@"
	fault=
	[ "$status" = 0 ] || fault+=" status $status;"
	[ -s out ] || fault+=" stdout is empty;"
	! opened_kvm || fault+=" /dev/kvm was opened;"
	tell "$what"
}

make_image good
printf '070701' >initrd

# --- is the judge awake? ----------------------------------------------------------------------

if [ ${#tracing[@]} -gt 0 ]; then
	run -kernel good --timeout 2
	fault=
	opened_kvm || fault=" a valid image was run, and the trace has no /dev/kvm;"
	tell "the judge sees /dev/kvm opened for a valid image"
	judge
	case $fault in
	*"/dev/kvm was opened"*) fault= ;;
	*) fault=" it had no objection to /dev/kvm;" ;;
	esac
	tell "the judge objects to that"
else
	skip "the judge sees /dev/kvm opened for a valid image" "strace cannot trace here: $why"
fi
run --version
judge nonsense
case $fault in
*"status 0"*"stdout has"*"0 lines"*"begin with"*"say 'nonsense'"*) fault= ;;
*) fault=" only:$fault" ;;
esac
tell "the judge objects to a run that refuses nothing"
accepted "a valid image is accepted" -kernel good -initrd initrd

# --- kinds of files ---------------------------------------------------------------------------

: >empty
mkdir folder
mkfifo fifo
ln -s nowhere dangling
ln -s loop loop
: >secret
chmod 000 secret
long=$(printf 'n%.0s' {1..200})
long="$long/$long/$long/$long/$long"

for option in kernel initrd; do
	rest=()
	[ $option = kernel ] || rest=(-kernel good)
	refuse_file() { # WHAT WORDS PATH
		refused "$option: $1" "$option|$2" "${rest[@]}" "-$option" "$3"
	}
	refuse_file "missing" "nonexistent|No such file" /nonexistent
	refuse_file "a name that is empty" "No such file" ""
	refuse_file "empty" "empty" empty
	refuse_file "a folder" "folder|directory" folder
	refuse_file "a FIFO that nobody writes" "fifo|FIFO" fifo
	refuse_file "a device without end" "/dev/zero|character device" /dev/zero
	refuse_file "a link to nowhere" "dangling|No such file" dangling
	refuse_file "a link to itself" "loop|symbolic links" loop
	refuse_file "a folder that is a file" "good/x|Not a directory" good/x
	refuse_file "a name of several lines, with escapes" "No such file" \
		$'/no\nsuch\r\033[2Jfile'
	refuse_file "a path of 1004 bytes" "No such file" "$long"
	refuse_file "a path that is too long" "too long" "$(printf 'n%.0s' {1..5000})"
	refuse_file "a path of 100000 bytes" "too long" "$(printf 'n%.0s' {1..100000})"
	if [ "$(id -u)" = 0 ]; then
		skip "$option: no permission" "root may read everything"
	else
		refuse_file "no permission" "secret|Permission denied" secret
	fi
done

# --- kernels ----------------------------------------------------------------------------------

for length in 1 2 511 512 514 600 615 616 2047 2048 2049 2560 6000 6128; do
	cut_at short $length
	refused "kernel: the first $length bytes" "kernel|short" -kernel short
done
cp good large
truncate -s $(((4 << 30) + 1)) large
refused "kernel: more than 4 GiB" "large|4294967297|4294967296" -kernel large
if truncate -s $((1 << 40)) large 2>/dev/null; then
	refused "kernel: 1 TiB, sparse" "large|1099511627776" -kernel large
else
	skip "kernel: 1 TiB, sparse" "no such files on this file system"
fi
truncate -s 0 large
truncate -s 1M junk
refused "kernel: a megabyte of zeros" "junk|bzImage" -kernel junk
variant magic 0x202 'HdrX'
refused "kernel: wrong magic" "magic|0x202|HdrS" -kernel magic
variant flag 0x1fe '\x55\xab'
refused "kernel: wrong boot flag" "flag|0x1fe|0xaa55" -kernel flag
variant old 0x206 '\x0b\x02'
refused "kernel: boot protocol 2.11" "old|2.11|2.12" -kernel old
variant ancient 0x206 '\x00\x02'
refused "kernel: boot protocol 2.00" "ancient|2.00|2.12" -kernel ancient
variant zimage 0x211 '\x00'
refused "kernel: a zImage" "zimage|zImage" -kernel zimage
variant bits32 0x236 '\x00'
refused "kernel: 32 bits" "bits32|CONFIG_64BIT" -kernel bits32
variant lies 0x1f4 '\xff\xff\xff\xff'
refused "kernel: says it is 64 GiB long" "lies|syssize" -kernel lies
variant wants 0x260 '\xff\xff\xff\x7f'
refused "kernel: needs more memory than there is" "wants|-m " -kernel wants
printf '\x7fELF\x02\x01\x01' >vmlinux
refused "kernel: ELF" "vmlinux|ELF" -kernel vmlinux
printf '\x1f\x8b\x08' >packed
refused "kernel: gzip" "packed|gzip" -kernel packed
printf '#!/bin/sh\nexec qemu\n' >script
refused "kernel: a script" "script|a script" -kernel script
refused "kernel: an initrd" "initrd|cpio" -kernel initrd

# --- what does not fit ------------------------------------------------------------------------

line() { # LENGTH
	printf 'x%.0s' $(seq "$1")
}
accepted "append: as long as the kernel takes" -kernel good -append "$(line 2047)"
accepted "append: nothing" -kernel good -append ""
refused "append: a byte longer" "2047|2048|cmdline_size" -kernel good -append "$(line 2048)"
refused "append: 100000 bytes" "2047|100000" -kernel good -append "$(line 100000)"

truncate -s 104M big
accepted "initrd: as large as 128 MiB allow" -kernel good -initrd big -m 128
truncate -s $(((104 << 20) + 1)) big
refused "initrd: a byte larger" "big|109051905|109051904|-m 129M" -kernel good -initrd big -m 128
truncate -s 3G big
refused "initrd: more than there ever is" "big|3221225472" -kernel good -initrd big -m 8G
if truncate -s $(((1 << 40) + 1)) big 2>/dev/null; then
	refused "initrd: more than 1 TiB" "big|1099511627777" -kernel good -initrd big
else
	skip "initrd: more than 1 TiB" "no such files on this file system"
fi
truncate -s 0 big

# --- words ------------------------------------------------------------------------------------

refused "no arguments at all" "no kernel|-kernel"
refused "no kernel" "no kernel|-kernel" -initrd initrd
refused "an option that is none" "-kernal|did you mean -kernel" -kernal good
refused "an option of two dashes that is none" "--initdr|did you mean -initrd" --initdr x
refused "an option like no other" "-netdev|--help" -kernel good -netdev user
refused "an option of several lines" "-net" -kernel good $'-net\ndev\033[2J'
refused "a word that is no option" "'rootfs'|-initrd" -kernel good rootfs
refused "an option where a value should be" "-kernel|-initrd" -kernel -initrd good
refused "initrd: a bzImage" "good|bzImage|cpio" -kernel good -initrd good
refused "initrd: an ELF file" "vmlinux|ELF|cpio" -kernel good -initrd vmlinux
refused "initrd: a script" "script|cpio" -kernel good -initrd script
refused "a command that is none" "'prob'|'probe'" prob
refused "a kernel without its option" "'good'|-kernel" good
for option in kernel initrd append m smp cpu serial echr timeout until device accel M machine \
	display vga monitor; do
	refused "-$option without a value" "-$option|value" -kernel good "-$option"
done
refused "a value where none belongs" "-nographic|no value" -kernel good -nographic=1
for size in 0 15 -1 1.5G 256MB 256Q x '' 99999999999999999999 16777216T; do
	refused "-m '$size'" "-m" -kernel good -m "$size"
done
refused "-m beyond what x86 can address" "bytes" -kernel good -m 8192T
for time in 0 -1 soon 5x 1e400 ''; do
	refused "--timeout '$time'" "-timeout" -kernel good --timeout "$time"
done
refused "-smp 0" "-smp|'0'|255" -kernel good -smp 0
refused "-smp 256" "-smp|'256'|255|x2APIC" -kernel good -smp 256
refused "-smp in two sockets" "-smp|sockets=2|sockets=1" -kernel good -smp 4,sockets=2
refused "-smp with a word that is none" "-smp|'core=4'" -kernel good -smp 4,core=4
refused "-smp x" "-smp|'x'" -kernel good -smp x
refused "-cpu of another name" "-cpu|'qemu64'" -kernel good -cpu qemu64
refused "-cpu with a feature that is none" "-cpu|'avx22'|'avx2'" -kernel good -cpu host,-avx22
refused "-serial somewhere else" "-serial|'tty'" -kernel good -serial tty
refused "-serial file without a file" "-serial|path" -kernel good -serial file:
refused "-echr 32" "-echr|'32'" -kernel good -echr 32
refused "--until with half an expression" "-until|'('" -kernel good --until '('
refused "-device that is none" "-device|'e1000'" -kernel good -device e1000
refused "-device with a port that is none" "iobase=0x10000" \
	-kernel good -device isa-debug-exit,iobase=0x10000
refused "-device on the serial port's ports" "isa-debug-exit|uart16550|0x3f8" \
	-kernel good -device isa-debug-exit,iobase=0x3f8
refused "-device on a port of KVM's own" "isa-debug-exit|0x40|timer" \
	-kernel good -device isa-debug-exit,iobase=0x40
refused "-serial into a folder that is not there" "-serial|nowhere" \
	-kernel good -serial file:nowhere/log
refused "-accel tcg" "-accel|'tcg'" -kernel good -accel tcg
refused "-machine accel=tcg" "'tcg'|kvm" -kernel good -machine accel=tcg
refused "-machine virt" "-machine|'virt'" -kernel good -machine virt
refused "-display gtk" "-display|'gtk'" -kernel good -display gtk
refused "--fail-on with a name that is none" "-fail-on|oops" -kernel good --fail-on opps
refused "--fail-on with half an expression" "-fail-on|expression" -kernel good --fail-on '/(/'
refused "--hang of no time" "-hang|'soon'" -kernel good --hang soon
refused "--after without --send" "-after|-send" -kernel good --after x
refused "-log that nobody can write" "-log|no/such" -kernel good -log no/such/log
refused "-- without a program" "--|PROGRAM" -kernel good --
refused "-- with a program that is not there" "no-such-program" -kernel good -- ./no-such-program
refused "-- with a folder" "directory|file is needed" -kernel good -- /
refused "-- with what is no program" "/etc/passwd" -kernel good -- /etc/passwd
refused "-add of what is not there" "no/such" -kernel good -add no/such -- /bin/true
refused "-add out of the guest's root" "above the root" -kernel good -add "/etc/passwd:/../x" -- /bin/true
refused "-add without --" "-add|PROGRAM" -kernel good -add /etc/passwd
refused "-report where nobody can write" "-report|no/such|cannot be used" \
	-kernel good -report no/such/r.json
refused "-html on a folder" "-html|directory" -kernel good -html .
cp good copy
refused "-report over the kernel" "-report|copy|kernel" -kernel copy -report copy
refused "two outputs to one file" "-report|-html|both" -kernel good -report out -html out
refused "-account of something else" "-account|'phase'|phases" -kernel good -account phase
refused "-profile without a rate" "-profile|'often'|20000" -kernel good -profile often
refused "-flame without samples" "-flame|-profile" -kernel good -flame f.svg
refused "-mark without a name" "-mark|NAME=REGEX" -kernel good -mark =x
refused "-mark with a regex that is none" "-mark|'('|regular expression" -kernel good -mark 'a=('
refused "-assert without a limit" "-assert|'kernel<'|number" -kernel good -assert 'kernel<'
refused "-assert with a unit that is none" "-assert|unit" -kernel good -assert 'kernel<4parsec'
refused "-symbols that are not there" "symbols|nosuch|No such file" -kernel good -symbols nosuch
refused "-symbols that are none" "symbols|System.map|vmlinux" -kernel good -symbols /etc/passwd
refused "initramfs without a folder" "initramfs|-o" initramfs
refused "initramfs with an option that is none" "initramfs|-x" initramfs -x
refused "initramfs of a folder that is missing" "/nonexistent" \
	initramfs /nonexistent -o out.cpio.gz
refused "probe with a word that is none" "probe|'now'" probe now

echo "# tests/malformed/cli: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
