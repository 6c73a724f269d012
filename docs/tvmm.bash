# SPDX-License-Identifier: MIT
#
# Completion of tvmm's command line for bash 4 and later. It needs no other file: package
# bash-completion loads it when tvmm is first completed, and without the package it is sourced by
# hand (`. docs/tvmm.bash`).
#
# Options are offered with as many dashes as were typed. The options that this version knows by
# name only, to refuse them, are left out; so are values that nobody can enumerate.

# readline takes the line apart at : and = as well (COMP_WORDBREAKS); the shell does not. This puts
# the words up to the cursor together again, into the caller's array `words`.
_tvmm_words() {
	local line=${COMP_LINE:0:COMP_POINT} word i
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $line == [[:blank:]]* || $i == 0 ]]; then
			line=${line#"${line%%[![:blank:]]*}"}
			words+=('')
		fi
		((i < COMP_CWORD)) || word=$line
		words[${#words[@]} - 1]+=$word
		line=${line#"$word"}
	done
}

# Offers those of "$@" that begin with $value. readline replaces only what it took for the word,
# $typed, so whatever stands before that in $value is cut off.
_tvmm_offer() {
	local word before=${value%"$typed"}
	for word in "$@"; do
		[[ $word != "$value"* ]] || COMPREPLY+=("${word#"$before"}")
	done
	case ${COMPREPLY[*]} in
	*[:,=]) compopt -o nospace 2>/dev/null ;;
	esac
}

# Offers files, or with -d folders, for the path behind $1 in $value.
_tvmm_offer_paths() {
	local path=${typed#"$1"} before found
	before=${typed%"$path"}
	compopt -o filenames 2>/dev/null
	while IFS= read -r found; do
		COMPREPLY+=("$before$found")
	done < <(compgen "${2:--f}" -- "$path")
}

# The value of option $1, of which $value is there.
_tvmm_value() {
	case $1 in
	kernel | initrd | symbols | report | trace | html | folded | flame | dmesg) _tvmm_offer_paths '' ;;
	log | add | junit | summary) _tvmm_offer_paths '' ;;
	hang) _tvmm_offer 5s 30s 5s,idle ;;
	fail-on) _tvmm_offer oops warn lockdep all ;;
	account) _tvmm_offer marks phases initcalls exits lines all ;;
	profile) _tvmm_offer 100 1000 10000 ;;
	assert) _tvmm_offer 'boot<' 'kernel<' 'console.bytes<' 'exits.pio<' ;;
	m) _tvmm_offer 64M 128M 256M 512M 1G 2G 4G ;;
	unpack) _tvmm_offer auto host guest ;;
	smp) _tvmm_offer 1 2 4 8 16 ;;
	cpu) _tvmm_offer host max ;;
	without) _tvmm_offer mp-table parallel-fill touch-ahead small-start tsc-leaves rng-seed cache-notes coalesced-console unpacked-initrd early-exit ;;
	serial)
		case $value in
		unix:*,*) _tvmm_offer "${value%%,*}",server=on "${value%%,*}",server=on,wait=off ;;
		file:* | unix:*) _tvmm_offer_paths "${value%%:*}:" ;;
		*) _tvmm_offer stdio mon:stdio null file: pty unix: ;;
		esac
		;;
	echr) _tvmm_offer 0 1 ;;
	timeout) _tvmm_offer 10s 30s 1m 5m ;;
	device) _tvmm_offer isa-debug-exit isa-debug-exit,iobase=0xf4,iosize=0x04 ;;
	accel) _tvmm_offer kvm ;;
	M | machine) _tvmm_offer pc q35 microvm ;;
	display | vga | monitor) _tvmm_offer none ;;
	esac
}

_tvmm_takes_value() {
	case $1 in
	kernel | initrd | append | unpack | m | without | smp | cpu | serial | echr | timeout | until | device) ;;
	account | symbols | profile | mark | report | trace | html | folded | flame | dmesg | assert) ;;
	log | add | send | after | hang | fail-on | junit | summary) ;;
	accel | M | machine | display | vga | monitor) ;;
	*) return 1 ;;
	esac
}

_tvmm_boot() {
	local plain='explain fast-append no-cache no-huge-pages v verbose tap control quiet q help h version enable-kvm nographic nodefaults no-user-config
		no-reboot no-shutdown'
	local valued='kernel initrd append unpack m without smp cpu serial echr timeout until device account
		symbols profile mark report trace html folded flame dmesg assert log add send after hang
		fail-on junit summary accel M machine display vga monitor'
	local dashes=- name i
	# Which words are options, and which are values of the option before them?
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		name=${words[i]#-} name=${name#-}
		if [[ ${words[i]} == -- ]]; then
			_tvmm_offer_paths ''
			return
		fi
		if [[ ${words[i]} == -* ]] && _tvmm_takes_value "$name" &&
			((++i == ${#words[@]} - 1)); then
			_tvmm_value "$name"
			return
		fi
	done
	name=${value#-} name=${name#-}
	if [[ $value == -*=* ]] && _tvmm_takes_value "${name%%=*}"; then
		value=${name#*=}
		_tvmm_value "${name%%=*}"
	elif [[ $value == -* ]]; then
		[[ $value != --* ]] || dashes=--
		# shellcheck disable=SC2086 # words are meant
		set -- $plain $valued
		_tvmm_offer "${@/#/$dashes}"
	fi
}

_tvmm_initramfs() {
	case ${words[${#words[@]} - 2]} in
	-o | -d) _tvmm_offer_paths '' ;;
	*)
		case $value in
		-*) _tvmm_offer -o -d --help ;;
		*) _tvmm_offer_paths '' -d ;;
		esac
		;;
	esac
}

# A list NAME=FILE,FILE is cut behind its last = or comma.
_tvmm_table() {
	local own='--uptime --least-memory --against --qemu --export-csv --export-chart --read' i
	for ((i = 2; i < ${#words[@]} - 1; i++)); do
		if [[ ${words[i]} == -- ]]; then
			_tvmm_trial table
			return
		fi
	done
	case ${words[${#words[@]} - 2]} in
	--against) _tvmm_offer qemu qemu:pc qemu:microvm ;;
	--qemu | --read) _tvmm_offer_paths '' ;;
	-r | --runs | --export-*) _tvmm_trial table ;;
	--uptime) ;;
	*)
		case $value in
		-*) _tvmm_trial table "$own" ;;
		*,*) _tvmm_offer_paths "${typed%"${typed##*,}"}" ;;
		*) _tvmm_offer_paths "${typed%"${typed##*=}"}" ;;
		esac
		;;
	esac
}

# bench, compare and table: their own options up to --, those of a run behind it.
_tvmm_trial() {
	local i own="-r -w --runs --warmup --seed --export-json --export-markdown --help ${*:2}"
	for ((i = 2; i < ${#words[@]} - 1; i++)); do
		if [[ ${words[i]} == -- ]]; then
			words=(tvmm "${words[@]:i+1}")
			_tvmm_boot
			return
		fi
	done
	case ${words[${#words[@]} - 2]} in
	--export-*) _tvmm_offer_paths '' ;;
	-r | --runs) _tvmm_offer 10 20 50 ;;
	--metric) _tvmm_offer boot total kernel user host ;;
	--fail-if-slower) _tvmm_offer 1% 2% 5% ;;
	*)
		# shellcheck disable=SC2086 # words are meant
		case $value in
		-*) _tvmm_offer $own -- ;;
		*) [[ $1 == bench ]] || _tvmm_offer_paths '' ;;
		esac
		;;
	esac
}

_tvmm() {
	local words=() value typed=$2
	COMPREPLY=()
	_tvmm_words
	value=${words[${#words[@]} - 1]}
	if ((${#words[@]} == 2)) && [[ $value != -* ]]; then
		_tvmm_offer probe initramfs bench compare table explain-config
		((${#value})) || _tvmm_offer -kernel
		return
	fi
	case ${words[1]} in
	probe) _tvmm_offer --ci --json --help ;;
	initramfs) _tvmm_initramfs ;;
	bench) _tvmm_trial bench -j --jobs -n -i --command-name --ignore-failure --export-csv ;;
	compare) _tvmm_trial compare -j --jobs --metric --fail-if-slower ;;
	table) _tvmm_table ;;
	explain-config) _tvmm_trial explain-config -j --jobs ;;
	-*) _tvmm_boot ;;
	esac
}

complete -F _tvmm tvmm
