/* Any bytes: the reader refuses them with a reason, or gives a profile that can be written, merged and
 * filtered, and that reads back as large as it was. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "proto/filter.h"
#include "proto/merge.h"
#include "proto/reader.h"
#include "proto/writer.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int open_bytes(const void *data, size_t size) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static int write_to_file(void *context, const void *bytes, size_t size) {
    CHECK(write(*(int *)context, bytes, size) == (ssize_t)size);
    return 0;
}

static void check_copy(const struct profile *profile) {
    struct profile copy;
    struct proto_error error;
    int fd = open_bytes("", 0);
    CHECK(writer_write_profile(profile, write_to_file, &fd, 1, &error));
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(reader_read(fd, NULL, &copy, &error));
    CHECK(copy.sample_count == profile->sample_count && copy.location_count == profile->location_count);
    CHECK(copy.function_count == profile->function_count && copy.mapping_count == profile->mapping_count);
    for (uint32_t i = 0; i < copy.sample_count; i++)
        CHECK(copy.samples[i].location_count == profile->samples[i].location_count);
    profile_free(&copy);
    close(fd);
}

static void check_merge(const struct profile *profile) {
    struct profile sum;
    struct proto_error error;
    const struct merge_input inputs[] = {
        {.profile = profile, .scale = 1},
        {.profile = profile, .scale = -1, .label_key = "pprof::base", .label_text = "true"},
    };
    CHECK(merge_profiles(inputs, 2, &sum, &error));
    CHECK(sum.sample_count <= 2 * (uint64_t)profile->sample_count);
    check_copy(&sum);
    profile_free(&sum);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    const struct reader_limits limits = {1 << 20, 16 << 20, 64 << 20};
    const struct filter filter = {.focus = "a", .ignore = "zz", .hide = "j"};
    struct profile profile;
    struct proto_error error;
    int fd = open_bytes(data, size);
    if (reader_read(fd, &limits, &profile, &error)) {
        check_copy(&profile);
        check_merge(&profile);
        filter_drop_frames(&profile, &error);
        filter_apply(&profile, &filter, &error);
        check_copy(&profile);
        profile_free(&profile);
    } else {
        CHECK(error.code != PROTO_OK && error.text);
    }
    close(fd);
    return 0;
}
