#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SIGKILL of the run, of its keeper, and of both, at every position of the journal, on this host with
# real settings, pools, swap, groups and tracing: everything has to come back, byte for byte.
# usage: guard_kill.sh BUILD-FOLDER [full]
set -eu
if [ "$(id -u)" -ne 0 ]; then
	echo "guard_kill: needs root: skipped"
	exit 77
fi
exec "$1/tool_guard_kill" "${2:-}"
