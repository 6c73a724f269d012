# SPDX-License-Identifier: MIT
#
# Memory from the least to beyond the hole below 4 GiB, and memory that the host cannot give.

mib=$((1 << 20)) hole_start=$((3 << 30)) hole_end=$((4 << 30))

# Does this host have so many MiB at all? The guest touches next to nothing of them.
host_has() {
	[ "$(awk '/^(MemTotal|SwapTotal):/ { sum += $2 } END { print int(sum / 1024) }' /proc/meminfo)" -ge "$1" ]
}

regions() { # MIB: the RAM from 1 MiB on, as tests/guest/memory.S prints it
	local bytes=$(($1 * mib)) low
	low=$((bytes < hole_start ? bytes : hole_start))
	printf '%016x-%016x\n' $mib $((low - 1))
	[ "$bytes" = "$low" ] || printf '%016x-%016x\n' $hole_end $((hole_end + bytes - low - 1))
	echo 00
}

for size in 24 2048 3071 3072 3073 4096 6144; do
	begin "-m ${size}M: RAM is where the e820 map says, and nowhere else"
	if ! host_has $size; then
		skip "this host has less"
		continue
	fi
	run memory -m $size --timeout 15
	expect_status 0
	regions $size >"$work/wanted"
	expect_same "$work/wanted" "$out"
	verdict
done

begin "more memory than the host has: a clear word with the numbers, status 125"
cmdline=$'up\n'
total=$(awk '/^(MemTotal|SwapTotal):/ { sum += $2 } END { print int(sum / 1024) }' /proc/meminfo)
run halt -m $((total + 2))
expect_status 125
expect_sentence "$((total + 2)) MiB"
expect_sentence "this host has [0-9]* MiB"
expect_output ''
run halt -m 8T
expect_status 125
expect_sentence "8388608 MiB"
verdict

begin "more memory than the process may have: a clear word with the numbers, status 125"
tvmm_with halt -m 256
(ulimit -v 200000 && exec timeout -s KILL 10 "${command[@]}") >"$out" 2>"$err" </dev/null
status=$?
expect_status 125
expect_sentence "256 MiB.* 195 MiB of address space"
expect_output ''
verdict

huge_kib() { # of the process: its anonymous memory in huge pages
	awk '/^AnonHugePages:/ { print $2 }' "/proc/$pid/smaps_rollup"
}

# How much of a guest that waits for input is in huge pages, into $kib.
idle_in_huge_pages() { # [option]...
	cmdline=up
	: >"$out"
	launch idle -m 64 "$@"
	await_output
	kib=$(huge_kib)
	kill -TERM "$pid"
	finish 5
}

begin "a kernel of a few KiB without an initrd is not given huge pages; -without small-start: it is"
about small-start huge-pages
idle_in_huge_pages -without small-start
if [ "${kib:-0}" -ge 4096 ]; then # below 2 MiB, and the kernel's
	idle_in_huge_pages
	[ "$kib" = 0 ] || complain "none of its memory in huge pages" "$kib KiB"
	verdict
else
	skip "this host gave a guest ${kib:-0} KiB in huge pages, not the 4 MiB that it asked for"
fi
