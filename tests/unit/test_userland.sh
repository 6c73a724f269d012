#!/bin/bash
# SPDX-License-Identifier: MIT
#
# initramfs/busybox.sh on trees that are made here (a Makefile of a few lines), without what it
# needs, and initramfs/build.sh with other busyboxes and with flesh. A real busybox is not compiled
# here.
#
# TVMM=FILE names the program; build/tvmm without it. Prints TAP.
set -u
export LC_ALL=C
. "$(dirname "${BASH_SOURCE[0]}")/../common/tap.bash"
unset SOURCE_DATE_EPOCH

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tvmm=$(realpath -m "${TVMM:-$root/${B:-build}/tvmm}")
cd "$root" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# says WHAT STATUS WORDS COMMAND...
says() {
	local what=$1 status=$2 words=$3 why=
	shift 3
	said=$("$@" 2>&1 </dev/null)
	[ $? = "$status" ] || why="status; "
	grep -qF -- "$words" <<<"$said" || why+="no '$words'; "
	[ ! "$why" ] || why+=$'\n'$said
	verdict "$what" "$why"
}

# --- busybox from source ----------------------------------------------------------------------------

# tree NAME: a source tree as busybox.sh sees it.
tree() {
	mkdir -p "$work/$1/applets"
	touch "$work/$1/applets/applets.src.h"
	printf '#include <stdio.h>\nint main(void) { puts("ash\\ncat"); return 0; }\n' >"$work/$1/main.c"
	cat >"$work/$1/Makefile" <<-'END'
		.RECIPEPREFIX = >
		all:
		>gcc $(shell grep -q ^CONFIG_STATIC=y $(O)/.config && echo -static) -o $(O)/busybox main.c
		defconfig:
		>printf 'CONFIG_TC=y\nCONFIG_INETD=y\n# CONFIG_STATIC is not set\nCONFIG_ASH=y\n' >$(O)/.config
		oldconfig:
		>read answer
		install:
		>mkdir -p $(O)/_install/bin && cp $(O)/busybox $(O)/_install/bin/ && ln -sf busybox $(O)/_install/bin/cat
	END
}

tree good
busybox=(initramfs/busybox.sh "$work/out")
says "a tree" 0 "busybox, " "${busybox[@]}" "$work/good"
verdict "its configuration: static, without inetd and tc" \
	"$(sort "$work/out/busybox/config" | diff - <(printf '%s\n' '# CONFIG_INETD is not set' \
		'# CONFIG_TC is not set' CONFIG_ASH=y CONFIG_STATIC=y))"
verdict "the program and the tree" "$(ls "$work/out/busybox/tree/bin" "$work/out/busybox/busybox" 2>&1 |
	diff - <(printf '%s\n' "$work/out/busybox/busybox" '' "$work/out/busybox/tree/bin:" busybox cat))"
says "again" 0 "nothing to do" "${busybox[@]}" "$work/good"
sed -i 's/cat/cat\\ntac/' "$work/good/main.c"
says "when the tree has changed" 0 "3 applets" "${busybox[@]}" "$work/good"

says "no folder" 1 "BUSYBOX_SRC=$work/none is not a source tree" "${busybox[@]}" "$work/none"
mkdir "$work/empty"
says "a folder that is no tree" 1 "is not a source tree of busybox" "${busybox[@]}" "$work/empty"
tree built && touch "$work/built/.config"
says "a tree configured in place" 1 "make mrproper there" "${busybox[@]}" "$work/built"
tree dynamic && sed -i 's/^>read answer/>sed -i s,CONFIG_STATIC=y,CONFIG_STATIC=n, $(O)\/.config/' "$work/dynamic/Makefile"
says "a tree that does not link statically" 1 "does not grant 'CONFIG_STATIC=y'" "${busybox[@]}" "$work/dynamic"
tree liar && sed -i 's/echo -static/echo -pie/' "$work/liar/Makefile"
says "a product that is not static" 1 "what came out is not static" "${busybox[@]}" "$work/liar"
tree broken && echo 'int' >>"$work/broken/main.c"
says "a tree that does not compile" 1 "it cannot be compiled; the end of" "${busybox[@]}" "$work/broken"

mkdir "$work/poor" "$work/bin"
ln -s /usr/bin/* "$work/bin/"
printf '#!/bin/sh\n[ "$1" = "-print-file-name=$LACKS" ] && echo "$LACKS" || exec /usr/bin/gcc "$@"\n' >"$work/poor/gcc"
printf '#!/bin/sh\n[ "$1" = policy ] && echo "  500 http://debian.invalid/debian old/main amd64 Packages"\n' >"$work/poor/apt-cache"
printf '#!/bin/sh\necho "E: nobody answers" >&2\nexit 100\n' >"$work/poor/apt-get"
chmod +x "$work"/poor/*
says "without a static libc" 1 "apt-get install libc6-dev" \
	env LACKS=libc.a "PATH=$work/poor:$PATH" "${busybox[@]}" "$work/good"
says "without a static libcrypt" 1 "apt-get install libcrypt-dev" \
	env LACKS=libcrypt.a "PATH=$work/poor:$PATH" "${busybox[@]}" "$work/good"
rm -f "$work/bin/dpkg-source"
says "without dpkg-source" 1 "apt-get install dpkg-dev" env "PATH=$work/bin" "${busybox[@]}"
rm -f "$work/bin/apt-get"
says "without apt" 1 "make busybox BUSYBOX_SRC=DIR" env "PATH=$work/bin" "${busybox[@]}"
if command -v dpkg-source >/dev/null; then
	says "a mirror that does not answer" 1 "the source cannot be fetched" env "PATH=$work/poor:$PATH" "${busybox[@]}"
	verdict "its own words are told" "$(grep -q 'nobody answers' <<<"$said" || echo "$said")"
	verdict "the line it was asked with" "$(grep -qE 'deb-src .*http://debian.invalid/debian old main$' <<<"$said" || echo "$said")"
else
	number=$((number + 1))
	echo "ok $number - a mirror that does not answer # SKIP needs dpkg-source"
fi

# --- an initramfs of it -----------------------------------------------------------------------------

pack=(initramfs/build.sh "$tvmm" "$work/folder" "$work/packed.cpio.gz")
says "BUSYBOX that is not there" 1 "BUSYBOX=$work/none is no program" env "BUSYBOX=$work/none" "${pack[@]}"
says "BUSYBOX that is a folder" 1 "is no program" env "BUSYBOX=$work" "${pack[@]}"
says "FLESH that is not there" 1 "FLESH=$work/none: there is no such folder" env "FLESH=$work/none" "${pack[@]}"

# held PATTERN: the packed lines of that name, as ls -l has them.
held() { gzip -dc "$work/packed.cpio.gz" | cpio -itv --quiet 2>/dev/null | grep -E "$1\$"; }

if ! [ -x /bin/busybox ] && ! [ -x /usr/bin/busybox ]; then
	number=$((number + 1))
	echo "ok $number - an initramfs with flesh # SKIP needs busybox-static"
else
	says "without flesh" 0 "bytes, from" "${pack[@]}"
	verdict "the script is the first process" "$(held ' init' | grep -q '^-rwxr-xr-x' || held '')"
	cp -a initramfs/flesh "$work/flesh"
	printf '#!/bin/sh\n' >"$work/flesh/etc/mine"
	chmod 640 "$work/flesh/etc/mine"
	[ "$(id -u)" != 0 ] || chown 7:7 "$work/flesh/etc/mine"
	says "with flesh" 0 "and $work/flesh" env "FLESH=$work/flesh" "${pack[@]}"
	verdict "its init takes the script's place" "$(held 'init -> sbin/init' | grep -q ^l || held 'init')"
	verdict "its files are there, and root's" "$(held etc/mine | grep -qE '^-rw-r----- +1 root +root ' || echo "it has: $(held etc/mine)")"
	verdict "what it does not touch stays" "$(held 'bin/busybox' | grep -q '^-rwxr-xr-x' || held '')"
fi

echo "1..$number"
[ $failed = 0 ]
