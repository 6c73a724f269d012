#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `tvmm probe` on the host at hand: text, JSON and exit status say the same, whatever it is; the
# checks that every ground can pass do pass; a user who may not open /dev/kvm is told so.
#
#   tests/guest/test_probe.sh [TVMM]
#
# Prints "ok N - what", "not ok N - what" behind its reasons, or "ok N - what # SKIP reason"; the
# exit status is 1 if any failed.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tvmm=${1:-${TVMM:-${B:-$root/build}/tvmm}}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

number=0

fail() {
	echo "# $*"
	failures=$((failures + 1))
}

verdict() { # WHAT CHECK...: the check's failures decide
	local before=$failures
	"${@:2}"
	number=$((number + 1))
	if [ "$failures" = "$before" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
	fi
}

skip() { # WHAT REASON
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# The value behind a key of the JSON, as it stands there.
json() {
	grep -o "\"$1\": [^,}]*" "$work/json" | head -n 1 | cut -d' ' -f2-
}

outcome() {
	grep -o "\"$1\": {\"result\": \"[^\"]*\"" "$work/json" | cut -d'"' -f6
}

probe_twice() {
	"$tvmm" probe >"$work/text" 2>"$work/err"
	text_status=$?
	"$tvmm" probe --json >"$work/json" 2>>"$work/err"
	json_status=$?
}

check_agreement() {
	[ "$text_status" = "$json_status" ] || fail "status $text_status for text, $json_status for JSON"
	[ "$(json status)" = "$json_status" ] || fail "JSON says $(json status), it was $json_status"
	[ ! -s "$work/err" ] || fail "stderr: $(cat "$work/err")"
	grep -qF "$(json verdict | tr -d '"' | cut -c1-40)" "$work/text" || fail "two verdicts"
	case $text_status in
	0) grep -q '^This host can run ordinary Linux guests' "$work/text" || fail "no good verdict" ;;
	1) grep -q "^This host's KVM cannot run .*make lab" "$work/text" || fail "no bad verdict" ;;
	125) grep -q '^There is no usable KVM' "$work/text" || fail "no verdict on a missing KVM" ;;
	*) fail "status $text_status" ;;
	esac
	if command -v jq >/dev/null; then
		jq -e . "$work/json" >/dev/null || fail "jq does not read the JSON"
	fi
}

# What must work wherever there is a KVM, even one that interprets the guest's kernel.
check_guest() {
	local check
	for check in long_mode fpu user_mode timer; do
		[ "$(outcome $check)" = passed ] || fail "$check: $(outcome $check)"
	done
	[ "$(outcome syscall)" != "not run" ] || fail "syscall was not run"
	[ "$(outcome breakpoint)" != "not run" ] || fail "breakpoint was not run"
	if [ "$(outcome syscall)" = passed ]; then
		[ "$text_status" = 0 ] || fail "all that is needed is there, and the status $text_status"
	else
		[ "$text_status" = 1 ] || fail "there is no syscall, and the status is $text_status"
	fi
}

# The lines of --ci say the same: what guests cannot do without is missing only where the probe failed.
check_ci() {
	local status
	"$tvmm" probe --ci >"$work/ci" 2>>"$work/err"
	status=$?
	[ "$(grep -cE '^(ok|limited|missing|unknown) +[a-z-]+ +' "$work/ci")" = 12 ] || fail "not 12 lines"
	if grep -q '^missing' "$work/ci"; then
		[ $status = 125 ] || fail "something is missing, and the status $status"
	else
		[ $status = 0 ] || fail "nothing is missing, and the status is $status"
	fi
	if [ "$text_status" = 0 ]; then
		! grep -E '^missing' "$work/ci" | grep -vE '^missing +(memory|limits) ' || fail "too much is missing"
		! grep -q '^unknown' "$work/ci" || fail "something is unknown"
	else
		grep -qE '^missing +(device|permission|driver|api|capabilities|vm|kernel|user-space|seccomp) ' \
			"$work/ci" || fail "nothing of KVM is missing"
	fi
}

# As nobody, with a copy that nobody may read.
check_not_permitted() {
	local status
	chmod 755 "$work"
	install -m 755 "$tvmm" "$work/tvmm"
	# With techniques off that is a launcher (tests/without/tvmm.c).
	[ ! -d "${tvmm%/*}/plain" ] || cp -r "${tvmm%/*}/plain" "$work/"
	setpriv --reuid=65534 --regid=65534 --clear-groups "$work/tvmm" probe >"$work/nobody"
	status=$?
	[ $status = 125 ] || fail "status $status for a user who may not open /dev/kvm"
	grep -q '^There is no usable KVM for this user' "$work/nobody" || fail "nobody is not told"
	! grep -q 'What a guest finds' "$work/nobody" || fail "nobody's checks are listed"
}

probe_twice
verdict "text, JSON and exit status agree" check_agreement
verdict "the lines of --ci agree with it" check_ci
if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
	skip "a user without permission is told so" "needs root and setpriv"
elif [[ $(stat -c %a /dev/kvm 2>/dev/null) != 6[06]0 ]]; then
	skip "a user without permission is told so" "everybody may open /dev/kvm, or it is missing"
else
	verdict "a user without permission is told so" check_not_permitted
fi
if [ "$text_status" = 125 ]; then
	skip "the guest's checks" "no usable KVM here"
else
	verdict "the guest's checks" check_guest
fi
[ $failures = 0 ]
