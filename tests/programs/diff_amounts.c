/* Two hundred sites that allocate known amounts, for the diff of two profiles:
 *
 *   diff_amounts PREFIX FACTOR
 *
 * Every fifth site allocates FACTOR times as much. A first profile is written, then half of every site's objects are
 * replaced by new ones, every seventh site keeps those that it replaced, and a second profile is written. On standard
 * output one line a site: its name and the bytes in use at the first and the second profile. */
#define HEAPTAP_WEAK
#include <malloc.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "heaptap.h"

enum { SITES = 200, RATE = 16384, MOST = 1 << 15 };

#define SITE(n)                                                                                                        \
    __attribute__((noinline)) static void *site_##n(size_t size) {                                                     \
        void *volatile p = malloc(size);                                                                               \
        return p;                                                                                                      \
    }
#define TEN(X, n) X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7) X(n##8) X(n##9)
#define HUNDRED(X, n)                                                                                                  \
    TEN(X, n##0)                                                                                                       \
    TEN(X, n##1) TEN(X, n##2) TEN(X, n##3) TEN(X, n##4) TEN(X, n##5) TEN(X, n##6) TEN(X, n##7) TEN(X, n##8) TEN(X, n##9)
#define NAMED(n) {"site_" #n, site_##n},

HUNDRED(SITE, 1)
HUNDRED(SITE, 2)

static const struct {
    const char *name;
    void *(*make)(size_t size);
} sites[SITES] = {HUNDRED(NAMED, 1) HUNDRED(NAMED, 2)};

static void *objects[SITES][MOST];
static uint64_t bytes[SITES];

static void *make(int site, size_t size) {
    void *p = sites[site].make(size);
    bytes[site] += malloc_usable_size(p);
    return p;
}

static void drop(int site, void *p) {
    bytes[site] -= malloc_usable_size(p);
    free(p);
}

/* From 16 bytes to 4 rates, and from a few samples to a hundred. */
static size_t size_of(int site) { return (size_t)(16 * exp2(site % 13)); }

static int count_of(int site, double factor) {
    double wanted = 2 * pow(50, (site * 37 % SITES) / (double)SITES) * RATE / (double)size_of(site);
    int count = (int)ceil(site % 5 == 0 ? wanted * factor : wanted);
    return count < MOST ? count : MOST;
}

static void dump(const char *prefix, int number) {
    char path[4096];
    snprintf(path, sizeof path, "%s.%d.pb.gz", prefix, number);
    if (heaptap_dump(path) != 0)
        exit(1);
}

int main(int argc, char **argv) {
    uint64_t first[SITES];
    double factor = argc > 2 ? atof(argv[2]) : 1;
    for (int site = 0; site < SITES; site++)
        for (int i = 0; i < count_of(site, factor); i++)
            objects[site][i] = make(site, size_of(site));
    dump(argv[1], 1);
    for (int site = 0; site < SITES; site++) {
        first[site] = bytes[site];
        for (int i = 0; i < count_of(site, factor); i += 2) {
            void *old = objects[site][i];
            objects[site][i] = make(site, size_of(site));
            if (site % 7)
                drop(site, old);
        }
    }
    dump(argv[1], 2);
    for (int site = 0; site < SITES; site++)
        printf("%s %llu %llu\n", sites[site].name, (unsigned long long)first[site], (unsigned long long)bytes[site]);
    return 0;
}
