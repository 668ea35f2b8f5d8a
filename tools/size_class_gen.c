/* Prints alloc/size_class_table.h. The build does not run it; a test checks that its output is what is committed.
 *
 * The rule is that of Go's mksizeclasses.go with C's alignment: sizes grow by 8 up to 16, then by 16, and from 128 on
 * by an eighth of the last power of two; a class whose span would hold as many objects as the one before it replaces
 * it; a size grows to fill its span where the count of objects allows. A span is the fewest pages whose tail is at most
 * an eighth. */
#include <stdint.h>
#include <stdio.h>

enum { PAGE = 8192, MAX_SMALL = 32768, SMALL_STEP = 8, SMALL_LIMIT = 1024, LARGE_STEP = 128, MAX_CLASSES = 96 };

static unsigned sizes[MAX_CLASSES], pages[MAX_CLASSES];
static unsigned count = 1; /* class 0 is not used */

static unsigned pages_for(unsigned size) {
    unsigned bytes = PAGE;
    while (bytes % size > bytes / 8)
        bytes += PAGE;
    return bytes / PAGE;
}

static void choose_classes(void) {
    unsigned step = 8;
    for (unsigned size = 8; size <= MAX_SMALL; size += step) {
        if ((size & (size - 1)) == 0)
            step = size >= 2048 ? 256 : size >= 128 ? size / 8 : size >= 16 ? 16 : 8;
        unsigned n = pages_for(size), bytes = n * PAGE;
        if (count > 1 && pages[count - 1] == n && bytes / sizes[count - 1] == bytes / size) {
            sizes[count - 1] = size;
            continue;
        }
        sizes[count] = size;
        pages[count++] = n;
    }
    for (unsigned c = 1; c < count; c++) {
        unsigned bytes = pages[c] * PAGE;
        unsigned fitted = bytes / (bytes / sizes[c]) & ~127u;
        if (fitted > sizes[c])
            sizes[c] = fitted;
    }
}

/* 2^32 / size, rounded up. */
static uint32_t inverse_of(uint32_t size) { return UINT32_MAX / size + 1; }

static void print_waste(void) {
    double worst_worst = 0, mean_sum = 0;
    printf("/* class  bytes/obj  bytes/span  objects  tail waste  max waste  min align\n");
    for (unsigned c = 1; c < count; c++) {
        unsigned bytes = pages[c] * PAGE, objects = bytes / sizes[c], tail = bytes - objects * sizes[c];
        unsigned smallest = c > 1 ? sizes[c - 1] + 1 : 1;
        double worst = (double)((sizes[c] - smallest) * objects + tail) / bytes;
        double mean = ((double)(sizes[c] - smallest) / 2 * objects + tail) / bytes;
        printf(" * %5u %10u %11u %8u %11u %9.2f%% %10u\n", c, sizes[c], bytes, objects, tail, 100 * worst,
               sizes[c] & -sizes[c]);
        if (c > 3 && worst > worst_worst)
            worst_worst = worst;
        mean_sum += mean;
    }
    printf(" *\n * worst waste over 32 bytes: %.2f%%; mean over the classes, sizes within a class equally likely: "
           "%.2f%%\n */\n",
           100 * worst_worst, 100 * mean_sum / (count - 1));
}

static unsigned class_of(unsigned size) {
    unsigned c = 1;
    while (sizes[c] < size)
        c++;
    return c;
}

static void print_index(const char *name, unsigned first, unsigned limit, unsigned step) {
    unsigned n = (limit - first) / step + 1;
    printf("\n#define %s_VALUES \\\n    ", name);
    for (unsigned i = 0; i < n; i++)
        printf("%u%s", class_of(first + i * step), i + 1 == n ? "\n" : (i + 1) % 24 ? ", " : ", \\\n    ");
}

int main(void) {
    choose_classes();
    printf("/* Made by tools/size_class_gen.c; do not edit. */\n");
    printf("#ifndef HEAPTAP_ALLOC_SIZE_CLASS_TABLE_H\n#define HEAPTAP_ALLOC_SIZE_CLASS_TABLE_H\n\n/* clang-format off "
           "*/\n");
    print_waste();
    printf("\n#define SIZE_CLASS_COUNT %u /* with class 0, which is not used */\n", count);
    printf("#define SIZE_CLASS_MAX   %u\n", MAX_SMALL);
    printf("\n/* {bytes, pages of the smallest span, 2^32 / bytes rounded up} */\n");
    printf("#define SIZE_CLASS_VALUES \\\n    {0, 0, 0}, \\\n");
    for (unsigned c = 1; c < count; c++)
        printf("    {%u, %u, %uu}%s\n", sizes[c], pages[c], inverse_of(sizes[c]), c + 1 == count ? "" : ", \\");
    print_index("SIZE_CLASS_SMALL", 0, SMALL_LIMIT, SMALL_STEP);
    print_index("SIZE_CLASS_LARGE", SMALL_LIMIT, MAX_SMALL, LARGE_STEP);
    printf("/* clang-format on */\n\n#endif\n");
    return 0;
}
