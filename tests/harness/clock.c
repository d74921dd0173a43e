/* Preloaded into one process: its wall clock is off, its other clocks are right. (libfaketime shifts
   the monotonic clock along, and then a lock's timeout never comes.)

   CLOCK_SHIFT_S: seconds, for the whole life of the process. CLOCK_SHIFT_FILE: a file of 8 bytes,
   microseconds as a whole number in the machine's order, which may change while the process runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t SECOND = 1000000;
static const volatile int64_t *shared;
static int64_t fixed;

__attribute__((constructor)) static void begin(void) {
  const char *seconds = getenv("CLOCK_SHIFT_S"), *path = getenv("CLOCK_SHIFT_FILE");
  fixed = seconds ? atoll(seconds) * SECOND : 0;
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (page != MAP_FAILED) shared = page;
  close(file);
}

/* By so many microseconds; the result is a valid time. */
static void move(struct timespec *at, int64_t by) {
  int64_t nanos = at->tv_nsec + by % SECOND * 1000;
  at->tv_sec += by / SECOND + nanos / 1000000000 - (nanos < 0);
  at->tv_nsec = nanos % 1000000000 + (nanos < 0) * 1000000000;
}

static int64_t shift(void) { return fixed + (shared ? *shared : 0); }

int clock_gettime(clockid_t clock, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int failed = real(clock, at);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) move(at, shift());
  return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  (void)zone;
  struct timespec now;
  int failed = clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return failed;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}

/* A moment of the wrong clock until which a database waits is one of the right clock for the kernel.
   What is far below the years of today is a moment of the monotonic clock. */
int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
  static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  /* Where there are two of them the unversioned one is of 1998. */
  if (!real) real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  if (!real) real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  struct timespec right = *until;
  if (right.tv_sec > 500000000) move(&right, -shift());
  return real(cond, mutex, &right);
}
