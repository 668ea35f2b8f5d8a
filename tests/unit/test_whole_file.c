/* What is inflated in one go, and what is left to the stream: everything that is not one sound member in a regular
 * file. */
#include "diff/whole_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/rand.h"
#include "tests/support/unit.h"

enum { DATA_SIZE = 300000, ROOM = DATA_SIZE + 1000, TRAILER_SIZE = 8 };

static unsigned char data[DATA_SIZE];

/* A file without a name that holds these bytes, at its beginning. */
static int make_file(const void *bytes, size_t size) {
    char path[] = "/tmp/test_whole_file.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static size_t compress_member(unsigned char *out, const void *bytes, size_t size) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    unsigned char *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    stream.next_in = copy;
    stream.avail_in = (unsigned)size;
    stream.next_out = out;
    stream.avail_out = ROOM;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t made = stream.total_out;
    deflateEnd(&stream);
    free(copy);
    return made;
}

static void assert_inflates(const void *bytes, size_t size, const void *expected, size_t expected_size) {
    struct whole_file file;
    int fd = make_file(bytes, size);
    assert_true(whole_file_inflate(fd, &file));
    assert_int_equal(file.size, expected_size);
    assert_memory_equal(file.bytes, expected, expected_size);
    whole_file_free(&file);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    close(fd);
}

static void assert_left(const void *bytes, size_t size) {
    struct whole_file file;
    int fd = make_file(bytes, size);
    assert_false(whole_file_inflate(fd, &file));
    assert_null(file.bytes);
    assert_int_equal(file.region.taken, 0);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    close(fd);
}

static void test_sound_members(void **state) {
    (void)state;
    unsigned char out[ROOM];
    for (size_t size = 0; size <= DATA_SIZE; size = size * 3 + 1)
        assert_inflates(out, compress_member(out, data, size), data, size);
}

static void test_damage_is_left_to_the_stream(void **state) {
    (void)state;
    unsigned char out[2 * ROOM];
    size_t size = compress_member(out, data, DATA_SIZE);
    assert_left(out, size - 1);
    assert_left(out, size / 2);
    assert_left(out, 17);
    assert_left(out, 0);
    assert_left(data, sizeof data);
    for (size_t at = size - TRAILER_SIZE; at < size;
         at++) { /* CRC, then length: more and less, by a little and by far */
        out[at] ^= 0x41;
        assert_left(out, size);
        out[at] ^= 0x41;
    }
    out[size / 2] ^= 4;
    assert_left(out, size);
    out[size / 2] ^= 4;
    memset(out + size, 0, 10);
    assert_left(out, size + 10);
    memcpy(out + size, out, size);
    assert_left(out, size * 2); /* two members */
    assert_inflates(out, size, data, DATA_SIZE);
}

static void test_only_from_the_beginning_of_files(void **state) {
    (void)state;
    unsigned char out[ROOM];
    struct whole_file file;
    size_t size = compress_member(out, data, 100);
    int fd = make_file(out, size), ends[2];
    assert_int_equal(lseek(fd, 1, SEEK_SET), 1);
    assert_false(whole_file_inflate(fd, &file));
    close(fd);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], out, size), (ssize_t)size);
    assert_false(whole_file_inflate(ends[0], &file));
    unsigned char back[ROOM];
    assert_int_equal(read(ends[0], back, sizeof back), (ssize_t)size); /* nothing was taken from it */
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    struct rand_state rand;
    rand_seed(&rand, 11);
    for (size_t i = 0; i < DATA_SIZE; i++)
        data[i] = (unsigned char)(i % 7 ? rand_below(&rand, 20) : i);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_members),
        cmocka_unit_test(test_damage_is_left_to_the_stream),
        cmocka_unit_test(test_only_from_the_beginning_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
