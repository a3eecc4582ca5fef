#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Makes configure and the Makefile.in from configure.ac and Makefile.am.
set -e
cd "$(dirname "$0")"
mkdir -p build-aux m4
exec autoreconf --force --install --warnings=all
