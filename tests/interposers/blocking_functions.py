"""Names each function of this machine's libc that can block and is neither a row of the list nor an exception with its
reason.

    blocking_functions.py INTERPOSERS_DEF

They are found in the machine code, in three ways:
- Cancellation points: glibc wraps a system call that is one in two calls, __pthread_enable_asynccancel and
  __pthread_disable_asynccancel, when the process has threads (sysdeps/nptl/libc-lockP.h, SYSCALL_CANCEL). Both are
  hidden, but read() is known to call them.
- Those that make a system call which can block, without being cancellation points: flock, ioctl.
- Those that wait by futex, themselves or through functions without a name, but for libc's lock of its own.
"""
import bisect
import collections
import re
import subprocess
import sys

CANNOT_BLOCK = 'cannot block: what a program can wait for takes no offset, and a disk is waited for without interruption'
NEVER_WAITS = 'cannot block: it wakes, tries or asks, or opens what is there'
RESTARTED = 'libc restarts it inside'
LIMIT = 'a limit that the README states'

EXCEPTIONS = {
    CANNOT_BLOCK: '''
        pread pread64 __pread64 pwrite pwrite64 __pwrite64 preadv preadv64 pwritev pwritev64 copy_file_range
        fallocate fallocate64 fsync fdatasync msync sync_file_range''',
    NEVER_WAITS: '''
        pthread_cond_broadcast pthread_cond_signal pthread_mutex_init pthread_mutex_trylock pthread_mutex_unlock
        pthread_rwlock_tryrdlock pthread_rwlock_unlock pthread_tryjoin_np sem_post
        tcgetattr ptrace vhangup fchmodat fdopendir opendir aio_read aio_write aio_fsync daemon gethostid sethostid shm_open
        pthread_getname_np pthread_setname_np __sysconf __monstartup _mcleanup''',
    RESTARTED: '''
        pthread_mutex_lock pthread_mutex_setprioceiling pthread_rwlock_rdlock pthread_rwlock_wrlock pthread_once
        pthread_cond_destroy pthread_create getaddrinfo_a
        setuid setgid seteuid setegid setreuid setregid setresuid setresgid setgroups''',
    LIMIT: '''
        close open_by_handle_at tcsetattr klogctl lio_listio lio_listio64 gai_suspend getrandom arc4random arc4random_buf herror
        psiginfo _IO_file_open _IO_file_write''',
}

SYSTEM_CALLS_THAT_BLOCK = {
    0: 'read', 1: 'write', 2: 'open', 7: 'poll', 16: 'ioctl', 19: 'readv', 20: 'writev', 23: 'select', 34: 'pause',
    35: 'nanosleep', 40: 'sendfile', 42: 'connect', 43: 'accept', 44: 'sendto', 45: 'recvfrom', 46: 'sendmsg',
    47: 'recvmsg', 61: 'wait4', 65: 'semop', 69: 'msgsnd', 70: 'msgrcv', 72: 'fcntl', 73: 'flock', 101: 'ptrace',
    103: 'syslog', 128: 'rt_sigtimedwait', 130: 'rt_sigsuspend', 153: 'vhangup', 208: 'io_getevents',
    220: 'semtimedop', 230: 'clock_nanosleep', 232: 'epoll_wait', 242: 'mq_timedsend', 243: 'mq_timedreceive',
    247: 'waitid', 257: 'openat', 270: 'pselect6', 271: 'ppoll', 275: 'splice', 276: 'tee', 278: 'vmsplice',
    281: 'epoll_pwait', 288: 'accept4', 299: 'recvmmsg', 307: 'sendmmsg', 318: 'getrandom', 426: 'io_uring_enter',
    441: 'epoll_pwait2',
}
FUTEX = 202
LOCK_OF_LIBC = ('__lll_lock_wait_private', '__lll_lock_wake_private')


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


def path_of_libc():
    with open('/proc/self/maps') as maps:
        return next(line.split()[-1] for line in maps if re.search(r'/libc[.-]', line))


class Library(object):
    """The functions of a library by the addresses where they begin, what they call, and which system calls they make."""

    def __init__(self, path):
        frames = output_of('objdump', '--dwarf=frames', path)
        ranges = sorted({(int(a, 16), int(b, 16)) for a, b in re.findall(r'pc=([0-9a-f]+)\.\.([0-9a-f]+)', frames)})
        self.starts = [begin for begin, _ in ranges]
        self.ends = dict(ranges)
        self.names = collections.defaultdict(set)
        self.locks = set()
        for line in output_of('readelf', '-W', '--dyn-syms', path).splitlines():
            words = line.split()
            if len(words) >= 8 and words[3] in ('FUNC', 'IFUNC') and words[6] != 'UND' and 'GLIBC_PRIVATE' not in line:
                self.names[int(words[1], 16)].add(words[7].split('@')[0])
            elif any(name in line for name in LOCK_OF_LIBC):
                self.locks.add(int(words[1], 16))
        self.calls = collections.defaultdict(set)
        self.system_calls = collections.defaultdict(set)
        self.read_code(path)

    def function_at(self, address):
        found = bisect.bisect_right(self.starts, address) - 1
        begin = self.starts[found]
        return begin if found >= 0 and address < self.ends[begin] else None

    def read_code(self, path):
        number = None
        for line in output_of('objdump', '-d', '--no-show-raw-insn', path).splitlines():
            found = re.match(r'\s*([0-9a-f]+):\s+(\S+)\s*(.*)', line)
            if not found:
                continue
            operation, operand = found.group(2), found.group(3)
            if operation == 'mov' and re.match(r'\$0x[0-9a-f]+,%eax', operand):
                number = int(operand.split(',')[0][1:], 16)
            elif operation == 'syscall':
                self.system_calls[self.function_at(int(found.group(1), 16))].add(number)
            elif operation == 'call' or operation.startswith('j'):
                target = re.match(r'[0-9a-f]+\b', operand)
                here = self.function_at(int(found.group(1), 16))
                there = target and self.function_at(int(target.group(), 16))
                if there and here != there:
                    self.calls[here].add(there)

    def waits_by_futex(self, function, seen=()):
        if FUTEX in self.system_calls[function]:
            return True
        return any(self.waits_by_futex(callee, seen + (function,)) for callee in self.calls[function]
                   if callee not in self.locks and callee not in self.names and callee not in seen)


def cancellation_points(library):
    """By the two functions that read() and others of them call."""
    known = {'read', 'write', 'recv', 'poll', 'wait4'}
    callers = collections.defaultdict(set)
    for function, callees in library.calls.items():
        for callee in callees:
            callers[callee].add(function)
    marks = [functions for functions in callers.values()
             if known <= set().union(*(library.names[function] for function in functions if function in library.names))]
    assert len(marks) == 2 and marks[0] == marks[1], 'the two calls around a system call were not found'
    return {function for function in marks[0] if function in library.names}


def main():
    library = Library(path_of_libc())
    cancelled = cancellation_points(library)
    by_number = {function for function in library.names
                 if library.system_calls[function] & set(SYSTEM_CALLS_THAT_BLOCK)}
    by_number |= {function for function in library.names
                  if any(callee not in library.names and library.system_calls[callee] & set(SYSTEM_CALLS_THAT_BLOCK)
                         for callee in library.calls[function] - cancelled)}
    by_futex = {function for function in list(library.names) if library.waits_by_futex(function)}
    assert {'flock', 'ioctl'} <= set().union(*(library.names[function] for function in by_number))
    assert {'pthread_mutex_lock', 'sem_wait'} <= set().union(*(library.names[function] for function in by_futex))

    with open(sys.argv[1]) as lines:
        rows = set(re.findall(r'^(?:INTERPOSE|VARIANT)\([^,]+, (\w+)|^CUSTOM(?:_VARIANT)?\((\w+)', lines.read(), re.M))
    rows = {name for pair in rows for name in pair if name}
    excepted = {name for names in EXCEPTIONS.values() for name in names.split()}
    found = cancelled | by_number | by_futex
    # Other names of the same code need no mention; those that programs are likely to call are rows all the same.
    missing = sorted(min(library.names[function]) for function in found
                     if not library.names[function] & (rows | excepted))
    names = set().union(*(library.names[function] for function in found))
    print('%d cancellation points, %d that make a system call, %d that wait by futex' %
          (len(cancelled), len(by_number - cancelled), len(by_futex - cancelled)))
    for name in missing:
        print('%s is neither a row nor an exception' % name)
    for name in sorted(excepted & rows):
        print('%s is a row, and needs no exception' % name)
    for name in sorted(excepted - names):
        print('%s is not found to block, and needs no exception' % name)
    return 1 if missing or excepted & rows or excepted - names else 0


if __name__ == '__main__':
    sys.exit(main())
