/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coverage.h - a child that ends by _exit writes down what it ran, in a build that measures it. */
#ifndef RSM_TESTS_LIB_COVERAGE_H
#define RSM_TESTS_LIB_COVERAGE_H

extern void __gcov_dump(void) __attribute__((weak));
extern void __gcov_reset(void) __attribute__((weak));

static inline void coverage_write(void)
{
    if (__gcov_dump == 0 || __gcov_reset == 0)
        return;
    __gcov_dump();
    __gcov_reset(); /* or the next one writes nothing */
}

#endif
