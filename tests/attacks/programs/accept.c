/* Accepts from every descriptor that it could have: none is a socket, so nothing is waited for. */

#include <stdio.h>
#include <sys/socket.h>

int main(void) {
    for (int fd = 0; fd < 16; fd++)
        if (accept(fd, 0, 0) >= 0) puts("ESCAPED: accepted");
    puts("done");
    return 0;
}
