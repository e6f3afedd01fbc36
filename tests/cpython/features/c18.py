"""A program that is not written in Python, started by one that is."""
import os
import subprocess

child = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=dict(os.environ, LC_ALL='C'))
child.stdin.write(b'line\n')
child.stdin.flush()
assert child.stdout.readline() == b'line\n'
os.write(1, b'interrupt %d read errno:EIO\n' % child.pid)
assert os.read(0, 100) == b'done\n'
output, errors = child.communicate()
assert child.returncode == 1 and output == b'' and b'Input/output error' in errors, (child.returncode, errors)
