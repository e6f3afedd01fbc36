// Stands in for a process under the shim without any shim: makes a table file in the directory that its argument names,
// maps it as the shim does, with a record for its main thread, and counts the nudges that it gets. It prints the file's
// path, then answers each line of its input with that count.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <string>

#include "control/table_layout.h"

using namespace interrupt;

namespace {

constexpr uint32_t capacity = 256;
std::atomic<int> nudges = 0;

}  // namespace

int main(int argc, char** argv) {
    struct sigaction action {};
    action.sa_handler = [](int) { ++nudges; };
    action.sa_flags = SA_RESTART;
    for (const int signal : {SIGURG, SIGWINCH}) {
        sigaction(signal, &action, nullptr);
    }
    timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    const uint64_t created = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
    const std::string path = std::string(argc > 1 ? argv[1] : "/dev/shm") + "/" + std::to_string(getpid()) + "-" +
                             std::to_string(created) + "-0123456789abcdef.table";
    const size_t size = table_file_size(capacity);
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0) {
        std::perror(path.c_str());
        return 1;
    }
    auto* memory = static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    close(fd);
    auto& header = *reinterpret_cast<TableHeader*>(memory);
    header.abi_version = table_abi_version;
    header.header_size = sizeof(TableHeader);
    header.record_size = sizeof(ThreadRecord);
    header.capacity = capacity;
    header.pid = getpid();
    header.signal = SIGURG;
    header.created = created;
    const auto tid = static_cast<uint32_t>(gettid());
    auto* records = reinterpret_cast<ThreadRecord*>(memory + sizeof(TableHeader));
    ThreadRecord& record = records[first_probe(tid, capacity)];
    record.tid = tid;
    record.generation = 1;
    header.magic.store(magic_word(), std::memory_order_release);

    // The file is the test's from here on: it is not touched again.
    std::cout << path << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        std::cout << nudges << std::endl;
    }
}
