/* libdeflate inflates 400 MB/s where zlib does 180, and wants input and output whole.
 *
 * whole_file_inflate:
 *   1. a regular file, at its beginning, of at most MOST_COMPRESSED bytes: read it. Not mapped, because a file that
 *      somebody cuts short would end the process
 *   2. its last four bytes say how large it is inflated, below 4 GiB. They are a claim: it is not believed above
 * MOST_INFLATED, nor above what gzip can do at best, and memory that is not written to costs nothing
 *   3. inflate. Length and CRC must be right, and the member must end with the file: libdeflate tells no more than that
 *      something is wrong, the stream tells what
 *   4. give the compressed bytes back
 *
 * Locks: none. Allocation: regions, and malloc by libdeflate. */
#include "diff/whole_file.h"

#include <libdeflate.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    GZIP_SMALLEST = 18, /* header and trailer */
    GZIP_TRAILER_SIZE = 4,
    MOST_COMPRESSED = 48 * 1024 * 1024,
    MOST_INFLATED = 96 * 1024 * 1024,
    BEST_RATIO = 1032, /* of deflate: 258 bytes from two bits */
};

/* The whole file, whose size is known. False when it is not all there. */
static bool read_all(int fd, unsigned char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, bytes + done, size - done, (off_t)done);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static size_t claimed_size(const unsigned char *end) {
    uint32_t size = 0;
    for (int i = 1; i <= GZIP_TRAILER_SIZE; i++)
        size = size << 8 | end[-i];
    return size;
}

static bool inflate_all(const unsigned char *compressed, size_t size, struct whole_file *file) {
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    size_t used = 0, made = 0;
    bool ok = decompressor && libdeflate_gzip_decompress_ex(decompressor, compressed, size, file->bytes, file->size,
                                                            &used, &made) == LIBDEFLATE_SUCCESS;
    libdeflate_free_decompressor(decompressor);
    return ok && used == size && made == file->size;
}

bool whole_file_inflate(int fd, struct whole_file *file) {
    struct stat status;
    *file = (struct whole_file){0};
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < GZIP_SMALLEST ||
        status.st_size > MOST_COMPRESSED || lseek(fd, 0, SEEK_CUR) != 0)
        return false;
    size_t size = (size_t)status.st_size;
    struct region input = {0};
    unsigned char *compressed = region_alloc(&input, size);
    bool ok = compressed && read_all(fd, compressed, size) && compressed[0] == 0x1f && compressed[1] == 0x8b;
    file->size = ok ? claimed_size(compressed + size) : 0;
    ok = ok && file->size <= MOST_INFLATED && file->size / BEST_RATIO <= size;
    file->bytes = ok ? region_alloc(&file->region, file->size) : NULL;
    ok = file->bytes && inflate_all(compressed, size, file);
    region_free(&input);
    if (!ok)
        whole_file_free(file);
    return ok;
}

void whole_file_free(struct whole_file *file) {
    region_free(&file->region);
    *file = (struct whole_file){0};
}
