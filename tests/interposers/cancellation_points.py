"""Names each function of this machine's libc that is a cancellation point around a system call, and is neither a row of
the list nor an exception with its reason.

    cancellation_points.py INTERPOSERS_DEF

They are found in the machine code: glibc wraps such a system call in two calls, __pthread_enable_asynccancel and
__pthread_disable_asynccancel, when the process has threads (sysdeps/nptl/libc-lockP.h, SYSCALL_CANCEL). Both are hidden,
but read() is known to call them.
"""
import bisect
import collections
import re
import subprocess
import sys

CANNOT_BLOCK = 'cannot block: what a program can wait for takes no offset, and a disk is waited for without interruption'
LIMIT = 'a limit that the README states'

EXCEPTIONS = {
    CANNOT_BLOCK: '''
        pread pread64 __pread64 pwrite pwrite64 __pwrite64 preadv preadv64 pwritev pwritev64 copy_file_range
        fallocate fallocate64 fsync fdatasync msync sync_file_range''',
    LIMIT: '''
        close __close open_by_handle_at''',
}


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


def path_of_libc():
    with open('/proc/self/maps') as maps:
        return next(line.split()[-1] for line in maps if re.search(r'/libc[.-]', line))


class Functions(object):
    """The public functions of a library, by address."""

    def __init__(self, library):
        self.names = collections.defaultdict(set)
        self.ends = {}
        for line in output_of('readelf', '-W', '--dyn-syms', library).splitlines():
            words = line.split()
            if len(words) < 8 or words[3] not in ('FUNC', 'IFUNC') or words[6] == 'UND' or 'GLIBC_PRIVATE' in line:
                continue
            address = int(words[1], 16)
            self.names[address].add(words[7].split('@')[0])
            self.ends[address] = address + int(words[2], 0)
        self.starts = sorted(self.names)

    def at(self, address):
        found = bisect.bisect_right(self.starts, address) - 1
        begin = self.starts[found]
        return self.names[begin] if found >= 0 and address < self.ends[begin] else set()


def callers(library, functions):
    """Who calls each address: {address: {name, ...}}."""
    found = collections.defaultdict(set)
    for line in output_of('objdump', '-d', '--no-show-raw-insn', library).splitlines():
        call = re.match(r'\s*([0-9a-f]+):\s+call\s+([0-9a-f]+)', line)
        if call:
            found[int(call.group(2), 16)] |= functions.at(int(call.group(1), 16))
    return found


def main():
    library = path_of_libc()
    by_callee = callers(library, Functions(library))
    marks = [names for names in by_callee.values() if {'read', 'write', 'recv', 'poll', 'wait4'} <= names]
    assert len(marks) == 2 and marks[0] == marks[1], 'the two calls around a system call were not found'
    with open(sys.argv[1]) as lines:
        rows = set(re.findall(r'^(?:INTERPOSE|VARIANT)\([^,]+, (\w+)|^CUSTOM(?:_VARIANT)?\((\w+)', lines.read(), re.M))
    rows = {name for pair in rows for name in pair if name}
    excepted = {name for names in EXCEPTIONS.values() for name in names.split()}
    missing = sorted(marks[0] - rows - excepted)
    print('%d functions, %d of them rows of the list' % (len(marks[0]), len(marks[0] & rows)))
    for name in sorted(excepted & rows):
        print('%s is a row, and needs no exception' % name)
    for name in missing:
        print('%s is neither a row nor an exception' % name)
    return 1 if missing or excepted & rows else 0


if __name__ == '__main__':
    sys.exit(main())
