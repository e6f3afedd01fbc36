"""What pip calls to build this package (PEP 517 and 660), with nothing but the standard library."""
import base64
import hashlib
import io
import os
import re
import tarfile
import zipfile

here = os.path.dirname(os.path.abspath(__file__))
name = 'libinterrupt'
package_files = ['libinterrupt/__init__.py', 'libinterrupt/__init__.pyi', 'libinterrupt/py.typed',
                 'pytest_interruptctl.py']
entry_points = '[pytest11]\ninterruptctl = pytest_interruptctl\n'
source_files = package_files + ['build_backend.py', 'pyproject.toml', 'setup.py']
summary = 'Interrupts threads while they wait, in programs that run under the shim libinterrupt.so'


def contents(path):
    with open(os.path.join(here, path), 'rb') as file:
        return file.read()


version = re.search(r"^__version__ = '(.*)'$", contents(package_files[0]).decode(), re.MULTILINE).group(1)
stem = '%s-%s' % (name, version)
metadata = '''Metadata-Version: 2.1
Name: %s
Version: %s
Summary: %s
License: MIT
Requires-Python: >=3.6
''' % (name, version, summary)
wheel = '''Wheel-Version: 1.0
Generator: libinterrupt
Root-Is-Purelib: true
Tag: py3-none-any
'''


def write_wheel(directory, files):
    """files: pairs of a path in the wheel and its contents. The wheel's name."""
    info = stem + '.dist-info/'
    files = files + [(info + 'METADATA', metadata.encode()), (info + 'WHEEL', wheel.encode()),
                     (info + 'entry_points.txt', entry_points.encode())]
    record = ''
    for path, data in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')
        record += '%s,sha256=%s,%d\n' % (path, digest, len(data))
    record += info + 'RECORD,,\n'
    wheel_name = stem + '-py3-none-any.whl'
    with zipfile.ZipFile(os.path.join(directory, wheel_name), 'w', zipfile.ZIP_DEFLATED) as archive:
        for path, data in files + [(info + 'RECORD', record.encode())]:
            member = zipfile.ZipInfo(path)  # its time is the same in each build
            member.external_attr = 0o100644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return wheel_name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return write_wheel(wheel_directory, [(path, contents(path)) for path in package_files])


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return write_wheel(wheel_directory, [(name + '.pth', (here + '\n').encode())])


def build_sdist(sdist_directory, config_settings=None):
    sdist_name = stem + '.tar.gz'
    with tarfile.open(os.path.join(sdist_directory, sdist_name), 'w:gz', format=tarfile.PAX_FORMAT) as archive:
        for path, data in [(path, contents(path)) for path in source_files] + [('PKG-INFO', metadata.encode())]:
            member = tarfile.TarInfo(stem + '/' + path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return sdist_name
