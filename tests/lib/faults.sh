# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# Tests of the tests: the faults that a list describes are built into a copy of
# the sources, one after the other, and each has to be noticed. To be sourced by
# bash, at the top of the sources. A fault is three lines of the list:
#
# WORD NAME
#   FILE: SED SCRIPT
#   WHAT (its meaning is the script's that sources this)

n=0 failed=0
names=() files=() edits=() whats=()
copy=$(mktemp -d)	# the copy is $copy/tree, output of what runs $copy/log
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM
. tests/lib/passed.sh

verdict() { # STATUS NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=1
		echo "not ok $n - $2"
	fi
}

# The faults with TEXT in their names; all of the list's where TEXT is empty.
faults_read() { # LIST WORD TEXT
	local line name file edit
	while IFS= read -r line; do
		case $line in
		"$2 "*) name=${line#"$2 "} ;;
		'  '*': '*) file=${line%%: *} file=${file#  } edit=${line#*: } ;;
		'  '*)
			[[ $name == *"$3"* ]] || continue
			names+=("$name") files+=("$file") edits+=("$edit")
			whats+=("${line#  }") ;;
		esac
	done <"$1"
	if [ -n "$3" ]; then
		[ ${#names[@]} != 0 ]
		verdict $? "${1##*/} has what is called \"$3\""
	else
		[ ${#names[@]} = "$(grep -c "^$2 " "$1")" ]
		verdict $? "each $2 of ${1##*/} is whole"
	fi
}

# Makes the copy, with what is built in the DIRECTORY, and goes there. The
# kernels of the virtual machine, which are large, stay behind.
faults_copy() { # DIRECTORY
	mkdir -p "$copy/tree/$1"
	cp -a Makefile CHANGES bpf user hook conf tests "$copy/tree"
	[ ! -d "$1" ] || find "$1" -mindepth 1 -maxdepth 1 ! -name vm \
		-exec cp -a -t "$copy/tree/$1" {} +
	cd "$copy/tree" || exit 1
}

built() { # GOAL ...
	make --no-print-directory -j2 "$@" >"$copy/log" 2>&1
}

# One fault: builds it with BUILD and hands it to NOTICED, which says in "said"
# how it was noticed, or why not; both get its name and WHAT.
fault() { # NUMBER BUILD NOTICED
	local name=${names[$1]} file=${files[$1]} said='' rc=1
	local what=("$name" "${whats[$1]}")
	if said=$(passed "$name"); then
		verdict 0 "$name: $said"
		return
	fi
	cp "$file" "$copy/original"
	sed -i "${edits[$1]}" "$file"
	: >"$copy/log"
	if cmp -s "$file" "$copy/original"; then
		said='its edit changes nothing'
	elif ! "$2" "${what[@]}"; then
		said='it does not build'
	else
		"$3" "${what[@]}"
		rc=$?
	fi
	if [ $rc = 0 ]; then
		passed_keep "$name" <<<"$said"
	else
		tail -n 60 "$copy/log" | sed 's/^/# /'
	fi
	verdict $rc "$name: $said"
	cp "$copy/original" "$file"
}

faults() { # BUILD NOTICED
	local i
	for i in "${!names[@]}"; do
		fault "$i" "$@" </dev/null
	done
}

faults_done() {
	echo "1..$n"
	exit $failed
}
