/* Locks: none. The profile's memory is its own; `bases` comes from malloc. */
#include "cli/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/term.h"
#include "proto/reader.h"
#include "symbolizer/symbolizer.h"

enum { SHOWN_PATH = 4200 };

void load_describe(const struct proto_error *error, const char *verb, const char *path, char line[LOAD_ERROR_SIZE]) {
    char shown[SHOWN_PATH];
    term_clean(shown, sizeof shown, strcmp(path, "-") == 0 ? "standard input" : path);
    if (error->code == PROTO_ERROR_IO)
        snprintf(line, LOAD_ERROR_SIZE, "cannot %s '%s': %s", verb, shown, strerror(error->saved_errno));
    else
        snprintf(line, LOAD_ERROR_SIZE, "cannot %s '%s': %s at byte %lu", verb, shown, error->text,
                 (unsigned long)error->offset);
}

/* The reader's own limits, and no more than half of the machine: a small file may claim to be a large
 * profile. */
static struct reader_limits find_limits(void) {
    struct reader_limits limits = reader_default_limits;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0 && (uint64_t)pages * (uint64_t)page / 2 < limits.max_memory)
        limits.max_memory = (uint64_t)pages * (uint64_t)page / 2;
    return limits;
}

bool load_profile(const char *path, struct loaded *loaded, char error[LOAD_ERROR_SIZE]) {
    struct proto_error failure = {0};
    struct reader_limits limits = find_limits();
    *loaded = (struct loaded){.path = path};
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        failure = (struct proto_error){.code = PROTO_ERROR_IO, .saved_errno = errno};
        load_describe(&failure, "open", path, error);
        return false;
    }
    bool ok = reader_read(fd, &limits, &loaded->profile, &failure);
    if (!is_stdin)
        close(fd);
    if (!ok) {
        load_describe(&failure, "read", path, error);
        return false;
    }
    loaded->bases = calloc((size_t)loaded->profile.mapping_count + 1, sizeof *loaded->bases);
    if (!loaded->bases) {
        profile_free(&loaded->profile);
        snprintf(error, LOAD_ERROR_SIZE, "out of memory");
        return false;
    }
    symbolizer_guess_bases(&loaded->profile, loaded->bases);
    return true;
}

void load_free(struct loaded *loaded) {
    profile_free(&loaded->profile);
    free(loaded->bases);
    loaded->bases = NULL;
}

const char *load_comment(const struct profile *profile, const char *prefix) {
    size_t length = strlen(prefix);
    for (uint32_t i = 0; i < profile->comment_count; i++) {
        const char *text = profile_text(profile, profile->comments[i]);
        if (strncmp(text, prefix, length) == 0)
            return text + length;
    }
    return NULL;
}
