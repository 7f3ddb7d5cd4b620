/* Bit counting. Each function below is an export of the package; Zero.toml documents it and holds examples
 * that are executed at every build. */

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))

/* Parallel addition: pairs, nibbles, then bytes. */
static uint32_t count(uint32_t x)
{
    x -= (x >> 1) & 0x55555555u;
    x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0fu;
    return (x * 0x01010101u) >> 24;
}

EXPORT("weight") uint32_t weight(uint32_t x)
{
    return count(x);
}

EXPORT("hamming") uint32_t hamming(uint32_t a, uint32_t b)
{
    return count(a ^ b);
}

EXPORT("hamming64") uint32_t hamming64(uint64_t a, uint64_t b)
{
    uint64_t differ = a ^ b;
    return count((uint32_t)differ) + count((uint32_t)(differ >> 32));
}

EXPORT("gray") uint32_t gray(uint32_t n)
{
    return n ^ (n >> 1);
}
