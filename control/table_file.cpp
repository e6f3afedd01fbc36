#include "control/table_file.h"

#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "control/failure.h"

namespace interrupt::control {
namespace {

constexpr uint32_t most_records = 1 << 20;

bool is_library(std::string_view file_name) {
    return file_name.starts_with("libinterrupt.so");
}

// A string field need not be terminated.
template <size_t size>
std::string bounded(const char (&field)[size]) {
    return printable({field, ::strnlen(field, size)});
}

// Opens `path` below `root` without following any link, so that a program cannot lead us out of its own file system.
Descriptor open_below(int root, const std::string& path) {
    open_how how{};
    how.flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    Descriptor file(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
    if (file || errno != ENOSYS) {
        return file;
    }
    // Before Linux 5.6, one component at a time.
    Descriptor place(::fcntl(root, F_DUPFD_CLOEXEC, 0));
    std::string_view rest = path;
    while (place) {
        rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
        const std::string component(rest.substr(0, rest.find('/')));
        rest.remove_prefix(component.size());
        if (component.empty() || component == "..") {
            errno = EINVAL;
            return Descriptor();
        }
        const int flags = rest.empty() ? O_RDWR | O_NONBLOCK : O_PATH | O_DIRECTORY;
        place = Descriptor(::openat(place.get(), component.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
        if (rest.empty()) {
            break;
        }
    }
    return place;
}

bool same_file(int fd, const Mapping& mapping) {
    struct stat file;
    return ::fstat(fd, &file) == 0 && file.st_dev == mapping.device && file.st_ino == mapping.inode &&
           S_ISREG(file.st_mode);
}

template <class Field>
auto relaxed(const Field& field) {
    return field.load(std::memory_order_relaxed);
}

}  // namespace

std::optional<TableName> parse_table_name(std::string_view file_name) {
    constexpr std::string_view suffix = ".table";
    if (!file_name.ends_with(suffix)) {
        return std::nullopt;
    }
    file_name.remove_suffix(suffix.size());
    const size_t first = file_name.find('-');
    const size_t second = file_name.find('-', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) {
        return std::nullopt;
    }
    const auto pid = parse_number(file_name.substr(0, first));
    const auto created = parse_number(file_name.substr(first + 1, second - first - 1));
    const std::string_view random = file_name.substr(second + 1);
    if (!pid || *pid <= 0 || *pid > INT32_MAX || !created || random.empty() ||
        random.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
        return std::nullopt;
    }
    return TableName{static_cast<pid_t>(*pid), static_cast<uint64_t>(*created)};
}

ShimMappings find_shim(const std::vector<Mapping>& maps) {
    ShimMappings shim;
    uint64_t library_end = 0;
    for (const Mapping& mapping : maps) {
        if (is_library(mapping.file_name())) {
            if (!shim.library) {
                shim.library = mapping;
            }
            library_end = mapping.end;
        } else if (mapping.path.empty() && mapping.start == library_end && shim.library) {
            library_end = mapping.end;
            if (mapping.permissions.starts_with("r--") && shim.reason == NoTable::unknown) {
                const uint64_t pages = (mapping.end - mapping.start) / static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
                shim.reason =
                    pages < static_cast<uint64_t>(NoTable::count) ? static_cast<NoTable>(pages) : NoTable::unknown;
            }
        } else if (mapping.permissions == "rw-s" && mapping.inode != 0 && parse_table_name(mapping.file_name())) {
            shim.tables.push_back(mapping);
        }
    }
    return shim;
}

RecordView::RecordView(const ThreadRecord& record)
    : tid(relaxed(record.tid)),
      generation(relaxed(record.generation)),
      state{relaxed(record.state)},
      target(relaxed(record.target)),
      since(relaxed(record.since)),
      request{relaxed(record.request)},
      delivered{record.delivered.load(std::memory_order_acquire)},  // pairs with the release after delivered_latency
      delivered_latency(relaxed(record.delivered_latency)),
      cleared(relaxed(record.cleared)),
      coalesced(relaxed(record.coalesced)),
      mask(static_cast<Mask>(relaxed(record.mask))),
      flags(relaxed(record.flags)),
      ident(relaxed(record.ident)),
      name(bounded(record.name)) {}

TableFile::TableFile(const Process& process) : process_(process) {
    const ShimMappings shim = find_shim(process.maps());
    if (shim.tables.empty()) {
        const bool seccomp = process.status().seccomp != 0;
        throw Failure(Status::not_under_shim, no_table_sentence(process.pid(), shim, seccomp));
    }
    for (size_t i = 0;; ++i) {
        try {
            open(shim.tables[i]);
            read_header();
            break;
        } catch (const Failure&) {
            if (i + 1 == shim.tables.size()) {
                throw;
            }
        }
    }
    map();
}

TableFile::~TableFile() {
    guard_.reset();
    if (memory_) {
        ::munmap(memory_, size_);
    }
}

void TableFile::open(const Mapping& mapping) {
    mapping_ = mapping;
    const pid_t pid = process_.pid();
    if (mapping.deleted) {
        throw Failure(Status::not_under_shim, text("the thread table of process ", pid, ", ", printable(mapping.path),
                                                   ", has been removed: its threads cannot be reached any more."));
    }
    // The path is as our own root sees it if the program has only changed its root directory, and as the program's
    // root sees it if it has mounts of its own.
    int error = 0;
    for (const std::string& root_path : {text("/proc/", pid, "/root"), std::string("/")}) {
        const Descriptor root(::open(root_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        file_ = root ? open_below(root.get(), mapping.path) : Descriptor();
        if (file_ && same_file(file_.get(), mapping)) {
            break;
        }
        error = error || file_ ? error : errno;
        file_ = Descriptor();
    }
    if (!file_ && (error == EACCES || error == EPERM)) {
        throw Failure(Status::not_permitted, text("the thread table of process ", pid, ", ", printable(mapping.path),
                                                  ", may not be opened by this user."));
    }
    if (!file_) {
        throw Failure(Status::not_under_shim,
                      text("the thread table of process ", pid, " cannot be opened as ", printable(mapping.path),
                           error ? text(": ", std::strerror(error), ".") : ": another file has taken that name."));
    }
    struct stat file;
    ::fstat(file_.get(), &file);
    const auto users = process_.status().users;
    if (file.st_uid != 0 && std::find(users.begin(), users.end(), file.st_uid) == users.end()) {
        throw Failure(Status::not_permitted, text("the thread table of process ", pid, " belongs to ",
                                                  user_text(file.st_uid), ", and the process does not."));
    }
}

void TableFile::read_header() {
    alignas(TableHeader) char raw[sizeof(TableHeader)] = {};
    const auto damaged = [&](const std::string& what) {
        return Failure(Status::not_under_shim,
                       text("the thread table of process ", process_.pid(), " is damaged: ", what, "."));
    };
    if (::pread(file_.get(), raw, sizeof raw, 0) != static_cast<ssize_t>(sizeof raw)) {
        throw damaged("its file has been cut short");
    }
    const auto& raw_header = *reinterpret_cast<const TableHeader*>(raw);
    if (relaxed(raw_header.magic) == 0) {  // written last
        throw Failure(Status::not_under_shim,
                      text("process ", process_.pid(), " has no thread table yet: it is just being made. Try again."));
    }
    if (relaxed(raw_header.magic) != magic_word()) {
        throw damaged("it does not begin as a table does");
    }
    if (raw_header.abi_version != table_abi_version) {
        throw Failure(Status::not_under_shim,
                      text("process ", process_.pid(), " runs another version of libinterrupt: its table has version ",
                           raw_header.abi_version, ", this interruptctl understands version ", table_abi_version,
                           ". Use the interruptctl that belongs to that library."));
    }
    if (raw_header.header_size != sizeof(TableHeader) || raw_header.record_size != sizeof(ThreadRecord)) {
        throw damaged("it gives impossible sizes");
    }
    if (raw_header.pid != process_.inner_pid()) {
        throw Failure(Status::not_under_shim, text("process ", process_.pid(),
                                                   " has no thread table of its own; the one that it has mapped is "
                                                   "that of process ",
                                                   raw_header.pid, ", whose memory it shares until it calls exec."));
    }
    const int32_t signal = relaxed(raw_header.signal);
    if (signal != SIGURG && signal != SIGWINCH) {
        throw damaged(text("it names signal ", signal, ", which is never used"));
    }
    struct stat file;
    ::fstat(file_.get(), &file);
    if (raw_header.capacity == 0 || raw_header.capacity > most_records) {
        throw damaged(text("it claims to hold ", raw_header.capacity, " threads"));
    }
    size_ = sizeof(TableHeader) + size_t{raw_header.capacity} * sizeof(ThreadRecord);
    if (static_cast<uint64_t>(file.st_size) < size_) {
        throw damaged("its file has been cut short");
    }
    header_.capacity = raw_header.capacity;
    header_.signal = signal;
    header_.created = raw_header.created;
    header_.pid_namespace = raw_header.pid_namespace;
    header_.flags = relaxed(raw_header.flags);
    header_.adapter = static_cast<AdapterState>(relaxed(raw_header.adapter));
    header_.delivered = relaxed(raw_header.delivered);
    header_.withdrawn = relaxed(raw_header.withdrawn);
    header_.locks_broken = relaxed(raw_header.locks_broken);
    header_.threads_unseen = relaxed(raw_header.threads_unseen);
    for (size_t i = 0; i < static_cast<size_t>(Window::count); ++i) {
        header_.windows[i] = relaxed(raw_header.windows[i]);
    }
    header_.version = bounded(raw_header.version);
    header_.runtime = bounded(raw_header.adapter_runtime);
    header_.adapter_reason = bounded(raw_header.adapter_reason);
    header_.ignored_setting = bounded(raw_header.ignored_setting);
}

void TableFile::map() {
    void* memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (memory == MAP_FAILED) {
        throw Failure(Status::not_permitted, text("the thread table of process ", process_.pid(),
                                                  " cannot be mapped: ", std::strerror(errno), "."));
    }
    memory_ = memory;
    guard_ = std::make_unique<FaultGuard>(memory_, size_);
}

uint64_t TableFile::offset_of(uint32_t index) const {
    return sizeof(TableHeader) + uint64_t{index} * sizeof(ThreadRecord);
}

ThreadRecord& TableFile::record(uint32_t index) const {
    return *reinterpret_cast<ThreadRecord*>(static_cast<char*>(memory_) + offset_of(index % header_.capacity));
}

TableHeader& TableFile::live_header() const {
    return *static_cast<TableHeader*>(memory_);
}

void TableFile::verify() const {
    if (guard_->damaged()) {
        throw Failure(Status::not_under_shim, text("the thread table of process ", process_.pid(),
                                                   " is damaged: its file has been cut short."));
    }
}

// Reads the file and not the mapping: on tmpfs a look at a page that was never written would make one.
void TableFile::probe(uint32_t inner_tid, const std::function<bool(uint32_t index, uint32_t tid)>& visit) const {
    constexpr uint32_t batch = 4096 / sizeof(ThreadRecord);
    alignas(ThreadRecord) char raw[4096];
    uint32_t loaded = UINT32_MAX;
    uint32_t index = first_probe(inner_tid, header_.capacity);
    for (uint32_t probed = 0; probed < header_.capacity; ++probed, index = (index + 1) % header_.capacity) {
        const uint32_t first = index / batch * batch;
        if (first != loaded) {
            const auto size = std::min<size_t>(sizeof raw, (header_.capacity - first) * sizeof(ThreadRecord));
            if (::pread(file_.get(), raw, size, static_cast<off_t>(offset_of(first))) != static_cast<ssize_t>(size)) {
                throw Failure(Status::not_under_shim, text("the thread table of process ", process_.pid(),
                                                           " is damaged: its file has been cut short."));
            }
            loaded = first;
        }
        const auto& record = *reinterpret_cast<const ThreadRecord*>(raw + (index - first) * sizeof(ThreadRecord));
        const uint32_t tid = relaxed(record.tid);
        const uint32_t generation = relaxed(record.generation);
        // Nobody has ever gone further than a record that was never used. One that is being claimed has its thread id
        // already.
        if (visit(index, tid) || (generation == 0 && tid == 0)) {
            return;
        }
    }
}

std::optional<uint32_t> TableFile::find(uint32_t inner_tid) const {
    std::optional<uint32_t> found;
    probe(inner_tid, [&](uint32_t index, uint32_t tid) {
        found = tid == inner_tid ? std::optional(index) : std::nullopt;
        return found.has_value();
    });
    return found;
}

void TableFile::make_room(uint32_t index) const {
    const auto page = static_cast<off_t>(offset_of(index) / 4096 * 4096);
    if (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, page, 4096) != 0 && errno != EOPNOTSUPP) {
        throw Failure(Status::not_delivered, text("a thread of process ", process_.pid(),
                                                  " has no record in the thread table yet, and there is "
                                                  "no room for one: ",
                                                  std::strerror(errno), ". Make room in ",
                                                  printable(mapping_.path.substr(0, mapping_.path.rfind('/'))), "."));
    }
}

bool TableFile::still_mapped() const {
    const std::string link = [&] {
        std::ostringstream name;
        name << "map_files/" << std::hex << mapping_.start << '-' << mapping_.end;
        return std::move(name).str();
    }();
    // Quick: the name of a table is never used again. A mapping that was split looks otherwise, so ask again at length.
    char target[4096];
    const ssize_t length = ::readlinkat(process_.directory().get(), link.c_str(), target, sizeof target);
    if (length > 0 && std::string_view(target, static_cast<size_t>(length)) == mapping_.path) {
        return true;
    }
    const auto maps = process_.read("maps");
    const auto tables = find_shim(parse_maps(maps.value_or(""))).tables;
    return std::any_of(tables.begin(), tables.end(), [&](const Mapping& mapping) {
        return mapping.device == mapping_.device && mapping.inode == mapping_.inode && !mapping.deleted;
    });
}

bool cpython_installed(const TableFile& table) {
    return static_cast<AdapterState>(table.live_header().adapter.load(std::memory_order_relaxed)) ==
           AdapterState::installed;
}

}  // namespace interrupt::control
