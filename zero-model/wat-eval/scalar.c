/* Count the positions in which the bits of a and b differ. */
int32_t hamming(uint32_t a, uint32_t b) { uint32_t x = a ^ b; int32_t n = 0; while (x) { x &= x - 1; n++; } return n; }
/* Return the greatest common divisor of a and b; the greatest common divisor of 0 and 0 is 0. Both are unsigned. */
uint32_t gcd(uint32_t a, uint32_t b) { while (b) { uint32_t t = a % b; a = b; b = t; } return a; }
/* Return the least common multiple of a and b, both between 0 and 65535; it is 0 if one of them is 0. Only the lowest 16 bits of each argument count. */
uint32_t lcm16(uint32_t a, uint32_t b) { a &= 65535; b &= 65535; if (!a || !b) return 0; uint32_t x = a, y = b; while (y) { uint32_t t = x % y; x = y; y = t; } return a / x * b; }
/* Return the n-th Fibonacci number modulo 2^64, with fibonacci(0) = 0 and fibonacci(1) = 1. Only the lowest 8 bits of n count. */
uint64_t fibonacci(uint32_t n) { n &= 255; uint64_t a = 0, b = 1; while (n--) { uint64_t t = a + b; a = b; b = t; } return a; }
/* Return n! modulo 2^64. Only the lowest 6 bits of n count. */
uint64_t factorial(uint32_t n) { n &= 63; uint64_t r = 1; for (uint64_t i = 2; i <= n; i++) r *= i; return r; }
/* Return 1 if the unsigned number n is prime and 0 if not. Only the lowest 16 bits of n count. */
int32_t is_prime(uint32_t n) { n &= 65535; if (n < 2) return 0; for (uint32_t i = 2; i * i <= n; i++) if (n % i == 0) return 0; return 1; }
/* Raise base to the power of exponent modulo 2^64; anything to the power of 0 is 1. The exponent is unsigned. */
uint64_t power(uint64_t base, uint32_t exponent) { uint64_t r = 1; while (exponent) { if (exponent & 1) r *= base; base *= base; exponent >>= 1; } return r; }
/* Raise base to the power of exponent modulo modulus. The base and the modulus are taken as unsigned; a modulus of 0 gives 0 and a modulus of 1 gives 0. */
uint32_t power_mod(uint32_t base, uint32_t exponent, uint32_t modulus) { if (!modulus) return 0; uint64_t r = 1 % modulus, b = base % modulus; while (exponent) { if (exponent & 1) r = r * b % modulus; b = b * b % modulus; exponent >>= 1; } return (uint32_t)r; }
/* Return the largest unsigned integer whose square is at most the unsigned n. */
uint32_t integer_sqrt(uint32_t n) { uint32_t lo = 0, hi = 65535; while (lo < hi) { uint32_t m = lo + (hi - lo + 1) / 2; if (m * m <= n) lo = m; else hi = m - 1; } return lo; }
/* Return the largest unsigned integer whose cube is at most the unsigned n. */
uint32_t integer_cbrt(uint32_t n) { uint64_t r = 0; while ((r + 1) * (r + 1) * (r + 1) <= n) r++; return (uint32_t)r; }
/* Return the sum of the decimal digits of the unsigned number n. */
uint32_t digit_sum(uint32_t n) { uint32_t s = 0; while (n) { s += n % 10; n /= 10; } return s; }
/* Add up the decimal digits of the unsigned number n again and again until one digit is left, and return it. */
uint32_t digital_root(uint32_t n) { return n ? 1 + (n - 1) % 9 : 0; }
/* Return how many decimal digits the unsigned number n has; 0 has one. */
uint32_t digit_count(uint32_t n) { uint32_t c = 1; while (n >= 10) { n /= 10; c++; } return c; }
/* Write the decimal digits of the unsigned number n backwards and return that number modulo 2^32. */
uint32_t reverse_digits(uint32_t n) { uint32_t r = 0; while (n) { r = r * 10 + n % 10; n /= 10; } return r; }
/* Return 1 if the decimal digits of the unsigned number n read the same backwards, else 0. */
int32_t is_palindrome(uint32_t n) { uint64_t r = 0; uint32_t m = n; while (m) { r = r * 10 + m % 10; m /= 10; } return r == n; }
/* Return how many steps the Collatz sequence of the unsigned number n takes to reach 1: n is halved if it is even and else becomes 3n+1, modulo 2^64. Only the lowest 16 bits of n count; for 0 the answer is 0. */
uint32_t collatz_steps(uint32_t n) { uint64_t x = n & 65535; uint32_t s = 0; if (!x) return 0; while (x != 1) { x = x & 1 ? 3 * x + 1 : x / 2; s++; } return s; }
/* Return how many bits of n are set. */
uint32_t count_ones(uint32_t n) { uint32_t c = 0; while (n) { c += n & 1; n >>= 1; } return c; }
/* Return how many zero bits are above the highest set bit of n; 32 if n is 0. */
uint32_t leading_zeros(uint32_t n) { uint32_t c = 0; if (!n) return 32; while (!(n & 0x80000000u)) { n <<= 1; c++; } return c; }
/* Return how many zero bits are below the lowest set bit of the 64-bit number n; 64 if n is 0. */
uint32_t trailing_zeros64(uint64_t n) { uint32_t c = 0; if (!n) return 64; while (!(n & 1)) { n >>= 1; c++; } return c; }
/* Reverse the order of the 32 bits of n. */
uint32_t reverse_bits(uint32_t n) { uint32_t r = 0; for (int i = 0; i < 32; i++) { r = r << 1 | (n & 1); n >>= 1; } return r; }
/* Reverse the order of the four bytes of n. */
uint32_t swap_bytes(uint32_t n) { return n << 24 | (n & 0xff00) << 8 | (n >> 8 & 0xff00) | n >> 24; }
/* Return 1 if n has an odd number of set bits, else 0. */
int32_t parity(uint64_t n) { int32_t p = 0; while (n) { p ^= 1; n &= n - 1; } return p; }
/* Return 1 if the unsigned number n is a power of two, else 0. 0 is not one. */
int32_t is_power_of_two(uint32_t n) { return n != 0 && (n & (n - 1)) == 0; }
/* Return the smallest power of two that is at least the unsigned number n, modulo 2^32; for 0 it is 1. */
uint32_t next_power_of_two(uint32_t n) { if (n <= 1) return 1; n--; n |= n >> 1; n |= n >> 2; n |= n >> 4; n |= n >> 8; n |= n >> 16; return n + 1; }
/* Rotate the bits of n to the left by count positions; only the lowest 5 bits of count matter. */
uint32_t rotate_left(uint32_t n, uint32_t count) { count &= 31; return count ? n << count | n >> (32 - count) : n; }
/* Return the Gray code of n. */
uint32_t gray_code(uint32_t n) { return n ^ n >> 1; }
/* Return the number whose Gray code is g. */
uint32_t gray_decode(uint32_t g) { for (uint32_t s = 16; s; s >>= 1) g ^= g >> s; return g; }
/* Interleave the lowest 16 bits of x and y: bit i of x becomes bit 2i of the result, bit i of y becomes bit 2i+1. */
uint32_t interleave(uint32_t x, uint32_t y) { uint32_t r = 0; for (int i = 0; i < 16; i++) r |= (x >> i & 1) << (2 * i) | (y >> i & 1) << (2 * i + 1); return r; }
/* Return the larger of the signed numbers a and b. */
int32_t max2(int32_t a, int32_t b) { return a > b ? a : b; }
/* Return the middle one of three signed numbers. */
int32_t median3(int32_t a, int32_t b, int32_t c) { if (a > b) { int32_t t = a; a = b; b = t; } return c < a ? a : c > b ? b : c; }
/* Limit the signed number x to the range from low to high. If low is greater than high, return low. */
int32_t clamp(int32_t x, int32_t low, int32_t high) { if (low > high) return low; return x < low ? low : x > high ? high : x; }
/* Return -1, 0 or 1 as the signed number n is negative, zero or positive. */
int32_t sign(int64_t n) { return (n > 0) - (n < 0); }
/* Return the absolute value of the signed number n as an unsigned number. */
uint32_t absolute(int32_t n) { return n < 0 ? 0u - (uint32_t)n : (uint32_t)n; }
/* Return the absolute difference of the signed numbers a and b as an unsigned number. */
uint32_t distance(int32_t a, int32_t b) { return a > b ? (uint32_t)a - (uint32_t)b : (uint32_t)b - (uint32_t)a; }
/* Add the signed numbers a and b; a sum that 32 bits cannot hold becomes the nearest number that they can. */
int32_t saturating_add(int32_t a, int32_t b) { int64_t s = (int64_t)a + b; return s > INT32_MAX ? INT32_MAX : s < INT32_MIN ? INT32_MIN : (int32_t)s; }
/* Subtract the unsigned b from the unsigned a, but not below 0. */
uint32_t saturating_sub(uint32_t a, uint32_t b) { return a > b ? a - b : 0; }
/* Return 1 if the sum of the signed numbers a and b does not fit 32 bits, else 0. */
int32_t add_overflows(int32_t a, int32_t b) { int64_t s = (int64_t)a + b; return s != (int32_t)s; }
/* Return the mean of two unsigned numbers, rounded down. */
uint32_t average(uint32_t a, uint32_t b) { return (uint32_t)(((uint64_t)a + b) / 2); }
/* Return the upper 32 bits of the 64-bit product of the unsigned numbers a and b. */
uint32_t multiply_high(uint32_t a, uint32_t b) { return (uint32_t)((uint64_t)a * b >> 32); }
/* Divide the unsigned a by the unsigned b and round up; division by 0 gives 0. */
uint32_t divide_up(uint32_t a, uint32_t b) { return b ? a / b + (a % b != 0) : 0; }
/* Return a modulo b with a result that is never negative: from 0 to |b|-1. b is not 0 when it is valid; for 0 the answer is 0. */
int32_t euclid_mod(int32_t a, int32_t b) { if (!b) return 0; int64_t m = (int64_t)a % b; if (m < 0) m += b < 0 ? -(int64_t)b : b; return (int32_t)m; }
/* Divide a by b and round towards negative infinity. Division by 0 gives 0. The quotient is taken modulo 2^32. */
int32_t floor_div(int32_t a, int32_t b) { if (!b) return 0; int64_t q = (int64_t)a / b; if ((int64_t)a % b != 0 && (a < 0) != (b < 0)) q--; return (int32_t)(uint32_t)q; }
/* Return 1 if the year is a leap year of the Gregorian calendar, else 0. The year is unsigned. */
int32_t is_leap_year(uint32_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }
/* Return how many days the month of the year has in the Gregorian calendar: month 1 is January. Other months than 1 to 12 have 0 days. */
int32_t days_in_month(uint32_t year, uint32_t month) { if (month < 1 || month > 12) return 0; if (month == 2) return 28 + ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0); return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31; }
/* Return the sum of the unsigned integers from 1 to n, modulo 2^64. */
uint64_t triangle(uint32_t n) { return (uint64_t)n * ((uint64_t)n + 1) / 2; }
/* Return the sum of the squares of the integers from 1 to n, modulo 2^64. Only the lowest 16 bits of n count. */
uint64_t sum_of_squares(uint32_t n) { n &= 65535; uint64_t s = 0; for (uint64_t i = 1; i <= n; i++) s += i * i; return s; }
/* Return how many numbers divide the unsigned number n without a remainder, 1 and n among them. Only the lowest 12 bits of n count; for 0 the answer is 0. */
uint32_t count_divisors(uint32_t n) { n &= 4095; uint32_t c = 0; for (uint32_t i = 1; i <= n; i++) c += n % i == 0; return c; }
/* Return the sum of all numbers below n that divide the unsigned number n without a remainder. Only the lowest 12 bits of n count. */
uint32_t aliquot_sum(uint32_t n) { n &= 4095; uint32_t s = 0; for (uint32_t i = 1; i < n; i++) if (n % i == 0) s += i; return s; }
/* Return the smallest prime factor of the unsigned number n, or 0 if n is below 2. Only the lowest 20 bits of n count. */
uint32_t smallest_factor(uint32_t n) { n &= 0xfffff; if (n < 2) return 0; for (uint32_t i = 2; i * i <= n; i++) if (n % i == 0) return i; return n; }
/* Return the largest prime factor of the unsigned number n, or 0 if n is below 2. Only the lowest 20 bits of n count. */
uint32_t largest_factor(uint32_t n) { n &= 0xfffff; if (n < 2) return 0; uint32_t f = 0; for (uint32_t i = 2; i * i <= n; i++) while (n % i == 0) { f = i; n /= i; } return n > 1 ? n : f; }
/* Return how many prime numbers are at most n. Only the lowest 10 bits of n count. */
uint32_t count_primes(uint32_t n) { n &= 1023; uint32_t c = 0; for (uint32_t k = 2; k <= n; k++) { uint32_t p = 1; for (uint32_t i = 2; i * i <= k; i++) if (k % i == 0) { p = 0; break; } c += p; } return c; }
/* Return Euler's totient of n: how many numbers from 1 to n have no common divisor with n but 1. Only the lowest 12 bits of n count; for 0 the answer is 0. */
uint32_t totient(uint32_t n) { n &= 4095; uint32_t r = n; for (uint32_t p = 2; p * p <= n; p++) if (n % p == 0) { while (n % p == 0) n /= p; r -= r / p; } if (n > 1) r -= r / n; return r; }
/* Return the binomial coefficient n over k modulo 2^64, 0 if k is greater than n. Only the lowest 5 bits of n and of k count. */
uint64_t binomial(uint32_t n, uint32_t k) { n &= 31; k &= 31; if (k > n) return 0; uint64_t r = 1; for (uint32_t i = 1; i <= k; i++) r = r * (n - k + i) / i; return r; }
/* Return the n-th Catalan number, with catalan(0) = 1. Only the lowest 4 bits of n count. */
uint64_t catalan(uint32_t n) { n &= 15; uint64_t c = 1; for (uint32_t i = 0; i < n; i++) c = c * 2 * (2 * i + 1) / (i + 2); return c; }
/* Return the Ackermann function of m and n, where m is taken modulo 3 and n modulo 16. */
uint32_t ackermann_small(uint32_t m, uint32_t n) { m %= 3; n %= 16; return m == 0 ? n + 1 : m == 1 ? n + 2 : 2 * n + 3; }
/* Take x through one step of the xorshift32 generator: xor with itself shifted left by 13, then right by 17, then left by 5. */
uint32_t xorshift32(uint32_t x) { x ^= x << 13; x ^= x >> 17; x ^= x << 5; return x; }
/* Take the state through one step of a linear congruential generator: multiply by 1664525 and add 1013904223, modulo 2^32. */
uint32_t lcg(uint32_t state) { return state * 1664525u + 1013904223u; }
/* Return the 32-bit FNV-1a hash of the four bytes of n, lowest byte first: start with 2166136261, and for each byte xor it in and multiply by 16777619. */
uint32_t fnv1a(uint32_t n) { uint32_t h = 2166136261u; for (int i = 0; i < 4; i++) { h ^= n & 255; h *= 16777619u; n >>= 8; } return h; }
/* Mix h as MurmurHash3 ends: xor with h shifted right by 16, multiply by 0x85ebca6b, xor with it shifted right by 13, multiply by 0xc2b2ae35, xor with it shifted right by 16. */
uint32_t murmur_mix(uint32_t h) { h ^= h >> 16; h *= 0x85ebca6bu; h ^= h >> 13; h *= 0xc2b2ae35u; h ^= h >> 16; return h; }
/* Take the CRC-32 state crc through the lowest byte of b, bit by bit: xor the byte in, then eight times shift right by one and xor with 0xedb88320 if the bit that fell out was 1. */
uint32_t crc32_byte(uint32_t crc, uint32_t b) { crc ^= b & 255; for (int i = 0; i < 8; i++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1; return crc; }
/* Encode the signed number n in zigzag: 0, -1, 1, -2 become 0, 1, 2, 3. */
uint32_t zigzag_encode(int32_t n) { return (uint32_t)n << 1 ^ (n < 0 ? 0xffffffffu : 0); }
/* Decode a zigzag number: 0, 1, 2, 3 become 0, -1, 1, -2. */
int32_t zigzag_decode(uint32_t n) { return (int32_t)(n >> 1 ^ (0u - (n & 1))); }
/* Return how many bytes the unsigned LEB128 encoding of n has. */
uint32_t leb128_size(uint64_t n) { uint32_t s = 1; while (n >>= 7) s++; return s; }
/* Convert a packed BCD number of eight digits to the number that it stands for; each digit is taken modulo 10. */
uint32_t from_bcd(uint32_t n) { uint32_t r = 0; for (int i = 28; i >= 0; i -= 4) r = r * 10 + (n >> i & 15) % 10; return r; }
/* Convert the last eight decimal digits of the unsigned number n to packed BCD. */
uint32_t to_bcd(uint32_t n) { uint32_t r = 0; for (int i = 0; i < 32; i += 4) { r |= n % 10 << i; n /= 10; } return r; }
/* Mix two colours of four bytes each: every byte of the result is the mean of the two bytes, rounded down. */
uint32_t mix_colours(uint32_t a, uint32_t b) { uint32_t r = 0; for (int i = 0; i < 32; i += 8) r |= ((a >> i & 255) + (b >> i & 255)) / 2 << i; return r; }
/* Convert a colour 0x00RRGGBB to 16 bits: five of red, six of green, five of blue, red highest. */
uint32_t rgb565(uint32_t c) { return (c >> 19 & 31) << 11 | (c >> 10 & 63) << 5 | (c >> 3 & 31); }
/* Return the brightness of a colour 0x00RRGGBB: (77 red + 150 green + 29 blue) divided by 256, rounded down. */
uint32_t luminance(uint32_t c) { return (77 * (c >> 16 & 255) + 150 * (c >> 8 & 255) + 29 * (c & 255)) >> 8; }
/* Return the sum of the four bytes of n. */
uint32_t byte_sum(uint32_t n) { return (n & 255) + (n >> 8 & 255) + (n >> 16 & 255) + (n >> 24); }
/* Return the largest of the four bytes of n, all unsigned. */
uint32_t byte_max(uint32_t n) { uint32_t m = 0; for (int i = 0; i < 4; i++) { if ((n & 255) > m) m = n & 255; n >>= 8; } return m; }
/* Return 1 if one of the four bytes of n is zero, else 0. */
int32_t has_zero_byte(uint32_t n) { for (int i = 0; i < 32; i += 8) if (!(n >> i & 255)) return 1; return 0; }
/* Return the length of the longest run of set bits in n. */
uint32_t longest_run(uint32_t n) { uint32_t c = 0; while (n) { n &= n << 1; c++; } return c; }
/* Return how many positions i from 0 to 30 have a bit that differs from the bit at i+1. */
uint32_t bit_changes(uint32_t n) { uint32_t x = (n ^ n >> 1) & 0x7fffffff, c = 0; while (x) { x &= x - 1; c++; } return c; }
/* Return the position of the highest set bit of the unsigned number n, or -1 if n is 0. */
int32_t log2_floor(uint32_t n) { int32_t r = -1; while (n) { n >>= 1; r++; } return r; }
/* Return the base-10 logarithm of the unsigned number n, rounded down, or -1 if n is 0. */
int32_t log10_floor(uint32_t n) { int32_t r = -1; while (n) { n /= 10; r++; } return r; }
/* Return the lowest set bit of n alone; 0 if n is 0. */
uint32_t lowest_bit(uint32_t n) { return n & (0u - n); }
/* Clear the lowest set bit of n. */
uint32_t clear_lowest_bit(uint32_t n) { return n & (n - 1); }
/* Set the bit at the position of n to 1; only the lowest 5 bits of position count. */
uint32_t set_bit(uint32_t n, uint32_t position) { return n | 1u << (position & 31); }
/* Exchange the bits at positions 2i and 2i+1 of n, for every i. */
uint32_t swap_pairs(uint32_t n) { return (n & 0x55555555u) << 1 | (n >> 1 & 0x55555555u); }
/* Extend the sign of the lowest count bits of n to all 32 bits, where count is (count modulo 32) + 1. */
int32_t sign_extend(uint32_t n, uint32_t count) { uint32_t s = 31 - count % 32; uint32_t x = n << s; int64_t v = (int32_t)x; while (s--) v = v >= 0 ? v / 2 : -((1 - v) / 2); return (int32_t)v; }
/* Return the smallest unsigned number above n with as many set bits, modulo 2^32. For 0 the answer is 0. */
uint32_t next_same_ones(uint32_t n) { if (!n) return 0; uint32_t c = n & (0u - n), r = n + c; return r ? ((r ^ n) >> 2) / c | r : ((r ^ n) >> 2) / c; }
/* Return which triangle three sides make: 0 for none, 1 for three equal sides, 2 for exactly two equal sides, 3 for no equal sides. Sides are unsigned; the sum of two must be greater than the third, without overflow. */
int32_t triangle_kind(uint32_t a, uint32_t b, uint32_t c) { uint64_t x = a, y = b, z = c; if (x + y <= z || y + z <= x || x + z <= y) return 0; return a == b && b == c ? 1 : a == b || b == c || a == c ? 2 : 3; }
/* Return 1 if the unsigned number n is a perfect square, else 0. */
int32_t is_square(uint32_t n) { uint64_t r = 0; while ((r + 1) * (r + 1) <= n) r++; return r * r == n; }
/* Return 1 if the unsigned number n is the sum of the numbers below n that divide it, else 0. Only the lowest 13 bits of n count; 0 is not. */
int32_t is_perfect(uint32_t n) { n &= 8191; uint32_t s = 0; for (uint32_t i = 1; i < n; i++) if (n % i == 0) s += i; return n && s == n; }
/* Return 1 if the sum of the cubes of the three decimal digits of n modulo 1000 is n modulo 1000, else 0. */
int32_t is_armstrong(uint32_t n) { n %= 1000; uint32_t s = 0, m = n; for (int i = 0; i < 3; i++) { uint32_t d = m % 10; s += d * d * d; m /= 10; } return s == n; }
/* Return 1 if adding the squares of the decimal digits again and again leads from the unsigned number n to 1, else 0. 0 is not happy. */
int32_t is_happy(uint32_t n) { while (n != 0 && n != 1 && n != 4) { uint32_t s = 0; while (n) { s += n % 10 * (n % 10); n /= 10; } n = s; } return n == 1; }
/* Return the check digit of the unsigned number n by Luhn's algorithm: the digit that, put behind n, makes the sum of all digits a multiple of 10, where every second digit, beginning with the last of n, is doubled and 9 is taken away from results above 9. */
uint32_t luhn_digit(uint32_t n) { uint32_t s = 0, odd = 1; while (n) { uint32_t d = n % 10; if (odd) { d *= 2; if (d > 9) d -= 9; } s += d; odd = !odd; n /= 10; } return (10 - s % 10) % 10; }
/* Return how many trailing zeros the factorial of the unsigned number n has in decimal. */
uint32_t factorial_zeros(uint32_t n) { uint32_t z = 0; while (n) { n /= 5; z += n; } return z; }
/* Return the number of the day in the year: month 1 and day 1 is day 1. The month is taken as (month modulo 12) + 1 and the day as (day modulo 28) + 1. The year is unsigned and of the Gregorian calendar. */
int32_t day_of_year(uint32_t year, uint32_t month, uint32_t day) { month = month % 12 + 1; day = day % 28 + 1; int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; int32_t n = (int32_t)day; for (uint32_t m = 1; m < month; m++) n += m == 2 ? 28 + leap : m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31; return n; }
/* Convert seconds since midnight, unsigned and taken modulo 86400, to hours * 10000 + minutes * 100 + seconds. */
uint32_t clock_time(uint32_t seconds) { seconds %= 86400; return seconds / 3600 * 10000 + seconds / 60 % 60 * 100 + seconds % 60; }
/* Return the length of the hypotenuse of a right triangle with the legs a and b. */
double hypotenuse(double a, double b) { return __builtin_sqrt(a * a + b * b); }
/* Convert a temperature from degrees Celsius to degrees Fahrenheit: multiply by 9, divide by 5, add 32, in this order. */
double to_fahrenheit(double celsius) { return celsius * 9 / 5 + 32; }
/* Return the polynomial 2x^3 - 3x^2 + 5x - 7, by Horner's rule: ((2x - 3)x + 5)x - 7. */
double horner(double x) { return ((2 * x - 3) * x + 5) * x - 7; }
/* Interpolate between a and b: a + (b - a) * t. */
double lerp(double a, double b, double t) { return a + (b - a) * t; }
/* Return the body mass index: mass divided by the square of height (the height times itself); 0 if the height is not greater than 0. */
double body_mass_index(double mass, double height) { return height > 0 ? mass / (height * height) : 0; }
/* Return the discriminant of the quadratic equation with the coefficients a, b and c: b times b minus 4 times a times c, where (4 a) is computed before it is multiplied by c. */
double discriminant(double a, double b, double c) { return b * b - 4 * a * c; }
/* Limit x to the range from 0 to 1. */
double saturate(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
/* Return the Hermite step of x: limit x to the range from 0 to 1, then compute x * x * (3 - 2 * x), from left to right. */
double smoothstep(double x) { x = x < 0 ? 0 : x > 1 ? 1 : x; return x * x * (3 - 2 * x); }
/* Return how many of x, y and z are greater than the mean (x + y + z) / 3, adding from left to right. */
int32_t above_mean(double x, double y, double z) { double m = (x + y + z) / 3; return (x > m) + (y > m) + (z > m); }
/* Take five steps of Newton's method for the square root of |x| from the start value 1: the next value is (r + |x| / r) / 2. Return 0 for x = 0. */
double newton_sqrt(double x) { if (x == 0) return 0; if (x < 0) x = -x; double r = 1; for (int i = 0; i < 5; i++) r = (r + x / r) / 2; return r; }
/* Return the area of the triangle with the corners (0, 0), (a, b) and (c, d): half of the absolute value of a * d - b * c. */
double triangle_area(double a, double b, double c, double d) { double x = a * d - b * c; return (x < 0 ? -x : x) / 2; }
/* Return 1 if the point (x, y) lies in the circle around (0, 0) with the radius r or on its edge, compared by squares, else 0. */
int32_t in_circle(double x, double y, double r) { return x * x + y * y <= r * r; }
/* Return the compound interest of 100 after some years at a rate: start with 100 and multiply by (1 + rate) once for each year. The number of years is (years modulo 32). */
double compound(double rate, uint32_t years) { double v = 100; years %= 32; while (years--) v *= 1 + rate; return v; }
