"""The product's own settings, on a data folder that is thrown away."""

import atexit
import os
import shutil
import tempfile

if "SECURECHAT_DATA" not in os.environ:
    os.environ["SECURECHAT_DATA"] = tempfile.mkdtemp(prefix="securechat-tests-")
    atexit.register(shutil.rmtree, os.environ["SECURECHAT_DATA"], ignore_errors=True)

from securechat.settings import *  # noqa: F403 - after the data folder is chosen
from securechat.settings import STATIC_ROOT

# A password is typed in a thousand tests, and how slow it is to guess is tested in one.
PASSWORD_HASHERS = ["tests.hashing.CheapArgon2PasswordHasher"]

STATIC_ROOT.mkdir(exist_ok=True)  # nothing is collected for tests; WhiteNoise warns without it
