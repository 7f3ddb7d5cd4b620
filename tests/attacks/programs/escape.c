/* Tries to leave its folder through the C library: *at calls, chdir, real paths, raw descriptors. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void look(const char *how, int fd) {
    char text[256];
    ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (count > 0) {
        text[count] = 0;
        if (strstr(text, "TOP-SECRET") || strstr(text, "root:")) {
            printf("ESCAPED %s: %s\n", how, text);
            return;
        }
    }
    printf("held %s\n", how);
    if (fd > 2) close(fd);
}

int main(int argc, char **argv) {
    const char *paths[] = {"../secret/key.txt", "link/key.txt", "absolute/key.txt", "file-link", "/etc/passwd",
                           "/proc/self/environ", "/data/../secret/key.txt", argc > 1 ? argv[1] : "/"};
    const int modes[] = {O_RDONLY, O_RDWR, O_RDONLY | O_NOFOLLOW, O_RDWR | O_CREAT};
    for (int fd = 0; fd < 16; fd++)
        for (size_t at = 0; at < sizeof paths / sizeof *paths; at++)
            for (size_t mode = 0; mode < sizeof modes / sizeof *modes; mode++)
                look(paths[at], openat(fd, paths[at], modes[mode], 0666));
    /* A folder opened inside, and ".." from there. */
    int sub = open("/data/sub", O_RDONLY | O_DIRECTORY);
    look("sub/../..", openat(sub, "../../secret/key.txt", O_RDONLY));
    look("sub, moved", openat(sub, "../secret/key.txt", O_RDONLY));
    rename("/data/sub", "/data/moved");
    look("moved/../..", openat(sub, "../../secret/key.txt", O_RDONLY));
    if (chdir("/data/link") == 0) look("chdir", open("key.txt", O_RDONLY));
    if (chdir("/data/../secret") == 0) look("chdir", open("key.txt", O_RDONLY));
    struct stat found;
    if (stat("/data/link/key.txt", &found) == 0) printf("ESCAPED stat: %lld bytes\n", (long long)found.st_size);
    if (lstat("/data/../secret/key.txt", &found) == 0) printf("ESCAPED lstat\n");
    char target[256];
    /* A link's own text is part of the folder; a relative one is no secret. An absolute one would tell the host's layout. */
    ssize_t length = readlink("/data/absolute", target, sizeof target - 1);
    if (length > 0) {
        target[length] = 0;
        printf("link says %s\n", target);
    }
    puts("done");
    return 0;
}
