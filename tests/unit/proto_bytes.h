/* Builds profile files byte by byte, right and wrong ones, and hands them to the reader. For unit tests. */
#ifndef HEAPTAP_TESTS_PROTO_BYTES_H
#define HEAPTAP_TESTS_PROTO_BYTES_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/reader.h"
#include "proto/wire.h"

struct bytes {
    unsigned char *data;
    size_t size, capacity;
};

static inline void put_bytes(struct bytes *to, const void *data, size_t size) {
    if (to->size + size > to->capacity) {
        to->capacity = (to->size + size) * 2 + 64;
        to->data = realloc(to->data, to->capacity);
    }
    if (size)
        memcpy(to->data + to->size, data, size);
    to->size += size;
}

static inline void put_varint(struct bytes *to, uint64_t value) {
    unsigned char buffer[WIRE_VARINT_MAX];
    put_bytes(to, buffer, wire_put_varint(buffer, value));
}

static inline void put_number(struct bytes *to, unsigned field, uint64_t value) {
    put_varint(to, (uint64_t)field << 3 | WIRE_VARINT);
    put_varint(to, value);
}

static inline void put_block(struct bytes *to, unsigned field, const void *data, size_t size) {
    put_varint(to, (uint64_t)field << 3 | WIRE_BYTES);
    put_varint(to, size);
    put_bytes(to, data, size);
}

/* Appends `message` as a field and empties it. */
static inline void put_message(struct bytes *to, unsigned field, struct bytes *message) {
    put_block(to, field, message->data, message->size);
    message->size = 0;
}

static inline void put_text(struct bytes *to, const char *text) { put_block(to, FIELD_STRING, text, strlen(text)); }

static inline void free_bytes(struct bytes *bytes) {
    free(bytes->data);
    *bytes = (struct bytes){0};
}

static inline int writer_to_bytes(void *context, const void *data, size_t size) {
    put_bytes(context, data, size);
    return 0;
}

/* A file in memory that holds these bytes, read from its start. */
static inline int bytes_as_file(const struct bytes *bytes) {
    int fd = memfd_create("profile", MFD_CLOEXEC);
    if (fd < 0 || (bytes->size && write(fd, bytes->data, bytes->size) != (ssize_t)bytes->size))
        abort();
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static inline bool read_bytes(const struct bytes *bytes, const struct reader_limits *limits, struct profile *profile,
                              struct proto_error *error) {
    int fd = bytes_as_file(bytes);
    bool ok = reader_read(fd, limits, profile, error);
    close(fd);
    return ok;
}

/* A file of tests/golden/data. `source` is __FILE__ of a file in tests/unit. */
static inline struct bytes golden_file(const char *source, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%.*s../golden/data/%s", (int)(strrchr(source, '/') - source + 1), source, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct bytes file = {0};
    unsigned char buffer[4096];
    ssize_t got;
    while (fd >= 0 && (got = read(fd, buffer, sizeof buffer)) > 0)
        put_bytes(&file, buffer, (size_t)got);
    if (!file.size) {
        perror(path);
        exit(1);
    }
    close(fd);
    return file;
}

#endif
