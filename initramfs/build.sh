#!/bin/bash
# SPDX-License-Identifier: MIT
#
# initramfs/build.sh TVMM DIRECTORY OUTPUT: lays the recipe's userland out in DIRECTORY (Debian's
# static busybox, a symbolic link for each of its applets, initramfs/init) and packs it with TVMM
# into OUTPUT. DIRECTORY is made anew. BUSYBOX=/path/to/busybox takes another static busybox.
# FLESH=FOLDER lays the files of a folder over it, owned by root whoever they belong to here;
# initramfs/flesh is one, with users and busybox's own init.
set -eu -o pipefail
export LC_ALL=C
umask 022

say() { echo "initramfs: $*" >&2; }
die() {
	say "$*"
	exit 1
}

usage='usage: initramfs/build.sh TVMM DIRECTORY OUTPUT'
tvmm=${1:?$usage}
directory=${2:?$usage}
output=${3:?$usage}
here=$(cd "$(dirname "$0")" && pwd)

find_busybox() {
	local candidate
	for candidate in ${BUSYBOX:+"$BUSYBOX"} /bin/busybox /usr/bin/busybox; do
		if [ ! -f "$candidate" ] || [ ! -x "$candidate" ]; then
			[ "$candidate" != "${BUSYBOX:-}" ] || die "BUSYBOX=$candidate is no program"
			continue
		fi
		if LC_ALL=C readelf -lW "$candidate" | grep -q INTERP; then
			die "$candidate needs shared libraries: apt-get install busybox-static"
		fi
		echo "$candidate"
		return
	done
	die "there is no busybox: apt-get install busybox-static"
}

# bin/ash -> busybox, usr/bin/awk -> ../../bin/busybox, linuxrc -> bin/busybox
link_applets() {
	local applet slashes up
	"$directory/bin/busybox" --list-full | while IFS= read -r applet; do
		[ -e "$directory/$applet" ] && continue
		slashes=${applet//[^\/]/}
		up=${slashes//\//../}
		case $applet in
		bin/*) ln -s busybox "$directory/$applet" ;;
		*) mkdir -p "$directory/${applet%"${applet##*/}"}" &&
			ln -s "${up}bin/busybox" "$directory/$applet" ;;
		esac
	done
}

# Files take the place of what is there; a folder that is there stays, with what the flesh adds.
lay_over() {
	[ "${FLESH:-}" ] || return 0
	[ -d "$FLESH" ] || die "FLESH=$FLESH: there is no such folder"
	cp -a --remove-destination "$FLESH/." "$directory/" || die "FLESH=$FLESH cannot be copied"
}

busybox=$(find_busybox)
rm -rf "$directory"
mkdir -p "$directory"/{bin,sbin,etc,proc,sys,usr/bin,usr/sbin}
install -m 755 "$busybox" "$directory/bin/busybox"
install -m 755 "$here/init" "$directory/init"
link_applets
lay_over
"$tvmm" initramfs "$directory" -d "$here/nodes" -o "$output"
say "$output, $(stat -c %s "$output") bytes, from $busybox${FLESH:+, and $FLESH}"
