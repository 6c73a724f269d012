# SPDX-License-Identifier: MIT
#
# A thousand VMs in a row in one process: what it holds does not grow.

# tvmm is in it, so the options that tests/without/tvmm.c adds are asked for, of one that has a script to become.
added=()
if [ "$program" != "$tvmm" ]; then
	mkdir -p "$work/asked/plain" && cp "$tvmm" "$work/asked/tvmm"
	printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >"$work/asked/plain/tvmm" && chmod 755 "$work/asked/plain/tvmm"
	mapfile -t added < <("$work/asked/tvmm" -end | grep -vx -e -end)
fi

soak() { # RUNS [option]...
	tvmm_with reset_92 "${added[@]}" "${@:2}"
	command=("$(realpath "$B/tests/guest/soak")" "$1" "${command[@]:1}")
	now_us
	local start=$us
	timeout -s KILL 1800 "${command[@]}" >"$out" 2>"$err" </dev/null
	status=$?
	now_us
	[ "$status" = 0 ] || complain "nothing leaked" "'$(tail -n 1 "$out" "$err")', status $status"
	remark="$(tail -n 1 "$out"), $(((us - start) / ${1#-})) us each"
}

begin "a thousand VMs in one process: no descriptor, thread, mapping or page is leaked"
soak 1000 -serial null
verdict

begin "a hundred with four CPUs each"
soak 100 -serial null -smp 4
verdict

begin "a hundred with all that can be recorded"
soak 100 -serial null -report "$work/report" -trace "$work/trace" -html "$work/html"
verdict

# What was opened until then is given back as well when a run cannot be made.
begin "a hundred without a kernel"
soak -100 -kernel /dev/null
verdict

begin "a hundred with a report that cannot be"
soak -100 -report "$work/report" -trace "$work/no/trace"
verdict

begin "a hundred whose CPU cannot be had"
# One that this host does not have: old AMDs have the first, new Intels the second.
for feature in 3dnow avx512f; do
	grep -qw "$feature" /proc/cpuinfo || break
done
soak -100 -cpu "host,+$feature" -report "$work/report"
verdict
