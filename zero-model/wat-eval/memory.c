/* Count the bytes of the text s of length n that are ASCII vowels (a, e, i, o, u, in either case). */
int32_t count_vowels(const char *s, int32_t n) { int32_t k = 0; for (int32_t i = 0; i < n; i++) { char c = s[i] | 32; k += c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'; } return k; }
/* [words] Count the words in the text s of length n. A word is a longest run of bytes that are not spaces. */
int32_t count_words(const char *s, int32_t n) { int32_t k = 0, in = 0; for (int32_t i = 0; i < n; i++) { if (s[i] == ' ') in = 0; else if (!in) { in = 1; k++; } } return k; }
/* [words] Return the length of the longest word in the text s of length n. A word is a longest run of bytes that are not spaces; without words the result is 0. */
int32_t longest_word(const char *s, int32_t n) { int32_t best = 0, len = 0; for (int32_t i = 0; i < n; i++) { len = s[i] == ' ' ? 0 : len + 1; if (len > best) best = len; } return best; }
/* [repeats] Return 1 if the text s of length n is the same read backwards, else 0. The empty text is. */
int32_t is_palindrome(const char *s, int32_t n) { for (int32_t i = 0; i < n / 2; i++) if (s[i] != s[n - 1 - i]) return 0; return 1; }
/* [repeats] Return the number of positions at which the text t of length m occurs in the text s of length n; occurrences may overlap. If m is 0 the result is 0. */
int32_t count_occurrences(const char *s, int32_t n, const char *t, int32_t m) { if (m == 0) return 0; int32_t k = 0; for (int32_t i = 0; i + m <= n; i++) { int32_t j = 0; while (j < m && s[i + j] == t[j]) j++; k += j == m; } return k; }
/* [repeats] Return the first position at which the text t of length m occurs in the text s of length n, or -1. The empty text occurs at 0. */
int32_t find_text(const char *s, int32_t n, const char *t, int32_t m) { for (int32_t i = 0; i + m <= n; i++) { int32_t j = 0; while (j < m && s[i + j] == t[j]) j++; if (j == m) return i; } return -1; }
/* [repeats] Compare the texts s of length n and t of length m byte by byte as unsigned numbers: return -1, 0 or 1 if s comes before t, is the same, or comes after. A text comes after its own beginnings. */
int32_t compare_texts(const char *s, int32_t n, const char *t, int32_t m) { for (int32_t i = 0; i < n && i < m; i++) { if (s[i] != t[i]) return (uint8_t)s[i] < (uint8_t)t[i] ? -1 : 1; } return n < m ? -1 : n > m; }
/* [repeats] Return the length of the longest common beginning of the texts s of length n and t of length m. */
int32_t common_prefix(const char *s, int32_t n, const char *t, int32_t m) { int32_t i = 0; while (i < n && i < m && s[i] == t[i]) i++; return i; }
/* [repeats] Return the Levenshtein distance of the texts s of length n and t of length m: the least number of bytes to insert, delete or replace. Both lengths are at most 32. */
int32_t edit_distance(const char *s, int32_t n, const char *t, int32_t m) { int32_t row[33]; if (n > 32 || m > 32) return -1; for (int32_t j = 0; j <= m; j++) row[j] = j; for (int32_t i = 1; i <= n; i++) { int32_t diag = row[0]; row[0] = i; for (int32_t j = 1; j <= m; j++) { int32_t up = row[j], best = diag + (s[i - 1] != t[j - 1]); if (up + 1 < best) best = up + 1; if (row[j - 1] + 1 < best) best = row[j - 1] + 1; row[j] = best; diag = up; } } return row[m]; }
/* [repeats] Return the length of the longest common subsequence of the texts s of length n and t of length m: bytes in order, not necessarily next to each other. Both lengths are at most 32. */
int32_t common_subsequence(const char *s, int32_t n, const char *t, int32_t m) { int32_t row[33]; if (n > 32 || m > 32) return -1; for (int32_t j = 0; j <= m; j++) row[j] = 0; for (int32_t i = 0; i < n; i++) { int32_t diag = 0; for (int32_t j = 1; j <= m; j++) { int32_t up = row[j]; row[j] = s[i] == t[j - 1] ? diag + 1 : up > row[j - 1] ? up : row[j - 1]; diag = up; } } return row[m]; }
/* [repeats] Return 1 if the text t of length m has the same bytes as the text s of length n in any order, else 0. */
int32_t is_anagram(const char *s, int32_t n, const char *t, int32_t m) { if (n != m) return 0; for (int32_t i = 0; i < n; i++) { int32_t k = 0; for (int32_t j = 0; j < n; j++) k += (s[j] == s[i]) - (t[j] == s[i]); if (k) return 0; } return 1; }
/* [digits] Read the decimal digits of the text s of length n as an unsigned number modulo 2^32. Reading ends at the first byte that is no digit; without digits the result is 0. */
uint32_t parse_unsigned(const char *s, int32_t n) { uint32_t v = 0; for (int32_t i = 0; i < n && s[i] >= '0' && s[i] <= '9'; i++) v = v * 10 + (uint32_t)(s[i] - '0'); return v; }
/* [hex] Read the text s of length n as a hexadecimal number modulo 2^32, digits in either case. Reading ends at the first byte that is no hexadecimal digit. */
uint32_t parse_hex(const char *s, int32_t n) { uint32_t v = 0; for (int32_t i = 0; i < n; i++) { char c = s[i]; uint32_t d; if (c >= '0' && c <= '9') d = (uint32_t)(c - '0'); else if ((c | 32) >= 'a' && (c | 32) <= 'f') d = (uint32_t)((c | 32) - 'a' + 10); else break; v = v * 16 + d; } return v; }
/* [binary] Read the text s of length n as a binary number modulo 2^64. Bytes other than 0 and 1 are passed over. */
uint64_t parse_binary(const char *s, int32_t n) { uint64_t v = 0; for (int32_t i = 0; i < n; i++) if (s[i] == '0' || s[i] == '1') v = v * 2 + (uint64_t)(s[i] - '0'); return v; }
/* [expr] Evaluate the text s of length n, which has decimal numbers and the signs + and - between them, from left to right, modulo 2^32 as a signed number. Other bytes are passed over; a number ends at a sign. */
int32_t evaluate_sum(const char *s, int32_t n) { uint32_t sum = 0, v = 0; int32_t minus = 0; for (int32_t i = 0; i < n; i++) { if (s[i] >= '0' && s[i] <= '9') v = v * 10 + (uint32_t)(s[i] - '0'); else if (s[i] == '+' || s[i] == '-') { sum += minus ? 0u - v : v; v = 0; minus = s[i] == '-'; } } return (int32_t)(sum + (minus ? 0u - v : v)); }
/* [brackets] Return 1 if the round, square and curly brackets of the text s of length n are balanced and properly nested, else 0. Other bytes are passed over; the length is at most 64. */
int32_t balanced(const char *s, int32_t n) { char stack[64]; int32_t top = 0; if (n > 64) return 0; for (int32_t i = 0; i < n; i++) { char c = s[i]; if (c == '(') stack[top++] = ')'; else if (c == '[') stack[top++] = ']'; else if (c == '{') stack[top++] = '}'; else if (c == ')' || c == ']' || c == '}') { if (top == 0 || stack[--top] != c) return 0; } } return top == 0; }
/* [brackets] Return how deep the round brackets of the text s of length n are nested at the most. A closing bracket without an open one changes nothing. */
int32_t nesting_depth(const char *s, int32_t n) { int32_t d = 0, best = 0; for (int32_t i = 0; i < n; i++) { if (s[i] == '(') { d++; if (d > best) best = d; } else if (s[i] == ')' && d > 0) d--; } return best; }
/* Return the FNV-1a hash of the text s of length n: begin with 2166136261; for each byte, exclusive-or it and multiply by 16777619, modulo 2^32. */
uint32_t fnv1a(const char *s, int32_t n) { uint32_t h = 2166136261u; for (int32_t i = 0; i < n; i++) { h ^= (uint8_t)s[i]; h *= 16777619u; } return h; }
/* Return the Adler-32 checksum of the n bytes at p: a starts at 1 and sums all bytes, b starts at 0 and sums all values of a after each byte, both modulo 65521; the result is b times 65536 plus a. */
uint32_t adler32(const uint8_t *p, int32_t n) { uint32_t a = 1, b = 0; for (int32_t i = 0; i < n; i++) { a = (a + p[i]) % 65521; b = (b + a) % 65521; } return b << 16 | a; }
/* Return the CRC-32 of the n bytes at p: reflected polynomial 0xEDB88320, beginning with all bits set, and all bits flipped at the end. */
uint32_t crc32(const uint8_t *p, int32_t n) { uint32_t c = 0xffffffffu; for (int32_t i = 0; i < n; i++) { c ^= p[i]; for (int32_t k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1; } return ~c; }
/* Return the CRC-16/CCITT of the n bytes at p: polynomial 0x1021, beginning with 0xFFFF, highest bit first, nothing flipped. */
uint32_t crc16(const uint8_t *p, int32_t n) { uint32_t c = 0xffff; for (int32_t i = 0; i < n; i++) { c ^= (uint32_t)p[i] << 8; for (int32_t k = 0; k < 8; k++) c = c & 0x8000 ? (c << 1 ^ 0x1021) & 0xffff : c << 1 & 0xffff; } return c; }
/* Return the Internet checksum of the n bytes at p: the ones' complement of the ones' complement sum of big-endian 16-bit words; an odd last byte is the upper half of a word. */
uint32_t internet_checksum(const uint8_t *p, int32_t n) { uint32_t sum = 0; for (int32_t i = 0; i < n; i += 2) sum += (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0u); while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16); return ~sum & 0xffff; }
/* Count all set bits of the n bytes at p. */
int32_t count_bits(const uint8_t *p, int32_t n) { int32_t k = 0; for (int32_t i = 0; i < n; i++) for (uint32_t b = p[i]; b; b &= b - 1) k++; return k; }
/* Count the different values among the n bytes at p. */
int32_t distinct_bytes(const uint8_t *p, int32_t n) { int32_t k = 0; for (int32_t i = 0; i < n; i++) { int32_t j = 0; while (j < i && p[j] != p[i]) j++; k += j == i; } return k; }
/* Return the value that occurs most often among the n bytes at p; of several the smallest, and 0 if n is 0. */
int32_t commonest_byte(const uint8_t *p, int32_t n) { int32_t best = 0, most = 0; for (int32_t v = 0; v < 256; v++) { int32_t k = 0; for (int32_t i = 0; i < n; i++) k += p[i] == v; if (k > most) { most = k; best = v; } } return best; }
/* Return the length of the longest run of equal bytes among the n bytes at p. */
int32_t longest_run(const uint8_t *p, int32_t n) { int32_t best = 0, len = 0; for (int32_t i = 0; i < n; i++) { len = i > 0 && p[i] == p[i - 1] ? len + 1 : 1; if (len > best) best = len; } return best; }
/* [utf8] Count the code points of the UTF-8 text s of length n: the bytes that are no continuation bytes (10xxxxxx in binary). */
int32_t count_code_points(const char *s, int32_t n) { int32_t k = 0; for (int32_t i = 0; i < n; i++) k += ((uint8_t)s[i] & 0xc0) != 0x80; return k; }
/* Read an unsigned LEB128 number from the n bytes at p, modulo 2^64: seven bits a byte, lowest first; the highest bit of a byte says that another follows. Reading ends at the end or after ten bytes. */
uint64_t read_leb128(const uint8_t *p, int32_t n) { uint64_t v = 0; for (int32_t i = 0; i < n && i < 10; i++) { v |= (uint64_t)(p[i] & 127) << (7 * i); if (!(p[i] & 128)) break; } return v; }
/* Read the first four of the n bytes at p as a big-endian unsigned number; bytes that are not there count as 0. */
uint32_t read_big_endian(const uint8_t *p, int32_t n) { uint32_t v = 0; for (int32_t i = 0; i < 4; i++) v = v << 8 | (i < n ? p[i] : 0u); return v; }
/* Return the sum of the n integers at a, modulo 2^32. */
int32_t sum(const int32_t *a, int32_t n) { uint32_t s = 0; for (int32_t i = 0; i < n; i++) s += (uint32_t)a[i]; return (int32_t)s; }
/* Return the sum of the n integers at a as a 64-bit number. */
int64_t wide_sum(const int32_t *a, int32_t n) { int64_t s = 0; for (int32_t i = 0; i < n; i++) s += a[i]; return s; }
/* Return the largest of the n integers at a, or -2147483648 if n is 0. */
int32_t maximum(const int32_t *a, int32_t n) { int32_t m = INT32_MIN; for (int32_t i = 0; i < n; i++) if (a[i] > m) m = a[i]; return m; }
/* Return the position of the smallest of the n integers at a, the first of several, or -1 if n is 0. */
int32_t index_of_minimum(const int32_t *a, int32_t n) { int32_t best = n > 0 ? 0 : -1; for (int32_t i = 1; i < n; i++) if (a[i] < a[best]) best = i; return best; }
/* [small] Return the second largest different value of the n integers at a, or -2147483648 if there are fewer than two different ones. */
int32_t second_largest(const int32_t *a, int32_t n) { int32_t m = INT32_MIN, s = INT32_MIN; for (int32_t i = 0; i < n; i++) { if (a[i] > m) { s = m; m = a[i]; } else if (a[i] < m && a[i] > s) s = a[i]; } return s; }
/* [small] Count how many of the n integers at a equal x. */
int32_t count_equal(const int32_t *a, int32_t n, int32_t x) { int32_t k = 0; for (int32_t i = 0; i < n; i++) k += a[i] == x; return k; }
/* [sorted] Return the position of x among the n integers at a, which are in ascending order without repetition, or -1. */
int32_t binary_search(const int32_t *a, int32_t n, int32_t x) { int32_t lo = 0, hi = n; while (lo < hi) { int32_t m = lo + (hi - lo) / 2; if (a[m] < x) lo = m + 1; else hi = m; } return lo < n && a[lo] == x ? lo : -1; }
/* [sorted] Return how many of the n integers at a, which are in ascending order, are less than x. */
int32_t lower_bound(const int32_t *a, int32_t n, int32_t x) { int32_t lo = 0, hi = n; while (lo < hi) { int32_t m = lo + (hi - lo) / 2; if (a[m] < x) lo = m + 1; else hi = m; } return lo; }
/* [small] Return 1 if the n integers at a never descend, else 0. */
int32_t is_sorted(const int32_t *a, int32_t n) { for (int32_t i = 1; i < n; i++) if (a[i] < a[i - 1]) return 0; return 1; }
/* [small] Count the pairs of positions i < j at which a[i] is greater than a[j], of the n integers at a. */
int32_t count_inversions(const int32_t *a, int32_t n) { int32_t k = 0; for (int32_t i = 0; i < n; i++) for (int32_t j = i + 1; j < n; j++) k += a[i] > a[j]; return k; }
/* [small] Return the largest sum of neighbouring integers among the n at a; the empty sum is 0. */
int32_t maximum_subarray(const int32_t *a, int32_t n) { int32_t best = 0, here = 0; for (int32_t i = 0; i < n; i++) { here = here + a[i] > 0 ? here + a[i] : 0; if (here > best) best = here; } return best; }
/* [small] Return the length of the longest strictly ascending subsequence of the n integers at a, not necessarily neighbours. n is at most 32. */
int32_t ascending_subsequence(const int32_t *a, int32_t n) { int32_t len[32], best = 0; if (n > 32) return -1; for (int32_t i = 0; i < n; i++) { len[i] = 1; for (int32_t j = 0; j < i; j++) if (a[j] < a[i] && len[j] >= len[i]) len[i] = len[j] + 1; if (len[i] > best) best = len[i]; } return best; }
/* [small] Return the greatest difference a[j] - a[i] with i < j of the n integers at a, or 0 if none is positive. */
int32_t best_profit(const int32_t *a, int32_t n) { int32_t best = 0; for (int32_t i = 0; i < n; i++) for (int32_t j = i + 1; j < n; j++) if (a[j] - a[i] > best) best = a[j] - a[i]; return best; }
/* [small] Return 1 if two of the n integers at a, at different positions, have the sum x, else 0. */
int32_t has_pair_sum(const int32_t *a, int32_t n, int32_t x) { for (int32_t i = 0; i < n; i++) for (int32_t j = i + 1; j < n; j++) if (a[i] + a[j] == x) return 1; return 0; }
/* [small] Return the value that more than half of the n integers at a have, or -2147483648 if there is none. */
int32_t majority(const int32_t *a, int32_t n) { for (int32_t i = 0; i < n; i++) { int32_t k = 0; for (int32_t j = 0; j < n; j++) k += a[j] == a[i]; if (k > n / 2) return a[i]; } return INT32_MIN; }
/* Return the exclusive or of the n integers at a. */
int32_t xor_all(const int32_t *a, int32_t n) { int32_t x = 0; for (int32_t i = 0; i < n; i++) x ^= a[i]; return x; }
/* [small] Return the scalar product of the n integers at a and the m integers at b, modulo 2^32; what the longer one has more counts nothing. */
int32_t dot_product(const int32_t *a, int32_t n, const int32_t *b, int32_t m) { uint32_t s = 0; for (int32_t i = 0; i < n && i < m; i++) s += (uint32_t)a[i] * (uint32_t)b[i]; return (int32_t)s; }
/* [small] Count the different values that are both among the n integers at a and among the m integers at b. */
int32_t common_values(const int32_t *a, int32_t n, const int32_t *b, int32_t m) { int32_t k = 0; for (int32_t i = 0; i < n; i++) { int32_t seen = 0, found = 0; for (int32_t j = 0; j < i; j++) seen |= a[j] == a[i]; for (int32_t j = 0; j < m; j++) found |= b[j] == a[i]; k += found && !seen; } return k; }
/* [small] Evaluate the polynomial whose n coefficients are at a, that of the constant first, at x, modulo 2^32. */
int32_t polynomial(const int32_t *a, int32_t n, int32_t x) { uint32_t v = 0; for (int32_t i = n - 1; i >= 0; i--) v = v * (uint32_t)x + (uint32_t)a[i]; return (int32_t)v; }
/* Return the sum of the n floats at a, added from left to right beginning with 0. */
double sum_floats(const double *a, int32_t n) { double s = 0; for (int32_t i = 0; i < n; i++) s += a[i]; return s; }
/* Return the mean of the n floats at a: their sum from left to right, divided by n; 0 if n is 0. */
double mean(const double *a, int32_t n) { double s = 0; if (n == 0) return 0; for (int32_t i = 0; i < n; i++) s += a[i]; return s / n; }
/* Return the largest of the n floats at a minus the smallest, or 0 if n is 0. */
double spread(const double *a, int32_t n) { if (n == 0) return 0; double lo = a[0], hi = a[0]; for (int32_t i = 1; i < n; i++) { if (a[i] < lo) lo = a[i]; if (a[i] > hi) hi = a[i]; } return hi - lo; }
/* Evaluate by Horner's rule the polynomial whose n coefficients are at a, that of the highest power first, at x; 0 if n is 0. Begin with 0; for each coefficient multiply by x, then add it. */
double horner(const double *a, int32_t n, double x) { double v = 0; for (int32_t i = 0; i < n; i++) v = v * x + a[i]; return v; }
/* Reverse the n bytes of the text s in place, and return n. */
int32_t reverse_in_place(char *s, int32_t n) { for (int32_t i = 0; i < n / 2; i++) { char c = s[i]; s[i] = s[n - 1 - i]; s[n - 1 - i] = c; } return n; }
/* Turn the ASCII letters of the text s of length n into capitals in place, and return how many were changed. */
int32_t to_upper(char *s, int32_t n) { int32_t k = 0; for (int32_t i = 0; i < n; i++) if (s[i] >= 'a' && s[i] <= 'z') { s[i] -= 32; k++; } return k; }
/* Change the case of every ASCII letter of the text s of length n in place, and return the number of letters. */
int32_t swap_case(char *s, int32_t n) { int32_t k = 0; for (int32_t i = 0; i < n; i++) if ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z') { s[i] ^= 32; k++; } return k; }
/* Apply ROT13 to the ASCII letters of the text s of length n in place, and return n. */
int32_t rot13(char *s, int32_t n) { for (int32_t i = 0; i < n; i++) { char c = s[i] | 32; if (c >= 'a' && c <= 'm') s[i] += 13; else if (c >= 'n' && c <= 'z') s[i] -= 13; } return n; }
/* [words] Turn the first letter of each word of the text s of length n into a capital in place, if it is an ASCII letter in lower case, and return the number of words. Words are separated by spaces. */
int32_t capitalize_words(char *s, int32_t n) { int32_t k = 0; for (int32_t i = 0; i < n; i++) if (s[i] != ' ' && (i == 0 || s[i - 1] == ' ')) { k++; if (s[i] >= 'a' && s[i] <= 'z') s[i] -= 32; } return k; }
/* [words] Replace every space of the text s of length n by an underscore in place, and return how many there were. */
int32_t underscore(char *s, int32_t n) { int32_t k = 0; for (int32_t i = 0; i < n; i++) if (s[i] == ' ') { s[i] = '_'; k++; } return k; }
/* [small] Sort the n integers at a in ascending order in place, and return n. */
int32_t sort(int32_t *a, int32_t n) { for (int32_t i = 1; i < n; i++) { int32_t v = a[i], j = i; while (j > 0 && a[j - 1] > v) { a[j] = a[j - 1]; j--; } a[j] = v; } return n; }
/* Reverse the order of the n integers at a in place, and return n. */
int32_t reverse_integers(int32_t *a, int32_t n) { for (int32_t i = 0; i < n / 2; i++) { int32_t v = a[i]; a[i] = a[n - 1 - i]; a[n - 1 - i] = v; } return n; }
/* [small] Replace each of the n integers at a by the sum of it and all before it, in place, and return the last sum, or 0 if n is 0. */
int32_t prefix_sums(int32_t *a, int32_t n) { int32_t s = 0; for (int32_t i = 0; i < n; i++) { s += a[i]; a[i] = s; } return s; }
/* [small] Move the integers other than 0 of the n at a to the front in place, keeping their order, with zeros after them, and return how many are not 0. */
int32_t zeros_last(int32_t *a, int32_t n) { int32_t k = 0; for (int32_t i = 0; i < n; i++) if (a[i] != 0) a[k++] = a[i]; for (int32_t i = k; i < n; i++) a[i] = 0; return k; }
/* [small] Move the even ones of the n integers at a before the odd ones in place, keeping the order within both, and return how many are even. n is at most 32. */
int32_t partition_even(int32_t *a, int32_t n) { int32_t odd[32], k = 0, m = 0; if (n > 32) return -1; for (int32_t i = 0; i < n; i++) { if (a[i] & 1) odd[m++] = a[i]; else a[k++] = a[i]; } for (int32_t i = 0; i < m; i++) a[k + i] = odd[i]; return k; }
/* [small] Limit each of the n integers at a to the range from -10 to 10 in place, and return how many were changed. */
int32_t clamp_all(int32_t *a, int32_t n) { int32_t k = 0; for (int32_t i = 0; i < n; i++) { if (a[i] < -10) { a[i] = -10; k++; } else if (a[i] > 10) { a[i] = 10; k++; } } return k; }
/* [small] Rotate the n integers at a by one position to the left in place, so that the first becomes the last, and return n. */
int32_t rotate_left(int32_t *a, int32_t n) { if (n > 0) { int32_t v = a[0]; for (int32_t i = 1; i < n; i++) a[i - 1] = a[i]; a[n - 1] = v; } return n; }
/* Swap the upper and the lower four bits of each of the n bytes at p in place, and return the exclusive or of the new bytes. */
int32_t swap_nibbles(uint8_t *p, int32_t n) { uint32_t x = 0; for (int32_t i = 0; i < n; i++) { p[i] = (uint8_t)(p[i] << 4 | p[i] >> 4); x ^= p[i]; } return (int32_t)x; }
/* Encrypt the n bytes at p in place with the m bytes at q: each byte is exclusive-ored with the one of q at its position modulo m. If m is 0 nothing changes. Return n. */
int32_t xor_cipher(uint8_t *p, int32_t n, const uint8_t *q, int32_t m) { if (m > 0) for (int32_t i = 0; i < n; i++) p[i] ^= q[i % m]; return n; }
/* Copy the text s of length n backwards to out, which has room for 64 bytes, and return n. */
int32_t reverse_to(const char *s, int32_t n, char *out) { for (int32_t i = 0; i < n; i++) out[i] = s[n - 1 - i]; return n; }
/* Write the n bytes at p as lower-case hexadecimal digits to out, which has room for 64 bytes, and return how many digits there are. n is at most 24. */
int32_t hex_encode(const uint8_t *p, int32_t n, char *out) { for (int32_t i = 0; i < n; i++) { out[2 * i] = "0123456789abcdef"[p[i] >> 4]; out[2 * i + 1] = "0123456789abcdef"[p[i] & 15]; } return 2 * n; }
/* [repeats] Copy the text s of length n to out, which has room for 64 bytes, leaving out every byte that equals the one before it, and return how many bytes were written. */
int32_t squeeze(const char *s, int32_t n, char *out) { int32_t k = 0; for (int32_t i = 0; i < n; i++) if (i == 0 || s[i] != s[i - 1]) out[k++] = s[i]; return k; }
/* [words] Copy the text s of length n to out, which has room for 64 bytes, without spaces at its beginning and end, and return the new length. */
int32_t trim(const char *s, int32_t n, char *out) { int32_t b = 0, k = 0; while (b < n && s[b] == ' ') b++; while (n > b && s[n - 1] == ' ') n--; for (int32_t i = b; i < n; i++) out[k++] = s[i]; return k; }
/* Write the unsigned number x in decimal digits to out, which has room for 64 bytes, and return how many digits there are. */
int32_t print_decimal(uint32_t x, char *out) { char t[10]; int32_t k = 0; do { t[k++] = (char)('0' + x % 10); x /= 10; } while (x); for (int32_t i = 0; i < k; i++) out[i] = t[k - 1 - i]; return k; }
/* Write the first n rows of Pascal's triangle modulo 2 one after another to out, each entry in a byte of the value 0 or 1, and return how many there are. Only the lowest three bits of x count as n; out has room for 64 bytes. */
int32_t pascal_parity(uint32_t x, uint8_t *out) { uint32_t n = x & 7; int32_t k = 0; for (uint32_t i = 0; i < n; i++) for (uint32_t j = 0; j <= i; j++) out[k++] = (i & j) == j; return k; }
/* Write the prime numbers below x in ascending order to out, which has room for 64 integers, and return how many there are. Only the lowest eight bits of x count. */
int32_t primes_below(uint32_t x, int32_t *out) { uint32_t n = x & 255; int32_t k = 0; for (uint32_t i = 2; i < n; i++) { uint32_t j = 2; while (j * j <= i && i % j) j++; if (j * j > i) out[k++] = (int32_t)i; } return k; }
/* Write the prime factors of the unsigned x in ascending order, repeated as often as they divide it, to out, which has room for 64 integers, and return how many there are. Only the lowest 16 bits of x count; 0 and 1 have none. */
int32_t prime_factors(uint32_t x, int32_t *out) { uint32_t n = x & 65535; int32_t k = 0; for (uint32_t d = 2; n > 1 && d <= n; d++) while (n % d == 0) { out[k++] = (int32_t)d; n /= d; } return k; }
