#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `tvmm probe --ci`, and a boot, on hosts where something is missing. The hosts are made: /dev is a folder of
# this script's own, in mounts of its own, and strace answers for KVM. So this needs no KVM, but root.
#
# TVMM=FILE names the program; build/tvmm without it. Prints TAP.
set -u
export LC_ALL=C
unset GITHUB_ACTIONS GITLAB_CI CI KUBERNETES_SERVICE_HOST container

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tvmm=$(realpath -m "${TVMM:-$root/${B:-build}/tvmm}")
number=0 failed=0

ok() {
	number=$((number + 1))
	echo "ok $number - $1"
}

not_ok() { # NAME DIAGNOSTICS
	number=$((number + 1)) failed=$((failed + 1))
	echo "not ok $number - $1"
	printf '%s\n' "$2" | sed 's/^/#   /'
}

if [ "$(id -u)" != 0 ]; then
	echo "ok 1 - hosts where something is missing # SKIP needs root"
	exit
fi
if [ "${1:-}" != inside ]; then
	exec unshare -m --propagation private "${BASH_SOURCE[0]}" inside
fi

work=$(mktemp -d)
trap 'umount -l /dev; rm -rf "$work"' EXIT
chmod 755 "$work"
install -m 755 "$tvmm" "$work/tvmm" || exit 1
mkdir "$work/dev"
mknod -m 666 "$work/dev/null" c 1 3
if ! mount --bind "$work/dev" /dev || ! : >/dev/null; then
	echo "ok 1 - hosts where something is missing # SKIP no device files of one's own here"
	trap 'rm -rf "$work"' EXIT
	exit
fi

# A file that is no kernel is refused before KVM is asked: this is the smallest that is one.
kernel=$(realpath -m "$root/${B:-build}/guests/halt.bzImage")

# host NAME STATE-NAME... -- WORDS -- COMMAND...: the command prints the lines of --ci; each STATE NAME has to
# stand there, nothing else is missing, and the words are somewhere.
host() {
	local what=$1 said status complaint='' line expected=() words
	shift
	while [ "$1" != -- ]; do expected+=("$1") && shift; done
	words=$2
	shift 3
	said=$("$@" 2>&1)
	status=$?
	for line in "${expected[@]}"; do
		grep -qE "^${line/ / +} " <<<"$said" || complaint+="no line '$line'; "
	done
	[ "$(grep -c '^missing ' <<<"$said")" = "$(printf '%s\n' "${expected[@]}" | grep -c '^missing ')" ] ||
		complaint+="other things are missing; "
	grep -qF -- "$words" <<<"$said" || complaint+="no '$words'; "
	[ $status = 125 ] || complaint+="status $status; "
	[ "$(grep -cE '^(ok|limited|missing|unknown) +[a-z-]+ +' <<<"$said")" = 12 ] || complaint+="not 12 lines; "
	if [ "$complaint" ]; then not_ok "$what" "$complaint"$'\n'"$said"; else ok "$what"; fi
}

# boot NAME WORDS COMMAND...: a boot ends with 125 and says the words, and where more is told.
boot() {
	local what=$1 words=$2 said status
	shift 2
	if [ ! -e "$kernel" ]; then
		number=$((number + 1))
		echo "ok $number - $what # SKIP $kernel is not built"
		return
	fi
	said=$("$@" -kernel "$kernel" -no-cache 2>&1 </dev/null)
	status=$?
	if [ $status = 125 ] && grep -qF -- "$words" <<<"$said" && grep -qF 'tvmm probe --ci' <<<"$said"; then
		ok "$what"
	else
		not_ok "$what" "status $status, '$said'"
	fi
}

ci=("$work/tvmm" probe --ci)
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# What strace answers for /dev/kvm.
answer() { # WHAT COMMAND...
	local inject=()
	while [[ "$1" == *=* ]]; do inject+=(-e "inject=$1") && shift; done
	strace -f -qq -o "$work/trace" -P /dev/kvm "${inject[@]}" "$@"
}

host "no device" "missing device" "unknown permission" "unknown breakpoints" -- "/dev/kvm is not there" -- "${ci[@]}"
boot "no device: a boot" "/dev/kvm is missing" "$work/tvmm"
host "no device, in a container of GitLab's" "missing device" -- 'devices = ["/dev/kvm"]' -- \
	env GITLAB_CI=true container=docker "${ci[@]}"
host "no device, GitHub" "missing device" -- 'runs-on: ubuntu-latest' -- env GITHUB_ACTIONS=true "${ci[@]}"

mkdir /dev/kvm
host "a folder" "missing device" "unknown driver" -- "not a character device" -- "${ci[@]}"
rmdir /dev/kvm

mknod -m 600 /dev/kvm c 1 3
host "root's alone" "ok device" "missing permission" "unknown driver" -- 'GROUP="kvm", MODE="0660"' -- \
	"${nobody[@]}" "${ci[@]}"
boot "root's alone: a boot" "may be opened by root only" "${nobody[@]}" "$work/tvmm"
chown 0:104 /dev/kvm && chmod 660 /dev/kvm
words="join the group, and log in again: sudo usermod -aG"
for file in /.dockerenv /run/.containerenv /run/systemd/container; do
	[ ! -e $file ] || words="docker run --device /dev/kvm --group-add 104"
done
host "a group's" "missing permission" -- "$words" -- \
	"${nobody[@]}" "${ci[@]}"
host "a group's, on GitHub" "missing permission" -- "sudo udevadm trigger --name-match=kvm" -- \
	env GITHUB_ACTIONS=true "${nobody[@]}" "${ci[@]}"
boot "a group's: a boot" "usermod -aG kvm" "${nobody[@]}" "$work/tvmm"
host "in the group" "ok permission" "missing driver" -- "what answers is not KVM" -- \
	setpriv --reuid=65534 --regid=104 --clear-groups "${ci[@]}"
rm /dev/kvm

# Major 240 is for experiments: nobody stands behind it.
mknod -m 666 /dev/kvm c 240 77
if (: <>/dev/kvm) 2>/dev/null; then
	number=$((number + 1))
	echo "ok $number - no driver # SKIP something stands behind device 240, 77"
else
	host "no driver" "ok permission" "missing driver" "unknown api" -- "no driver behind it" -- "${ci[@]}"
	boot "no driver: a boot" "no driver behind it" "$work/tvmm"
fi
rm /dev/kvm

mknod -m 666 /dev/kvm c 1 3
host "a device that is not KVM's" "missing driver" "unknown vm" -- "10, 232" -- "${ci[@]}"
if ! strace -qq -o "$work/trace" true 2>/dev/null; then
	number=$((number + 1))
	echo "ok $number - answers of KVM # SKIP needs strace, and to be allowed to trace"
else
	host "busy" "ok permission" "missing driver" -- "end the other hypervisor" -- \
		answer openat:error=EBUSY "${ci[@]}"
	boot "busy: a boot" "is busy: another hypervisor" answer openat:error=EBUSY "$work/tvmm"
	host "forbidden by a container's device rules" "missing permission" -- "device rules" -- \
		answer openat:error=EPERM "${ci[@]}"
	boot "forbidden: a boot" "--device /dev/kvm" answer openat:error=EPERM "$work/tvmm"
	host "an old version" "missing api" "unknown vm" -- "version 11; 12 is needed" -- \
		answer ioctl:retval=11 "${ci[@]}"
	host "a KVM that lacks all" "ok api" "missing capabilities" -- "KVM_CAP_IMMEDIATE_EXIT" -- \
		answer ioctl:retval=12:when=1 "${ci[@]}"
	# Version and capabilities are asked for, then, as by a boot, the version and the six that are needed.
	asked=$(($("$work/tvmm" probe --json | grep -c '"KVM_CAP_') + 1 + 1 + 6))
	host "no VM can be made" "ok capabilities" "missing vm" "unknown kernel" -- \
		"no virtual machine can be created" -- answer "ioctl:retval=12:when=1..$asked" "${ci[@]}"
	host "a VM that is none" "ok vm" "missing kernel" -- "no guest could be run" -- \
		answer ioctl:retval=12 "${ci[@]}"
	host "a filter that ends who calls" "missing seccomp" "unknown api" -- "seccomp=unconfined" -- \
		answer ioctl:signal=SYS:when=1 "${ci[@]}"
	host "ended for want of memory" "missing driver" -- "ended by signal 9" -- \
		answer ioctl:signal=KILL:when=1 "${ci[@]}"
fi
host "little address space" "missing driver" "missing limits" -- "ulimit -v unlimited" -- \
	bash -c 'ulimit -v 140000; exec "$@"' limited "${ci[@]}"
host "little CPU time" "missing driver" "limited limits" -- "after 60 s of CPU" -- \
	bash -c 'ulimit -t 60; exec "$@"' limited "${ci[@]}"

# JSON says the same.
"${ci[@]}" | awk '/^(ok|limited|missing|unknown) / { print $1, $2 }' >"$work/lines"
"${ci[@]}" --json >"$work/json"
status=$?
grep -o '"name": "[a-z-]*", "state": "[a-z]*"' "$work/json" | awk -F'"' '{ print $8, $4 }' >"$work/json.lines"
if [ $status = 125 ] && [ -s "$work/lines" ] && cmp -s "$work/lines" "$work/json.lines"; then
	ok "JSON has the same states"
else
	not_ok "JSON has the same states" "status $status: $(diff "$work/lines" "$work/json.lines")"
fi

echo "1..$number"
[ $failed = 0 ]
