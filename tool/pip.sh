#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Prints the first pip that runs, as a command of one or more words; fails with a message of NAME when there is none.
# Usage: tool/pip.sh NAME
set -eu
for pip in 'python3 -m pip' '/usr/bin/python3 -m pip' pip3 pip; do
	if $pip --version > /dev/null 2>&1; then
		echo "$pip"
		exit 0
	fi
done
echo "$1: there is no pip; install python3-pip" >&2
exit 1
