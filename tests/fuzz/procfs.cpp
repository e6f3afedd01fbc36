// The texts of /proc, and the names of files there: control/procfs.cpp, the pure parts of table_file.cpp and
// no_table.cpp.
#include "control/procfs.h"

#include "control/table_file.h"
#include "tests/fuzz/expect.h"

using namespace interrupt;
using namespace interrupt::control;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    switch (bytes[0] % 6) {
        case 0: {
            const auto maps = parse_maps(text);
            for (const Mapping& mapping : maps) {
                EXPECT(mapping.start <= mapping.end && mapping.permissions.size() == 4);
            }
            const ShimMappings shim = find_shim(maps);
            EXPECT(shim.reason < NoTable::count);
            EXPECT(no_table_sentence(1, shim, (bytes[0] & 128) != 0).ends_with("."));
            break;
        }
        case 1:
            if (const auto stat = parse_stat(text)) {
                EXPECT(text.find("(" + stat->name + ")") != std::string_view::npos);
            }
            break;
        case 2:
            if (const auto status = parse_status(text)) {
                EXPECT(status->process != 0);
            }
            break;
        case 3:
            system_call_name(text);
            break;
        case 4:
            if (const auto number = parse_number(text)) {
                EXPECT(parse_number(std::to_string(*number)) == number);
            }
            break;
        default:
            if (const auto name = parse_table_name(text)) {
                EXPECT(name->pid > 0);
            }
    }
    return 0;
}
