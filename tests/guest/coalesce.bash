# SPDX-License-Identifier: MIT
#
# Writes to the UART that are no exits: how many exits drivers cost, in which order their bytes come,
# and that none waits. The figures are exact but for the bytes until the supervisor runs.

readreport=$(realpath "$B/tests/guest/readreport")

number() { # PATH: of the report
	"$readreport" number "$work/report" "$1" 2>/dev/null
}

letters() { # HOW MANY
	local alphabet=abcdefghijklmnopqrstuvwxyz text=
	while [ ${#text} -lt "$1" ]; do
		text+=$alphabet
	done
	printf %s "${text:0:$1}"
}

# Exits at the UART's ports for a sender's bytes, at least and at most.
expect_exits() { # LEAST MOST
	local exits
	exits=$(number console.exits)
	remark="$exits exits, $(number console.coalesced) bytes without"
	[ "${exits:-0}" -ge "$1" ] && [ "$exits" -le "$2" ] || complain "$1 to $2 exits" "${exits:-none}"
}

send() { # LETTER NUMBER BYTES [option]...
	cmdline=$1$2
	run uart -account exits -report "$work/report" -q "${@:4}"
	expect_output "$(letters "$3")"
}

# The same where the last figure hangs on when the supervisor runs first, which a busy host delays: a run that the
# host disturbed, with more exits than that, is made again, four times at most.
send_undisturbed() { # MOST, and the words of send
	local most=$1 try
	shift
	for try in 1 2 3 4 5; do
		send "$@"
		[ "$(number console.exits)" -gt "$most" ] || break
	done
}

begin "a sender that polls: an exit for each byte, not two"
about coalesced-console
send_undisturbed 4100 p 4000 4000
expect_status 0
expect_exits 4001 4100
verdict

begin "the same without the ring: two"
send p 4000 4000 -without coalesced-console
expect_status 0
expect_exits 8001 8001
verdict

begin "a sender that fills the FIFO: an exit for 16 bytes"
about coalesced-console
send_undisturbed 1200 f 16000 16000
expect_status 0
expect_exits 1002 1200
verdict

begin "the same without the ring: 17"
send f 16000 16000 -without coalesced-console
expect_status 0
expect_exits 17002 17002
verdict

begin "a sender that never looks: an exit for each byte"
send b 4000 4000
expect_status 0
expect_exits 4000 4000
verdict

begin "-serial null: as few exits"
about coalesced-console
for try in 1 2 3 4 5; do
	cmdline=p4000
	run uart -serial null -account exits -report "$work/report" -q
	[ "$(number console.exits)" -gt 4100 ] || break
done
expect_status 0
expect_output ''
expect_exits 4001 4100
verdict

# 1000 interrupts: they would take 1 s if the supervisor had to find the bytes before each.
begin "a driver that halts until it is interrupted is not kept waiting"
send_undisturbed 2100 i 1000 16000
expect_status 0
# IIR and the last of 16 bytes in each round, and all 16 in the few before the supervisor runs.
is_off coalesced-console || expect_exits 2000 2100
expect_within_ms 1000
remark+=", $ms ms"
verdict

begin "behind LCR's DLAB the same port is the divisor's"
cmdline=d
run uart -q
expect_status 0
expect_output abK
verdict

begin "in loopback bytes come back, and do not go out"
cmdline=l
run uart -q
expect_status 0
expect_output abK
verdict

begin "the last bytes before a reset, by a driver that looks at nothing any more"
send r 1600 1600
expect_status 0
is_off coalesced-console || expect_exits 101 500
verdict

begin "the last bytes before a triple fault"
send t 1600 1600
expect_status 121
verdict

begin "the last bytes before it halts for good"
send h 1600 1600
expect_status 0
verdict

# It never leaves the guest again by itself.
has_all_letters() {
	[ "$(stat -c %s "$out")" = 1600 ]
}

begin "the last bytes before it spins are there at once, and the time limit has them too"
cmdline=s1600
launch uart --timeout 1.5
within 1 has_all_letters || complain "1600 bytes within 1 s" "$(stat -c %s "$out")"
finish 2
expect_status 124
expect_output "$(letters 1600)"
verdict

begin "-until sees a line whose last bytes nobody reads behind"
cmdline=s404 # a line is looked at up to 512 bytes
run uart --timeout 2 -until 'xyzabcdefghijklmn$'
expect_status 0
expect_within_ms 1000
remark="$ms ms"
verdict
