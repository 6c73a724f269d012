# SPDX-License-Identifier: MIT
#
# bench and compare with runs that are guests of a few instructions.

value_of() { # FILE KEY: the first number behind a key of the JSON
	grep -o "\"$2\": [0-9]*" "$1" | head -n 1 | cut -d' ' -f2
}

# bench WORDS...: in place of run.
bench() {
	now_us
	local start=$us
	timeout --foreground -s KILL "$limit" "$tvmm" "$@" >"$out" 2>"$err" </dev/null
	status=$?
	now_us
	ms=$(((us - start) / 1000))
}

# Processes of this run's copy of tvmm; runs of bench are called "tvmm" only.
running() {
	local exe count=0
	for exe in /proc/[0-9]*/exe; do
		[ "$exe" -ef "$program" ] && count=$((count + 1))
	done
	echo $count
}

are_running() { # HOW MANY
	[ "$(running)" = "$1" ]
}

reset=(-kernel "$work/guests/reset_92.bzImage" -append '')
spin=(-kernel "$work/guests/spin.bzImage" -append '')
runs=${BENCH_RUNS:-40}

for jobs in 1 2 8; do
	begin "bench --jobs $jobs: $runs runs of a guest that resets at once"
	bench bench -r "$runs" -w 2 --jobs $jobs --export-json "$work/jobs" --export-csv "$work/csv" -- "${reset[@]}"
	expect_status 0
	[ "$(value_of "$work/jobs" jobs)" = $jobs ] || complain "jobs $jobs in the export" "$(value_of "$work/jobs" jobs)"
	[ "$(tail -n +2 "$work/csv" | cut -d, -f1 | tr '\r\n' '  ' | tr -s ' ')" = "$(seq -s ' ' "$runs") " ] ||
		complain "runs 1 to $runs in their order" "$(cut -d, -f1 "$work/csv" | tr '\r\n' '  ')"
	[ $jobs = 1 ] || grep -q "jobs: $jobs, " "$out" || complain "that jobs was $jobs" "$(sed -n 2p "$out")"
	remark="$ms ms, $(((runs + 2) * 10000 / (ms + 1) / 10)).$(((runs + 2) * 10000 / (ms + 1) % 10)) runs a second"
	verdict
done

begin "bench --jobs 4: a run that fails is told with its number, and the others end"
bench bench -r 8 -w 1 --jobs 4 -- "${spin[@]}" -timeout 100ms
expect_status 125
expect_sentence '^tvmm: warm-up run 1 ended with status 124: \|run [1-3] ended with status 124: '
expect_within_ms 5000
verdict

begin "bench: a run that ends before its -until matches has failed"
bench bench -r 2 -w 0 -- "${reset[@]}" -until 'never printed'
expect_status 125
expect_sentence 'run 1 ended with status 0, but -until never matched: '
verdict

begin "bench --jobs 4: SIGINT ends all of them"
env --default-signal=INT,QUIT "$tvmm" bench -r 8 -w 0 --jobs 4 -- "${spin[@]}" >"$out" 2>"$err" &
pid=$!
within 10 are_running 5 || complain "four runs and bench" "$(running) processes"
kill -INT $pid
finish 5
expect_status 130
expect_within_ms 1000
within 1 are_running 0 || complain "all of them to be gone" "$(running) processes"
verdict

begin "compare --jobs 2: a guest and itself"
bench compare -r 4 --jobs 2 "-append 1" "-append 2" -- -kernel "$work/guests/reset_92.bzImage"
expect_status 0
grep -q 'runs: 4 of A, 4 of B, jobs: 2, ' "$out" || complain "that jobs was 2" "$(head -n 1 "$out")"
verdict
