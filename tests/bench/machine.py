"""The machine that the figures are of, and how busy it was."""
import os
import platform
import re


def describe():
    with open('/proc/cpuinfo') as file:
        model = re.search(r'^model name\s*: (.*)$', file.read(), re.MULTILINE)
    hypervisor = ''
    if os.path.exists('/sys/class/dmi/id/sys_vendor'):
        with open('/sys/class/dmi/id/sys_vendor') as file:
            hypervisor = file.read().strip()
    with open('/proc/cpuinfo') as file:
        virtual = 'hypervisor' in file.read()
    with open('/proc/meminfo') as file:
        memory = int(re.search(r'MemTotal:\s*(\d+)', file.read()).group(1)) // 1024
    return {'cpu': model.group(1) if model else platform.processor(), 'cores': len(os.sched_getaffinity(0)),
            'virtual': virtual, 'vendor': hypervisor, 'memory_mib': memory, 'kernel': platform.release(),
            'libc': ' '.join(platform.libc_ver()), 'architecture': platform.machine(), 'load': os.getloadavg()[0]}


def words(it):
    return (f'{it["cpu"]}, {it["cores"]} cores{" (virtual)" if it["virtual"] else ""}, {it["memory_mib"]} MiB, '
            f'Linux {it["kernel"]}, {it["libc"]}, {it["architecture"]}; load {it["load"]:.2f}')
