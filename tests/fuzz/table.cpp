// A thread table in which anything may stand, and whose file may be cut short at any moment: control/table_file.cpp,
// thread_list.cpp, runtime_lock.cpp, interruption.cpp. This process plays its own target: it has the file mapped as a
// process under the shim has its table.
#include <fuzzer/FuzzedDataProvider.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <csignal>
#include <cstring>

#include "control/interruption_round.h"
#include "control/table_file.h"
#include "control/thread_list.h"
#include "tests/fuzz/expect.h"

using namespace interrupt;
using namespace interrupt::control;
using interrupt_fuzz::is_printable;

namespace {

constexpr uint32_t capacity = 16;
constexpr size_t table_size = sizeof(TableHeader) + capacity * sizeof(ThreadRecord);

class Table {
public:
    Table() {
        char directory[] = "/tmp/interrupt-fuzz-XXXXXX";
        EXPECT(::mkdtemp(directory) != nullptr);
        const std::string path = text(directory, "/", ::getpid(), "-1-ab.table");
        file_ = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        EXPECT(file_ && ::ftruncate(file_.get(), table_size) == 0);
        EXPECT(::mmap(nullptr, table_size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0) != MAP_FAILED);
        directory_ = directory;
        path_ = path;
    }
    ~Table() {
        ::unlink(path_.c_str());
        ::rmdir(directory_.c_str());
    }

    // As a healthy process has it, with a record for this thread.
    void fill(bool blocked) const {
        alignas(4096) static char bytes[table_size];
        std::memset(bytes, 0, sizeof bytes);
        auto& header = *new (bytes) TableHeader;
        header.magic = magic_word();
        header.abi_version = table_abi_version;
        header.header_size = sizeof(TableHeader);
        header.record_size = sizeof(ThreadRecord);
        header.capacity = capacity;
        header.pid = ::getpid();
        header.signal = SIGURG;
        auto& record = *new (bytes + offset_of_record()) ThreadRecord;
        record.tid = static_cast<uint32_t>(::gettid());
        record.generation = 1;
        record.state = State::make(1, blocked ? Call::recv_ : Call::running).word;
        EXPECT(::ftruncate(file_.get(), table_size) == 0 &&
               ::pwrite(file_.get(), bytes, table_size, 0) == static_cast<ssize_t>(table_size));
    }

    // Some bytes of it become others; the file may end earlier.
    void damage(FuzzedDataProvider& data) const {
        for (int count = data.ConsumeIntegralInRange(0, 8); count > 0; --count) {
            const bool in_header = data.ConsumeBool();
            const size_t area = in_header ? sizeof(TableHeader) : sizeof(ThreadRecord);
            const auto offset = data.ConsumeIntegralInRange<size_t>(0, area - 1);
            const std::string bytes = data.ConsumeRandomLengthString(64);
            const size_t size = std::min(bytes.size(), area - offset);
            const size_t at = offset + (in_header ? 0 : offset_of_record());
            EXPECT(::pwrite(file_.get(), bytes.data(), size, static_cast<off_t>(at)) == static_cast<ssize_t>(size));
        }
        if (data.ConsumeBool()) {
            EXPECT(::ftruncate(file_.get(), data.ConsumeIntegralInRange<off_t>(0, table_size)) == 0);
        }
    }

private:
    static size_t offset_of_record() {
        return sizeof(TableHeader) + first_probe(static_cast<uint32_t>(::gettid()), capacity) * sizeof(ThreadRecord);
    }

    Descriptor file_;
    std::string directory_;
    std::string path_;
};

void expect_shown(const ThreadView& view) {
    EXPECT(!view.state().empty() && !view.call().empty());
    EXPECT(is_printable(view.name));
    if (view.record) {
        EXPECT(is_printable(view.record->name));
        waited(*view.record);
        outcome_name(view.record->request.outcome(), view.record->request.error());
        call_name(view.record->delivered.call());
        mask_name(view.record->mask);
    }
}

void interrupt_this_thread(const Process& process, TableFile& table, FuzzedDataProvider& data, const Table& damaged) {
    static const char* const outcomes[] = {"default", "errno:EPIPE", "timeout", "eof", "exception:a.B"};
    Order order;
    order.wanted = parse_outcome(data.PickValueInArray(outcomes));
    order.timeout = 0;
    order.this_wait = data.ConsumeBool();
    order.sticky = data.ConsumeBool();
    const auto thread = observe(process, table, ::gettid());
    if (!thread) {
        return;
    }
    damaged.damage(data);
    std::vector<Interruption> interruptions;
    interruptions.emplace_back(process, table, *thread, order);
    interrupt_all(interruptions, order);
    EXPECT(interruptions.front().settled());
    EXPECT(result_name(interruptions.front().result().word) != "unknown");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    static const Table damaged;
    FuzzedDataProvider data(bytes, size);
    damaged.fill(data.ConsumeBool());
    damaged.damage(data);
    const Process process(::getpid());
    interrupt_fuzz::refused([&] {
        TableFile table(process);
        const HeaderView& header = table.header();
        EXPECT(header.capacity >= 1);
        EXPECT(is_printable(header.version + header.runtime + header.adapter_reason + header.ignored_setting));
        damaged.damage(data);
        for (const ThreadView& view : observe_all(process, table)) {
            expect_shown(view);
        }
        interrupt_this_thread(process, table, data, damaged);
        table.verify();
    });
    return 0;
}
