#!/bin/sh
# What fish completes, word for word.
. "$HEAPTAP_SOURCE/tests/cli/completion_common.sh"
complete_in fish
