"""Every wait of CPython that can be interrupted. What they are stands in waits_*.py, what is done with each in wait_case.py."""
import importlib
import os
import sys

from support import main
from wait_case import cases


def import_cases(name):
    """The file that has the case; all of them for --list. Their imports take longer than most cases."""
    here = os.path.dirname(os.path.abspath(__file__))
    for file in sorted(os.listdir(here)):
        if file.startswith('waits_') and file.endswith('.py'):
            with open(os.path.join(here, file)) as source:
                if name == '--list' or '\ndef %s(' % name in source.read():
                    importlib.import_module(file[:-3])


if __name__ == '__main__':
    import_cases(sys.argv[1])
    main(cases)
