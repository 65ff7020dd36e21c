#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An installed mmconform works without its sources, and the model is a library that others can use.
set -eu
build=$(dirname "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$build" --prefix "$scratch/usr" >"$scratch/log" || {
	cat "$scratch/log" >&2
	exit 1
}
# From another folder, and with nothing that points to the sources.
cd /
"$scratch/usr/bin/mmconform" list | grep -q 'demand\.first-touch'
"$scratch/usr/bin/mmconform" run --claim '^demand\.first-touch$' --record "$scratch/record.jsonl" >"$scratch/log" 2>&1 || {
	cat "$scratch/log" >&2
	exit 1
}
"$scratch/usr/bin/mmconform" report "$scratch/record.jsonl" -o html="$scratch/page.html" -o junit="$scratch/junit.xml"
grep -q '</html>' "$scratch/page.html"
# Completion is what the program says of itself, and each shell reads it.
share=$scratch/usr/share
bash -c ". '$share/bash-completion/completions/mmconform'
	COMP_WORDS=(mmconform run --prof) COMP_CWORD=2; _mmconform; [ \"\${COMPREPLY[*]}\" = --profile ]
	COMP_WORDS=(mmconform ta) COMP_CWORD=1; _mmconform; [ \"\${COMPREPLY[*]}\" = tables ]
	COMP_WORDS=(mmconform report -o ht) COMP_CWORD=3; _mmconform; [ \"\${COMPREPLY[*]}\" = html= ]"
for shell in zsh fish; do
	file=$(find "$share/$shell" -type f)
	grep -q 'dry-run' "$file" && grep -q 'page-sizes' "$file"
	if command -v $shell >/dev/null; then $shell -n "$file"; fi
done
cat >"$scratch/user.c" <<'C'
#include <vm/model.h>
#include <vm/units.h>

int main(void)
{
	const struct vm_host host = {.page_table_levels = 4};
	const struct vm_model model = vm_model_for(VM_MODEL_TEXTBOOK, &host);

	return vm_pages_to_kib(3) == 12 && model.name[0] == 't' ? 0 : 1;
}
C
PKG_CONFIG_PATH=$(dirname "$(find "$scratch/usr" -name vm_model.pc)")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046 # a list of words
cc -o "$scratch/user" "$scratch/user.c" $(pkg-config --cflags --libs vm_model)
"$scratch/user"
