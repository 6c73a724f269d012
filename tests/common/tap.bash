# SPDX-License-Identifier: MIT
#
# TAP of a script of bash that sources this: a line for each case. $number counts them, $failed
# those that failed; the script ends with the plan.
number=0 failed=0

verdict() { # WHAT WHY-NOT
	number=$((number + 1))
	if [ "$2" ]; then
		failed=$((failed + 1))
		echo "not ok $number - $1"
		printf '%s\n' "$2" | sed 's/^/#   /'
	else
		echo "ok $number - $1"
	fi
}
