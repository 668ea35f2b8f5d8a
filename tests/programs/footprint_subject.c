/* What a small process costs. Keeps so many blocks of 64 bytes as it is told, then prints, in KiB:
 *
 *   resident    all of its memory
 *   anonymous   memory that no file stands behind: the process's own
 *   library     pages of the library's file, code and data
 *
 * It reads with plain calls: a stream would be memory and code of the C library. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_LINE = 4096 };

static long resident, anonymous, library;

static int begins(const char *line, const char *with) { return strncmp(line, with, strlen(with)) == 0; }

static void take_line(const char *line) {
    static int in_library;
    if (line[0] >= 'A' && line[0] <= 'Z') {
        if (begins(line, "Rss:")) {
            resident += atol(line + 4);
            library += in_library ? atol(line + 4) : 0;
        } else if (begins(line, "Anonymous:")) {
            anonymous += atol(line + 10);
        }
    } else {
        in_library = strstr(line, "libheaptap") != NULL;
    }
}

static void read_smaps(void) {
    static char line[MOST_LINE];
    size_t length = 0;
    char c[256];
    ssize_t got;
    int fd = open("/proc/self/smaps", O_RDONLY);
    while ((got = read(fd, c, sizeof c)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (c[i] != '\n' && length < sizeof line - 1) {
                line[length++] = c[i];
                continue;
            }
            line[length] = '\0';
            take_line(line);
            length = 0;
        }
    }
    close(fd);
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    char *volatile last = NULL;
    for (size_t i = 0; i < count; i++) {
        last = malloc(64);
        if (!last)
            return 1;
        *last = 1;
    }
    read_smaps();
    printf("%ld %ld %ld\n", resident, anonymous, library);
    return 0;
}
