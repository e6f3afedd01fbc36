#include "control/record/caller_map.h"

#include <elf.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "control/failure.h"

namespace interrupt::control {

CallerMap::CallerMap(const Process& process) : process_(process) {
    load();
}

// A program that is no position-independent one: its symbols are addresses.
bool CallerMap::is_fixed(const std::string& path) const {
    const Descriptor file(
        ::openat(process_.directory().get(), text("root", path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status;
    Elf64_Ehdr header{};
    // What lies there by now may be anything: a pipe that nobody writes to, a device.
    return file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) &&
           ::read(file.get(), &header, sizeof header) == static_cast<ssize_t>(sizeof header) &&
           std::equal(header.e_ident, header.e_ident + SELFMAG, ELFMAG) && header.e_type == ET_EXEC;
}

bool CallerMap::is_ours(const Mapping& mapping) const {
    struct stat file;
    struct stat its_mounts;
    struct stat our_mounts;
    return ::stat(mapping.path.c_str(), &file) == 0 && S_ISREG(file.st_mode) && file.st_ino == mapping.inode &&
           (file.st_uid == 0 || file.st_uid == ::geteuid()) &&
           ::fstatat(process_.directory().get(), "ns/mnt", &its_mounts, 0) == 0 &&
           ::stat("/proc/self/ns/mnt", &our_mounts) == 0 && its_mounts.st_ino == our_mounts.st_ino;
}

void CallerMap::load() {
    modules_.clear();
    std::map<std::string, uint64_t> bases;
    for (const Mapping& mapping : parse_maps(process_.read("maps").value_or(""))) {
        if (mapping.path.empty() || mapping.path.front() != '/') {
            continue;
        }
        const auto [base, is_new] = bases.try_emplace(mapping.path, mapping.start);
        if (is_new && is_fixed(mapping.path)) {
            base->second = 0;
        }
        if (mapping.permissions.find('x') != std::string::npos) {
            modules_.push_back({mapping.path, mapping.start, mapping.end, base->second, is_ours(mapping)});
        }
    }
}

const CallerMap::Module* CallerMap::find(uint64_t address) const {
    const auto found = std::find_if(modules_.begin(), modules_.end(), [address](const Module& module) {
        return module.start <= address && address < module.end;
    });
    return found == modules_.end() ? nullptr : &*found;
}

const CallSite& CallerMap::at(uint64_t address) {
    const auto [site, is_new] = known_.try_emplace(address);
    if (is_new) {
        const Module* module = find(address);
        if (module == nullptr) {
            load();
            module = find(address);
        }
        site->second = module ? CallSite{module->path, address - module->base, module->ours} : CallSite{"", address};
    }
    return site->second;
}

}  // namespace interrupt::control
