/* stdio keeps only the fact of an error, so the reason is kept here, at the first write that fails or at the
 * end. Locks: none. */
#include "cli/output.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

enum { SHOWN_PATH = 4200 };

static void describe(const struct output *output, const char *verb, int why, struct heapprofile_error *error) {
    char shown[SHOWN_PATH];
    text_clean(shown, sizeof shown, output->path ? output->path : "standard output");
    snprintf(error->text, sizeof error->text, "cannot %s '%s': %s", verb, shown, strerror(why));
}

bool output_open(struct output *output, const char *path, struct heapprofile_error *error) {
    *output = (struct output){.path = path, .file = path ? fopen(path, "we") : stdout};
    if (output->file)
        return true;
    describe(output, "open", errno, error);
    return false;
}

int output_sink(void *context, const void *bytes, size_t size) {
    struct output *output = context;
    if (fwrite(bytes, 1, size, output->file) == size)
        return 0;
    output->saved_errno = errno ? errno : EIO;
    return output->saved_errno;
}

bool output_close(struct output *output, struct heapprofile_error *error) {
    errno = 0;
    bool failed = fflush(output->file) != 0 || ferror(output->file);
    /* A write that failed earlier is asked for its reason by one more: neither a closed pipe nor a full disk recovers.
     */
    if (failed && !errno && fputc('\n', output->file) != EOF)
        fflush(output->file);
    int why = output->saved_errno ? output->saved_errno : errno;
    if (output->path && fclose(output->file) != 0 && !failed) {
        failed = true;
        why = errno;
    }
    if (!failed)
        return true;
    if (why == EPIPE)
        error->text[0] = 0;
    else
        describe(output, "write", why ? why : EIO, error);
    return false;
}
