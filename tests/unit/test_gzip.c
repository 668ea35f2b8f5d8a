/* gzip streams: both directions against each other, and every way in which a file can be damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <pthread.h>
#include <cmocka.h>

#include "base/os.h"
#include "base/rand.h"
#include "proto/gzip.h"
#include "proto_bytes.h"

/* Text-like bytes: they compress, but not to nothing. */
static struct bytes some_text(size_t size) {
    struct rand_state random;
    struct bytes text = {0};
    rand_seed(&random, size);
    for (size_t i = 0; i < size; i++)
        put_bytes(&text, &"abcdefgh"[rand_below(&random, 8)], 1);
    return text;
}

static void compress_to(struct bytes *to, const void *data, size_t size, int level) {
    struct region region = {0};
    struct proto_error error = {0};
    struct gzip_writer writer;
    assert_true(gzip_writer_open(&writer, &region, writer_to_bytes, to, level, &error));
    assert_true(gzip_write(&writer, data, size, &error));
    assert_true(gzip_writer_close(&writer, &error));
    assert_int_equal(writer.stream_bytes, size);
    region_free(&region);
}

/* Everything that gzip_read gives, in pieces of at most `room`. */
static bool expand(const struct bytes *file, size_t room, uint64_t max_compressed, uint64_t max_uncompressed,
                   struct bytes *out, struct proto_error *error) {
    struct region region = {0};
    struct gzip_reader reader;
    unsigned char *buffer = malloc(room);
    int fd = bytes_as_file(file);
    size_t got = 1;
    *error = (struct proto_error){0};
    bool ok = gzip_reader_open(&reader, &region, fd, max_compressed, max_uncompressed, error);
    while (ok && got) {
        ok = gzip_read(&reader, buffer, room, &got, error);
        if (ok)
            put_bytes(out, buffer, got);
    }
    close(fd);
    free(buffer);
    region_free(&region);
    return ok;
}

static void assert_expands(const struct bytes *file, const struct bytes *text, size_t room) {
    struct bytes out = {0};
    struct proto_error error;
    assert_true(expand(file, room, 0, 0, &out, &error));
    assert_int_equal(out.size, text->size);
    if (text->size)
        assert_memory_equal(out.data, text->data, text->size);
    free_bytes(&out);
}

static void assert_refused(const struct bytes *file, enum proto_error_code code, const char *text) {
    struct bytes out = {0};
    struct proto_error error;
    assert_false(expand(file, 1000, 0, 0, &out, &error));
    assert_int_equal(error.code, code);
    assert_string_equal(error.text, text);
    assert_true(error.offset <= file->size);
    free_bytes(&out);
}

static void there_and_back(void **state) {
    (void)state;
    const size_t sizes[] = {0, 1, 2, 1000, 65536, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bytes text = some_text(sizes[i]), file = {0};
        compress_to(&file, text.data, text.size, (int)(i % 3) * 4);
        assert_expands(&file, &text, 1);
        assert_expands(&file, &text, 1 << 20);
        free_bytes(&file);
        free_bytes(&text);
    }
}

static void plain_input_passes(void **state) {
    (void)state;
    struct bytes text = some_text(200000);
    assert_expands(&text, &text, 777);
    text.size = 1;
    assert_expands(&text, &text, 777);
    text.size = 0;
    assert_expands(&text, &text, 777);
    free_bytes(&text);
}

static void members_are_one_stream(void **state) {
    (void)state;
    struct bytes text = some_text(100000), file = {0};
    compress_to(&file, text.data, 30000, 6);
    compress_to(&file, text.data, 0, 6);
    compress_to(&file, text.data + 30000, 70000, 1);
    assert_expands(&file, &text, 4096);
    free_bytes(&file);
    free_bytes(&text);
}

static void every_truncation_is_called_one(void **state) {
    (void)state;
    struct bytes text = some_text(3000), file = {0};
    compress_to(&file, text.data, text.size, 6);
    struct bytes cut = file;
    for (cut.size = 2; cut.size < file.size; cut.size++)
        assert_refused(&cut, PROTO_ERROR_TRUNCATED, "the gzip data is truncated");
    free_bytes(&file);
    free_bytes(&text);
}

static void damage_is_named(void **state) {
    (void)state;
    struct bytes text = some_text(3000), file = {0};
    compress_to(&file, text.data, text.size, 6);
    file.data[file.size - 8] ^= 1;
    assert_refused(&file, PROTO_ERROR_CORRUPT, "the checksum of the gzip data is wrong");
    file.data[file.size - 8] ^= 1;
    file.data[file.size - 1] ^= 1;
    assert_refused(&file, PROTO_ERROR_CORRUPT, "the length of the gzip data is wrong");
    file.data[file.size - 1] ^= 1;
    file.data[2] = 7; /* a method that does not exist */
    assert_refused(&file, PROTO_ERROR_CORRUPT, "the gzip data is corrupt");
    file.data[2] = 8;
    put_bytes(&file, "garbage", 7);
    assert_refused(&file, PROTO_ERROR_CORRUPT, "bytes follow the gzip data");
    free_bytes(&file);
    free_bytes(&text);
}

static void limits_hold(void **state) {
    (void)state;
    struct bytes text = some_text(100000), file = {0}, out = {0};
    struct proto_error error;
    compress_to(&file, text.data, text.size, 6);
    assert_true(expand(&file, 4096, file.size, text.size, &out, &error));
    assert_false(expand(&file, 4096, file.size - 1, 0, &out, &error));
    assert_int_equal(error.code, PROTO_ERROR_LIMIT);
    assert_false(expand(&file, 4096, 0, text.size - 1, &out, &error));
    assert_int_equal(error.code, PROTO_ERROR_LIMIT);
    assert_false(expand(&text, 4096, 0, text.size - 1, &out, &error));
    assert_int_equal(error.code, PROTO_ERROR_LIMIT);
    free_bytes(&file);
    free_bytes(&text);
    free_bytes(&out);
}

/* 1 GiB of zeros in 1 MiB of file: stopped near the limit, in memory that does not depend on either. */
static void a_bomb_is_stopped(void **state) {
    (void)state;
    static const unsigned char zeros[1 << 20];
    struct region region = {0};
    struct proto_error error = {0};
    struct bytes file = {0};
    struct gzip_writer writer;
    assert_true(gzip_writer_open(&writer, &region, writer_to_bytes, &file, 9, &error));
    for (int i = 0; i < 1024; i++)
        assert_true(gzip_write(&writer, zeros, sizeof zeros, &error));
    assert_true(gzip_writer_close(&writer, &error));
    region_free(&region);

    int fd = bytes_as_file(&file);
    struct gzip_reader reader;
    static unsigned char room[65536];
    size_t got;
    int64_t start = os_now();
    assert_true(gzip_reader_open(&reader, &region, fd, 0, 10 << 20, &error));
    while (gzip_read(&reader, room, sizeof room, &got, &error))
        assert_true(got > 0);
    assert_int_equal(error.code, PROTO_ERROR_LIMIT);
    assert_true(reader.stream_bytes <= (10 << 20) + sizeof room);
    assert_true(region.taken <= 1 << 20);
    assert_true(os_now() - start < 5000000000);
    close(fd);
    region_free(&region);
    free_bytes(&file);
}

struct feeder {
    int fd;
    const struct bytes *file;
};

static void *feed(void *argument) {
    const struct feeder *feeder = argument;
    for (size_t sent = 0; sent < feeder->file->size; sent += 7) {
        size_t left = feeder->file->size - sent;
        if (write(feeder->fd, feeder->file->data + sent, left < 7 ? left : 7) < 0)
            break;
    }
    close(feeder->fd);
    return NULL;
}

/* Short reads change nothing: a pipe that is filled with 7 bytes at a time. */
static void a_slow_pipe_is_the_same(void **state) {
    (void)state;
    struct bytes text = some_text(20000), file = {0}, out = {0};
    compress_to(&file, text.data, text.size, 6);
    struct region region = {0};
    struct proto_error error = {0};
    struct gzip_reader reader;
    unsigned char buffer[512];
    int ends[2];
    pthread_t thread;
    size_t got = 1;
    assert_int_equal(pipe(ends), 0);
    struct feeder feeder = {ends[1], &file};
    assert_int_equal(pthread_create(&thread, NULL, feed, &feeder), 0);
    assert_true(gzip_reader_open(&reader, &region, ends[0], 0, 0, &error));
    while (got) {
        assert_true(gzip_read(&reader, buffer, sizeof buffer, &got, &error));
        put_bytes(&out, buffer, got);
    }
    pthread_join(thread, NULL);
    assert_int_equal(out.size, text.size);
    assert_memory_equal(out.data, text.data, text.size);
    close(ends[0]);
    region_free(&region);
    free_bytes(&file);
    free_bytes(&text);
    free_bytes(&out);
}

static int full_disk(void *context, const void *bytes, size_t size) {
    (void)bytes;
    size_t *room = context;
    if (size > *room)
        return ENOSPC;
    *room -= size;
    return 0;
}

static void the_errors_of_the_file_come_through(void **state) {
    (void)state;
    struct region region = {0};
    struct proto_error error = {0};
    struct gzip_reader reader;
    assert_false(gzip_reader_open(&reader, &region, -1, 0, 0, &error));
    assert_int_equal(error.code, PROTO_ERROR_IO);
    assert_int_equal(error.saved_errno, EBADF);

    struct bytes text = some_text(500000);
    size_t room = 40000;
    struct gzip_writer writer;
    error = (struct proto_error){0};
    assert_true(gzip_writer_open(&writer, &region, full_disk, &room, 1, &error));
    assert_false(gzip_write(&writer, text.data, text.size, &error));
    assert_int_equal(error.code, PROTO_ERROR_IO);
    assert_int_equal(error.saved_errno, ENOSPC);
    region_free(&region);
    free_bytes(&text);
}

static void no_memory_is_an_error(void **state) {
    (void)state;
    struct bytes text = some_text(1000), file = {0};
    compress_to(&file, text.data, text.size, 6);
    struct region region = {.limit = 4096};
    struct proto_error error = {0};
    struct gzip_writer writer;
    struct gzip_reader reader;
    assert_false(gzip_writer_open(&writer, &region, full_disk, NULL, 1, &error));
    assert_int_equal(error.code, PROTO_ERROR_MEMORY);
    int fd = bytes_as_file(&file);
    error = (struct proto_error){0};
    assert_false(gzip_reader_open(&reader, &region, fd, 0, 0, &error));
    assert_int_equal(error.code, PROTO_ERROR_MEMORY);
    close(fd);
    free_bytes(&file);
    free_bytes(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(plain_input_passes),
        cmocka_unit_test(members_are_one_stream),
        cmocka_unit_test(every_truncation_is_called_one),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(a_bomb_is_stopped),
        cmocka_unit_test(a_slow_pipe_is_the_same),
        cmocka_unit_test(the_errors_of_the_file_come_through),
        cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
