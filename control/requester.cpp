#include "control/requester.h"

#include <linux/membarrier.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <optional>

#include "control/failure.h"

namespace interrupt::control {
namespace {

// Opens one end of a pipe of the process if `fd` there is that very pipe.
Descriptor open_pipe(const Process& process, int fd, uint64_t inode, int mode) {
    const Descriptor place(::openat(process.directory().get(), text("fd/", fd).c_str(), O_PATH | O_CLOEXEC));
    struct stat file;
    if (!place || ::fstat(place.get(), &file) != 0 || !S_ISFIFO(file.st_mode) || file.st_ino != inode) {
        return Descriptor();
    }
    return Descriptor(::open(text("/proc/self/fd/", place.get()).c_str(), mode | O_NONBLOCK | O_CLOEXEC));
}

// Gives back a record that was claimed here and never adopted, as the thread's own end does: what was delivered and
// cleared stays until the next claim, since requesters may be waiting to see it. A request that another requester has
// put there in the meantime is returned: it is the thread's.
Request release(Requester& requester, ThreadRecord& record) {
    RecordLock lock(requester, requester.table().live_header(), record);
    const Request owed{record.request.load(std::memory_order_relaxed)};
    record.request.store(0, std::memory_order_relaxed);
    record.only_wait.store(0, std::memory_order_relaxed);
    record.coalesced.store(0, std::memory_order_relaxed);
    record.flags.store(0, std::memory_order_relaxed);
    record.generation.fetch_add(1, std::memory_order_relaxed);
    record.tid.store(0, std::memory_order_release);  // pairs with the acquire of whoever claims it next
    return owed;
}

// Takes the free record `index` for the thread; if another one turns out to be the thread's, gives it back. The thread
// itself may be claiming one at this moment: either of us looks again after its own claim (the compare-and-exchange and
// the fence pair with those of the thread's claim in shim/), so at least one of us sees both.
void claim(Requester& requester, uint32_t index) {
    TableFile& table = requester.table();
    const uint32_t tid = requester.thread().there;
    const auto thread = requester.process().task_stat(requester.thread().here);
    if (!thread) {
        throw Failure(Status::not_found, text("thread ", requester.thread().here, " has ended."));
    }
    table.make_room(index);
    ThreadRecord& mine = table.record(index);
    uint32_t free = 0;
    if (!mine.tid.compare_exchange_strong(free, tid, std::memory_order_seq_cst)) {
        return;
    }
    // What the last owner left for its requesters to see.
    mine.delivered.store(0, std::memory_order_relaxed);
    mine.cleared.store(0, std::memory_order_relaxed);
    mine.since.store(thread->start_ticks, std::memory_order_relaxed);
    mine.flags.store(record_unadopted, std::memory_order_release);  // pairs with the acquire of the thread's adoption
    mine.generation.fetch_add(1, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    table.verify();
    std::optional<uint32_t> other;
    table.probe(tid, [&](uint32_t at, uint32_t owner) {
        other = owner == tid && at != index ? std::optional(at) : std::nullopt;
        return other.has_value();
    });
    if (!other) {
        return;
    }
    const Request owed = release(requester, mine);
    if (owed.pending()) {
        ThreadRecord& record = table.record(*other);
        post(requester, table.live_header(), record, {tid, record.generation.load(std::memory_order_acquire)},
             owed.outcome(), owed.error(), 0);
    }
}

}  // namespace

Requester::Requester(const Process& process, TableFile& table, ThreadId thread)
    : process_(process), table_(table), thread_(thread) {}

uint32_t Requester::self() const {
    const auto tid = static_cast<uint32_t>(::gettid());
    return process_.in_other_namespace() ? tid | static_cast<uint32_t>(LockWord::foreign_bit) : tid;
}

bool Requester::gone(uint32_t owner) const {
    if (process_.in_other_namespace()) {
        return false;  // ids of that namespace say nothing here
    }
    if (::kill(static_cast<pid_t>(owner), 0) != 0) {
        return errno == ESRCH;
    }
    const auto contents = read_all(AT_FDCWD, text("/proc/", owner, "/stat"));
    const auto stat = contents ? parse_stat(*contents) : std::nullopt;
    return stat && stat->ended();
}

uint64_t Requester::now() const {
    return monotonic_now();
}

void Requester::yield() const {
    const timespec moment{0, 50'000};
    ::nanosleep(&moment, nullptr);
}

sigset_t Requester::block_signals() const {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigdelset(&all, SIGBUS);  // FaultGuard's: blocked, it would end us at once
    ::sigprocmask(SIG_BLOCK, &all, &before);
    return before;
}

void Requester::restore_signals(const sigset_t& before) const {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

void Requester::fence() const {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (table_.live_header().flags.load(std::memory_order_relaxed) & table_heavy_fences) {
        return;
    }
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) != 0) {
        ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
    }
}

int Requester::nudge(uint32_t tid) {
    if (tid != thread_.there) {
        return ESRCH;
    }
    if (!table_.still_mapped()) {
        table_left_ = true;
        return ESRCH;
    }
    // The process may have changed it since the header was read.
    const int32_t signal = table_.live_header().signal.load(std::memory_order_relaxed);
    siginfo_t info{};
    info.si_signo = signal == SIGWINCH ? SIGWINCH : SIGURG;
    info.si_code = SI_QUEUE;
    info.si_pid = ::getpid();
    info.si_uid = ::getuid();
    info.si_value.sival_int = nudge_cookie;
    return ::syscall(SYS_rt_tgsigqueueinfo, process_.pid(), thread_.here, info.si_signo, &info) == 0 ? 0 : errno;
}

EventRing* Requester::events() const {
    return table_.is_recorded() ? &table_.events() : nullptr;
}

void Requester::wakeup(ThreadRecord& record, bool set) const {
    const int read_end = record.wakeup_read.load(std::memory_order_relaxed);
    const int write_end = record.wakeup_write.load(std::memory_order_relaxed);
    const uint64_t inode = record.wakeup_inode.load(std::memory_order_relaxed);
    if (read_end <= 0 && write_end <= 0) {
        return;
    }
    if (set) {
        const Descriptor pipe = open_pipe(process_, write_end, inode, O_WRONLY);
        [[maybe_unused]] const ssize_t written = pipe ? ::write(pipe.get(), "!", 1) : 0;
    } else {
        const Descriptor pipe = open_pipe(process_, read_end, inode, O_RDONLY);
        char bytes[64];
        while (pipe && ::read(pipe.get(), bytes, sizeof bytes) > 0) {
        }
    }
}

uint32_t find_or_claim(Requester& requester) {
    TableFile& table = requester.table();
    const uint32_t tid = requester.thread().there;
    for (int attempt = 0; attempt < 100; ++attempt) {
        std::optional<uint32_t> found;
        std::optional<uint32_t> room;
        table.probe(tid, [&](uint32_t index, uint32_t owner) {
            if (owner == tid) {
                found = index;
            } else if (owner == 0 && !room) {
                room = index;
            }
            return found.has_value();
        });
        if (found) {
            return *found;
        }
        if (!room) {
            throw Failure(
                Status::not_delivered,
                text("the thread table of process ", requester.process().pid(), " is full (", table.header().capacity,
                     " threads): thread ", requester.thread().here, " has no record, and gets none until others end."));
        }
        claim(requester, *room);
    }
    throw Failure(Status::not_delivered, text("thread ", requester.thread().here,
                                              " could not be given a record: others "
                                              "take each free one first. Try again."));
}

bool nudge_computing(Requester& requester, ThreadRecord& record, RecordOwner owner, uint32_t sequence) {
    RecordLock lock(requester, requester.table().live_header(), record);
    const Request request{record.request.load(std::memory_order_relaxed)};
    if (!owner.holds(record) || !request.pending() || request.claimed() || request.sequence() != sequence ||
        static_cast<Mask>(record.mask.load(std::memory_order_relaxed)) != Mask::none) {
        return false;
    }
    requester.fence();
    if (State{record.state.load(std::memory_order_relaxed)}.blocked()) {
        return false;
    }
    const auto stat = requester.process().task_stat(requester.thread().here);
    return stat && stat->state == 'R' && nudge_locked(requester, lock, record) == 0;
}

uint64_t monotonic_now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace interrupt::control
