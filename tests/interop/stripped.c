/* Allocates in a function that has no name left once the program is stripped, but stands right behind one
 * that has: the nearest name is a wrong one. Compiled by stripped.sh, -rdynamic. */
#include <stdio.h>
#include <stdlib.h>

void *kept[1000];

__attribute__((noinline, visibility("default"))) int named_neighbour(int x);
__attribute__((noinline, visibility("default"))) int named_neighbour(int x) { return x * 3 + 1; }

__attribute__((noinline)) static void *nameless_allocate(size_t n) {
    void *p = malloc(n);
    if (p)
        *(volatile char *)p = 1;
    return p;
}

int main(int argc, char **argv) {
    (void)argv;
    for (int i = 0; i < 1000; i++)
        kept[i] = nameless_allocate(1000);
    printf("%d\n", named_neighbour(argc));
    return 0;
}
