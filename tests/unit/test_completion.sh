#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What docs/tvmm.bash offers for what has been typed, with and without package bash-completion
# loaded before it. Each case runs in a bash of its own, which calls the completion as readline
# does: the line cut at blanks, : and = (COMP_WORDBREAKS), $2 the word that is to be replaced.
# BASH_COMPLETION=FILE names the package's bash_completion if it is not installed.
#
# Prints TAP. What is expected is typed from the command line's design, not from the completion.
set -u
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
completion=$root/docs/tvmm.bash
package=${BASH_COMPLETION:-/usr/share/bash-completion/bash_completion}
number=0
failed=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/images" "$work/my dir"
touch "$work/bzImage" "$work/rootfs.cpio.gz" "$work/images/vmlinuz"

# shellcheck disable=SC2016 # the driver's variables are its own
driver='
split() { # the line into COMP_WORDS, as readline does
	local rest=$1 breaks="[$2]+" plain="(\"[^\"]*(\"|\$)|[^ \"$2])+"
	COMP_WORDS=() typed=
	while [ "$rest" ]; do
		case $rest in
		" "*) rest=${rest#"${rest%%[! ]*}"}; typed=; [ "$rest" ] || COMP_WORDS+=(""); continue ;;
		esac
		if [ "$2" ] && [[ $rest =~ ^$breaks ]]; then
			typed=
		else
			[[ $rest =~ ^$plain ]]
			typed=${BASH_REMATCH[0]#\"}
		fi
		COMP_WORDS+=("${BASH_REMATCH[0]}")
		rest=${rest#"${BASH_REMATCH[0]}"}
	done
}
[ -z "$2" ] || . "$2"
. "$1"
COMP_WORDBREAKS=" $4"
COMP_LINE=$3
COMP_POINT=${5:-${#3}}
split "${3:0:COMP_POINT}" "$4"
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_WORDS[COMP_CWORD]+=${6:-} # what stands behind the cursor is part of the word there
$(complete -p tvmm | sed "s/.*-F \([^ ]*\) .*/\1/") tvmm "$typed" ""
((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}" | sort
'

# offered LOAD LINE [BREAKS [POINT REST]]: what is offered, on one line.
offered() {
	(cd "$work" && bash --norc --noprofile -c "$driver" driver "$completion" "$1" "$2" \
		"${3-:=}" "${@:4}" 2>&1 | paste -sd ' ')
}

ok() {
	number=$((number + 1))
	echo "ok $number - $1"
}

not_ok() { # NAME EXPECTED GOT
	number=$((number + 1))
	failed=$((failed + 1))
	echo "not ok $number - $1"
	echo "#   expected: $2"
	echo "#   offered:  $3"
}

skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# expect NAME WHAT LINE [BREAKS [POINT REST]]: exactly WHAT is offered for LINE.
expect() {
	local got
	got=$(offered "$load" "${@:3}")
	if [ "$got" = "$2" ]; then ok "$how: $1"; else not_ok "$how: $1" "$2" "$got"; fi
}

cases() {
	expect 'the first word' '-kernel bench compare explain-config initramfs probe table' 'tvmm '
	expect 'a command' 'probe' 'tvmm p'
	expect 'an option, one dash' '-kernel' 'tvmm -ker'
	expect 'an option, two dashes' '--kernel' 'tvmm --ker'
	expect 'options that begin alike' '-m -machine -mark -monitor' 'tvmm -kernel k -m'
	expect 'an option that is a value is none' '' 'tvmm -append -ker'
	expect 'options of bench' '--runs' 'tvmm bench --ru'
	expect 'files of explain-config' 'bzImage' 'tvmm explain-config bz'
	expect 'options of explain-config' '--seed' 'tvmm explain-config --s'
	expect 'options of table' '--least-memory' 'tvmm table --le'
	expect 'there are no jobs in a table' '' 'tvmm table --jo'
	expect 'a kernel of table' 'bzImage' 'tvmm table a=bzI'
	expect 'a vmlinux behind it' 'bzImage,images' 'tvmm table a=bzImage,im'
	expect 'a kernel without a name' 'bzImage' 'tvmm table a=x bzI'
	expect 'machines of QEMU' 'qemu:microvm' 'tvmm table --against qemu:m' '='
	expect 'options of the runs of a table' '-initrd' 'tvmm table a=x -- -ini'
	expect 'options of a run behind --' '-initrd' 'tvmm bench -r 3 -- -kernel k -ini'
	expect 'the names of -fail-on' 'all lockdep oops warn' 'tvmm -fail-on '
	expect 'nothing for an unknown option' '' 'tvmm -nosuch'
	expect 'nothing for a word that is no option' '' 'tvmm -q ker'
	expect 'an option after a value with breaks' '-machine' 'tvmm -append console=ttyS0 -mac'
	expect 'an option after a quoted value' '-initrd' 'tvmm -append "console=ttyS0 -smp" -ini'

	expect '-kernel: files and folders' 'bzImage images my dir rootfs.cpio.gz' 'tvmm -kernel '
	expect '-kernel: files in a folder' 'images/vmlinuz' 'tvmm -kernel images/'
	expect '-kernel=: files' 'bzImage' 'tvmm --kernel=bz'
	expect '-kernel=: all files' 'bzImage images my dir rootfs.cpio.gz' 'tvmm --kernel='
	expect '-initrd: files' 'rootfs.cpio.gz' 'tvmm -initrd root'
	expect '-initrd: a quoted path' 'my dir' 'tvmm -initrd "my'

	expect '-serial: the kinds' 'file: mon:stdio null pty stdio unix:' 'tvmm -serial '
	expect '-serial: up to the colon' 'mon:stdio' 'tvmm -serial mo'
	expect '-serial: at the colon' 'stdio' 'tvmm -serial mon:'
	expect '-serial: behind the colon' 'stdio' 'tvmm --serial mon:st'
	expect '-serial: no break at colons' 'mon:stdio' 'tvmm -serial mon:st' '='
	expect '-serial=: behind the colon' 'stdio' 'tvmm -serial=mon:s'
	expect '-serial file: a path' 'bzImage' 'tvmm -serial file:bz'
	expect '-serial file: no break at colons' 'file:bzImage' 'tvmm -serial file:bz' '='
	expect '-serial unix: a path' 'images' 'tvmm -serial unix:im'
	expect '-serial unix: to listen' 's,server=on s,server=on,wait=off' 'tvmm -serial unix:s,se'

	expect '-machine: the types' 'microvm pc q35' 'tvmm -machine '
	expect '-M: a type' 'q35' 'tvmm -M q'
	expect '-cpu' 'host' 'tvmm -cpu h'
	expect '-accel' 'kvm' 'tvmm -accel '
	expect '-display' 'none' 'tvmm -display '
	expect '-vga' 'none' 'tvmm -display none -vga '
	expect '-monitor' 'none' 'tvmm -monitor n'
	expect '-device: the model' 'isa-debug-exit isa-debug-exit,iobase=0xf4,iosize=0x04' \
		'tvmm -device isa'
	expect '-device: behind the equals sign' '0xf4,iosize=0x04' \
		'tvmm -device isa-debug-exit,iobase='
	expect '-append: nothing to enumerate' '' 'tvmm -append '
	expect '-until: nothing to enumerate' '' 'tvmm -until '
	expect 'with the cursor inside a word' '-kernel' 'tvmm -kerosene' ':=' 9 osene

	expect 'probe: its options' '--ci --help --json' 'tvmm probe '
	expect 'probe: one of them' '--json' 'tvmm probe --j'
	expect 'initramfs: folders' 'images my dir' 'tvmm initramfs '
	expect 'initramfs: its options' '--help -d -o' 'tvmm initramfs images -'
	expect 'initramfs -o: files' 'bzImage' 'tvmm initramfs images -o bz'
	expect 'initramfs -d: files' 'rootfs.cpio.gz' 'tvmm initramfs -d r'
	expect 'no boot options behind a command' '' 'tvmm initramfs -ker'
}

load='' how='alone'
cases
load=$package how='with bash-completion'
if [ -f "$package" ]; then
	cases
else
	skip "$how" "package bash-completion is not installed"
fi
echo "1..$number"
[ "$failed" = 0 ]
