/* Return a block with the text s of length n backwards. */
char *reversed(const char *s, int32_t n) { char *b = block(n); for (int32_t i = 0; i < n; i++) b[4 + i] = s[n - 1 - i]; return b; }
/* Return a block with the text s of length n in which the ASCII letters are capitals. */
char *uppercase(const char *s, int32_t n) { char *b = block(n); for (int32_t i = 0; i < n; i++) b[4 + i] = s[i] >= 'a' && s[i] <= 'z' ? s[i] - 32 : s[i]; return b; }
/* Return a block with the text s of length n followed by the text t of length m. */
char *concatenated(const char *s, int32_t n, const char *t, int32_t m) { char *b = block(n + m); for (int32_t i = 0; i < n; i++) b[4 + i] = s[i]; for (int32_t i = 0; i < m; i++) b[4 + n + i] = t[i]; return b; }
/* Return a block with the text s of length n twice in a row. */
char *doubled(const char *s, int32_t n) { char *b = block(2 * n); for (int32_t i = 0; i < 2 * n; i++) b[4 + i] = s[i < n ? i : i - n]; return b; }
/* Return a block with the bytes of the text s of length n that are ASCII letters or digits. */
char *only_alphanumeric(const char *s, int32_t n) { char *b = block(n); int32_t k = 0; for (int32_t i = 0; i < n; i++) if ((s[i] >= '0' && s[i] <= '9') || ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z')) b[4 + k++] = s[i]; return shrink(b, k); }
/* [repeats] Return a block with the text s of length n in which of each byte only the first occurrence is left. */
char *unique_characters(const char *s, int32_t n) { char *b = block(n); int32_t k = 0; for (int32_t i = 0; i < n; i++) { int32_t j = 0; while (j < i && s[j] != s[i]) j++; if (j == i) b[4 + k++] = s[i]; } return shrink(b, k); }
/* [repeats] Return a block with the run-length encoding of the text s of length n: for each longest run of equal bytes the byte, then the length of the run in decimal digits. */
char *run_lengths(const char *s, int32_t n) { char *b = block(3 * n); int32_t k = 0; for (int32_t i = 0; i < n;) { int32_t j = i; while (j < n && s[j] == s[i]) j++; b[4 + k++] = s[i]; if (j - i > 9) b[4 + k++] = (char)('0' + (j - i) / 10); b[4 + k++] = (char)('0' + (j - i) % 10); i = j; } return shrink(b, k); }
/* [words] Return a block with the words of the text s of length n in reverse order, with one space between them. Words are separated by one or more spaces. */
char *reversed_words(const char *s, int32_t n) { char *b = block(n); int32_t k = 0, end = n; while (end > 0) { while (end > 0 && s[end - 1] == ' ') end--; int32_t begin = end; while (begin > 0 && s[begin - 1] != ' ') begin--; if (end > begin && k > 0) b[4 + k++] = ' '; for (int32_t i = begin; i < end; i++) b[4 + k++] = s[i]; end = begin; } return shrink(b, k); }
/* [words] Return a block with the words of the text s of length n with exactly one space between them and none around them. */
char *normalized_spaces(const char *s, int32_t n) { char *b = block(n); int32_t k = 0, gap = 0; for (int32_t i = 0; i < n; i++) { if (s[i] == ' ') gap = k > 0; else { if (gap) b[4 + k++] = ' '; gap = 0; b[4 + k++] = s[i]; } } return shrink(b, k); }
/* [words] Return a block with the first byte of each word of the text s of length n. Words are separated by spaces. */
char *initials(const char *s, int32_t n) { char *b = block(n); int32_t k = 0; for (int32_t i = 0; i < n; i++) if (s[i] != ' ' && (i == 0 || s[i - 1] == ' ')) b[4 + k++] = s[i]; return shrink(b, k); }
/* [words] Return a block with the text s of length n in camel case: spaces are left out, and an ASCII letter in lower case after one or more spaces becomes a capital. */
char *camel_case(const char *s, int32_t n) { char *b = block(n); int32_t k = 0, up = 0; for (int32_t i = 0; i < n; i++) { if (s[i] == ' ') { up = 1; continue; } b[4 + k++] = up && s[i] >= 'a' && s[i] <= 'z' ? s[i] - 32 : s[i]; up = 0; } return shrink(b, k); }
/* Return a block with the text s of length n in which each ASCII capital becomes an underscore and the letter in lower case. */
char *snake_case(const char *s, int32_t n) { char *b = block(2 * n); int32_t k = 0; for (int32_t i = 0; i < n; i++) { if (s[i] >= 'A' && s[i] <= 'Z') { b[4 + k++] = '_'; b[4 + k++] = s[i] + 32; } else b[4 + k++] = s[i]; } return shrink(b, k); }
/* Return a block with the text s of length n in which each of the characters <, > and & is replaced by &lt;, &gt; and &amp;. */
char *escape_html(const char *s, int32_t n) { char *b = block(5 * n); int32_t k = 0; for (int32_t i = 0; i < n; i++) { const char *t = s[i] == '<' ? "&lt;" : s[i] == '>' ? "&gt;" : s[i] == '&' ? "&amp;" : 0; if (t) while (*t) b[4 + k++] = *t++; else b[4 + k++] = s[i]; } return shrink(b, k); }
/* Return a block with the percent encoding of the text s of length n: ASCII letters, digits and the characters -, ., _ and ~ stay; every other byte becomes % and two hexadecimal digits in capitals. */
char *percent_encode(const char *s, int32_t n) { char *b = block(3 * n); int32_t k = 0; for (int32_t i = 0; i < n; i++) { uint8_t c = (uint8_t)s[i]; if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z' && c < 128) || c == '-' || c == '.' || c == '_' || c == '~') b[4 + k++] = s[i]; else { b[4 + k++] = '%'; b[4 + k++] = "0123456789ABCDEF"[c >> 4]; b[4 + k++] = "0123456789ABCDEF"[c & 15]; } } return shrink(b, k); }
/* Return a block with the n bytes at p in base64 (the alphabet with + and /, padded with =). */
char *base64(const uint8_t *p, int32_t n) { const char *a = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"; char *b = block((n + 2) / 3 * 4); int32_t k = 4; for (int32_t i = 0; i < n; i += 3) { uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0u) | (i + 2 < n ? p[i + 2] : 0u); b[k++] = a[v >> 18]; b[k++] = a[v >> 12 & 63]; b[k++] = i + 1 < n ? a[v >> 6 & 63] : '='; b[k++] = i + 2 < n ? a[v & 63] : '='; } return b; }
/* Return a block with the n bytes at p as hexadecimal digits in lower case. */
char *hex_text(const uint8_t *p, int32_t n) { char *b = block(2 * n); for (int32_t i = 0; i < n; i++) { b[4 + 2 * i] = "0123456789abcdef"[p[i] >> 4]; b[5 + 2 * i] = "0123456789abcdef"[p[i] & 15]; } return b; }
/* [hex] Return a block with the bytes that the text s of length n writes in hexadecimal digits, in either case. Pairs are read from the beginning; reading ends before the first pair that is incomplete or has another byte. */
uint8_t *unhex(const char *s, int32_t n) { uint8_t *b = block(n / 2); int32_t k = 0; for (int32_t i = 0; i + 1 < n; i += 2) { uint32_t v = 0; int32_t bad = 0; for (int32_t j = 0; j < 2; j++) { char c = s[i + j]; v *= 16; if (c >= '0' && c <= '9') v += (uint32_t)(c - '0'); else if ((c | 32) >= 'a' && (c | 32) <= 'f') v += (uint32_t)((c | 32) - 'a' + 10); else bad = 1; } if (bad) break; b[4 + k++] = (uint8_t)v; } return shrink(b, k); }
/* Return a block with the unsigned number x in decimal digits. */
char *decimal(uint32_t x) { char *b = block(10); char t[10]; int32_t k = 0; do { t[k++] = (char)('0' + x % 10); x /= 10; } while (x); for (int32_t i = 0; i < k; i++) b[4 + i] = t[k - 1 - i]; return shrink(b, k); }
/* Return a block with the signed number x in decimal digits, a negative one with - before them. */
char *signed_decimal(int32_t x) { char *b = block(11); char t[10]; int32_t k = 0, m = 0; uint32_t v = x < 0 ? 0u - (uint32_t)x : (uint32_t)x; do { t[k++] = (char)('0' + v % 10); v /= 10; } while (v); if (x < 0) b[4 + m++] = '-'; while (k > 0) b[4 + m++] = t[--k]; return shrink(b, m); }
/* Return a block with the unsigned number x in binary digits without leading zeros; 0 is "0". */
char *binary(uint32_t x) { char *b = block(32); char t[32]; int32_t k = 0; do { t[k++] = (char)('0' + (x & 1)); x >>= 1; } while (x); for (int32_t i = 0; i < k; i++) b[4 + i] = t[k - 1 - i]; return shrink(b, k); }
/* Return a block with the number x as a Roman numeral in capitals, such as MCMXCIV for 1994. Only the lowest 11 bits of x count; 0 gives an empty text. */
char *roman(uint32_t x) { static const uint16_t v[] = {1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1}; const char *r = "M CMD CDC XCL XLX IXV IVI "; char *b = block(20); int32_t k = 0; x &= 2047; for (int32_t i = 0; i < 13; i++) while (x >= v[i]) { b[4 + k++] = r[2 * i]; if (r[2 * i + 1] != ' ') b[4 + k++] = r[2 * i + 1]; x -= v[i]; } return shrink(b, k); }
/* Return a block with the unsigned number x in decimal digits with a comma before each group of three from the right, such as 1,234,567. */
char *grouped(uint32_t x) { char *b = block(13); char t[13]; int32_t k = 0, d = 0; do { if (d > 0 && d % 3 == 0) t[k++] = ','; t[k++] = (char)('0' + x % 10); d++; x /= 10; } while (x); for (int32_t i = 0; i < k; i++) b[4 + i] = t[k - 1 - i]; return shrink(b, k); }
/* Return a block with the four bytes of x, highest first, in decimal with dots between them, as in 127.0.0.1. */
char *ipv4(uint32_t x) { char *b = block(15); int32_t k = 0; for (int32_t i = 24; i >= 0; i -= 8) { uint32_t v = x >> i & 255; if (v > 99) b[4 + k++] = (char)('0' + v / 100); if (v > 9) b[4 + k++] = (char)('0' + v / 10 % 10); b[4 + k++] = (char)('0' + v % 10); if (i) b[4 + k++] = '.'; } return shrink(b, k); }
/* Return a block with x seconds as hours, minutes and seconds in two digits each with colons between them, such as 01:02:03. x is unsigned and taken modulo 86400. */
char *clock_time(uint32_t x) { char *b = block(8); x %= 86400; uint32_t p[3] = {x / 3600, x / 60 % 60, x % 60}; for (int32_t i = 0; i < 3; i++) { b[4 + 3 * i] = (char)('0' + p[i] / 10); b[5 + 3 * i] = (char)('0' + p[i] % 10); if (i < 2) b[6 + 3 * i] = ':'; } return b; }
/* Return a block with the bytes of the unsigned LEB128 encoding of x: seven bits a byte, lowest first; the highest bit of a byte is set if another follows. */
uint8_t *leb128(uint64_t x) { uint8_t *b = block(10); int32_t k = 0; do { b[4 + k] = (uint8_t)(x & 127); x >>= 7; if (x) b[4 + k] |= 128; k++; } while (x); return shrink(b, k); }
/* Return a block with the UTF-8 encoding of the code point x. Only the lowest 20 bits of x count. */
uint8_t *utf8(uint32_t x) { uint8_t *b = block(4); int32_t k = 4; x &= 0xfffff; if (x < 0x80) b[k++] = (uint8_t)x; else { int32_t more = x < 0x800 ? 1 : x < 0x10000 ? 2 : 3; b[k++] = (uint8_t)((more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | x >> 6 * more); while (more--) b[k++] = (uint8_t)(0x80 | (x >> 6 * more & 63)); } return shrink(b, k - 4); }
/* Return a block with x bytes of the values 0, 1, 2 and so on. Only the lowest five bits of x count. */
uint8_t *counting(uint32_t x) { uint8_t *b = block(x & 31); for (uint32_t i = 0; i < (x & 31); i++) b[4 + i] = (uint8_t)i; return b; }
/* [small] Return a block with the n integers at a in ascending order. */
int32_t *sorted(const int32_t *a, int32_t n) { int32_t *b = block(4 * n), *c = b + 1; for (int32_t i = 0; i < n; i++) { int32_t j = i; while (j > 0 && c[j - 1] > a[i]) { c[j] = c[j - 1]; j--; } c[j] = a[i]; } return b; }
/* [small] Return a block with the positive ones of the n integers at a, in their order. */
int32_t *positive(const int32_t *a, int32_t n) { int32_t *b = block(4 * n), k = 0; for (int32_t i = 0; i < n; i++) if (a[i] > 0) b[1 + k++] = a[i]; return shrink(b, 4 * k); }
/* [small] Return a block with the differences between each of the n integers at a and the one before it; one fewer than n, and none if n is 0. */
int32_t *differences(const int32_t *a, int32_t n) { int32_t m = n > 0 ? n - 1 : 0, *b = block(4 * m); for (int32_t i = 0; i < m; i++) b[1 + i] = a[i + 1] - a[i]; return b; }
/* [small] Return a block with the sums of the n integers at a from the first to each one. */
int32_t *running_sums(const int32_t *a, int32_t n) { int32_t *b = block(4 * n), s = 0; for (int32_t i = 0; i < n; i++) { s += a[i]; b[1 + i] = s; } return b; }
/* [small] Return a block with the n integers at a without those that occurred before. */
int32_t *without_repetition(const int32_t *a, int32_t n) { int32_t *b = block(4 * n), k = 0; for (int32_t i = 0; i < n; i++) { int32_t j = 0; while (j < i && a[j] != a[i]) j++; if (j == i) b[1 + k++] = a[i]; } return shrink(b, 4 * k); }
/* [sorted] Return a block with the n integers at a and the m integers at b, both in ascending order, merged in ascending order. */
int32_t *merged(const int32_t *a, int32_t n, const int32_t *b, int32_t m) { int32_t *r = block(4 * (n + m)), i = 0, j = 0, k = 1; while (i < n || j < m) r[k++] = j >= m || (i < n && a[i] <= b[j]) ? a[i++] : b[j++]; return r; }
/* [small] Return a block with the integers that alternate between the n at a and the m at b, beginning with a; when one has no more, the rest of the other follows. */
int32_t *interleaved(const int32_t *a, int32_t n, const int32_t *b, int32_t m) { int32_t *r = block(4 * (n + m)), k = 1; for (int32_t i = 0; i < n || i < m; i++) { if (i < n) r[k++] = a[i]; if (i < m) r[k++] = b[i]; } return r; }
/* [small] Return a block with the positions of those of the n integers at a that equal x. */
int32_t *positions(const int32_t *a, int32_t n, int32_t x) { int32_t *b = block(4 * n), k = 0; for (int32_t i = 0; i < n; i++) if (a[i] == x) b[1 + k++] = i; return shrink(b, 4 * k); }
/* Return a block with the first x Fibonacci numbers as integers, beginning with 0 and 1. Only the lowest five bits of x count. */
int32_t *fibonacci_list(uint32_t x) { uint32_t n = x & 31; int32_t *b = block(4 * n), p = 0, q = 1; for (uint32_t i = 0; i < n; i++) { b[1 + i] = p; int32_t t = p + q; p = q; q = t; } return b; }
/* Return a block with the positive divisors of x in ascending order as integers. Only the lowest 12 bits of x count; 0 has none. */
int32_t *divisors(uint32_t x) { uint32_t n = x & 4095; int32_t *b = block(400), k = 0; for (uint32_t d = 1; d <= n; d++) if (n % d == 0) b[1 + k++] = (int32_t)d; return shrink(b, 4 * k); }
/* Return a block with the Collatz sequence from x to 1 as integers: an even number is followed by its half, an odd one n by 3n + 1. Only the lowest six bits of x count; 0 gives an empty block. */
int32_t *collatz(uint32_t x) { uint32_t n = x & 63; int32_t *b = block(1000), k = 0; while (n) { b[1 + k++] = (int32_t)n; if (n == 1) break; n = n & 1 ? 3 * n + 1 : n / 2; } return shrink(b, 4 * k); }
/* Return a block with the decimal digits of the unsigned x as integers, the first digit first. */
int32_t *digits(uint32_t x) { int32_t *b = block(40), k = 0, t[10]; do { t[k++] = (int32_t)(x % 10); x /= 10; } while (x); for (int32_t i = 0; i < k; i++) b[1 + i] = t[k - 1 - i]; return shrink(b, 4 * k); }
/* Return a block with 26 integers: how often each ASCII letter, in either case, occurs in the text s of length n. */
int32_t *letter_counts(const char *s, int32_t n) { int32_t *b = block(104); for (int32_t i = 0; i < 26; i++) b[1 + i] = 0; for (int32_t i = 0; i < n; i++) { int32_t c = (s[i] | 32) - 'a'; if (c >= 0 && c < 26) b[1 + c]++; } return b; }
/* [words] Return a block with the lengths of the words of the text s of length n as integers, in their order. Words are separated by spaces. */
int32_t *word_lengths(const char *s, int32_t n) { int32_t *b = block(4 * n), k = 0, len = 0; for (int32_t i = 0; i <= n; i++) { if (i < n && s[i] != ' ') len++; else if (len) { b[1 + k++] = len; len = 0; } } return shrink(b, 4 * k); }
/* [csv] Return a block with the decimal numbers of the text s of length n, which are separated by commas, as integers modulo 2^32. Bytes other than digits and commas are passed over; an empty field is 0; the empty text is one empty field. */
int32_t *parse_list(const char *s, int32_t n) { int32_t *b = block(4 * n + 4), k = 0; uint32_t v = 0; for (int32_t i = 0; i < n; i++) { if (s[i] == ',') { b[1 + k++] = (int32_t)v; v = 0; } else if (s[i] >= '0' && s[i] <= '9') v = v * 10 + (uint32_t)(s[i] - '0'); } b[1 + k++] = (int32_t)v; return shrink(b, 4 * k); }
/* [small] Return a block with the n integers at a in decimal digits with commas between them, negative ones with - before them. */
char *join(const int32_t *a, int32_t n) { char *b = block(12 * n); int32_t m = 0; for (int32_t i = 0; i < n; i++) { char t[10]; int32_t k = 0; uint32_t v = a[i] < 0 ? 0u - (uint32_t)a[i] : (uint32_t)a[i]; if (i) b[4 + m++] = ','; if (a[i] < 0) b[4 + m++] = '-'; do { t[k++] = (char)('0' + v % 10); v /= 10; } while (v); while (k) b[4 + m++] = t[--k]; } return shrink(b, m); }
