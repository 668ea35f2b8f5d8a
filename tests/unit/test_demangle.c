/* Linker names and what people read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbolizer/demangle.h"

static void expect(const char *name, const char *readable) {
    char *answer = demangle_name(name);
    assert_string_equal(answer, readable);
    free(answer);
}

static void cplusplus_without_parameters(void **state) {
    (void)state;
    expect("_ZN5store5CacheIidE6insertERKid", "store::Cache<int, double>::insert");
    expect("_ZN12_GLOBAL__N_1L6foldedEi.cold", "(anonymous namespace)::folded");
    expect("_ZSt4sortIPiEvT_S1_", "std::sort<int*>");
    expect("_ZN3FooC2Ev", "Foo::Foo");
    expect("_ZNKSt6vectorIiSaIiEEixEm", "std::vector<int, std::allocator<int> >::operator[]");
}

static void rust(void **state) {
    (void)state;
    expect("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt");
    expect("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar");
}

static void plain_names_and_clones(void **state) {
    (void)state;
    expect("main", "main");
    expect("cache_insert.constprop.0", "cache_insert");
    expect("walk.part.3.cold", "walk");
    expect("walk.isra.0.constprop.12", "walk");
    expect("name.with.dots", "name.with.dots");
    expect("encoding/json.(*Decoder).refill", "encoding/json.(*Decoder).refill");
    expect("runtime.main.func1.2", "runtime.main.func1.2");
    expect(".cold", ".cold");
    expect("_Z", "_Z");
    expect("_ZN", "_ZN");
    expect("localeconv@@GLIBC_2.2.5", "localeconv");
    expect("@odd", "@odd");
    expect("", "");
}

/* A name from a hostile file may nest without end. */
static void nesting_is_bounded(void **state) {
    (void)state;
    enum { DEPTH = 200000 };
    char *name = malloc(DEPTH + 16);
    strcpy(name, "_Z1fI");
    memset(name + 5, 'P', DEPTH);
    strcpy(name + 5 + DEPTH, "iE");
    char *answer = demangle_name(name);
    assert_non_null(answer);
    free(answer);
    free(name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cplusplus_without_parameters),
        cmocka_unit_test(rust),
        cmocka_unit_test(plain_names_and_clones),
        cmocka_unit_test(nesting_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
