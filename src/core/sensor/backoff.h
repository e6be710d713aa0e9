#pragma once

#include <stdint.h>

struct supervisor;

/*
 * Counts a failure of the sensor; returns after how many microseconds it is
 * to start again, and notes when that is.
 */
int64_t backoff_us(struct supervisor *s);
