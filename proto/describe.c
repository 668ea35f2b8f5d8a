/* Locks, allocation: none, but stdio: for tools. */
#include "proto/describe.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { SHOWN_PATH = 4200 };

void proto_describe(const struct proto_error *error, const char *verb, const char *path, char *line, size_t size) {
    char shown[SHOWN_PATH];
    text_clean(shown, sizeof shown, strcmp(path, "-") == 0 ? "standard input" : path);
    if (error->code == PROTO_ERROR_IO)
        snprintf(line, size, "cannot %s '%s': %s", verb, shown, strerror(error->saved_errno));
    else
        snprintf(line, size, "cannot %s '%s': %s at byte %lu", verb, shown, error->text, (unsigned long)error->offset);
}
