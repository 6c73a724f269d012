#!/bin/bash
# SPDX-License-Identifier: MIT
#
# initramfs/busybox.sh BUILD [TREE]: builds busybox as the recipe does it (defconfig, static,
# without inetd, `make install`) into BUILD/busybox:
#
#   busybox    the program
#   tree/      what `make install` makes of it: bin/busybox and a symbolic link for each applet
#   config     its configuration
#   from       what it was made from; nothing is done when that is the same
#
# Without TREE, a folder with busybox's source that is left untouched, the source is Debian's,
# fetched with apt-get, once. For that apt gets a list of its own in BUILD/busybox: the deb-src line
# beside the deb line that busybox-static would come from. Nothing of the system is changed, and
# root is not needed.
#
# The same source and compiler give the same bytes (SOURCE_DATE_EPOCH, or 0, is the time).
set -eu -o pipefail
export LC_ALL=C

say() { echo "busybox: $*" >&2; }
die() {
	say "$*"
	exit 1
}
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
export KCONFIG_NOTIMESTAMP=1 SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0}

build=${1:?usage: initramfs/busybox.sh BUILD [TREE]}/busybox
tree=${2:-}
script=$(realpath "$0")

# What is not as defconfig has it, and why.
changes() {
	cat <<-'END'
		# Static, as the recipe has it: no libraries in the initramfs.
		CONFIG_STATIC=y
		# Off, as the recipe has it.
		# CONFIG_INETD is not set
		# Linux 6.8 took the CBQ scheduler out of its headers, and tc needs them.
		# CONFIG_TC is not set
	END
}

check_tools() {
	local tool missing=()
	for tool in gcc make bzip2; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	[ -f "$(gcc -print-file-name=libc.a 2>/dev/null)" ] || missing+=(libc6-dev)
	[ -f "$(gcc -print-file-name=libcrypt.a 2>/dev/null)" ] || missing+=(libcrypt-dev)
	if [ ! "$tree" ]; then
		command -v dpkg-source >/dev/null || missing+=(dpkg-dev)
		command -v apt-get >/dev/null ||
			die "no apt-get here to fetch the source with; name a tree: make busybox BUSYBOX_SRC=DIR"
	fi
	[ ${#missing[@]} = 0 ] || die "to build busybox, first: apt-get install ${missing[*]}"
}

# The deb-src line beside the deb line of busybox-static.
source_line() {
	local ring=/usr/share/keyrings/debian-archive-keyring.gpg keys= uri suite
	read -r uri suite < <(apt-cache policy busybox-static 2>/dev/null |
		awk '$1 ~ /^[0-9]+$/ && $2 ~ /:\/\// && $NF == "Packages" { print $2, $3; exit }') || true
	[ "${uri:-}" ] || die "apt knows no mirror with busybox: apt-get update, or make busybox BUSYBOX_SRC=DIR"
	[ ! -f $ring ] || keys="[signed-by=$ring] "
	echo "deb-src $keys$uri ${suite%%/*} ${suite#*/}"
}

apt() {
	apt-get -q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User= "$@" \
		>>"$work/log" 2>&1
}

# Fetches and unpacks Debian's source into $build/source.
fetch() {
	local work=$build/.fetch
	rm -rf "$work"
	mkdir -p "$work"/{lists/partial,cache/archives/partial}
	source_line >"$work/sources.list"
	say "fetching the source: $(cat "$work/sources.list")"
	(cd "$work" && apt update && apt source --download-only busybox) || {
		tail -n 3 "$work/log" >&2
		die "the source cannot be fetched; with another copy of it: make busybox BUSYBOX_SRC=DIR"
	}
	dpkg-source --no-check -x "$work"/busybox_*.dsc "$work/source" >>"$work/log" 2>&1 ||
		die "the source cannot be unpacked, see $work/log"
	(cd "$work" && echo busybox_*.dsc) >"$work/source/.from"
	mv "$work/source" "$build/source"
	rm -rf "$work"
}

find_source() {
	if [ ! "$tree" ]; then
		[ -f "$build/source/.from" ] || fetch
		source=$build/source
		return
	fi
	source=${tree/#\~\//$HOME/}
	[ -f "$source/applets/applets.src.h" ] && [ -f "$source/Makefile" ] ||
		die "BUSYBOX_SRC=$tree is not a source tree of busybox"
	[ ! -e "$source/.config" ] || die "BUSYBOX_SRC=$tree was configured in place (.config is there)," \
		"which busybox's make refuses: make mrproper there, or name another copy"
	source=$(cd "$source" && pwd)
}

# Of a named tree: its newest file, as nobody says what has changed in it.
identity() {
	if [ "$tree" ]; then
		echo "$source $(find "$source" -type f -printf '%T@ %p\n' | sort -n | tail -n 1)"
	else
		cat "$source/.from"
	fi
	echo "$(gcc --version | head -n 1), time $SOURCE_DATE_EPOCH, $(cksum <"$script")"
}

bmake() { make -C "$source" O="$object" "$@" >>"$log" 2>&1 </dev/null; }

failed() {
	say "$1; the end of $log:"
	tail -n 12 "$log" >&2
	exit 1
}

configure() {
	local line name
	bmake defconfig || failed "it cannot be configured"
	while IFS= read -r line; do
		name=$(grep -oE 'CONFIG_[A-Z0-9_]+' <<<"$line") || continue
		sed -i "/^\(# \)\?$name[= ]/d" "$object/.config"
		echo "$line" >>"$object/.config"
	done < <(changes)
	make -C "$source" O="$object" oldconfig >>"$log" 2>&1 < <(yes '') || failed "it cannot be configured"
	changes | while IFS= read -r line; do
		case $line in CONFIG_* | '# CONFIG_'*) ;; *) continue ;; esac
		grep -qxF "$line" "$object/.config" || die "this busybox does not grant '$line'"
	done
}

compile() {
	say "compiling (half a minute or two; log: $log)"
	bmake -j"$(nproc)" || failed "it cannot be compiled"
	bmake install || failed "it cannot be installed"
	! readelf -lW "$object/busybox" | grep -q INTERP || die "what came out is not static, see $log"
}

take_results() {
	rm -rf "$build/tree.new" "$build/tree"
	cp -a "$object/_install" "$build/tree.new"
	mv "$build/tree.new" "$build/tree"
	cp "$object/.config" "$build/config"
	cp "$object/busybox" "$build/busybox.new"
	mv "$build/busybox.new" "$build/busybox"
}

check_tools
mkdir -p "$build"
build=$(cd "$build" && pwd)
object=$build/obj
log=$build/log
find_source
identity=$(identity)
if [ -x "$build/busybox" ] && [ "$(cat "$build/from" 2>/dev/null)" = "$identity" ]; then
	say "nothing to do ($build/busybox)"
	exit 0
fi
rm -rf "$object" "$build/from"
mkdir "$object"
: >"$log"
configure
compile
take_results
echo "$identity" >"$build/from"
say "$build/busybox, $(stat -c %s "$build/busybox") bytes, $("$build/busybox" --list | wc -l) applets"
