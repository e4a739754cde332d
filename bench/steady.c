/* Requests at a fixed rate, whatever the server makes of them; wrk asks as fast as it is answered.
 *
 *   steady PORT PATH CONNECTIONS RATE SECONDS GRACE_SECONDS
 *
 * Request k is due k / RATE seconds after the start. It goes out on the connection that has been
 * idle the longest; if all wait for an answer, it waits, too. Its latency counts from when it was
 * due, not from when it was sent: a server that stalls is charged for all the requests that a
 * steady crowd of clients would have sent meanwhile (no "coordinated omission"). What has no answer
 * GRACE_SECONDS after the last request was due counts as unanswered, with the time it has waited.
 *
 * A connection has one request at a time (no pipelining) and is kept open. A server may close an
 * idle one; a request that met such a closing is sent again on a new connection, once.
 *
 * Prints one JSON line. One thread, one epoll; a timer that is armed for the next due time, since
 * the timeout of epoll_wait is in milliseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "latency.h"

enum { HEAD_LIMIT = 8192, READ_SIZE = 65536, EPOLL_BATCH = 256 };

typedef struct {
  int fd; /* -1: closed, is opened when it is needed */
  bool busy, retried, in_body, closes;
  int status;
  uint64_t due_ns, body_left;
  uint32_t head_length;
  char head[HEAD_LIMIT + 1];
} Connection;

static struct {
  uint16_t port;
  int epoll, timer;
  Connection *connections, **idle; /* idle: a ring, oldest first */
  uint64_t size, idle_first, idle_count;
  uint64_t planned, sent, answered, errors, reconnects, bytes;
  uint64_t start_ns;
  double interval_ns;
  char request[1024];
  size_t request_length;
} load;

static Times latencies;
static char received[READ_SIZE];

static void die(const char *what) {
  fprintf(stderr, "steady: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void die_of_answer(const char *what) {
  fprintf(stderr, "steady: %s\n", what);
  exit(1);
}

/* ---- connections ------------------------------------------------------------------------ */

static void open_connection(Connection *connection) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
  if (fd < 0) die("socket");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(load.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (fcntl(fd, F_SETFL, O_NONBLOCK)) die("fcntl");
  struct epoll_event interest = {.events = EPOLLIN, .data.ptr = connection};
  if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, fd, &interest)) die("epoll_ctl");
  connection->fd = fd;
}

static void close_connection(Connection *connection) {
  close(connection->fd);
  connection->fd = -1;
}

static void put_idle(Connection *connection) {
  connection->busy = false;
  load.idle[(load.idle_first + load.idle_count++) % load.size] = connection;
}

static Connection *take_idle(void) {
  Connection *connection = load.idle[load.idle_first];
  load.idle_first = (load.idle_first + 1) % load.size;
  load.idle_count--;
  return connection;
}

static void send_request(Connection *connection) {
  if (connection->fd < 0) open_connection(connection);
  connection->in_body = connection->closes = false;
  connection->head_length = 0;
  ssize_t length = send(connection->fd, load.request, load.request_length, MSG_NOSIGNAL);
  /* Where the server has closed, the next read says so, and the request is sent again. */
  if (length != (ssize_t)load.request_length && errno != EPIPE && errno != ECONNRESET) die("send");
}

/* ---- answers ---------------------------------------------------------------------------- */

static void finish(Connection *connection, bool good) {
  note_time(&latencies, now_ns() - connection->due_ns);
  load.answered++;
  if (!good) load.errors++;
  if (connection->closes && connection->fd >= 0) close_connection(connection);
  put_idle(connection);
}

static void take_body(Connection *connection, uint64_t length) {
  if (length > connection->body_left) die_of_answer("an answer is longer than its Content-Length");
  connection->body_left -= length;
  if (!connection->body_left) finish(connection, connection->status == 200);
}

static void take_head(Connection *connection, const char *from, size_t length) {
  size_t before = connection->head_length;
  if (length > HEAD_LIMIT - before) length = HEAD_LIMIT - before;
  memcpy(connection->head + before, from, length);
  connection->head_length += (uint32_t)length;
  connection->head[connection->head_length] = 0;
  char *end = strstr(connection->head, "\r\n\r\n");
  if (!end) {
    if (connection->head_length == HEAD_LIMIT) die_of_answer("the head of an answer is too long");
    return;
  }
  end[2] = 0;
  char *field = strcasestr(connection->head, "\r\ncontent-length:");
  if (!field) die_of_answer("an answer has no Content-Length");
  connection->status = connection->head_length > 12 ? atoi(connection->head + 9) : 0;
  connection->closes = strcasestr(connection->head, "\r\nconnection: close") != NULL;
  connection->body_left = strtoull(field + 17, NULL, 10);
  connection->in_body = true;
  take_body(connection, connection->head_length - (uint64_t)(end + 4 - connection->head));
}

static void lost(Connection *connection) {
  bool met_closing = connection->busy && !connection->head_length && !connection->retried;
  close_connection(connection);
  load.reconnects++;
  if (!connection->busy) return;
  if (!met_closing) {
    finish(connection, false);
    return;
  }
  connection->retried = true;
  send_request(connection);
}

static void read_some(Connection *connection) {
  ssize_t length = recv(connection->fd, received, sizeof received, 0);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) {
    lost(connection);
    return;
  }
  load.bytes += (uint64_t)length;
  if (!connection->busy) die_of_answer("the server sends what nobody asked for");
  if (connection->in_body) take_body(connection, (uint64_t)length);
  else take_head(connection, received, (size_t)length);
}

/* ---- time ------------------------------------------------------------------------------- */

static uint64_t due_ns(uint64_t number) {
  return load.start_ns + (uint64_t)((double)number * load.interval_ns);
}

static void send_what_is_due(void) {
  while (load.sent < load.planned && load.idle_count && due_ns(load.sent) <= now_ns()) {
    Connection *connection = take_idle();
    connection->busy = true;
    connection->retried = false;
    connection->due_ns = due_ns(load.sent++);
    send_request(connection);
  }
}

static void arm(uint64_t at_ns) {
  struct itimerspec at = {.it_value = {.tv_sec = (time_t)(at_ns / 1000000000ull),
                                       .tv_nsec = (long)(at_ns % 1000000000ull)}};
  if (timerfd_settime(load.timer, TFD_TIMER_ABSTIME, &at, NULL)) die("timerfd_settime");
}

/* Arming the timer anew also takes back that it has run out, so it is never read. */
static void turn(uint64_t deadline_ns) {
  bool may_send = load.sent < load.planned && load.idle_count;
  arm(may_send ? due_ns(load.sent) : deadline_ns);
  struct epoll_event ready[EPOLL_BATCH];
  int count = epoll_wait(load.epoll, ready, EPOLL_BATCH, 1000);
  if (count < 0 && errno != EINTR) die("epoll_wait");
  for (int index = 0; index < count; index++)
    if (ready[index].data.ptr) read_some(ready[index].data.ptr);
}

static void run(uint64_t deadline_ns) {
  while (load.answered < load.planned && now_ns() < deadline_ns) {
    send_what_is_due();
    turn(deadline_ns);
  }
}

/* ---- the whole -------------------------------------------------------------------------- */

static void note_unanswered(uint64_t end_ns) {
  for (uint64_t index = 0; index < load.size; index++)
    if (load.connections[index].busy) note_time(&latencies, end_ns - load.connections[index].due_ns);
  for (uint64_t number = load.sent; number < load.planned; number++)
    if (due_ns(number) < end_ns) note_time(&latencies, end_ns - due_ns(number));
}

static void report(double cpu, double lasted) {
  printf("{\"planned\": %llu, \"answered\": %llu, \"unanswered\": %llu, \"errors\": %llu, "
         "\"reconnects\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"p50_ms\": %.4f, "
         "\"p99_ms\": %.4f, \"max_ms\": %.4f, \"client_cpu\": %.4f}\n",
         (unsigned long long)load.planned, (unsigned long long)load.answered,
         (unsigned long long)(load.planned - load.answered), (unsigned long long)load.errors,
         (unsigned long long)load.reconnects, (unsigned long long)load.bytes, lasted,
         percentile_ms(&latencies, 0.50), percentile_ms(&latencies, 0.99), percentile_ms(&latencies, 1.0), cpu / lasted);
}

static void make_ready(char **arguments) {
  load.port = (uint16_t)atoi(arguments[1]);
  load.size = (uint64_t)atoll(arguments[3]);
  load.interval_ns = 1e9 / atof(arguments[4]);
  load.planned = (uint64_t)(atof(arguments[4]) * atof(arguments[5]));
  int length = snprintf(load.request, sizeof load.request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", arguments[2],
                        (unsigned)load.port);
  load.request_length = (size_t)length;
  load.epoll = epoll_create1(EPOLL_CLOEXEC);
  load.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  load.connections = calloc(load.size, sizeof *load.connections);
  load.idle = calloc(load.size, sizeof *load.idle);
  if (load.epoll < 0 || load.timer < 0 || !load.connections || !load.idle) die("start");
  struct epoll_event interest = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, load.timer, &interest)) die("epoll_ctl");
  for (uint64_t index = 0; index < load.size; index++) {
    open_connection(&load.connections[index]);
    put_idle(&load.connections[index]);
  }
}

int main(int count, char **arguments) {
  if (count != 7) {
    fprintf(stderr, "Usage: steady PORT PATH CONNECTIONS RATE SECONDS GRACE_SECONDS\n");
    return 2;
  }
  make_ready(arguments);
  if (!load.planned || load.request_length >= sizeof load.request) {
    fprintf(stderr, "steady: RATE times SECONDS is no request, or PATH is too long\n");
    return 2;
  }
  load.start_ns = now_ns();
  double cpu = cpu_seconds();
  double seconds = atof(arguments[5]) + atof(arguments[6]);
  run(load.start_ns + (uint64_t)(seconds * 1e9));
  uint64_t end_ns = now_ns();
  note_unanswered(end_ns);
  report(cpu_seconds() - cpu, (double)(end_ns - load.start_ns) / 1e9);
}
