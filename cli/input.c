/* Files alone are read side by side. With a URL among them one is read after the other: the server's time is what
 * counts then. Locks: none. */
#include "cli/input.h"

#include <stdio.h>
#include <unistd.h>

static struct heapprofile *read_url(const char *url, const struct fetch_settings *settings,
                                    struct heapprofile_error *error) {
    char name[FETCH_NAME_SIZE], line[FETCH_ERROR_SIZE];
    int fd = fetch_open(url, settings, line);
    if (fd < 0) {
        snprintf(error->text, sizeof error->text, "%s", line);
        return NULL;
    }
    struct heapprofile *profile = heapprofile_read_fd(fd, fetch_name(url, name), error);
    close(fd);
    return profile;
}

bool input_read(const char *const *names, size_t count, const struct fetch_settings *settings,
                struct heapprofile **profiles, struct heapprofile_error *error) {
    size_t urls = 0, done = 0;
    for (size_t i = 0; i < count; i++)
        urls += fetch_is_url(names[i]);
    if (!urls)
        return heapprofile_read_all(names, count, profiles, error);
    for (; done < count; done++) {
        profiles[done] =
            fetch_is_url(names[done]) ? read_url(names[done], settings, error) : heapprofile_read(names[done], error);
        if (!profiles[done])
            break;
    }
    if (done == count)
        return true;
    while (done)
        heapprofile_free(profiles[--done]);
    return false;
}
