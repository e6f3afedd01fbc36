#include "shim/table_file.h"

#include <linux/magic.h>
#include <sys/statfs.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "shim/ignored_setting.h"
#include "shim/injection_settings.h"
#include "shim/platform/platform.h"
#include "shim/process.h"
#include "shim/run.h"

namespace interrupt {

namespace {

NoTable reason_of(long error) {
    switch (-error) {
        case EROFS:
            return NoTable::read_only;
        case ENOSPC:
        case EDQUOT:
        case EFAULT:  // MADV_POPULATE_WRITE on a full tmpfs
            return NoTable::no_space;
        case EMFILE:
        case ENFILE:
            return NoTable::no_descriptors;
        case ENOMEM:
            return NoTable::no_memory;
        case EACCES:
        case EPERM:
            return NoTable::permission;
        case ENOENT:
            return NoTable::no_directory;
        case ENOTDIR:
        case ELOOP:
            return NoTable::directory_is_link;
        default:
            return NoTable::other;
    }
}

// A descriptor of the directory, or a reason.
struct Directory {
    int fd = -1;
    NoTable failure = NoTable::unknown;
};

Directory open_directory() {
    // Of the user that the process has by now: a forked child may have become another one.
    if (!settings.directory_chosen) {
        std::snprintf(settings.directory, sizeof settings.directory, "/dev/shm/interrupt-%u", os::geteuid());
    }
    const long made = os::mkdir(settings.directory, 0700);
    const long fd = os::open(settings.directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return {.failure = reason_of(fd == -ENOENT && made < 0 && made != -EEXIST ? made : fd)};
    }
    struct stat status;
    struct statfs file_system;
    NoTable failure = NoTable::unknown;
    if (os::fstat(static_cast<int>(fd), &status) != 0) {
        failure = NoTable::other;
    } else if (status.st_uid != os::geteuid() || (status.st_mode & 077) != 0) {
        failure = NoTable::directory_not_ours;
    } else if (!settings.directory_chosen &&
               (os::fstatfs(static_cast<int>(fd), &file_system) != 0 ||
                (file_system.f_type != TMPFS_MAGIC && file_system.f_type != RAMFS_MAGIC))) {
        failure = NoTable::not_tmpfs;
    }
    if (failure != NoTable::unknown) {
        os::close(static_cast<int>(fd));
        return {.failure = failure};
    }
    return {.fd = static_cast<int>(fd)};
}

uint64_t pid_namespace() {
    struct stat status;
    return os::fstatat(AT_FDCWD, "/proc/self/ns/pid", &status, 0) == 0 ? status.st_ino : 0;
}

// The process is gone, or it is ours before an exec: nobody can use this file any more.
bool is_dead(int directory, const char* name, uint64_t ours, const char* own_name) {
    if (std::strlen(name) < 6 || std::strcmp(name + std::strlen(name) - 6, ".table") != 0 ||
        std::strcmp(name, own_name) == 0) {
        return false;
    }
    const pid_t pid = static_cast<pid_t>(std::strtol(name, nullptr, 10));
    if (pid <= 0 || (pid != os::getpid() && os::kill(pid, 0) != -ESRCH)) {
        return false;
    }
    static constinit TableHeader header{};
    const long fd = os::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    const bool same_namespace = os::read(static_cast<int>(fd), &header, sizeof header) == long{sizeof header} &&
                                header.magic.load() == magic_word() && header.pid_namespace == ours;
    os::close(static_cast<int>(fd));
    return same_namespace;
}

// Killed processes leave their files. Looking for them at every start would be dear, so one start in sixteen does. One
// thread of a process makes its table: what is large is static, since that may be a forked child's coroutine, with a
// stack of a few kilobytes.
void remove_dead_files(int directory, uint64_t ours, const char* own_name) {
    alignas(8) static constinit char buffer[2048] = {};
    for (long size; (size = os::getdents64(directory, buffer, sizeof buffer)) > 0;) {
        for (long at = 0; at < size;) {
            unsigned short length;
            std::memcpy(&length, buffer + at + 16, sizeof length);  // linux_dirent64: ino, off, reclen, type, name
            const char* name = buffer + at + 19;
            if (is_dead(directory, name, ours, own_name)) {
                os::unlinkat(directory, name);
            }
            at += length;
        }
    }
}

void fill_header(TableHeader& header, uint32_t capacity, uint64_t created, uint64_t in_namespace) {
    header.abi_version = table_abi_version;
    header.header_size = sizeof(TableHeader);
    header.record_size = sizeof(ThreadRecord);
    header.capacity = capacity;
    header.pid = os::getpid();
    header.signal = settings.signal;
    header.created = created;
    header.pid_namespace = in_namespace;
    std::strncpy(header.version, INTERRUPT_VERSION, sizeof header.version - 1);
    std::memcpy(header.ignored_setting, settings.ignored, sizeof header.ignored_setting);
}

// A first touch of a page on a full tmpfs would be SIGBUS: so each is populated before use. Kernels before 5.14 cannot
// do that page by page; there the whole of a small table is allocated.
NoTable back_with_memory(int fd, TableFile& file) {
    long result = os::madvise(file.mapping, sizeof(TableHeader), MADV_POPULATE_WRITE);
    if (result == -EINVAL) {
        file.fully_backed = true;
        result = os::fallocate(fd, injection_rules_offset(file.capacity));
    }
    return result == 0 ? NoTable::unknown : reason_of(result);
}

// The rules' pages, only where there are any.
bool back_rules_with_memory(int fd, const TableFile& file) {
    const uint64_t offset = injection_rules_offset(file.capacity);
    return os::madvise(file.mapping + offset, sizeof(InjectionRules), MADV_POPULATE_WRITE) == 0 ||
           (file.fully_backed && os::fallocate(fd, sizeof(InjectionRules), offset) == 0);
}

NoTable map_file(int fd, TableFile& file) {
    struct rlimit limit;
    const size_t size = table_file_size(file.capacity);
    if (os::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size) {  // ftruncate would raise SIGXFSZ
        return NoTable::file_size_limit;
    }
    os::raw_syscall(SYS_fchmod, fd, 0600);  // whatever the umask
    if (const long result = os::ftruncate(fd, size); result != 0) {
        return reason_of(result);
    }
    void* mapping = os::mmap(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    if (os::is_error(mapping)) {
        return reason_of(-os::error_of(mapping));
    }
    file.mapping = static_cast<char*>(mapping);
    NoTable failure = back_with_memory(fd, file);
    if (failure == NoTable::unknown && os::madvise(mapping, size, MADV_DONTFORK) != 0) {
        failure = NoTable::other;
    }
    if (failure != NoTable::unknown) {
        os::munmap(mapping, size);
        file.mapping = nullptr;
    }
    return failure;
}

}  // namespace

TableFile make_table_file(char* path, size_t path_size, uint64_t created) {
    TableFile file{.capacity = settings.capacity};
    const Directory directory = open_directory();
    if (directory.fd < 0) {
        file.failure = directory.failure;
        return file;
    }
    uint64_t random = created * 0x9e3779b97f4a7c15;
    os::getrandom(&random, sizeof random);
    const size_t prefix = std::strlen(settings.directory) + 1;
    std::snprintf(path, path_size, "%s/%d-%llu-%016llx.table", settings.directory, os::getpid(),
                  static_cast<unsigned long long>(created), static_cast<unsigned long long>(random));
    const char* name = path + prefix;
    const long fd = os::openat(directory.fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        file.failure = reason_of(fd);
    } else {
        file.failure = map_file(static_cast<int>(fd), file);
        if (file.failure == NoTable::unknown && has_injection_rules()) {
            file.has_rules = back_rules_with_memory(static_cast<int>(fd), file);
            if (!file.has_rules) {
                ignore_setting("INTERRUPT_INJECT", "", "there is no memory for the rules");
            }
        }
        os::close(static_cast<int>(fd));
        if (file.failure != NoTable::unknown) {
            os::unlinkat(directory.fd, name);
        } else {
            const uint64_t in_namespace = pid_namespace();
            auto& header = *reinterpret_cast<TableHeader*>(file.mapping);
            fill_header(header, file.capacity, created, in_namespace);
            if (run_file != nullptr && run_file->wants_points) {
                header.attention.fetch_or(attention_points, std::memory_order_relaxed);
            }
            if (file.has_rules) {
                put_injection_rules(
                    header, *reinterpret_cast<InjectionRules*>(file.mapping + injection_rules_offset(file.capacity)));
            }
            if (random % 16 == 0) {
                remove_dead_files(directory.fd, in_namespace, name);
            }
        }
    }
    os::close(directory.fd);
    return file;
}

}  // namespace interrupt
