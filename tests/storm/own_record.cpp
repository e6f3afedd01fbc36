#include "own_record.h"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace storm {

using namespace interrupt;

Table open_table(const char* path) {
    Table table;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    const off_t size = lseek(fd, 0, SEEK_END);
    void* mapping = mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || mapping == MAP_FAILED) {
        std::perror("the thread table");
        std::abort();
    }
    close(fd);
    table.header = static_cast<TableHeader*>(mapping);
    std::strncpy(table.path, path, sizeof table.path - 1);
    return table;
}

Table own_table() {
    FILE* maps = std::fopen("/proc/self/maps", "r");
    char line[1024];
    while (std::fgets(line, sizeof line, maps) != nullptr) {
        char* path = std::strchr(line, '/');
        if (path != nullptr && std::strstr(path, ".table\n") != nullptr) {
            path[std::strlen(path) - 1] = 0;
            std::fclose(maps);
            return open_table(path);
        }
    }
    std::fputs("this process has no thread table\n", stderr);
    std::abort();
}

ThreadRecord& Table::record_of(uint32_t tid) const {
    auto* records = reinterpret_cast<ThreadRecord*>(reinterpret_cast<char*>(header) + header->header_size);
    for (uint32_t i = 0; i < header->capacity; ++i) {
        ThreadRecord& record = records[(first_probe(tid, header->capacity) + i) % header->capacity];
        if (record.tid.load() == tid) {
            return record;
        }
    }
    std::fprintf(stderr, "thread %u has no record\n", tid);
    std::abort();
}

uint32_t OutsideKernel::self() {
    return static_cast<uint32_t>(syscall(SYS_gettid));
}
bool OutsideKernel::gone(uint32_t owner) {
    return kill(static_cast<pid_t>(owner), 0) != 0 && errno == ESRCH;
}
uint64_t OutsideKernel::now() {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}
void OutsideKernel::yield() {
    sched_yield();
}
uint64_t OutsideKernel::block_signals() {
    uint64_t all = ~uint64_t{0};
    uint64_t before = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
    return before;
}
void OutsideKernel::restore_signals(uint64_t mask) {
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, sizeof mask);
}
void OutsideKernel::fence() {
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}
int OutsideKernel::nudge(uint32_t tid) {
    siginfo_t info = {};
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = nudge_cookie;
    return syscall(SYS_rt_tgsigqueueinfo, target_, tid, signal_, &info) == 0 ? 0 : errno;
}

}  // namespace storm
