/* SPDX-License-Identifier: BSD-2-Clause */
#include "sasl_peer.h"

#include "mint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINES_MAX 8192
#define SYSLOG_PAUSE 1000 /* microseconds */

/* What has been read and not yet been looked at. A line is at most LINES_MAX long. */
struct lines {
    int descriptor;
    size_t len;
    char text[LINES_MAX + 1];
};

char *peer_base64(const char *bytes, unsigned len)
{
    char *text = malloc(len / 3 * 4 + 5);

    if (text == NULL)
        mint_die("out of memory");
    (void)EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes, (int)len);
    return text;
}

static bool say(int descriptor, const char *text, size_t len)
{
    return send(descriptor, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* The next line without its end, or NULL: there will be no more. */
static bool next_line(struct lines *lines, char *out)
{
    char *end = NULL;
    ssize_t got = 0;

    while ((end = memchr(lines->text, '\n', lines->len)) == NULL) {
        got = recv(lines->descriptor, lines->text + lines->len, LINES_MAX - lines->len, 0);
        if (got <= 0)
            return false;
        lines->len += (size_t)got;
    }
    memcpy(out, lines->text, (size_t)(end - lines->text));
    out[end - lines->text] = '\0';
    lines->len -= (size_t)(end + 1 - lines->text);
    memmove(lines->text, end + 1, lines->len);
    return true;
}

/* Reads up to a line that begins so. */
static bool wait_for(struct lines *lines, const char *start, char *out)
{
    while (next_line(lines, out)) {
        if (strncmp(out, start, strlen(start)) == 0)
            return true;
    }
    return false;
}

int dovecot_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct lines lines = {.descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    char *hello = mint_text("VERSION\t1\t2\nCPID\t%d\n", (int)getpid());
    char line[LINES_MAX + 1];

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (connect(lines.descriptor, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        !say(lines.descriptor, hello, strlen(hello)) || !wait_for(&lines, "DONE", line))
        mint_die("Dovecot does not answer at %s", path);
    free(hello);
    return lines.descriptor;
}

/* The client's answer to an error message (RFC 7628 section 3.2.3): one byte, 1. */
#define ACKNOWLEDGED "AQ=="

bool dovecot_exchange(int descriptor, const char *message, const char *user)
{
    static unsigned id;
    struct lines lines = {.descriptor = descriptor};
    char *encoded = peer_base64(message, (unsigned)strlen(message));
    char *request = mint_text("AUTH\t%u\tOAUTHBEARER\tservice=imap\tsecured\tno-penalty\t"
                              "lip=127.0.0.1\trip=127.0.0.1\tresp=%s\n",
                              ++id, encoded);
    char *wanted = mint_text("OK\t%u\tuser=%s", id, user);
    char *rest = mint_text("CONT\t%u\t" ACKNOWLEDGED "\n", id);
    char line[LINES_MAX + 1] = "";
    bool in = say(descriptor, request, strlen(request)) && next_line(&lines, line) &&
              strncmp(line, wanted, strlen(wanted)) == 0;

    if (strncmp(line, "CONT", 4) == 0)
        in = say(descriptor, rest, strlen(rest)) && next_line(&lines, line) && false;
    free(encoded);
    free(request);
    free(wanted);
    free(rest);
    return in;
}

/* The tagged answer to AUTHENTICATE. */
static bool imap_authenticate(struct lines *lines, const char *request)
{
    char line[LINES_MAX + 1];

    if (!say(lines->descriptor, request, strlen(request)))
        return false;
    while (next_line(lines, line)) {
        if (strncmp(line, "a ", 2) == 0)
            return strncmp(line, "a OK", 4) == 0;
        if (line[0] == '+' && !say(lines->descriptor, ACKNOWLEDGED "\r\n", 6))
            return false;
    }
    return false;
}

void syslog_start(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char line[LINES_MAX];
    pid_t child = -1;

    (void)unlink(address.sun_path);
    if (bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        chmod(address.sun_path, 0666) != 0 || (child = fork()) < 0)
        mint_die("cannot listen at %s", address.sun_path);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;; (void)usleep(SYSLOG_PAUSE)) {
            while (recv(descriptor, line, sizeof(line), MSG_DONTWAIT) >= 0)
                continue;
        }
    }
    (void)close(descriptor);
}

bool imap_login(unsigned short port, const char *mechanism, const char *message)
{
    const int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct lines lines = {.descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    char *request = mint_text("a AUTHENTICATE %s %s\r\n", mechanism, message);
    char line[LINES_MAX + 1];
    bool in = false;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(lines.descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    in = connect(lines.descriptor, (struct sockaddr *)&address, sizeof(address)) == 0 &&
         wait_for(&lines, "* OK", line) && imap_authenticate(&lines, request) &&
         say(lines.descriptor, "b LOGOUT\r\n", 10) && wait_for(&lines, "b OK", line);
    (void)close(lines.descriptor);
    free(request);
    return in;
}
