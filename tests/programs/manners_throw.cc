// A program that throws, and names the library whose unwinder the throw will use. Compiled by manners.sh.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>

int main() {
    static const char *const names[] = {"_Unwind_RaiseException", "_Unwind_Resume", "_Unwind_Backtrace",
                                        "_Unwind_GetIP", "__cxa_throw"};
    for (const char *name : names) {
        Dl_info info{};
        void *symbol = dlsym(RTLD_DEFAULT, name);
        if (!symbol || !dladdr(symbol, &info))
            return 1;
        const char *slash = std::strrchr(info.dli_fname, '/');
        std::printf("%s is of %s\n", name, slash ? slash + 1 : info.dli_fname);
    }
    try {
        throw std::runtime_error("thrown");
    } catch (const std::exception &e) {
        std::printf("caught: %s\n", e.what());
    }
}
