#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The program, its man page, its help and its completion speak of the same options, commands,
# serial kinds and exit statuses. The program's own tables are the measure: rows[] in
# vmm/options.c, commands[] in vmm/commands.c, KIND_NAMES in vmm/chardev.c, enum status in
# vmm/ending.h.
#
# TVMM=FILE names the program; build/tvmm without it. Prints TAP.
set -u
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tvmm=$(realpath -m "${TVMM:-$root/${B:-build}/tvmm}")
cd "$root" || exit 1
man=docs/tvmm.1
number=0
failed=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ok() {
	number=$((number + 1))
	echo "ok $number - $1"
}

not_ok() { # NAME DIAGNOSTICS
	number=$((number + 1))
	failed=$((failed + 1))
	echo "not ok $number - $1"
	printf '%s\n' "$2" | sed 's/^/#   /'
}

skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

sorted() { tr ' ' '\n' | sed '/^$/d' | sort -u; }

# same NAME WANTED GOT: the same words on both sides, in any order, and at least one.
same() {
	local missing more
	missing=$(comm -23 <(sorted <<<"$2") <(sorted <<<"$3") | paste -sd ' ')
	more=$(comm -13 <(sorted <<<"$2") <(sorted <<<"$3") | paste -sd ' ')
	if [ ! "$2" ]; then
		not_ok "$1" "nothing was found to compare with"
	elif [ "$missing$more" ]; then
		not_ok "$1" "missing: ${missing:-none}; too many: ${more:-none}"
	else
		ok "$1"
	fi
}

# --- what the program has -----------------------------------------------------------------------

# A line for each option: its name, whether it takes a value, its handler.
rows() {
	sed -n '/^static const struct option_row rows\[\]/,/^};/s/[{}",]/ /gp' vmm/options.c |
		awk '$2 == "true" || $2 == "false" { print $1, $2, $3 }'
}
options=$(rows | awk '{ print $1 }')
valued=$(rows | awk '$2 == "true" { print $1 }')
commands=$(sed -n '/^static const struct command commands/,/^};/p' vmm/commands.c |
	grep -o '{ "[a-z-]*"' | tr -d '{" ')
kinds=$(sed -n '/KIND_NAMES\[\] = {/,/^};/p' vmm/chardev.c | grep -o '"[^"]*"' | tr -d '"')
statuses=$(sed -n '/^enum status {/,/^};/s/.* = \([0-9]*\),.*/\1/p' vmm/ending.h)

# --- what the documents say ---------------------------------------------------------------------

man_section() { sed -n "/^\.Sh $1\$/,/^\.Sh /p" "$man"; }
man_options() { man_section OPTIONS | sed -n 's/^\.It Fl \([^ ]*\).*/\1/p' | grep -vx -e -; } # "--" is none
man_commands() { man_section COMMANDS | sed -n 's/^\.It Nm Cm \([a-z-]*\).*/\1/p'; }
man_kinds() {
	man_section OPTIONS | sed -n '/^\.It Fl serial/,/^\.It Fl echr/s/^\.It Cm \([^ \\]*\).*/\1/p'
}
# The first word of each entry; 128 stands for 128+n.
man_statuses() { man_section 'EXIT STATUS' | sed -n 's/^\.It \([0-9]*\)\(+n\)\{0,1\}$/\1/p'; }
readme_statuses() { sed -n 's/^| *\([0-9]*\)\(+n\)\{0,1\} *|.*/\1/p' README.md; }

# Options begin a line of the help; those without effect stand in a paragraph.
help_options() {
	{
		sed -n 's/^  \(-.*\)/\1/p' "$work/help" | sed 's/   *.*//'
		sed -n '/^Accepted/,/^$/p' "$work/help"
	} | grep -oE '(^|[ /])-[A-Za-z][a-z-]*' | tr -d ' /' | sed 's/^-//'
}
help_commands() { sed -n '/^commands$/,/^$/s/^  \([a-z-]*\)  .*/\1/p' "$work/help"; }

# offered WORD...: what docs/tvmm.bash offers for the last of these words, the others before it.
offered() {
	bash --norc -c '. docs/tvmm.bash
		COMP_WORDS=("$@") COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_CWORD=$(($# - 1))
		_tvmm tvmm "${*: -1}" ""
		echo "${COMPREPLY[*]}"' offered tvmm "$@"
}

# --- the comparisons ----------------------------------------------------------------------------

same 'man page: every option and no other' "$options" "$(man_options)"
same 'man page: the commands' "$commands" "$(man_commands)"
same 'man page: the kinds of -serial' "$kinds" "$(man_kinds)"
same 'man page: the exit statuses' "$statuses" "$(man_statuses)"
same 'README.md: the exit statuses' "$statuses" "$(readme_statuses)"

same 'completion: every option and no other' "$options" "$(offered - | sed 's/-\([^ ]*\)/\1/g')"
same 'completion: which options take a value' "$valued" "$(
	# shellcheck source=docs/tvmm.bash
	. docs/tvmm.bash
	for option in $options; do ! _tvmm_takes_value "$option" || echo "$option"; done
)"
same 'completion: the commands' "$commands" "$(offered '' | sed 's/-kernel//')"
same 'completion: the kinds of -serial' "$kinds" "$(offered -serial '')"

# Each option alone, in a folder without files: nothing is booted. What is complained about must
# not be the option.
try_options() {
	local option said
	for option in "$@"; do
		said=$(cd "$work" && "$tvmm" "-$option" x 2>&1 </dev/null)
		case $said in
		*'no such option'*) echo "$said" ;;
		esac
	done
}

if [ -x "$tvmm" ]; then
	"$tvmm" --help >"$work/help"
	same 'help: every option and no other' "$options" "$(help_options)"
	same 'help: the commands' "$commands" "$(help_commands)"
	# shellcheck disable=SC2046 # words are meant
	said=$(try_options $(man_options))
	if [ "$said" ]; then not_ok 'program: takes what the man page says' "$said"; else
		ok 'program: takes what the man page says'
	fi
	said=$(for command in $commands; do
		for word in -h -help --help; do
			[[ "$("$tvmm" $command $word 2>&1)" == "usage: tvmm $command "* ]] || echo "tvmm $command $word"
		done
	done)
	if [ "$said" ]; then not_ok 'help: of each command, by each of its names' "$said"; else
		ok 'help: of each command, by each of its names'
	fi
else
	for what in 'help: every option and no other' 'help: the commands' \
		'help: of each command, by each of its names' \
		'program: takes what the man page says'; do
		skip "$what" "$tvmm is not built"
	done
fi

# --- the man page's form ------------------------------------------------------------------------

clean() { # NAME COMMAND...: prints nothing, ends with 0
	local said
	if said=$("${@:2}" 2>&1) && [ ! "$said" ]; then ok "$1"; else not_ok "$1" "${said:-failed}"; fi
}

if command -v mandoc >/dev/null; then
	# Below warnings, mandoc also tells which other manuals are not installed.
	clean 'man page: mandoc finds nothing to warn of' mandoc -T lint -W warning "$man"
else
	skip 'man page: mandoc finds nothing to warn of' 'mandoc is not installed'
fi
if command -v man >/dev/null && man --version 2>/dev/null | grep -q '^man 2'; then
	# shellcheck disable=SC2016 # $0 is the inner shell's
	clean 'man page: man shows it without warnings' \
		bash -c 'set -o pipefail; man --warnings -l "$0" >/dev/null' "$man"
else
	skip 'man page: man shows it without warnings' 'man-db is not installed'
fi

echo "1..$number"
[ "$failed" = 0 ]
