/* libdwfl has a search of its own. This one asks no server behind our back, believes nobody (libdwfl takes what a
 * server or a guessed name gives without looking at it), and can say why a file was not taken.
 *
 *   1. each candidate of places.h that is a regular file and not the binary itself is compared: build ids where the
 *      binary has one, else the checksum of the whole file
 *   2. then the server's answer, compared in the same way
 *   3. where nothing was taken and some candidate was another build's, the user hears of it
 *
 * Locks: none. Allocates with malloc. */
#include "symbolizer/debug_file.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { CHECKSUM_BLOCK = 65536 };

struct comparison {
    const struct build_id *id;
    uint32_t checksum; /* 0: none */
    struct stat binary;
    int fd;
    char *path;
    char *other_build; /* a candidate that did not belong */
};

static bool has_id(int fd, const struct build_id *id) {
    struct build_id other = {0};
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (elf)
        build_id_read(&other, elf);
    elf_end(elf);
    return build_id_is_equal(&other, id);
}

static bool has_checksum(int fd, uint32_t wanted) {
    unsigned char *block = malloc(CHECKSUM_BLOCK);
    uLong sum = crc32(0, NULL, 0);
    off_t offset = 0;
    ssize_t count = -1;
    while (block && (count = pread(fd, block, CHECKSUM_BLOCK, offset)) > 0) {
        sum = crc32(sum, block, (uInt)count);
        offset += count;
    }
    free(block);
    return count == 0 && sum == wanted;
}

static bool belongs(const struct comparison *comparison, int fd) {
    if (comparison->id->length)
        return has_id(fd, comparison->id);
    return comparison->checksum && has_checksum(fd, comparison->checksum);
}

static bool try_candidate(void *context, const char *path, enum place_kind kind) {
    struct comparison *comparison = context;
    struct stat status;
    (void)kind;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    bool is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                   (status.st_dev != comparison->binary.st_dev || status.st_ino != comparison->binary.st_ino);
    if (is_file && belongs(comparison, fd)) {
        comparison->fd = fd;
        comparison->path = strdup(path);
        return true;
    }
    if (is_file && !comparison->other_build)
        comparison->other_build = strdup(path);
    close(fd);
    return false;
}

static void ask_server(const struct search *search, const char *path, struct comparison *comparison) {
    char *cached = NULL;
    int fd = symbol_server_fetch(search->server, comparison->id, SYMBOL_SERVER_DEBUG, path, &cached);
    if (fd >= 0 && has_id(fd, comparison->id)) {
        comparison->fd = fd;
        comparison->path = cached;
        return;
    }
    if (fd >= 0)
        close(fd);
    if (cached && !comparison->other_build)
        comparison->other_build = cached;
    else
        free(cached);
}

/* The result of the walk, or -1. */
static int finish(const struct search *search, const char *path, struct comparison *comparison, char **found) {
    if (comparison->fd < 0)
        ask_server(search, path, comparison);
    if (comparison->fd < 0 && comparison->other_build)
        notice_say(&search->notice, comparison->other_build,
                   "is not the debug information of this build and is not used");
    free(comparison->other_build);
    *found = comparison->path;
    return comparison->fd;
}

static struct comparison begin(const char *path, const struct build_id *id, uint32_t checksum) {
    struct comparison comparison = {.id = id, .checksum = checksum, .fd = -1};
    if (stat(path, &comparison.binary) != 0)
        comparison.binary = (struct stat){0};
    return comparison;
}

int debug_file_open(const struct search *search, const char *path, const struct build_id *id,
                    const struct debug_link *link, char **found) {
    struct comparison comparison = begin(path, id, link->checksum);
    places_walk_debug(path, id, link->name, &search->places, try_candidate, &comparison);
    return finish(search, path, &comparison, found);
}

int debug_file_open_shared(const struct search *search, const char *path, const struct shared_link *link,
                           char **found) {
    struct comparison comparison = begin(path, &link->id, 0);
    places_walk_shared(path, &link->id, link->name, &search->places, try_candidate, &comparison);
    return finish(search, path, &comparison, found);
}

/* The section holds a name, a zero, and the id. */
void debug_file_read_shared_link(struct Elf *elf, struct shared_link *link) {
    Elf_Scn *section = NULL;
    size_t names;
    GElf_Shdr header;
    link->name[0] = 0;
    if (elf_getshdrstrndx(elf, &names) != 0)
        return;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (!name || strcmp(name, ".gnu_debugaltlink") != 0 || header.sh_type != SHT_PROGBITS)
            continue;
        Elf_Data *data = elf_rawdata(section, NULL);
        size_t length = data && data->d_buf ? strnlen(data->d_buf, data->d_size) : 0;
        if (length && length < data->d_size && length < sizeof link->name &&
            build_id_set(&link->id, (const char *)data->d_buf + length + 1, data->d_size - length - 1))
            memcpy(link->name, data->d_buf, length + 1);
        return;
    }
}
