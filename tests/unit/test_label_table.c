/* Sets of labels: equal sets have one id, in whatever order they were made; bounds; threads; the ceiling. */
#include "profiler/label_table.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "tests/support/unit.h"

enum { THREADS = 4, SETS = 500 };

static struct label_table table = LABEL_TABLE_INIT;

static uint32_t with(uint32_t set, const char *key, const char *value) {
    uint32_t out = UINT32_MAX;
    assert_int_equal(label_table_with(&table, set, key, value, &out), 0);
    return out;
}

/* "k=v k=v" */
static const char *text_of(uint32_t set) {
    static char text[2 * LABEL_SET_BYTES];
    struct label_view view = label_table_view(&table, set);
    size_t used = 0;
    text[0] = '\0';
    for (const char *key = label_next_key(view, NULL); key; key = label_next_key(view, key)) {
        log_format(text + used, sizeof text - used, "%s%s=%s", used ? " " : "", key, label_value(key));
        used = strlen(text);
    }
    return text;
}

static void test_order_does_not_matter(void **state) {
    (void)state;
    uint32_t a = with(with(with(0, "b", "2"), "a", "1"), "c", "");
    uint32_t b = with(with(with(0, "c", ""), "b", "2"), "a", "1");
    assert_int_equal(a, b);
    assert_string_equal(text_of(a), "a=1 b=2 c=");
    assert_string_equal(text_of(0), "");
    label_table_free(&table);
}

static void test_replace_and_remove(void **state) {
    (void)state;
    uint32_t ab = with(with(0, "a", "1"), "b", "2");
    assert_string_equal(text_of(with(ab, "a", "other")), "a=other b=2");
    assert_int_equal(with(ab, "a", "1"), ab);
    assert_int_equal(with(ab, "b", NULL), with(0, "a", "1"));
    assert_int_equal(with(with(ab, "b", NULL), "a", NULL), 0);
    assert_int_equal(with(ab, "unknown", NULL), ab);
    assert_int_not_equal(with(0, "ab", ""), with(0, "a", "b"));
    label_table_free(&table);
}

static void test_bounds(void **state) {
    char key[8], value[LABEL_SET_BYTES];
    uint32_t set = 0, before;
    (void)state;
    assert_int_equal(label_table_with(&table, 0, "", "x", &set), EINVAL);
    assert_int_equal(label_table_with(&table, 0, NULL, "x", &set), EINVAL);
    for (int i = 0; i < LABEL_PAIRS_MAX; i++) {
        log_format(key, sizeof key, "k%d", i);
        set = with(set, key, "v");
    }
    before = set;
    assert_int_equal(label_table_with(&table, set, "another", "v", &set), EINVAL);
    assert_int_equal(set, before);
    assert_int_equal(label_table_with(&table, set, "k3", "w", &set), 0);
    memset(value, 'x', sizeof value);
    value[LABEL_SET_BYTES - 3] = '\0'; /* "k" 0 value 0 is exactly as long as allowed */
    set = with(0, "k", value);
    assert_int_equal(label_table_view(&table, set).size, LABEL_SET_BYTES);
    value[LABEL_SET_BYTES - 3] = 'x';
    value[LABEL_SET_BYTES - 2] = '\0';
    assert_int_equal(label_table_with(&table, 0, "k", value, &set), EINVAL);
    label_table_free(&table);
}

static void *make_sets(void *ids) {
    char value[16];
    for (int i = 0; i < SETS; i++) {
        log_format(value, sizeof value, "%d", i);
        if (label_table_with(&table, 0, "key", value, &((uint32_t *)ids)[i]) != 0)
            return &table;
    }
    return NULL;
}

static void test_threads(void **state) {
    static uint32_t ids[THREADS][SETS];
    pthread_t threads[THREADS];
    void *complaint;
    (void)state;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, make_sets, ids[i]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &complaint);
        assert_null(complaint);
    }
    for (int i = 1; i < THREADS; i++)
        assert_memory_equal(ids[i], ids[0], sizeof ids[0]);
    for (int i = 1; i < SETS; i++)
        assert_int_not_equal(ids[0][i], ids[0][i - 1]);
    label_table_free(&table);
}

static void number(char *text, int n) {
    for (int digit = 5; digit >= 0; digit--, n /= 10)
        text[digit] = (char)('0' + n % 10);
}

static void test_ceiling(void **state) {
    char value[600];
    uint32_t set, kept = 0;
    int error, i = 0;
    (void)state;
    table_memory_set_limit(1 << 20);
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    do {
        number(value, i);
        error = label_table_with(&table, 0, "key", value, &set);
        if (!error && !kept)
            kept = set;
    } while (!error && ++i < 10000);
    assert_int_equal(error, ENOMEM);
    assert_true(i > 50);
    number(value, 0);
    assert_int_equal(with(0, "key", value), kept);
    label_table_free(&table);
    table_memory_set_limit(64 << 20);
    assert_int_equal(table_memory_used(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_does_not_matter),
        cmocka_unit_test(test_replace_and_remove),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
