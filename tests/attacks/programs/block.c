/* Waits for what never comes. */

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    if (strcmp(argv[1], "poll") == 0) {
        struct pollfd wait = {.fd = 0, .events = POLLIN};
        poll(&wait, 1, -1);
    } else if (strcmp(argv[1], "nanosleep") == 0) {
        struct timespec long_time = {.tv_sec = 1L << 30};
        nanosleep(&long_time, 0);
    } else if (strcmp(argv[1], "read") == 0) {
        char byte;
        if (read(0, &byte, 1) == 1) puts("read");
    }
    puts("ESCAPED: it ended by itself");
    return 0;
}
