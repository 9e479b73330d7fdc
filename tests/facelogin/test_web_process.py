"""The web process, which everybody talks to, holds no code that looks at pictures."""

import subprocess
import sys

HEAVY = ("cv2", "dlib", "deepface", "numpy", "onnxruntime", "face_recognition_models")
PROGRAM = f"""
import sys
import securechat.asgi
from django.urls import get_resolver
import facelogin.tasks
get_resolver().url_patterns
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_the_web_process_imports_nothing_that_judges_faces() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )

    assert result.stdout.strip() == "[]", result.stderr
