/* Preloaded into one process: its wall clock is off by CLOCK_SHIFT_S seconds, its others are right.
   (libfaketime shifts the monotonic clock along, and then a lock's timeout never comes.) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static time_t shift_s(void) {
  const char *said = getenv("CLOCK_SHIFT_S");
  return said ? atol(said) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int failed = real(clock, at);
  if (!failed && clock == CLOCK_REALTIME) at->tv_sec += shift_s();
  return failed;
}
