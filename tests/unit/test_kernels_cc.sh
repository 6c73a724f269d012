#!/bin/bash
# SPDX-License-Identifier: MIT
#
# kernels/cc: what it compiles with the precompiled header, what without, and what make learns of
# it. A tree of a few files stands for the kernel's; gcc itself is called. Real kernels:
# tests/boot/rows.
#
# Prints TAP.
set -u
export LC_ALL=C
. "$(dirname "${BASH_SOURCE[0]}")/../common/tap.bash"

cc=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/kernels/cc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --- a tree -----------------------------------------------------------------------------------------

cd "$work" || exit 1
mkdir include pre dir
cat >include/first.h <<'END'
#define FIRST 1
END
cat >include/some.h <<'END'
#ifndef SOME_H
#define SOME_H
#ifdef LARGE
#define SIZE 2
#else
#define SIZE 1
#endif
#ifndef pr_fmt
#define pr_fmt(text) text
#endif
#define message(text) pr_fmt(text)
#define swap(a, b) ((a) = (b))
static inline int some(void) { return SIZE; }
#endif
END
# The header that is precompiled says what no file says, so that it can be seen who had it.
printf '#include "%s/include/first.h"\n#include <some.h>\n#define PRECOMPILED 1\n' "$work" >pre/common.h
flags="-nostdinc -I./include -include ./include/first.h -O2 -Wall"
echo "$flags" >pre/common.h.flags
echo "$work/include/some.h \\" >pre/common.h.depends
printf 'define LARGE\nundef LARGE\nundef pr_fmt\n' >pre/common.h.macros
gcc -nostdinc -I./include -O2 -Wall -x c-header -c -o pre/common.h.gch pre/common.h || exit 1
export TVMM_KERNEL_HEADERS=$work/pre/common.h

# compiled NAME [OPTION...]: compiles dir/NAME.c (standard input) as a kernel's make does; $said is
# what came on stderr, the status the compiler's.
compiled() {
	local name=$1
	shift
	rm -f dir/"$name".o dir/."$name".o.*
	cat >dir/"$name.c"
	said=$("$cc" -Wp,-MMD,"dir/.$name.o.d" $flags -I ./dir "$@" -DKBUILD_MODFILE='"dir/'"$name"'"' \
		-D__KBUILD_MODNAME=kmod_"$name" -c -o "dir/$name.o" "dir/$name.c" 2>&1)
}

# holds NAME TEXT: is the text among the object's strings?
holds() { strings "dir/$1.o" | grep -qxF -- "$2" || { echo "no '$2' in $1.o:" && strings "dir/$1.o"; }; }

with='PRECOMPILED is defined'
see="
#ifdef PRECOMPILED
const char how[] = \"$with\";
#else
const char how[] = \"it is not\";
#endif
"

# --- with the header --------------------------------------------------------------------------------

compiled plain <<END
#include <some.h>
$see
const char name[] = KBUILD_MODFILE;
int kmod_of(void);
int __KBUILD_MODNAME(void);
int kmod_of(void) { return __KBUILD_MODNAME() + FIRST + some(); }
END
verdict "a file is compiled" "${said}$([ -s dir/plain.o ] || echo 'no object')"
verdict "with the precompiled header" "$(holds plain "$with")"
verdict "it knows its name" "$(holds plain dir/plain)"
verdict "as a name too" "$(nm dir/plain.o | grep -q ' U kmod_plain$' || nm dir/plain.o)"
verdict "the header's headers are what it depends on" \
	"$(grep -qF "$work/include/some.h" dir/.plain.o.d || cat dir/.plain.o.d)"
verdict "after the file, as make has it" "$(head -n 1 dir/.plain.o.d | grep -q '^plain.o: dir/plain.c' || cat dir/.plain.o.d)"
verdict "and make can read it" "$(make -pnf dir/.plain.o.d plain.o 2>/dev/null | grep -q '^plain.o:.*some.h' || cat dir/.plain.o.d)"

compiled unused <<<"#include <some.h>
static int unused;$see"
verdict "warnings are told" "$(grep -q "'unused' defined but not used\|‘unused’ defined but not used" <<<"$said" || echo "said: $said")"
verdict "of a file that is compiled without the header then" "$(holds unused 'it is not')"

compiled prefix <<END
#define pr_fmt(text) "prefix: " text
#include <some.h>
$see
const char text[] = message("text");
END
verdict "a file that sets pr_fmt is compiled" "$said"
verdict "with the header" "$(holds prefix "$with")"
verdict "with its own prefix" "$(holds prefix 'prefix: text')"

compiled late <<END
#include <some.h>
#define LARGE
$see
END
verdict "what is set after the includes does not matter" "$said$(holds late "$with")"

# --- without ----------------------------------------------------------------------------------------

for line in '#define LARGE' '#  define  LARGE 1' '#undef LARGE' '#undef pr_fmt'; do
	compiled sets <<<"$line
#include <some.h>
$see"
	verdict "a file with $line ahead of an include is compiled without" "$said$(holds sets 'it is not')"
done

echo '#define LARGE' >dir/local.h
echo '#define other' >dir/harmless.h
compiled local <<<"#include \"local.h\"
#include <some.h>
$see"
verdict "so is one with a header beside it that does" "$said$(holds local 'it is not')"
compiled local <<<"#include \"harmless.h\"
#include <some.h>
$see"
verdict "not one with another header beside it" "$said$(holds local "$with")"
compiled sets <<<"#define \\
LARGE
#include <some.h>
$see"
verdict "a line may go on in the next" "$said$(holds sets 'it is not')"

compiled swap <<END
#include <first.h>
$see
int swap(int a, int b, int c);
int swap(int a, int b, int c) { return a + b + c; }
END
verdict "so is one that the header's macros break, without a word" "$said$(holds swap 'it is not')"

compiled wrong <<<'int x = ;'
status=$?
verdict "an error is told once, with its status" \
	"$([ $status = 1 ] && [ "$(grep -c 'error:' <<<"$said")" = 1 ] || echo "$status: $said")"

for option in -fPIC -m32 -O1 -UFIRST '-include ./include/some.h'; do
	compiled other $option <<<"$see"
	verdict "one with $option is compiled without" "$said$(holds other 'it is not')"
done

kept=$flags flags="-nostdinc -I./include -O2"
compiled other <<<"$see"
verdict "one with other options at all, too" "$said$(holds other 'it is not')"
flags=$kept

mv pre/common.h.gch pre/away
compiled plain <<<"$see"
verdict "without a precompiled header each is" "$said$(holds plain 'it is not')"
mv pre/away pre/common.h.gch

# --- a compiler to all others -----------------------------------------------------------------------

verdict "--version is gcc's" "$(diff <("$cc" --version) <(gcc --version))"
verdict "a program on standard input" "$(echo FIRST | "$cc" -E -P -include include/first.h - | grep -qx 1 || echo no)"
TVMM_KERNEL_HEADERS= compiled plain <<<"$see"
verdict "it needs no header to be named" "$said$(holds plain 'it is not')"

for shell in bash dash; do
	! command -v $shell >/dev/null || verdict "with $shell as sh" "$(
		said=$($shell "$cc" -Wp,-MMD,dir/.plain.o.d $flags -I ./dir -DKBUILD_MODFILE=x -c -o dir/plain.o dir/late.c 2>&1)
		[ ! "$said" ] || echo "$said"
		holds plain "$with")"
done

echo "1..$number"
[ $failed = 0 ]
