/* cmocka with what its header wants included before it. */
#ifndef HEAPTAP_TESTS_SUPPORT_UNIT_H
#define HEAPTAP_TESTS_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
