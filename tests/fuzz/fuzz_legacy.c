/* Any bytes behind the first ones of a text profile: the reader refuses them with a reason, or gives a profile that
 * keeps the rules of the model and that can be written and read again. The first byte chooses the head, so that the
 * fuzzer need not find the words that tell the dialects apart. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "proto/filter.h"
#include "proto/reader.h"
#include "proto/writer.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char *const heads[] = {
    "",
    "heap profile: 1: 2 [3: 4] @ heapprofile\n",
    "heap profile: 1: 2 [3: 4] @ heap_v2/524288\n",
    "heap profile: 1: 2 [1: 2] @ heap/1048576\n",
    "heap_v2/524288\n  t*: 1: 2 [3: 4]\n",
    "heap_v2/1\n",
    "heap profile: 1: 2 [3: 4] @ growthz\n1: 2 [1: 2] @ 0x1001 0x2001\nMAPPED_LIBRARIES:\n",
    "heap profile: 1: 2 [3: 4] @ heap/2\n1: 2 [1: 2] @ 0x101 0x201 0x301\n#\t0x200\t",
};

static int open_input(const unsigned char *data, size_t size) {
    const char *head = size ? heads[data[0] % (sizeof heads / sizeof *heads)] : "";
    size_t length = strlen(head);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, head, length) == (ssize_t)length);
    CHECK(!size || write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static void check_model(const struct profile *profile) {
    for (uint32_t i = 0; i < profile->sample_count; i++) {
        const struct profile_sample *sample = &profile->samples[i];
        for (uint32_t k = 0; k < sample->location_count; k++)
            CHECK(profile->location_ids[sample->first_location + k] < profile->location_count);
        CHECK(sample->first_label + sample->label_count <= profile->label_count);
    }
    for (uint32_t i = 0; i < profile->location_count; i++) {
        const struct profile_location *location = &profile->locations[i];
        CHECK(location->mapping == PROFILE_NONE || location->mapping < profile->mapping_count);
        for (uint32_t k = 0; k < location->line_count; k++)
            CHECK(profile->lines[location->first_line + k].function < profile->function_count);
    }
    for (uint32_t i = 0; i < profile->function_count; i++)
        CHECK(profile->functions[i].name < profile->string_count &&
              profile->functions[i].filename < profile->string_count);
}

static int write_to_file(void *context, const void *bytes, size_t size) {
    CHECK(write(*(int *)context, bytes, size) == (ssize_t)size);
    return 0;
}

static void check_copy(const struct profile *profile) {
    struct profile copy;
    struct proto_error error;
    int fd = memfd_create("copy", MFD_CLOEXEC);
    CHECK(fd >= 0 && writer_write_profile(profile, write_to_file, &fd, 1, &error));
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && reader_read(fd, NULL, &copy, &error));
    CHECK(copy.sample_count == profile->sample_count && copy.location_count == profile->location_count);
    CHECK(copy.sample_type_count == profile->sample_type_count && copy.mapping_count == profile->mapping_count);
    size_t values = (size_t)copy.sample_count * copy.sample_type_count;
    CHECK(!values || memcmp(copy.values, profile->values, values * sizeof *copy.values) == 0);
    profile_free(&copy);
    close(fd);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    const struct reader_limits limits = {1 << 20, 16 << 20, 64 << 20};
    struct profile profile;
    struct proto_error error;
    int fd = open_input(data, size);
    if (reader_read(fd, &limits, &profile, &error)) {
        check_model(&profile);
        check_copy(&profile);
        CHECK(filter_drop_frames(&profile, &error));
        check_model(&profile);
        profile_free(&profile);
    } else {
        CHECK(error.code != PROTO_OK && error.text);
    }
    close(fd);
    return 0;
}
