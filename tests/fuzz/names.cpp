// The words of outcomes, calls and signals, and whatever numbers a table gives them for: control/names.cpp.
#include "control/names.h"

#include <fuzzer/FuzzedDataProvider.h>

#include "control/process.h"
#include "control/signal_name.h"
#include "tests/fuzz/expect.h"

using namespace interrupt;
using namespace interrupt::control;

namespace {

void read_word(const std::string& word) {
    interrupt_fuzz::refused([&] {
        const WantedOutcome wanted = parse_outcome(word);
        EXPECT(wanted.signal == 0 || (wanted.signal > 0 && wanted.signal <= 64));
        if (wanted.outcome == Outcome::error || wanted.outcome == Outcome::timeout) {
            const WantedOutcome again = parse_outcome(outcome_name(wanted.outcome, wanted.error));
            EXPECT(again.outcome == wanted.outcome && again.error == wanted.error);
        }
    });
    interrupt_fuzz::refused([&] { EXPECT(parse_call(word) < Call::count && parse_call(word) != Call::running); });
    interrupt_fuzz::refused([&] { EXPECT(parse_signal(signal_name(parse_signal(word))) == parse_signal(word)); });
    EXPECT(interrupt_fuzz::is_printable(printable(word)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    FuzzedDataProvider data(bytes, size);
    const auto call = static_cast<Call>(data.ConsumeIntegral<uint16_t>());
    const auto number = data.ConsumeIntegral<uint64_t>();
    EXPECT(!call_name(call).empty() && !call_text(call, number).empty());
    EXPECT(
        !outcome_name(static_cast<Outcome>(data.ConsumeIntegral<uint8_t>()), data.ConsumeIntegral<uint16_t>()).empty());
    EXPECT(!mask_name(static_cast<Mask>(data.ConsumeIntegral<uint32_t>())).empty());
    EXPECT(!duration_text(number).empty() && !latency_text(number).empty());
    EXPECT(!signal_name(data.ConsumeIntegral<int>()).empty());
    read_word(data.ConsumeRandomLengthString(100));
    return 0;
}
