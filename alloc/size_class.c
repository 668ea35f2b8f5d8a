#include "alloc/size_class.h"

const struct size_class size_classes[SIZE_CLASS_COUNT] = {SIZE_CLASS_VALUES};
const uint8_t size_class_by_8[] = {SIZE_CLASS_SMALL_VALUES};
const uint8_t size_class_by_128[] = {SIZE_CLASS_LARGE_VALUES};
