/* stdio keeps only the fact of an error, so the reason is kept here, at the first write that fails or at the
 * end. Locks: none. */
#include "cli/output.h"

#include <errno.h>
#include <string.h>

bool output_open(struct output *output, const char *path, char error[LOAD_ERROR_SIZE]) {
    *output = (struct output){.path = path, .file = path ? fopen(path, "we") : stdout};
    if (output->file)
        return true;
    struct proto_error failure = {.code = PROTO_ERROR_IO, .saved_errno = errno};
    load_describe(&failure, "open", path, error);
    return false;
}

int output_sink(void *context, const void *bytes, size_t size) {
    struct output *output = context;
    if (fwrite(bytes, 1, size, output->file) == size)
        return 0;
    output->saved_errno = errno ? errno : EIO;
    return output->saved_errno;
}

bool output_close(struct output *output, char error[LOAD_ERROR_SIZE]) {
    errno = 0;
    bool failed = ferror(output->file) || fflush(output->file) != 0;
    int why = output->saved_errno ? output->saved_errno : errno;
    if (output->path && fclose(output->file) != 0 && !failed) {
        failed = true;
        why = errno;
    }
    if (!failed)
        return true;
    struct proto_error failure = {.code = PROTO_ERROR_IO, .saved_errno = why ? why : EIO};
    if (why == EPIPE)
        error[0] = 0;
    else
        load_describe(&failure, "write", output->path ? output->path : "standard output", error);
    return false;
}
