# SPDX-License-Identifier: MIT
#
# The account of the recipe's kernel, entered as a vmlinux, up to the start of its first process: every
# landmark and every initcall, by breakpoints. On hosts whose KVM interprets guests this takes a while, and
# their CPU says that it can do more than it can: the kernel is told not to believe it.

readreport=$(realpath "$B/tests/guest/readreport")
kernel=$(realpath -m "$B/kernels/allnoconfig/vmlinux")
dies=$(realpath -m "$B/tests/boot/dies.cpio")
quiet="console=ttyS0 quiet panic=-1 reboot=k clearcpuid=154,308,141,288,295,298,151"

boot_linux() { # [option]...
	cmdline=$quiet limit=180
	run "$kernel" -initrd "$dies" -timeout 170 "$@"
}

marks_of() { # REPORT
	"$readreport" marks "$1" | sed -n 's/^[0-9]* [0-9]* breakpoint //p'
}

begin "Linux: the chain from startup_64 to kernel_execve, and every initcall"
if [ ! -f "$kernel" ] || [ ! -f "$dies" ]; then
	skip "there is no build/kernels/allnoconfig/vmlinux (make kernel)"
else
	boot_linux -account all -report "$work/report" -dmesg "$work/dmesg"
	expect_status 255
	# In this order; the initramfs may be unpacked anywhere beside the later initcalls.
	cat >"$work/wanted" <<-END
		startup_64
		x86_64_start_kernel
		start_kernel
		setup_arch
		sched_init
		init_IRQ
		time_init
		console_init
		calibrate_delay
		vfs_caches_init
		rest_init
		kernel_init
		initcalls: early
		initcalls: pure
		initcalls: core
		initcalls: postcore
		initcalls: arch
		initcalls: subsys
		initcalls: fs
		initcalls: rootfs
		initcalls: device
		initcalls: late
		free_initmem
		run_init_process
		kernel_execve
	END
	marks_of "$work/report" | grep -v 'populate_rootfs\|first user' >"$work/got"
	difference=$(diff "$work/wanted" "$work/got") || complain "Linux's landmarks" "$difference"
	marks_of "$work/report" | grep -c populate_rootfs | grep -q '^2$' ||
		complain "begin and end of the unpacking" "$(marks_of "$work/report" | grep populate)"
	# The kernel's own tables say how many there are: four bytes each, by System.map.
	read -r first last < <(sed -n 's/^\(.*\) D __initcall_\(start\|end\)$/0x\1/p' \
		"$(dirname "$kernel")/System.map" | sort | tr '\n' ' ')
	initcalls=$(((last - first) / 4))
	got=$("$readreport" initcalls "$work/report" | grep -c .)
	[ "$got" = "$initcalls" ] || complain "$initcalls initcalls" "$got"
	! "$readreport" initcalls "$work/report" | grep -q ' module \| 0x' ||
		complain "a level and a name for each" "some without"
	grep -q '^<5>\[    0.000000\] Linux version ' "$work/dmesg" ||
		complain "the log's first line in the guest's memory" "$(head -n 1 "$work/dmesg")"
	grep -q 'Attempted to kill init' "$work/dmesg" ||
		complain "the panic in the log" "$(tail -n 1 "$work/dmesg")"
	remark="$got initcalls, $("$readreport" number "$work/report" breakpoints.exits) exits for breakpoints, $ms ms"
	verdict
fi
