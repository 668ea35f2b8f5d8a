/* The profile model: search by name, and the builder that fills it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/builder.h"
#include "proto_bytes.h"

static void sample_types_are_found_by_name(void **state) {
    (void)state;
    struct bytes file = golden_file(__FILE__, "go_json_100x.pb.gz");
    struct profile profile;
    struct proto_error error;
    assert_true(read_bytes(&file, NULL, &profile, &error));
    assert_int_equal(profile_find_sample_type(&profile, "alloc_objects"), 0);
    assert_int_equal(profile_find_sample_type(&profile, "inuse_space"), 3);
    assert_int_equal(profile_find_sample_type(&profile, "inuse_spac"), PROFILE_NONE);
    assert_int_equal(profile_find_sample_type(&profile, ""), PROFILE_NONE);
    profile_free(&profile);
    assert_int_equal(profile_find_sample_type(&profile, "inuse_space"), PROFILE_NONE);
    assert_null(profile.samples);
    profile_free(&profile);
    free_bytes(&file);
}

/* What the builder holds is what was appended, and near as much memory. */
static void arrays_grow_in_place_of_themselves(void **state) {
    (void)state;
    enum { MANY = 3000000 };
    struct profile profile = {0};
    struct builder builder;
    builder_init(&builder, &profile, 0);
    assert_non_null(profile.location_ids);
    for (uint32_t i = 0; i < MANY; i += 3) {
        uint32_t *ids = builder_append(&builder, PROFILE_LOCATION_IDS, 3);
        assert_non_null(ids);
        ids[0] = i;
        ids[1] = i + 1;
        ids[2] = i + 2;
    }
    assert_int_equal(profile.location_id_count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        if (profile.location_ids[i] != i)
            fail_msg("item %u is %u", i, profile.location_ids[i]);
    }
    assert_true(profile.arrays[PROFILE_LOCATION_IDS].taken < MANY * sizeof(uint32_t) * 5 / 2);
    profile_free(&profile);
}

static void the_limit_is_kept(void **state) {
    (void)state;
    struct profile profile = {0};
    struct builder builder;
    struct proto_error error = {0};
    builder_init(&builder, &profile, 1 << 20);
    uint32_t appended = 0;
    while (builder_append_string(&builder, "a string of thirty-two letters..", 32))
        appended++;
    uint64_t taken = profile.region.taken + profile.arrays[PROFILE_STRINGS].taken;
    assert_true(taken <= 3 << 20); /* the region's blocks double */
    assert_true(appended > 5000 && appended == profile.string_count);
    assert_false(builder_fail(&builder, &error, 5));
    assert_int_equal(error.code, PROTO_ERROR_LIMIT);
    assert_null(builder_append(&builder, PROFILE_VALUES, UINT32_MAX));
    assert_null(builder_append(&builder, PROFILE_VALUES, SIZE_MAX));
    profile_free(&profile);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_types_are_found_by_name),
        cmocka_unit_test(arrays_grow_in_place_of_themselves),
        cmocka_unit_test(the_limit_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
