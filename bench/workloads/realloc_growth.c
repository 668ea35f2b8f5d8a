/* Vectors that grow by half from 16 bytes to 300 KB, eight of them in turns so that no one has the end of the heap for
 * itself; and strings that grow by a few bytes at a time to 4 KB. What was written stays and is read again. */
#include "workload.h"

enum { TOGETHER = 8, VECTOR_END = 300000, STRING_END = 4096, STEP_MOST = 32 };

struct buffer {
    unsigned char *bytes;
    size_t size;
};

static uint64_t grow(struct buffer *buffer, size_t size) {
    uint64_t sum = buffer->size ? object_read(buffer->bytes, buffer->size) : 0;
    buffer->bytes = workload_must(realloc(buffer->bytes, size));
    memset(buffer->bytes + buffer->size, (int)(size & 0xff), size - buffer->size);
    buffer->size = size;
    return sum;
}

static uint64_t grow_vectors(void) {
    struct buffer vectors[TOGETHER] = {{NULL, 0}};
    uint64_t sum = 0;
    for (size_t size = 16; size < VECTOR_END; size += size / 2)
        for (int i = 0; i < TOGETHER; i++)
            sum += grow(&vectors[i], size + (size_t)i);
    for (int i = 0; i < TOGETHER; i++)
        sum += object_end(vectors[i].bytes, vectors[i].size);
    return sum;
}

static uint64_t grow_strings(struct random *random) {
    struct buffer strings[TOGETHER] = {{NULL, 0}};
    uint64_t sum = 0;
    for (size_t size = 1; size < STRING_END; size += 1 + random_below(random, STEP_MOST))
        for (int i = 0; i < TOGETHER; i++)
            sum += grow(&strings[i], size);
    for (int i = 0; i < TOGETHER; i++)
        sum += object_end(strings[i].bytes, strings[i].size);
    return sum;
}

int main(int argc, char **argv) {
    size_t rounds = workload_times(argc, argv, 1000);
    struct random random = random_seeded(6);
    uint64_t sum = 0;
    for (size_t round = 0; round < rounds; round++) {
        sum += grow_vectors();
        sum += grow_strings(&random) + grow_strings(&random);
    }
    return workload_end(sum);
}
