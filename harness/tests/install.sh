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
