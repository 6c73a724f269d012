#!/bin/bash
# SPDX-License-Identifier: MIT
#
# kernels/build.sh [--configure] 'ROW...' BUILD [KSRC]: builds the kernel of each row into
# BUILD/kernels/ROW/: bzImage, vmlinux, System.map, config. With --configure it stops when all rows
# are configured and checked, having compiled nothing.
#
# A row is a file kernels/ROW.config: options in the kernel's own form, and in its comments
#
#   # base: TARGET     the kernel's target that it begins with: allnoconfig (also without such a
#                      line), alldefconfig, or a *_defconfig of arch/x86/configs
#   # with: ROW...     other rows whose options come before those of this file (their base and
#                      their fragments do not count)
#   # then: FILE...    fragments of the kernel's tree (kernel/configs, arch/x86/configs), merged
#                      after that as `make FILE` does: what they make possible gets the tree's
#                      default
#   # needs: NAME...   what has to come of that
#   # objects: N       how many there are to compile, about, to tell how far it is
#
# Before anything is compiled, each .config is compared with what was asked for
# (kernels/check-config). Rows are built one after another, each with all processors, because all
# but the linking at the end of a kernel's build is parallel already.
#
# Without KSRC the newest /usr/src/linux-source-*.tar.xz (Debian's linux-source package) is
# unpacked into BUILD/src, once, and nothing is done when the kernel there was already made from
# the same source, options, scripts and compiler. With KSRC (a kernel tree, left untouched) the
# kernel's own make decides what has changed. Either way the objects stay in BUILD/src, so that a
# build that was interrupted goes on where it was.
#
# The headers that most files include are read by gcc once, and not by each file again, which halves
# the compiler's time (kernels/cc). PRECOMPILED=no leaves that out, and KSRC does: the code does
# the same then, in another order.
#
# The same source and compiler give the same bytes: user, host, count and time are fixed. The time
# is SOURCE_DATE_EPOCH (seconds since 1970), or 0.
set -eu -o pipefail
export LC_ALL=C

say() { echo "kernels: $*" >&2; }
die() {
	say "$*"
	exit 1
}

# What an outer make hands down, and what would change a configuration, is not for the kernel's
# make.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES LOCALVERSION KCONFIG_CONFIG KCONFIG_ALLCONFIG

usage="usage: kernels/build.sh [--configure] 'ROW...' BUILD [KSRC]"
only_configure=
[ "${1:-}" != --configure ] || { only_configure=1 && shift; }
read -ra rows <<<"${1:?$usage}"
build=${2:?$usage}
ksrc=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
epoch=${SOURCE_DATE_EPOCH:-0}
precompiled=${PRECOMPILED:-yes}
[ ! "$ksrc" ] || precompiled=no

# The oldest tree that is taken: the recipe's own. The rows' options are named from there on.
oldest=4.0

# --- what there has to be ---------------------------------------------------------------------------

check_rows() {
	local known
	known=$(cd "$here" && echo *.config)
	[ ${#rows[@]} -gt 0 ] || die "no row is named (rows: ${known//.config/})"
	for row in "${rows[@]}"; do
		[[ "$row" != */* && -f "$here/$row.config" ]] ||
			die "there is no row '$row' (rows: ${known//.config/})"
	done
	[[ "$epoch" =~ ^[0-9]{1,12}$ ]] ||
		die "SOURCE_DATE_EPOCH=$epoch is not a number of seconds since 1970"
	[[ "$precompiled" = yes || "$precompiled" = no ]] ||
		die "PRECOMPILED=$precompiled is neither yes nor no"
}

# has_header HEADER
has_header() { echo "#include <$1>" | gcc -E - >/dev/null 2>&1; }

need() { # PACKAGE...
	[ $# = 0 ] || die "to build ${row:-a kernel}, first: apt-get install $*"
}

check_tools() {
	local missing=() tool row=
	for tool in gcc make flex bison bc xz perl flock:util-linux; do
		command -v "${tool%:*}" >/dev/null || missing+=("$(sed 's/^xz$/xz-utils/; s/.*://' <<<"$tool")")
	done
	! command -v gcc >/dev/null || has_header gelf.h || missing+=(libelf-dev)
	need ${missing[@]+"${missing[@]}"}
}

# What only some configurations need: an option, and the header or the program behind it.
check_tools_of_config() {
	local option what package missing=()
	while read -r option what package; do
		grep -q "^CONFIG_$option=y" "$object/.config" || continue
		case $what in
		*.h) has_header "$what" || missing+=("$package") ;;
		*) command -v "$what" >/dev/null || missing+=("$package") ;;
		esac
	done <<-'END'
		SYSTEM_TRUSTED_KEYRING openssl/opensslv.h libssl-dev
		MODULE_SIG openssl/opensslv.h libssl-dev
		DEBUG_INFO_BTF pahole dwarves
		KERNEL_BZIP2 bzip2 bzip2
		KERNEL_LZMA lzma xz-utils
		KERNEL_LZO lzop lzop
		KERNEL_LZ4 lz4 lz4
		KERNEL_ZSTD zstd zstd
		IKHEADERS cpio cpio
	END
	[ ${#missing[@]} = 0 ] || need $(printf '%s\n' "${missing[@]}" | sort -u)
}

# --- the source -------------------------------------------------------------------------------------

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
	XZ_DEFAULTS=-T0 tar -xJf "$archive" -C "$source.new" --strip-components=1 ||
		die "$archive cannot be unpacked (disk full?)"
	mv "$source.new" "$source"
	echo "$identity" >"$source.from"
}

# The number behind NAME = in the tree's Makefile.
version_part() { sed -nE "s/^$1 *= *([0-9]+) *\$/\1/p" "$source/Makefile" | head -n 1; }

# Is $ksrc a tree that can be built here?
check_tree() {
	local major minor left
	source=${ksrc/#\~\//$HOME/} # not every shell has done it by now
	[ -d "$source" ] || die "KSRC=$ksrc: there is no such folder"
	[ -f "$source/Makefile" ] && [ -f "$source/Kconfig" ] && [ -d "$source/arch" ] ||
		die "KSRC=$ksrc is not a kernel tree (it has no Makefile, no Kconfig or no arch)"
	source=$(cd "$source" && pwd)
	major=$(version_part VERSION)
	minor=$(version_part PATCHLEVEL)
	[ "$major" ] && [ "$minor" ] ||
		die "KSRC=$ksrc is not a kernel tree (its Makefile has no VERSION and PATCHLEVEL)"
	[ -d "$source/arch/x86/boot" ] ||
		die "KSRC=$ksrc is Linux $major.$minor without arch/x86: it cannot become an x86-64 kernel"
	[ "$(printf '%s\n' $oldest "$major.$minor" | sort -V | head -n 1)" = $oldest ] ||
		die "KSRC=$ksrc is Linux $major.$minor; the oldest that is taken is $oldest, the recipe's"
	for left in .config include/config arch/x86/include/generated; do
		[ ! -e "$source/$left" ] || die "KSRC=$ksrc was configured in place ($left is there)," \
			"which the kernel's make refuses: make mrproper there, or name another copy"
	done
}

find_source() {
	if [ "$ksrc" ]; then
		check_tree
	else
		archive=$(newest_archive)
		source=$build/src/$(basename "$archive" .tar.xz)
		unpack
	fi
	version=$(make -s -C "$source" kernelversion) || die "$source: make kernelversion fails"
}

# --- a row ------------------------------------------------------------------------------------------

# directive NAME ROW: the words behind "# NAME:" in the row's file.
directive() { sed -n "s/^# $1:[[:space:]]*//p" "$here/$2.config" | paste -sd ' '; }

# Sets all that is known of a row without doing anything.
use_row() { # ROW
	local name path
	row=$1
	result=$build/kernels/$row
	object=$build/src/obj-$row${ksrc:+-ksrc}
	stamp=$build/src/$row.stamp
	log=$build/kernels/$row.log
	base=$(directive base "$row")
	base=${base:-allnoconfig}
	ours=() theirs=()
	for name in $(directive with "$row") "$row"; do
		[ -f "$here/$name.config" ] || die "$here/$row.config: with: there is no row '$name'"
		ours+=("$here/$name.config")
	done
	for name in $(directive then "$row"); do
		path=$(find "$source/kernel/configs" "$source/arch/x86/configs" -name "$name" 2>/dev/null)
		[ "$path" ] || die "$here/$row.config: Linux $version has no $name to merge"
		theirs+=($path)
	done
}

# Programs of the build run for a moment, and are compiled for longer: without optimization 12.4 s of
# processor time are 7.6. What scripts/check-local-export looks for in each object is the tree's
# business: 15 s, saved where the tree is a distribution's.
kmake() {
	[ "$ksrc" ] || set -- cmd_check_local_export= "$@"
	[ $precompiled = no ] || set -- CC="$here/cc" "$@"
	TVMM_KERNEL_HEADERS=$object/tvmm/common.h make -C "$source" O="$object" ARCH=x86_64 \
		KBUILD_BUILD_TIMESTAMP="$(date -u -d "@$epoch" '+%a %b %e %H:%M:%S UTC %Y')" \
		KBUILD_BUILD_VERSION=1 KBUILD_BUILD_USER=tvmm KBUILD_BUILD_HOST=tvmm HOSTCFLAGS=-O0 "$@" >>"$log" 2>&1
}

failed() {
	say "$1; the end of $log:"
	tail -n 12 "$log" >&2
	exit 1
}

# Makes $object/.config. One that comes out the same keeps its time stamp, so only what changed is
# compiled.
configure() {
	local new=$object/.config.new target=$base start=()
	case $base in
	allnoconfig | alldefconfig) ;;
	*_defconfig)
		target=alldefconfig # what `make *_defconfig` does with that file
		start=("$source/arch/x86/configs/$base")
		[ -f "${start[0]}" ] || die "$here/$row.config: Linux $version has no $base for x86"
		;;
	*) die "$here/$row.config: base: $base; it can be allnoconfig, alldefconfig or a *_defconfig" ;;
	esac
	cat ${start[@]+"${start[@]}"} "${ours[@]}" >"$object/options"
	rm -f "$new"
	KCONFIG_CONFIG=$new KCONFIG_ALLCONFIG=$object/options kmake $target ||
		failed "$row: Linux $version cannot be configured"
	if [ ${#theirs[@]} -gt 0 ]; then
		cat "${theirs[@]}" >>"$new"
		KCONFIG_CONFIG=$new kmake olddefconfig || failed "$row: Linux $version cannot be configured"
	fi
	"$here/check-config" "$source" "$new" "${ours[@]}" ${theirs[@]+"${theirs[@]}"} ||
		die "$row: the configuration is not what was asked for; nothing was compiled"
	if cmp -s "$new" "$object/.config"; then rm "$new"; else mv "$new" "$object/.config"; fi
	check_tools_of_config
}

# progress PREFIX OBJECTS: says every second on a terminal, every minute elsewhere, how far the
# compiler is. OBJECTS is what the row's file gives for the whole, or nothing.
progress() {
	local count of=${2:+" of about $2"} last=$SECONDS
	while sleep 1 9>&- >/dev/null 2>&1; do
		[ -t 2 ] || [ $((SECONDS - last)) -ge 60 ] || continue
		last=$SECONDS
		count=$(find "$object" -name '*.o' 2>/dev/null | wc -l)
		if [ -t 2 ]; then
			printf '\rkernels: %s: %d%s objects, %d s ' "$1" "$count" "$of" $((SECONDS - begun)) >&2
		else
			say "$1: $count$of objects after $((SECONDS - begun)) s"
		fi
	done
}

teller=
hush() {
	[ ! "$teller" ] || kill "$teller" 2>/dev/null || true
	teller=
	[ ! -t 2 ] || printf '\r\033[K' >&2
}
trap hush EXIT

# Has gcc read the headers of kernels/common.h for the row, for kernels/cc: as soon as those exist
# that the tree makes itself. The command line is that of the first object, which the tree makes
# with them, up to what concerns the object alone. Objects depend on the header, which has kernels/cc's
# checksum in it, and is replaced only when it comes out otherwise.
precompile() {
	local headers=$object/tvmm/common.h flags
	mkdir -p "$object/tvmm"
	rm -f "$headers.gch"
	kmake -j"$(nproc)" prepare || return
	flags=$(sed -nE '/^(saved)?cmd_/{s@ -I ?[^ ]*scripts/mod .*@@; s/.* -Wp,-MMD,[^ ]+ //p}' \
		"$object/scripts/mod/.empty.o.cmd")
	case " $flags " in *" -c "* | *KBUILD_* | "  ") return 1 ;; esac
	echo "$flags" >"$headers.flags"
	{
		echo "/* kernels/cc: $(cksum <"$here/cc") */"
		grep -oE -- '-include [^ ]+' <<<"$flags" | sed 's/^-include /#include "/; s/$/"/'
		cat "$here/common.h"
	} >"$headers.now"
	if cmp -s "$headers.now" "$headers"; then rm "$headers.now"; else mv "$headers.now" "$headers"; fi
	flags=$(sed -E 's/-include [^ ]+//g' <<<"$flags")
	(cd "$object" && gcc -Wp,-MMD,"$headers.d" $flags -x c-header -c -o "$headers.new" "$headers") &&
		sed 's/^[^ ]*: *//; s/ *\\\?$//' "$headers.d" | tr -s ' ' '\n' |
		sed '/^$/d; s/$/ \\/' >"$headers.depends" &&
		(cd "$object" && sed 's/ \\$//' "$headers.depends" | xargs cat) |
		sed -nE ':a; /\\$/{N; s/\\\n//; ta}; s/^[[:space:]]*#[[:space:]]*(el)?if(n?def)?\>//p' |
			grep -oE '[[:alpha:]_][[:alnum:]_]*' | sort -u | sed 's/.*/define &\nundef &/' |
			grep -vx 'define pr_fmt' >"$headers.macros" &&
		mv "$headers.new" "$headers.gch"
}

compile() { # PREFIX
	local status=0
	progress "$1" "$(directive objects "$row")" &
	teller=$!
	row_precompiled=$precompiled
	if [ $precompiled = yes ] && ! precompile >>"$log" 2>&1; then
		row_precompiled=no # and the row is not done with that
		say "$row: no headers are precompiled (see $log)"
	fi
	kmake -j"$(nproc)" bzImage || status=$?
	hush
	[ $status = 0 ] || failed "$row: Linux $version cannot be compiled"
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
identity() { # [PRECOMPILED]
	echo "source $(cat "$source.from")"
	echo "compiler $(gcc --version | head -n 1)"
	echo "base $base, time $epoch, precompiled ${1:-$precompiled}"
	cat "${ours[@]}" "$here/build.sh" "$here/check-config" "$here/cc" "$here/common.h" | cksum
}

is_done() {
	local file
	for file in bzImage vmlinux System.map config; do
		[ -s "$result/$file" ] || return
	done
	[ ! "$ksrc" ] && [ -f "$stamp" ] && [ "$(identity)" = "$(cat "$stamp")" ]
}

# --- all of it --------------------------------------------------------------------------------------

# Configures the rows that are not done, and leaves them in to_build.
configure_all() {
	to_build=()
	for row in "${rows[@]}"; do
		use_row "$row"
		mkdir -p "$result" "$object"
		if [ ! "$only_configure" ] && is_done; then
			touch "$result/bzImage"
			say "$row: nothing to do ($result/bzImage)"
			continue
		fi
		rm -f "$stamp"
		: >"$log"
		say "$row: configuring Linux $version"
		configure
		to_build+=("$row")
	done
}

build_all() {
	local i=0 prefix
	for row in "${to_build[@]}"; do
		use_row "$row"
		i=$((i + 1)) begun=$SECONDS prefix="$row ($i of ${#to_build[@]})"
		say "$prefix: compiling Linux $version (log: $log)"
		compile "$prefix"
		take_results
		[ "$ksrc" ] || identity "$row_precompiled" >"$stamp"
		say "$row: $result/bzImage, $(stat -c %s "$result/bzImage") bytes, after $((SECONDS - begun)) s"
	done
}

check_rows
check_tools
mkdir -p "$build/src" "$build/kernels"
build=$(cd "$build" && pwd)
exec 9>"$build/src/lock"
flock -n 9 || {
	say "waiting for another build in $build/src"
	flock 9
}
find_source
configure_all
if [ "$only_configure" ]; then
	say "configured: ${to_build[*]}"
elif [ ${#to_build[@]} -gt 0 ]; then
	build_all
fi
