/*
 * Preloaded into keepalived, so that its checkers run on a kernel without IPVS, and touch no table on one that has it:
 * generic netlink cannot be had, and whatever it then asks of IPVS by socket option succeeds and does nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* IP_VS_BASE_CTL of the kernel's ABI, and more than all of its options. */
enum { IPVS_FIRST = 64 + 1024 + 64, IPVS_END = IPVS_FIRST + 32 };

static int is_ipvs(int level, int option)
{
  return level == IPPROTO_IP && option >= IPVS_FIRST && option < IPVS_END;
}

int socket(int domain, int type, int protocol)
{
  static int (*real)(int, int, int);
  if (domain == AF_NETLINK && protocol == NETLINK_GENERIC) {
    errno = EPROTONOSUPPORT;
    return -1;
  }
  if (!real) real = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
  return real(domain, type, protocol);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
  static int (*real)(int, int, int, void *, socklen_t *);
  if (is_ipvs(level, option)) {
    memset(value, 0, *length);
    return 0;
  }
  if (!real) real = (int (*)(int, int, int, void *, socklen_t *))dlsym(RTLD_NEXT, "getsockopt");
  return real(fd, level, option, value, length);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
  static int (*real)(int, int, int, const void *, socklen_t);
  if (is_ipvs(level, option)) return 0;
  if (!real) real = (int (*)(int, int, int, const void *, socklen_t))dlsym(RTLD_NEXT, "setsockopt");
  return real(fd, level, option, value, length);
}
