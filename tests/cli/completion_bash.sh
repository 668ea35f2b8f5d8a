#!/bin/sh
# What bash completes, word for word.
. "$HEAPTAP_SOURCE/tests/cli/completion_common.sh"
complete_in bash
