# SPDX-License-Identifier: MIT
#
# Kernels that are ELF files: entered at their 64-bit entry point, or by PVH. The guests say what
# they do not find as their protocol has it, and print their command line if that is nothing.

for guest in elf64 pvh; do
	begin "$guest: loaded, entered, told its command line"
	cmdline="the command line of $guest"
	run "$guest"
	expect_status 0
	expect_output "$cmdline"
	expect_sentence "guest rebooted"
	verdict

	begin "$guest: stripped, and under another name"
	objcopy --strip-all "$work/guests/$guest.elf" "$work/bzImage"
	cmdline=stripped
	run "$work/bzImage"
	expect_status 0
	expect_output "$cmdline"
	verdict

	begin "$guest: with 600 MiB behind it that nobody loads"
	cp "$work/guests/$guest.elf" "$work/vmlinux"
	truncate -s +600M "$work/vmlinux"
	cmdline=long
	run "$work/vmlinux" -m 32
	expect_status 0
	expect_output "$cmdline"
	remark="the whole run: $ms ms"
	verdict
done
rm -f "$work/bzImage" "$work/vmlinux"

begin "pvh: an initrd is its module"
printf 'the initrd: %s\n' {1..100} >"$work/initrd"
cmdline=$'the command line\n'
run pvh -initrd "$work/initrd"
expect_status 0
{ printf '%s' "$cmdline" && cat "$work/initrd"; } >"$work/both"
expect_same "$work/both" "$out"
verdict

begin "pvh: no command line"
run pvh
expect_status 0
expect_output ''
verdict
