# SPDX-License-Identifier: MIT
#
# What the cases are written with. A case is
#
#	begin "what it is about"
#	run GUEST [option of tvmm]...		until its end; or: launch ..., something, finish SECONDS
#	expect_...				as many as needed, each may note a complaint
#	verdict					one line of output
#
# A case that cannot hold without a technique (tests/without/run) has a line "about WORD..." as well, and
# is skipped where one of them is off.
#
# Set before run and launch, and fresh at each begin:
#	$cmdline	the guest's command line, $input the file that is stdin (or - for none),
#	$wrapper	words before tvmm's own, $limit the seconds a run may take at most
# Set by run and finish:
#	$status, $ms (what it took), files $out and $err

out=$work/out
err=$work/err
number=0 passed=0 failed=0 skipped=0

begin() {
	what=$1
	complaints=()
	cmdline='' input=/dev/null wrapper=() limit=20 remark= is_about=
	: >"$out" >"$err"
}

# tvmm's resident memory that is not the guest's, in KiB: the guest's is left out of core dumps (dd).
own_memory() { # PID
	awk '/^Rss:/ { kib = $2 } /^VmFlags:/ && !/ dd/ { sum += kib } END { print sum + 0 }' "/proc/$1/smaps"
}

now_us() { # into $us
	us=${EPOCHREALTIME/[.,]/}
}

is_off() { # WORD: a technique
	[[ ",${TECHNIQUES_OFF:-}," == *",$1,"* ]]
}

about() { # WORD...
	local word
	for word; do
		! is_off "$word" || is_about=$word
	done
}

tvmm_with() { # GUEST or a file's path, [option]...: into $command
	local image=$work/guests/$1.bzImage
	[ -e "$image" ] || image=$work/guests/$1.elf
	[[ "$1" == */* ]] && image=$1
	command=("${wrapper[@]}" "$tvmm" -kernel "$image" -append "$cmdline" "${@:2}")
}

run() {
	tvmm_with "$@"
	now_us
	local start=$us
	if [ "$input" = - ]; then
		timeout --foreground -s KILL "$limit" "${command[@]}" >"$out" 2>"$err" <&-
	else
		timeout --foreground -s KILL "$limit" "${command[@]}" >"$out" 2>"$err" <"$input"
	fi
	status=$?
	now_us
	ms=$(((us - start) / 1000))
} 2>/dev/null

# In the background, with the signals a shell would have it ignore; $pid is tvmm's own.
launch() {
	tvmm_with "$@"
	env --default-signal=INT,QUIT "${command[@]}" >"$out" 2>"$err" <"$input" &
	pid=$!
}

# Until the condition (a command) holds; false when it does not within the seconds.
within() { # SECONDS COMMAND...
	now_us
	local end=$((us + $1 * 1000000))
	shift
	until "$@"; do
		now_us
		[ "$us" -lt "$end" ] || return 1
		sleep 0.005
	done
}

gone() { # PID of a child
	! kill -0 "$1" 2>/dev/null
}

has_output() {
	[ -s "$out" ]
}

await_output() {
	within 5 has_output || complain "the guest to print something" "nothing in 5 s"
}

# Waits for what was launched; when it is not over in time it is killed, and that is a complaint.
finish() { # SECONDS
	now_us
	local start=$us
	if ! within "$1" gone "$pid"; then
		complain "an end within $1 s" "none"
		kill -KILL "$pid"
	fi
	now_us
	ms=$(((us - start) / 1000))
	wait "$pid"
	status=$?
} 2>/dev/null

complain() { # EXPECTED GOT
	complaints+=("expected $1, got $2")
}

expect_status() {
	[ "$status" = "$1" ] || complain "status $1" "$status"
}

expect_within_ms() {
	[ "$ms" -le "$1" ] || complain "at most $1 ms" "$ms ms"
}

expect_output() { # TEXT
	printf '%s' "$1" >"$work/wanted"
	expect_same "$work/wanted" "$out"
}

expect_same() { # FILE FILE
	local difference
	difference=$(cmp "$1" "$2" 2>&1) ||
		complain "$(stat -c %s "$1") bytes of output" "$(stat -c %s "$2"): $difference"
}

expect_sentence() { # a pattern that the last line of stderr has
	tail -n 1 "$err" | grep -q -e "^tvmm: .*$1" ||
		complain "a sentence with '$1'" "'$(tail -n 1 "$err")'"
}

expect_silence() {
	[ ! -s "$err" ] || complain "nothing on stderr" "'$(head -n 1 "$err")'"
}

# Our processes: those with this run's copy of tvmm among their arguments, and dead ones of our
# session that nobody has waited for.
left_behind() {
	local dir arguments stat
	for dir in /proc/[0-9]*; do
		{ mapfile -d '' arguments <"$dir/cmdline"; } 2>/dev/null || continue
		if [[ "${arguments[*]}" == *"$tvmm "* ]]; then
			echo "${dir#/proc/} ${arguments[0]}"
		elif [ ${#arguments[@]} = 0 ] && { read -r stat <"$dir/stat"; } 2>/dev/null &&
			[[ "$stat" =~ ^[0-9]+\ \(tvmm\)\ Z\ [0-9]+\ [0-9]+\ $session\  ]]; then
			echo "${dir#/proc/} (zombie)"
		fi
	done
}
read -r _ _ _ _ _ session _ <"/proc/$$/stat"

nobody_left() {
	[ -z "$(left_behind)" ]
}

verdict() {
	if [ "$is_about" ]; then
		skip "it is about $is_about, which is off"
		return
	fi
	within 1 nobody_left || complain "no process left behind" "$(left_behind | tr '\n' ' ')"
	number=$((number + 1))
	if [ ${#complaints[@]} = 0 ]; then
		passed=$((passed + 1))
		echo "ok $number - $what${remark:+ ($remark)}"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $number - $what:$(printf ' %s;' "${complaints[@]}" | sed 's/;$//')"
	tail -n 3 "$err" | sed 's/^/# stderr: /'
}

skip() {
	number=$((number + 1))
	skipped=$((skipped + 1))
	echo "ok $number - $what # SKIP $1"
}

summary() {
	echo "# tests/guest: $passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}
