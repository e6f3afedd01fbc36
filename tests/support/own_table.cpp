#include "tests/support/own_table.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

namespace interrupt_tests {

namespace {

using interrupt::TableHeader;
using interrupt::ThreadRecord;

// A page of a file that was cut short cannot be read: by a system call that is an error and no signal.
bool is_table(const void* address) {
    char magic[sizeof interrupt::table_magic];
    const struct iovec to = {magic, sizeof magic};
    const struct iovec from = {const_cast<void*>(address), sizeof magic};
    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == static_cast<ssize_t>(sizeof magic) &&
           std::memcmp(magic, interrupt::table_magic, sizeof magic) == 0;
}

const TableHeader* find_table() {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        uintptr_t begin = 0;
        uintptr_t end = 0;
        char rights[5] = {};
        uint64_t offset = 0;
        const int fields =
            std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s %" SCNx64, &begin, &end, rights, &offset);
        const auto* address = reinterpret_cast<const void*>(begin);
        if (fields == 4 && std::strcmp(rights, "rw-s") == 0 && offset == 0 && end - begin > sizeof(TableHeader) &&
            is_table(address)) {
            return static_cast<const TableHeader*>(address);
        }
    }
    return nullptr;
}

}  // namespace

const TableHeader* own_table() {
    static const TableHeader* const table = find_table();
    return table;
}

const ThreadRecord* own_record_of(pid_t tid) {
    const TableHeader* table = own_table();
    if (table == nullptr) {
        return nullptr;
    }
    const auto* records =
        reinterpret_cast<const ThreadRecord*>(reinterpret_cast<const char*>(table) + table->header_size);
    const auto wanted = static_cast<uint32_t>(tid);
    uint32_t index = interrupt::first_probe(wanted, table->capacity);
    for (uint32_t probes = 0; probes < table->capacity; ++probes, index = (index + 1) % table->capacity) {
        const ThreadRecord& record = records[index];
        if (record.tid.load() == wanted) {
            return &record;
        }
        if (record.generation.load() == 0) {
            return nullptr;
        }
    }
    return nullptr;
}

interrupt::Call blocked_in(pid_t tid) {
    const ThreadRecord* record = own_record_of(tid);
    return record == nullptr ? interrupt::Call::running : interrupt::State{record->state.load()}.call();
}

}  // namespace interrupt_tests
