#!/bin/bash
# SPDX-License-Identifier: MIT
#
# kernels/build.sh ROW BUILD [KSRC]: builds the kernel of kernels/ROW.config (allnoconfig with that
# fragment merged over it) into BUILD/kernels/ROW/: bzImage, vmlinux, System.map, config.
#
# Without KSRC the newest /usr/src/linux-source-*.tar.xz (Debian's linux-source package) is
# unpacked into BUILD/src, once, and nothing is done when the kernel there was already made from
# the same source, fragment, script and compiler. With KSRC (a kernel tree, left untouched) the
# kernel's own make decides what has changed.
#
# The same source and compiler give the same bytes: time, user, host and count are fixed.
set -eu -o pipefail
export LC_ALL=C

say() { echo "kernels: $*" >&2; }
die() {
	say "$*"
	exit 1
}

# What an outer make hands down is not for the kernel's make.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

row=${1:?usage: kernels/build.sh ROW BUILD [KSRC]}
build=${2:?usage: kernels/build.sh ROW BUILD [KSRC]}
ksrc=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
fragment=$here/$row.config

[ -f "$fragment" ] || die "there is no row '$row' (rows: $(cd "$here" && echo *.config | sed 's/\.config//g'))"
mkdir -p "$build/src" "$build/kernels/$row"
build=$(cd "$build" && pwd)
result=$build/kernels/$row
object=$build/src/obj-$row
stamp=$build/src/$row.stamp
log=$build/kernels/$row.log

check_tools() {
	local missing=() tool
	for tool in gcc make flex bison bc xz perl; do
		command -v "$tool" >/dev/null || missing+=("${tool/#xz/xz-utils}")
	done
	echo '#include <gelf.h>' | gcc -E - >/dev/null 2>&1 || missing+=(libelf-dev)
	[ ${#missing[@]} = 0 ] || die "to build a kernel, first: apt-get install ${missing[*]}"
}

newest_archive() {
	local archives=(/usr/src/linux-source-*.tar.xz)
	[ -f "${archives[0]}" ] || die "no kernel source: apt-get install linux-source," \
		"or name a tree: make kernel KSRC=/path/to/linux"
	printf '%s\n' "${archives[@]}" | sort -V | tail -n 1
}

# Unpacks $archive into $source unless that was done already.
unpack() {
	local identity
	identity=$(stat -c '%n %s %Y' "$archive")
	[ -f "$source.from" ] && [ "$(cat "$source.from")" = "$identity" ] && return
	say "unpacking $archive"
	rm -rf "$source" "$source.from" "$source.new" "$build"/src/obj-*
	mkdir "$source.new"
	tar -xJf "$archive" -C "$source.new" --strip-components=1 ||
		die "$archive cannot be unpacked (disk full?)"
	mv "$source.new" "$source"
	echo "$identity" >"$source.from"
}

kmake() {
	make -C "$source" O="$object" ARCH=x86_64 \
		KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_USER=tvmm KBUILD_BUILD_HOST=tvmm "$@" >>"$log" 2>&1
}

failed() {
	say "$1; the end of $log:"
	tail -n 12 "$log" >&2
	exit 1
}

# Does the tree know an option at all?
declared() {
	grep -rqE --include='Kconfig*' "^[[:space:]]*(menu)?config $1\$" "$source"
}

# Kconfig drops what it cannot grant without a word: compare what came out with the fragment.
# After the line "# where-known" an option that the tree has never heard of is left out.
check_config() {
	local line name lenient=''
	while IFS= read -r line; do
		case $line in
		'# where-known') lenient=1 && continue ;;
		'# CONFIG_'*' is not set') name=${line#\# CONFIG_} && name=${name%% *} ;;
		CONFIG_*=*) name=${line#CONFIG_} && name=${name%%=*} ;;
		*) continue ;;
		esac
		case $line in
		'#'*) ! grep -q "^CONFIG_$name=" "$object/.config" && continue ;;
		*) grep -qxF "$line" "$object/.config" && continue ;;
		esac
		if declared "$name"; then
			die "Linux $version does not grant '$line' (asked for in $fragment);" \
				"what it depends on is off, or something selects the contrary"
		elif [ "$lenient" ]; then
			say "Linux $version knows no CONFIG_$name; built without"
		else
			die "Linux $version knows no CONFIG_$name (asked for in $fragment)"
		fi
	done <"$fragment"
}

take_results() {
	local new=$build/kernels/.$row.new
	rm -rf "$new"
	mkdir "$new"
	cp "$object/vmlinux" "$object/System.map" "$new/"
	cp "$object/.config" "$new/config"
	cp "$object/arch/x86/boot/bzImage" "$new/"
	# bzImage comes last: who sees a new one sees the others too.
	mv "$new/vmlinux" "$new/System.map" "$new/config" "$result/"
	mv "$new/bzImage" "$result/"
	rmdir "$new"
}

# What the kernel there was made from.
identity() {
	echo "source $(cat "$source.from")"
	echo "compiler $(gcc --version | head -n 1)"
	cksum <"$fragment"
	cksum <"$here/build.sh"
}

is_done() {
	local file
	for file in bzImage vmlinux System.map config; do
		[ -s "$result/$file" ] || return
	done
	[ -f "$stamp" ] && [ "$(identity)" = "$(cat "$stamp")" ]
}

check_tools
exec 9>"$build/src/lock"
flock -n 9 || {
	say "waiting for another build in $build/src"
	flock 9
}

if [ "$ksrc" ]; then
	ksrc=${ksrc/#\~\//$HOME/} # not every shell has done it by now
	[ -d "$ksrc/arch/x86/boot" ] || die "KSRC=$ksrc is not a kernel tree"
	source=$(cd "$ksrc" && pwd)
	object=$object-ksrc
	rm -f "$stamp"
else
	archive=$(newest_archive)
	source=$build/src/$(basename "$archive" .tar.xz)
	unpack
	if is_done; then
		touch "$result/bzImage"
		say "$row: nothing to do ($result/bzImage)"
		exit 0
	fi
	rm -f "$stamp"
fi

: >"$log"
mkdir -p "$object"
begun=$SECONDS
version=$(make -s -C "$source" kernelversion)
# A configuration that comes out the same keeps its time stamp, so only what changed is compiled.
kmake KCONFIG_ALLCONFIG="$fragment" allnoconfig || failed "$row: Linux $version cannot be configured"
check_config
say "$row: compiling Linux $version (a minute or four; log: $log)"
kmake -j"$(nproc)" bzImage || failed "$row: Linux $version cannot be compiled"
take_results
[ "$ksrc" ] || identity >"$stamp"
say "$row: $result/bzImage, $(stat -c %s "$result/bzImage") bytes, after $((SECONDS - begun)) s"
