#!/bin/bash
# SPDX-License-Identifier: MIT
#
# kernels/: the rows against the recipe's list, and kernels/build.sh on trees that are no Linux, too
# old, too poor or not made for it. The trees are made here: a Makefile of a few lines that
# "configures" by dropping what it does not grant and "compiles" by writing files. Real kernels:
# tests/boot/rows.
#
# Prints TAP.
set -u
export LC_ALL=C
. "$(dirname "${BASH_SOURCE[0]}")/../common/tap.bash"
unset SOURCE_DATE_EPOCH

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --- the rows ---------------------------------------------------------------------------------------

# What basic.config says of NAME and its value: asked, was, gone or left out.
told() { # NAME VALUE
	local line="CONFIG_$1=$2"
	[ "$2" != n ] || line="# CONFIG_$1 is not set"
	grep -qxF -- "$line" kernels/basic.config ||
		grep -qE "^# (was: $1|(gone|left out): $1: .{10,})\$" kernels/basic.config
}

missing= count=0
while IFS== read -r name value; do
	case $name in '#'*) continue ;; esac
	count=$((count + 1))
	told "$name" "$value" || missing+="$name=$value "
done <kernels/recipe-2015.list
[ $count = 318 ] || missing+="$count names instead of 318"
verdict "basic: each option of the recipe's list is asked for, renamed or left out with its reason" "$missing"

more=
while read -r name; do
	grep -qE "^$name=" kernels/recipe-2015.list || more+="$name "
done < <(sed -nE 's/^# (was|gone|left out): ([A-Za-z0-9_]+).*/\2/p' kernels/basic.config)
verdict "basic: nothing is called gone or renamed that was not in the list" "$more"

more= before=
while IFS= read -r line; do
	if [[ "$line" =~ ^(#\ )?CONFIG_([A-Za-z0-9_]+)(=| is not set$) ]]; then
		name=${BASH_REMATCH[2]}
		grep -qE "^$name=" kernels/recipe-2015.list || [[ "$before" =~ ^#\ (was|also): ]] || more+="$name "
	fi
	[[ "$line" = '#   '* ]] || before=$line
done <kernels/basic.config
verdict "basic: what the list did not have says why it is there" "$more"

wrong=
for file in kernels/*.config; do
	for name in $(sed -n 's/^# with: *//p' "$file"); do
		[ -f "kernels/$name.config" ] || wrong+="$file: with $name; "
	done
	[[ "$(sed -n 's/^# base: *//p' "$file")" =~ ^(|allnoconfig|alldefconfig|x86_64_defconfig)$ ]] || wrong+="$file: base; "
	repeated=$(sed -nE 's/^(# )?CONFIG_([A-Za-z0-9_]+)(=.*| is not set)$/\2/p' "$file" | sort | uniq -d | paste -sd ' ')
	[ ! "$repeated" ] || wrong+="$file: twice: $repeated; "
done
verdict "rows: bases and rows that exist, no option twice" "$wrong"

# --- a tree that is none ----------------------------------------------------------------------------

mkdir -p "$work/rows"
cp kernels/build.sh kernels/check-config "$work/rows/"
build=$work/rows/build.sh

# tree NAME: a tree that grants all but CONFIG_REFUSED and CONFIG_HALF.
tree() {
	mkdir -p "$work/$1"/{arch/x86/boot,arch/x86/configs,arch/arm,kernel/configs,lib}
	cat >"$work/$1/Makefile" <<-'END'
		.RECIPEPREFIX = >
		VERSION = 6
		PATCHLEVEL = 1
		SUBLEVEL = 7
		kernelversion:
		>@echo 6.1.7
		allnoconfig alldefconfig:
		>@echo '# $@' >$(KCONFIG_CONFIG)
		>@grep -E '^(# )?CONFIG_' $(KCONFIG_ALLCONFIG) | grep -v UNKNOWN | sed '/CONFIG_REFUSED/d; s/^CONFIG_HALF=.*/# CONFIG_HALF is not set/' >>$(KCONFIG_CONFIG)
		olddefconfig:
		>@sed -i /CONFIG_REFUSED/d $(KCONFIG_CONFIG)
		>@echo '# $@' >>$(KCONFIG_CONFIG)
		bzImage:
		>@echo compiling $(KBUILD_BUILD_TIMESTAMP) $(KBUILD_BUILD_USER)@$(KBUILD_BUILD_HOST)
		>@! grep -q FAILS $(O)/.config || { echo "lib/some.c:7: error"; exit 1; }
		>@[ -e $(O)/some.o ] || echo an object >$(O)/some.o
		>@! grep -q SLOW $(O)/.config || [ -e $(O)/late.o ] || { touch $(O)/late.o; sleep 60; }
		>@mkdir -p $(O)/arch/x86/boot
		>@cat $(O)/.config >$(O)/arch/x86/boot/bzImage
		>@echo elf >$(O)/vmlinux
		>@echo map >$(O)/System.map
	END
	printf 'config %s\n' A B REFUSED HALF FAILS SLOW GUEST SYSTEM_TRUSTED_KEYRING >"$work/$1/Kconfig"
	echo 'config UNKNOWN_ARM' >"$work/$1/arch/arm/Kconfig"
	touch "$work/$1/arch/Kconfig" "$work/$1/arch/x86/Kconfig"
	printf 'CONFIG_GUEST=y\nCONFIG_B=y\nCONFIG_REFUSED=y\nCONFIG_UNKNOWN_ARM=y\n' >"$work/$1/kernel/configs/guest.config"
	printf 'CONFIG_A=y\n' >"$work/$1/arch/x86/configs/pc_defconfig"
}

row() { # NAME LINE...
	printf '%s\n' "${@:2}" >"$work/rows/$1.config"
}

# says WHAT STATUS WORDS... -- ROWS KSRC: the build ends so, and each of the words stands in a line that begins
# with "kernels:".
says() {
	local what=$1 status=$2 words=() said why= word
	shift 2
	while [ "$1" != -- ]; do words+=("$1") && shift; done
	said=$("${as[@]}" "$build" "$2" "$work/out" "$3" 2>&1 </dev/null)
	[ $? = "$status" ] || why="status; "
	for word in "${words[@]}"; do
		grep -q "^kernels: .*$(sed 's/[][\.*^$]/\\&/g' <<<"$word")" <<<"$said" || why+="no '$word'; "
	done
	[ ! "$why" ] || why+=$'\n'$said
	verdict "$what" "$why"
	all_said=$said
}
as=(env)

tree good
row plain '# base: allnoconfig' 'CONFIG_A=y' '# CONFIG_B is not set'

says "no such row" 1 "no row 'nonsense' (rows: plain)" -- nonsense "$work/good"
says "a row that is a path" 1 "no row '../rows/plain'" -- ../rows/plain "$work/good"
says "no row at all" 1 "no row is named" -- ' ' "$work/good"
says "KSRC: no folder" 1 "KSRC=$work/nowhere: there is no such folder" -- plain "$work/nowhere"
mkdir "$work/empty"
says "KSRC: an empty folder" 1 "is not a kernel tree" -- plain "$work/empty"
tree other && echo 'all: ;' >"$work/other/Makefile"
says "KSRC: another project's Makefile" 1 "is not a kernel tree (its Makefile has no VERSION" -- plain "$work/other"
tree arm && rm -r "$work/arm/arch/x86"
says "KSRC: another architecture's tree" 1 "is Linux 6.1 without arch/x86" -- plain "$work/arm"
tree old && sed -i 's/^VERSION = 6/VERSION = 3/; s/^PATCHLEVEL = 1/PATCHLEVEL = 19/' "$work/old/Makefile"
says "KSRC: too old" 1 "is Linux 3.19; the oldest that is taken is 4.0" -- plain "$work/old"
tree oldest && sed -i 's/^VERSION = 6/VERSION = 4/; s/^PATCHLEVEL = 1/PATCHLEVEL = 0/' "$work/oldest/Makefile"
says "KSRC: just not too old" 0 "plain: $work/out/kernels/plain/bzImage" -- plain "$work/oldest"
tree built && touch "$work/built/.config"
says "KSRC: configured in place" 1 "was configured in place (.config is there)" "make mrproper" -- plain "$work/built"
as=(env SOURCE_DATE_EPOCH=tomorrow)
says "a time that is none" 1 "SOURCE_DATE_EPOCH=tomorrow is not a number" -- plain "$work/good"
as=(env)

# --- tools and libraries ----------------------------------------------------------------------------

# A PATH without one tool, and a compiler without one header.
mkdir "$work/bin" "$work/poor"
ln -s /usr/bin/* "$work/bin/"
printf '#!/bin/sh\ninput=$(cat)\ncase $input in *"$LACKS"*) exit 1 ;; esac\n' >"$work/poor/gcc"
chmod +x "$work/poor/gcc"
for pair in bison:bison xz:xz-utils bc:bc flex:flex; do
	mv "$work/bin/${pair%:*}" "$work/tool"
	as=(env "PATH=$work/bin")
	says "without ${pair%:*}" 1 "apt-get install ${pair#*:}" -- plain "$work/good"
	mv "$work/tool" "$work/bin/${pair%:*}"
done
as=(env LACKS=gelf.h "PATH=$work/poor:$PATH")
says "without libelf's headers" 1 "apt-get install libelf-dev" -- plain "$work/good"
row keys 'CONFIG_SYSTEM_TRUSTED_KEYRING=y'
as=(env LACKS=openssl "PATH=$work/poor:$PATH")
says "a row that needs openssl's headers, without them" 1 "to build keys, first: apt-get install libssl-dev" -- \
	keys "$work/good"
says "a row that does not need them" 0 "plain: " -- plain "$work/good"
as=(env)

# --- options that are lost --------------------------------------------------------------------------

compiled() { ! grep -q '^compiling' "$work/out/kernels/$1.log" || echo "it was compiled"; }

row lost 'CONFIG_A=y' 'CONFIG_REFUSED=y' 'CONFIG_HALF=m'
says "options that are not granted are named, with file and line" 1 \
	"lost.config:2: Linux 6.1.7 does not grant 'CONFIG_REFUSED=y': what it depends on is off" \
	"lost.config:3: Linux 6.1.7 does not grant 'CONFIG_HALF=m', but has '# CONFIG_HALF is not set'" \
	"lost: the configuration is not what was asked for; nothing was compiled" -- lost "$work/good"
verdict "nothing is compiled then" "$(compiled lost)"
says "nor any other row" 1 "nothing was compiled" -- "plain lost" "$work/good"
verdict "not even the good one before it" "$(compiled plain)"
row off '# CONFIG_HALF is not set' '# CONFIG_REFUSED is not set' 'CONFIG_UNKNOWN=n'
says "what is to be off may be absent" 0 "off: " -- off "$work/good"
row typo 'CONFIG_UNKNOWN=y'
says "an option that the tree does not have" 1 "typo.config:1: Linux 6.1.7 knows no CONFIG_UNKNOWN" -- typo "$work/good"
row foreign 'CONFIG_UNKNOWN_ARM=y'
says "one that another architecture has" 1 "knows no CONFIG_UNKNOWN_ARM" -- foreign "$work/good"
row younger '# where-known' 'CONFIG_UNKNOWN=y' 'CONFIG_A=y'
says "behind where-known it is told" 0 "knows no CONFIG_UNKNOWN; built without" -- younger "$work/good"
row stricter '# where-known' 'CONFIG_REFUSED=y'
says "but one that the tree has is not waived" 1 "does not grant 'CONFIG_REFUSED=y'" -- stricter "$work/good"

# --- what a row is made of --------------------------------------------------------------------------

# holds WHAT ROW LINE...: the row's config.
holds() {
	local what=$1 config=$work/out/kernels/$2/config why= line
	shift 2
	for line; do
		grep -qxF -- "$line" "$config" || why+="no '$line'; "
	done
	[ ! "$why" ] || why+=$(cat "$config")
	verdict "$what" "$why"
}

row both '# base: alldefconfig' '# with: plain' '# then: guest.config' '# needs: GUEST A' 'CONFIG_B=y'
says "another row's options, and a fragment of the tree's" 0 "both: " \
	"guest.config of Linux 6.1.7 also asks for what is not possible here: CONFIG_REFUSED" -- both "$work/good"
holds "are all there, in order" both '# alldefconfig' 'CONFIG_A=y' 'CONFIG_B=y' 'CONFIG_GUEST=y' '# olddefconfig'
verdict "another architecture's options are no matter" "$(grep UNKNOWN_ARM <<<"$all_said")"
row needy '# then: guest.config' '# needs: GUEST HALF'
says "what has to come of a fragment" 1 "does not grant 'CONFIG_HALF=y'" -- needy "$work/good"
row above '# with: lost' '# CONFIG_REFUSED is not set' '# CONFIG_HALF is not set'
says "a row may take back what it is made with" 0 "above: " -- above "$work/good"
row pc '# base: pc_defconfig' 'CONFIG_B=y'
says "a defconfig of the tree's" 0 "pc: " -- pc "$work/good"
holds "is what the row begins with" pc 'CONFIG_A=y' 'CONFIG_B=y'
row mac '# base: mac_defconfig'
says "a defconfig that the tree lacks" 1 "mac.config: Linux 6.1.7 has no mac_defconfig" -- mac "$work/good"
row yes '# base: allyesconfig'
says "a base that is none" 1 "base: allyesconfig; it can be allnoconfig" -- yes "$work/good"
row widow '# with: nobody'
says "with a row that is none" 1 "widow.config: with: there is no row 'nobody'" -- widow "$work/good"
row later '# then: xen.config'
says "a fragment that the tree lacks" 1 "later.config: Linux 6.1.7 has no xen.config to merge" -- later "$work/good"
row upper '# then: ../good/kernel/configs/guest.config'
says "a fragment that is a path" 1 "has no ../good/kernel/configs/guest.config" -- upper "$work/good"

# --- building ---------------------------------------------------------------------------------------

verdict "the products" "$(ls -1 "$work/out/kernels/both" | diff - <(printf '%s\n' System.map bzImage config vmlinux))"
says "several rows" 0 "plain (1 of 2): compiling" "both (2 of 2): compiling" -- "plain both" "$work/good"
before=$(stat -c %Y.%y "$work/out/src/obj-plain-ksrc/.config")
sleep 0.05
says "again" 0 "plain: " -- plain "$work/good"
verdict "keeps the time stamp of a configuration that is the same" \
	"$([ "$before" = "$(stat -c %Y.%y "$work/out/src/obj-plain-ksrc/.config")" ] || echo changed)"
log=$work/out/kernels/plain.log
verdict "user, host and time are fixed" \
	"$(grep -qxF 'compiling Thu Jan 1 00:00:00 UTC 1970 tvmm@tvmm' <(tr -s ' ' <"$log") || cat "$log")"
as=(env SOURCE_DATE_EPOCH=86400)
says "SOURCE_DATE_EPOCH" 0 "plain: " -- plain "$work/good"
verdict "is the time" "$(grep -qF 'Fri Jan 2 00:00:00 UTC 1970' <(tr -s ' ' <"$log") || cat "$log")"
as=(env)
row fails 'CONFIG_FAILS=y'
says "what the compiler said" 1 "fails: Linux 6.1.7 cannot be compiled; the end of" -- fails "$work/good"
verdict "stands below" "$(grep -qxF 'lib/some.c:7: error' <<<"$all_said" || echo "$all_said")"
verdict "no product of a build that failed" "$(ls "$work/out/kernels/fails")"

row slow 'CONFIG_SLOW=y'
setsid "$build" slow "$work/out" "$work/good" >"$work/said" 2>&1 </dev/null &
first=$!
for _ in $(seq 100); do [ -e "$work/out/src/obj-slow-ksrc/late.o" ] && break || sleep 0.1; done
kill -TERM -- -$first
wait $first
verdict "an interrupted build leaves no product" "$(ls "$work/out/kernels/slow")"
echo "the first one's" >"$work/out/src/obj-slow-ksrc/some.o"
says "and goes on" 0 "slow: " -- slow "$work/good"
verdict "where it was" "$(grep -vxF "the first one's" "$work/out/src/obj-slow-ksrc/some.o")"

says_configured() {
	local said
	rm -rf "$work/out/src/obj-plain-ksrc"
	said=$("$build" --configure 'plain both' "$work/out" "$work/good" 2>&1) || echo "status"
	grep -qxF 'kernels: configured: plain both' <<<"$said" && [ ! -e "$work/out/src/obj-plain-ksrc/some.o" ] || echo "$said"
}
verdict "--configure compiles nothing" "$(says_configured)"

echo "1..$number"
[ $failed = 0 ]
