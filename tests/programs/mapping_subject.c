/* Replaces its own file and that of a library which it has loaded, and changes its directory, in between of
 * allocations; then loads and unloads one library again and again, and two in turn. With SUBJECT_LATE=1 sampling is
 * switched on only after the files were replaced. Arguments: the library by a relative path, its replacement, a
 * replacement of the program, two more libraries. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef void *maker(size_t size);

#define PLAIN        __attribute__((noinline, noclone))
#define NO_TAIL_CALL __asm__ volatile("" ::: "memory")

PLAIN static void use(maker *make) {
    for (int i = 0; i < 20; i++)
        free(make(100));
    NO_TAIL_CALL;
}

PLAIN static void use_once(const char *path) {
    void *library = dlopen(path, RTLD_NOW);
    if (!library)
        exit(3);
    use((maker *)dlsym(library, "plugin_make"));
    dlclose(library);
}

int main(int argc, char **argv) {
    if (argc != 6)
        return 2;
    void *library = dlopen(argv[1], RTLD_NOW);
    if (!library)
        return 3;
    maker *make = (maker *)dlsym(library, "plugin_make");
    for (int i = 0; i < 2; i++) {
        use(make);
        if (i == 0) {
            if (rename(argv[2], argv[1]) || rename(argv[3], argv[0]) || chdir("/"))
                return 4;
            if (getenv("SUBJECT_LATE"))
                ((size_t(*)(size_t))dlsym(RTLD_DEFAULT, "heaptap_set_mem_profile_rate"))(1);
            use_once(argv[4]); /* whoever looks only when something was unloaded looks now */
        }
    }
    for (int i = 0; i < 50; i++)
        use_once(argv[4]);
    for (int i = 0; i < 10; i++)
        use_once(argv[4 + i % 2]);
    return 0;
}
