# SPDX-License-Identifier: MIT
#
# Host faults: each system call that a run makes fails once at each of its occurrences, injected by
# strace. Whatever fails, there is a status of the table, a sentence if it is not 0, an end within
# 10 s, no death by a signal, and under the report's name either what was there or a whole report;
# nothing else is left in its folder. EINTR is retried: the run is as ever.
#
# Each occurrence gets one of its errors in turn, and each of a call's errors comes at least once.
# FAULTS=all tries every error at every occurrence: some minutes. $FAULTS_TOLD is a file to which
# what was told of each of them is written, for people to read.

command -v strace >/dev/null || { begin "host faults"; skip "there is no strace"; return; }

# What each call can say, of what a run makes. What the C library does before main is not in it.
declare -A fault_errors=(
	[openat]='ENOENT EACCES EMFILE ENFILE ENOMEM EIO EINTR'
	[newfstatat]='ENOENT EACCES ENOMEM EIO'
	[statx]='ENOSYS EACCES'
	[readlink]='EACCES ENOENT EIO'
	[access]='EACCES ENOENT'
	[read]='EIO EINTR EBADF'
	[pread64]='EIO EINTR'
	[write]='ENOSPC EPIPE EIO EINTR EAGAIN'
	[close]='EIO EINTR'
	[fcntl]='EMFILE EBADF'
	[fchmod]='EPERM EIO'
	[fsync]='EIO ENOSPC EINTR'
	[linkat]='EPERM EEXIST ENOENT EMLINK'
	[rename]='EXDEV EACCES ENOSPC EBUSY'
	[unlink]='EACCES ENOENT'
	[mmap]='ENOMEM'
	[munmap]='ENOMEM'
	[madvise]='EINVAL ENOMEM'
	[mprotect]='ENOMEM'
	[eventfd2]='EMFILE ENFILE ENOMEM'
	[ioctl]='EINTR ENOMEM EINVAL EFAULT EBUSY EIO'
	[poll]='EINTR ENOMEM'
	[ppoll]='EINTR ENOMEM'
	[clone3]='EAGAIN ENOMEM'
	[setitimer]='EINVAL'
	[getrandom]='EINTR EAGAIN'
)
# Calls of the C library's own, before main, which come first.
declare -A fault_first=([mprotect]=2 [readlink]=2 [getrandom]=2)

# Made over and over again: without FAULTS=all so many of the first ones, and the last one.
declare -A fault_most=([pread64]=14 [read]=14 [write]=20 [newfstatat]=20)
FAULT_WORKERS=2

faults=$work/faults
mkdir -p "$faults/root"
echo text >"$faults/root/file"
"$tvmm" initramfs "$faults/root" -o "$faults/initrd" >/dev/null

# strace's words, then those of a run with a report, in a folder of its own.
traced_run() { # FOLDER [option of strace]...
	local folder=$1
	shift
	cmdline=$'up\n'
	tvmm_with reset_92 -initrd "$faults/initrd" -report "$folder/report" -timeout 60
	command=(strace -f "$@" "${command[@]}")
}

# How often a run's threads make each call: lines CALL COUNT, of the thread that does it most often.
count_calls() {
	mkdir -p "$faults/plain"
	traced_run "$faults/plain" -o "$faults/trace"
	timeout -s KILL 20 "${command[@]}" >"$out" 2>"$err" </dev/null || return
	awk '
		$2 ~ /^[a-z0-9_]+\(/ { call = $2; sub(/\(.*/, "", call); n[$1 " " call]++ }
		END {
			for (key in n) {
				split(key, part, " ")
				if (n[key] > most[part[2]]) most[part[2]] = n[key]
			}
			for (call in most) print call, most[call]
		}' "$faults/trace" | sort >"$faults/calls"
}

# What is wrong with a run in which something failed; nothing if all is well.
judge_fault() { # CALL ERROR FOLDER STATUS
	local call=$1 error=$2 folder=$3 status=$4 report=$3/report names
	case $status in
	0)
		cmp -s "$folder/out" <(printf 'up\n') ||
			echo "status 0, but the output is '$(<"$folder/out")'"
		;;
	121 | 125)
		[ "$call" = write ] || tail -n 1 "$folder/err" | grep -q '^tvmm: .' ||
			echo "status $status without a sentence: '$(tail -n 1 "$folder/err")'"
		;;
	137) echo "no end within 10 s" ;;
	*) echo "status $status: '$(tail -n 1 "$folder/err")'" ;;
	esac
	[ "$error" != EINTR ] || [ "$status" = 0 ] ||
		echo "EINTR is not retried: '$(tail -n 1 "$folder/err")'"
	if [ "$(head -c 1 "$report" 2>/dev/null)" = '{' ]; then
		[ "$(tail -n 1 "$report")" = '}' ] || echo "half a report"
	elif [ "$status" = 0 ] || [ "$(<"$report")" != old ]; then
		echo "status $status, and the report is '$(head -c 40 "$report" 2>/dev/null)'"
	fi
	names=$(ls -A "$folder")
	[ "$names" = $'err\nout\nreport' ] || echo "left in the folder: ${names//$'\n'/ }"
}

try_fault() { # CALL ERROR OCCURRENCE, in the background
	local call=$1 error=$2 folder=$faults/$1.$2.$3 status
	mkdir "$folder"
	echo old >"$folder/report"
	traced_run "$folder" --seccomp-bpf -o /dev/null -e "trace=$call" \
		-e "inject=$call:error=$error:when=$3"
	timeout -s KILL 10 "${command[@]}" >"$folder/out" 2>"$folder/err" </dev/null
	status=$?
	[ -z "${FAULTS_TOLD:-}" ] ||
		echo "$call $error $3: $status $(tail -n 1 "$folder/err")" >>"$FAULTS_TOLD"
	judge_fault "$call" "$error" "$folder" $status | sed "s/^/$error at $3: /" >>"$faults/$call.bad"
	[ -s "$faults/$call.bad" ] || rm -r "$folder"
} 2>/dev/null

# The lines "ERROR OCCURRENCE" for a call that is made so often.
choose_faults() { # CALL COUNT
	local -a errors=(${fault_errors[$1]})
	local first=${fault_first[$1]:-1} most=${fault_most[$1]:-$2} k i
	for ((k = first; k <= $2; k++)); do
		if [ "${FAULTS:-}" = all ]; then
			printf "%s $k\n" "${errors[@]}"
		elif [ $((k - first)) -lt "$most" ] || [ "$k" = "$2" ]; then
			echo "${errors[(k - first) % ${#errors[@]}]} $k"
		fi
	done
	[ "${FAULTS:-}" = all ] && return
	for ((i = $2 - first + 1; i < ${#errors[@]}; i++)); do # those whose turn did not come
		echo "${errors[i]} $2"
	done
}

begin "a run under strace"
count_calls || complain "status 0" "$? '$(tail -n 1 "$err")'"
remark="$(awk '{ n += $2 } END { print n }' "$faults/calls") calls"
verdict
if [ ! -s "$faults/calls" ]; then
	begin "host faults"
	skip "strace cannot trace here"
	return
fi

injected=0
while read -r call count; do
	[ -n "${fault_errors[$call]:-}" ] && [ "$count" -ge "${fault_first[$call]:-1}" ] || continue
	begin "$call fails"
	: >"$faults/$call.bad"
	n=0
	while read -r error k; do
		while [ "$(jobs -rp | wc -l)" -ge $FAULT_WORKERS ]; do wait -n; done
		try_fault "$call" "$error" "$k" &
		n=$((n + 1))
	done < <(choose_faults "$call" "$count")
	wait
	while read -r line; do complain "a run in order" "$line"; done <"$faults/$call.bad"
	injected=$((injected + n))
	remark="$n faults"
	verdict
done <"$faults/calls"

# strace counts for each thread. So many ioctls only a vCPU's thread makes, if the guest prints enough.
text=$(printf '%064d' 0)
for error in EFAULT ENOMEM EIO EINVAL EINTR EAGAIN; do
	begin "KVM_RUN fails: $error"
	wrapper=(strace -f --seccomp-bpf -o /dev/null -e trace=ioctl
		-e "inject=ioctl:error=$error:when=50")
	cmdline=$text
	run reset_92
	case $error in
	EINTR | EAGAIN)
		expect_status 0
		expect_output "$text"
		;;
	*)
		expect_status 125
		expect_sentence "KVM could not run the vCPU: "
		;;
	esac
	injected=$((injected + 1))
	verdict
done

begin "there were enough of them"
[ $injected -ge 150 ] || complain "150 faults or more" "$injected"
remark="$injected faults"
verdict

# On a terminal. What a run on one does besides: its settings, the keeper, the keys.
if [ ! -x "$ptydrive" ]; then
	begin "faults on a terminal"
	skip "$ptydrive is not built"
	return
fi

fault_on_terminal() { # CALL ERROR OCCURRENCE...
	local call=$1 error=$2 k
	begin "$call fails on a terminal ($error): its settings are restored"
	for k in "${@:3}"; do
		traced_run "$faults" --seccomp-bpf -o /dev/null -e "trace=$call" \
			-e "inject=$call:error=$error:when=$k"
		timeout -s KILL "$limit" "$ptydrive" -e 'timeout 10' -e 'expect-exit 0' \
			-e expect-terminal-restored -- bash -c '"$@"; echo $? >"$0"' \
			"$work/status" "${command[@]}" >"$out" 2>"$err" ||
			complain "the terminal as before" "$(tail -n 1 "$err") at $k"
		status=$(<"$work/status")
		case $status in
		0 | 121 | 125) ;;
		*) complain "a status of the table" "$status at $k" ;;
		esac
	done
	remark="$((${#@} - 2)) faults"
	verdict
}

fault_on_terminal ioctl EIO {30..48}
fault_on_terminal ioctl EINTR 33 36 40
fault_on_terminal clone EAGAIN 1
fault_on_terminal clone3 EAGAIN 1 2
fault_on_terminal pipe EMFILE 1
fault_on_terminal read EIO {1..4}
fault_on_terminal write EIO {1..4}
fault_on_terminal ppoll ENOMEM 1 2
fault_on_terminal fcntl EBADF 1 2 3
fault_on_terminal rename EACCES 1
