#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fills p with n unpredictable bytes from the kernel. */
void random_bytes(void *p, size_t n);

/* A number from 0 to below - 1, without bias; below is at least 1. */
uint32_t random_below(uint32_t below);
