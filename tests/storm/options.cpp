#include "options.h"

#include <getopt.h>

#include <cstdlib>
#include <cstring>

namespace storm {

Options parse(int argc, char** argv) {
    static const option long_options[] = {{"requests", required_argument, nullptr, 'n'},
                                          {"library", required_argument, nullptr, 'l'},
                                          {"requesters", required_argument, nullptr, 'r'},
                                          {"outside", required_argument, nullptr, 'o'},
                                          {"stop-and-kill", no_argument, nullptr, 'k'},
                                          {"own-signals", no_argument, nullptr, 's'},
                                          {"seed", required_argument, nullptr, 'S'},
                                          {"at-least", required_argument, nullptr, 'a'},
                                          {"must-fail", no_argument, nullptr, 'f'},
                                          {"windows", no_argument, nullptr, 'w'},
                                          {"target", required_argument, nullptr, 't'},
                                          {"table", required_argument, nullptr, 'T'},
                                          {"tids", required_argument, nullptr, 'i'},
                                          {"recorded", no_argument, nullptr, 'R'},
                                          {}};
    Options options;
    for (int c; (c = getopt_long(argc, argv, "", long_options, nullptr)) != -1;) {
        switch (c) {
            case 'n':
                options.requests = std::strtoull(optarg, nullptr, 10);
                break;
            case 'l':
                options.library = optarg;
                break;
            case 'r':
                options.requesters = std::atoi(optarg);
                break;
            case 'o':
                options.outside = std::atoi(optarg);
                break;
            case 'k':
                options.stop_and_kill = true;
                break;
            case 's':
                options.own_signals = true;
                break;
            case 'R':
                options.recorded = true;
                break;
            case 'S':
                options.seed = std::strtoull(optarg, nullptr, 10);
                break;
            case 'a':
                options.at_least = std::strtoull(optarg, nullptr, 10);
                break;
            case 'f':
                options.must_fail = true;
                break;
            case 'w':
                options.windows = true;
                break;
            case 't':
                options.target = std::atoi(optarg);
                break;
            case 'T':
                options.table = optarg;
                break;
            case 'i':
                for (char* tid = std::strtok(optarg, ","); tid != nullptr; tid = std::strtok(nullptr, ",")) {
                    options.tids.push_back(static_cast<uint32_t>(std::atoi(tid)));
                }
                break;
            default:
                std::exit(2);
        }
    }
    return options;
}

}  // namespace storm
