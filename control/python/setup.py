# For pip before version 19, which knows no build backends: Python 3.6 comes with such a one.
from setuptools import setup

import build_backend

setup(name=build_backend.name, version=build_backend.version, description=build_backend.summary, license='MIT',
      python_requires='>=3.6', packages=[build_backend.name], py_modules=['pytest_interruptctl'], entry_points=build_backend.entry_points,
      package_data={build_backend.name: ['*.pyi', 'py.typed']}, zip_safe=False)
