#include "shim/run.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#include <cstdlib>
#include <cstring>

#include "control/injection_rules.h"
#include "shim/bounded_text.h"
#include "shim/platform/platform.h"
#include "shim/process.h"

namespace interrupt {

constinit RunFile* run_file = nullptr;

namespace {

constinit uint16_t image = 0;
constinit uint16_t image_start = 0;
constinit uint64_t image_hash = 0;
constinit char program[sizeof RunName::text] = {};
constinit decltype(&_dl_find_object) find_object = nullptr;

class Hash {
public:
    Hash& add(const void* bytes, size_t size) {
        for (size_t i = 0; i < size; ++i) {
            value_ = (value_ ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100000001b3;  // FNV-1a
        }
        return *this;
    }
    template <class Number>
    Hash& add(Number number) {
        return add(&number, sizeof number);
    }
    uint64_t value() const { return value_ != 0 ? value_ : 1; }

private:
    uint64_t value_ = 0xcbf29ce484222325;
};

// The index of the name, written now if nobody has; `size`: there is no room.
template <size_t size>
uint32_t index_of(RunName (&names)[size], const char* text) {
    for (uint32_t i = 0; i < size; ++i) {
        RunName& name = names[i];
        uint32_t state = name.state.load(std::memory_order_acquire);
        if (state == RunName::free && name.state.compare_exchange_strong(state, RunName::being_written)) {
            append(name.text, name.text + sizeof name.text, text);
            name.state.store(RunName::ready, std::memory_order_release);
            return i;
        }
        while (state == RunName::being_written) {
            os::sched_yield();
            state = name.state.load(std::memory_order_acquire);
        }
        if (std::strncmp(name.text, text, sizeof name.text - 1) == 0) {
            return i;
        }
    }
    return size;
}

struct Site {
    const char* module = nullptr;  // null: in none
    uint64_t offset = 0;
};

Site site_of(const void* caller) {
    dl_find_object found;
    if (find_object == nullptr || find_object(const_cast<void*>(caller), &found) != 0) {
        return {nullptr, reinterpret_cast<uintptr_t>(caller)};
    }
    const link_map& map = *found.dlfo_link_map;
    return {map.l_name[0] != 0 ? map.l_name : program, reinterpret_cast<uintptr_t>(caller) - map.l_addr};
}

// The point of that key, made now if there is none; null: there is no room.
RunPoint* point_of(uint64_t key) {
    for (uint32_t i = 0; i < most_points; ++i) {
        RunPoint& point = run_file->points[(key + i) % most_points];
        uint64_t there = point.key.load(std::memory_order_acquire);
        if (there == key || (there == 0 && (point.key.compare_exchange_strong(there, key) || there == key))) {
            return &point;
        }
    }
    run_file->points_lost.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
}

void before_fork() {
    ++thread_context.starts;
}

void in_forked_child() {
    ThreadContext& context = thread_context;
    context.path = context.path.below(static_cast<uint16_t>(context.starts | ThreadPath::fork_bit));
    context.starts = 0;
}

}  // namespace

void join_run() {
    const char* const path = std::getenv("INTERRUPT_RUN");
    if (path == nullptr || *path == 0) {
        return;
    }
    const long fd = os::open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    struct stat status;
    void* mapping = nullptr;
    if (os::fstat(static_cast<int>(fd), &status) == 0 && status.st_size == static_cast<off_t>(sizeof(RunFile))) {
        mapping = os::mmap(sizeof(RunFile), PROT_READ | PROT_WRITE, MAP_SHARED, static_cast<int>(fd));
    }
    os::close(static_cast<int>(fd));
    if (mapping == nullptr || os::is_error(mapping)) {
        return;
    }
    auto* const file = static_cast<RunFile*>(mapping);
    if (file->magic != run_magic_word() || file->version != run_version) {
        os::munmap(mapping, sizeof(RunFile));
        return;
    }
    run_file = file;
    if (!file->wants_points) {
        return;
    }
    const long size = os::readlink("/proc/self/exe", program, sizeof program - 1);
    program[size > 0 ? size : 0] = 0;
    image_hash = Hash().add(program, std::strlen(program)).value();
    const uint32_t index = index_of(file->images, program);
    image = static_cast<uint16_t>(index);
    image_start =
        index < most_images ? static_cast<uint16_t>(file->images[index].starts.fetch_add(1)) : static_cast<uint16_t>(0);
    find_object = reinterpret_cast<decltype(find_object)>(dlsym(RTLD_DEFAULT, "_dl_find_object"));
    pthread_atfork(before_fork, nullptr, in_forked_child);
}

ThreadPath next_thread_path() {
    return thread_context.path.below(++thread_context.starts);
}

bool is_target_of_run(const BlockedCall& call, bool has_time_limit) {
    const Site site = site_of(call.caller);
    Hash hash;
    hash.add(image_hash).add(image_start).add(thread_context.path).add(call.call).add(site.offset);
    if (site.module != nullptr) {
        hash.add(site.module, std::strlen(site.module));
    }
    const uint64_t key = hash.value();
    RunPoint* const point = point_of(key);
    if (point == nullptr) {
        return false;
    }
    const uint32_t number = point->times.fetch_add(1, std::memory_order_relaxed) + 1;
    if (number == 1) {
        point->offset = site.offset;
        point->module =
            static_cast<uint16_t>(site.module != nullptr ? index_of(run_file->modules, site.module) : most_modules);
        point->image = image;
        point->start = image_start;
        point->call = static_cast<uint16_t>(call.call);
        point->thread = thread_context.path;
        point->limited = has_time_limit;
        point->fd = has_descriptor(call.call) ? static_cast<int32_t>(call.target) : -1;
        point->ready.store(1, std::memory_order_release);
    }
    RunTarget& target = run_file->target;
    return key == target.key && number == target.number && target.reached.exchange(1) == 0;
}

}  // namespace interrupt
