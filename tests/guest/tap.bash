# SPDX-License-Identifier: MIT
#
# Test streams, which a guest prints that prints its command line and halts: the status and the sentence
# are the stream's.

passing=$'noise\nKTAP version 1\n1..2\n    # Subtest: list\n    1..1\n    ok 1 add\nok 1 list\nok 2 hash # SKIP no\n'
failing=$'TAP version 13\n1..3\nok 1 a\n# it is broken\nnot ok 2 b\nok 3 c\n'

begin "-tap: all tests passed, status 0"
cmdline=$passing
run say_and_exit -tap
expect_status 0
expect_output "$passing"
grep -q '^tvmm: tests: 2 tests: 1 passed, 1 skipped$' "$err" || complain "a line of tests" "$(tail -n 2 "$err")"
verdict

begin "-tap: one failed, status 120"
cmdline=$failing
run say_and_exit -tap
expect_status 120
expect_output "$failing"
expect_sentence "tests failed: 1 of 3 tests failed: b"
run say_and_exit
expect_status 0
verdict

begin "-tap: a stream that breaks off, one without a plan, none: status 120"
cmdline=$'KTAP version 1\n1..3\nok 1 a\nok 2 b\n'
run say_and_exit -tap
expect_status 120
expect_sentence "tests failed: 2 of 3 results came, the last b"
cmdline=$'KTAP version 1\nok 1 a\n'
run say_and_exit -tap
expect_status 120
expect_sentence "nobody knows whether that was all"
cmdline=$'ok 1 a\n'
run say_and_exit -tap
expect_status 120
expect_sentence 'no line "KTAP version 1"'
verdict

begin "-tap: a worse ending is told, not the tests"
cmdline=$failing
run say_and_exit -tap -device isa-debug-exit,iobase=0xf4,iosize=0x04
expect_status 33
expect_sentence "isa-debug-exit"
verdict

begin "-junit, -summary: files, the second one written on"
cmdline=$failing
echo before >"$work/summary"
run say_and_exit -q -tap -junit "$work/junit" -summary "$work/summary"
run say_and_exit -q -tap -junit "$work/junit" -summary "$work/summary"
expect_status 120
grep -q '^<testsuites name="tvmm" tests="4" failures="2" errors="0" skipped="0" ' "$work/junit" ||
	complain "four tests, two failures" "$(sed -n 2p "$work/junit")"
grep -q '<failure message="it is broken" type="not ok"># it is broken$' "$work/junit" ||
	complain "the failure with what was printed" "$(grep '<failure' "$work/junit")"
got=$(grep -c '^## ' "$work/summary")
[ "$(head -n 1 "$work/summary") $got" = "before 2" ] || complain "two headings behind what was there" "$got"
grep -q '^not ok 2 b$' "$work/summary" || complain "the console" "none"
verdict

begin "-junit without -tap: the run is the test"
cmdline=$failing
run say_and_exit -q -junit "$work/junit"
expect_status 0
grep -q '^<testsuites name="tvmm" tests="1" failures="0" ' "$work/junit" ||
	complain "one test" "$(sed -n 2p "$work/junit")"
run "reset_8042" -q -junit "$work/junit" -summary "$work/no/such/file"
expect_status 125
expect_sentence "no/such/ cannot be used: No such file or directory"
verdict

begin "-tap: a plan beyond all bounds"
cmdline=$'KTAP version 1\n1..999999999\nok 1 a\n'
run say_and_exit -tap
expect_status 120
expect_sentence "1 of 999999999 results came"
verdict
