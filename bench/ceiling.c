/* The bench's yardstick in C: answers the paths whose answers take no time, and does nothing else.
 * It is not a web server. What it reaches is what the clients and the kernel of this machine allow;
 * a contender that comes near it is no longer what is measured.
 *
 *   ceiling PORT [each]
 *
 * One thread, one epoll. Events that are due together are joined, so that each stream costs one
 * send. With `each`, every delivery is a send of its own: what anybody can reach who does that. A
 * stream whose client does not read for five seconds ends the program.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

enum { MAX_STREAMS = 65536, EPOLL_BATCH = 512, FRAME = 6 + 64 + 2 };

static int streams[MAX_STREAMS];
static int stream_count;
static bool each; /* a send for each delivery */

static const char PLAIN[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                            "Content-Length: 5\r\n\r\nhello";
static const char USER[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                           "Content-Length: 26\r\n\r\n{\"id\": \"7\", \"name\": \"Ada\"}";
static const char EVENTS[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             "Cache-Control: no-cache\r\n\r\n";

static void die(const char *what) {
  fprintf(stderr, "ceiling: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* Says whether the client is still there. */
static bool send_all(int fd, const char *bytes, size_t length) {
  while (length) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      struct pollfd writable = {.fd = fd, .events = POLLOUT};
      if (poll(&writable, 1, 5000) == 0) die("a client does not read");
      continue;
    }
    if (sent < 0) return false;
    bytes += sent;
    length -= (size_t)sent;
  }
  return true;
}

static void write_frame(char *frame, uint64_t at_ns) {
  int length = sprintf(frame, "data: @%020llu ", (unsigned long long)at_ns);
  memset(frame + length, 'x', FRAME - (size_t)length);
  memcpy(frame + FRAME - 2, "\n\n", 2);
}

static void send_to_all(const char *bytes, size_t length) {
  for (int index = 0; index < stream_count; index++) send_all(streams[index], bytes, length);
}

static void send_one(uint64_t at_ns) {
  char frame[FRAME + 1];
  write_frame(frame, at_ns);
  send_to_all(frame, FRAME);
}

/* Events of the moments `first_ns`, `first_ns` + `interval_ns` and so on; if 0, of now. */
static void send_events(int count, uint64_t first_ns, uint64_t interval_ns) {
  char *joined = malloc((size_t)count * FRAME + 1);
  if (!joined) die("malloc");
  for (int event = 0; event < count; event++) {
    uint64_t at_ns = first_ns ? first_ns + (uint64_t)event * interval_ns : now_ns();
    if (each) send_one(at_ns);
    else write_frame(joined + (size_t)event * FRAME, at_ns);
  }
  if (!each) send_to_all(joined, (size_t)count * FRAME);
  free(joined);
}

static void send_paced(int count, uint64_t interval_ns) {
  uint64_t due = now_ns();
  for (int event = 0; event < count; event++) {
    send_one(now_ns());
    due += interval_ns;
    sleep_until_ns(due);
  }
}

/* Sends what is due, however late it has become. */
static void send_offered(int count, uint64_t interval_ns) {
  uint64_t start = now_ns();
  for (int sent = 0; sent < count;) {
    uint64_t due = start + (uint64_t)sent * interval_ns;
    sleep_until_ns(due);
    int ready = 1 + (int)((now_ns() - due) / interval_ns);
    if (ready > count - sent) ready = count - sent;
    send_events(ready, due, interval_ns);
    sent += ready;
  }
}

static int number(const char *text, const char *name) {
  const char *found = strstr(text, name);
  return found ? atoi(found + strlen(name)) : 0;
}

/* The clients of the bench send each request in one piece and wait for its answer. */
static void answer(int fd, const char *request) {
  if (strncmp(request, "GET /events", 11) == 0) {
    if (stream_count == MAX_STREAMS) die("too many streams");
    if (send_all(fd, EVENTS, sizeof EVENTS - 1)) streams[stream_count++] = fd;
    return;
  }
  if (strncmp(request, "GET /users/7 ", 13) == 0) {
    send_all(fd, USER, sizeof USER - 1);
    return;
  }
  int events = number(request, "n=");
  uint64_t interval_ns = (uint64_t)number(request, "interval_ms=") * 1000000ull;
  if (strncmp(request, "GET /burst", 10) == 0) send_events(events, 0, 0);
  if (strncmp(request, "GET /paced", 10) == 0) send_paced(events, interval_ns);
  if (strncmp(request, "GET /offered", 12) == 0) send_offered(events, interval_ns);
  send_all(fd, PLAIN, sizeof PLAIN - 1);
}

static void leave(int fd) {
  for (int index = 0; index < stream_count; index++)
    if (streams[index] == fd) streams[index--] = streams[--stream_count];
  close(fd);
}

static void watch(int epoll, int fd) {
  struct epoll_event interest = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest)) die("epoll_ctl");
}

static int listen_on(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1024)) die("listen");
  return fd;
}

static void take_in(int epoll, int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  watch(epoll, fd);
}

int main(int count, char **arguments) {
  each = count == 3 && strcmp(arguments[2], "each") == 0;
  if (count != 2 && !each) {
    fprintf(stderr, "Usage: ceiling PORT [each]\n");
    return 2;
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int listener = listen_on((uint16_t)atoi(arguments[1])), epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener);
  for (;;) {
    struct epoll_event ready[EPOLL_BATCH];
    int found = epoll_wait(epoll, ready, EPOLL_BATCH, -1);
    for (int index = 0; index < found; index++) {
      int fd = ready[index].data.fd;
      if (fd == listener) {
        take_in(epoll, listener);
        continue;
      }
      char request[4096];
      ssize_t length = recv(fd, request, sizeof request - 1, 0);
      if (length <= 0) {
        leave(fd);
        continue;
      }
      request[length] = 0;
      answer(fd, request);
    }
  }
}
