import importlib

from django.apps import AppConfig


class FaceLoginConfig(AppConfig):
    name = "facelogin"
    verbose_name = "Logging in with a face"

    def ready(self) -> None:
        importlib.import_module("facelogin.receivers")  # needs the models
        importlib.import_module("facelogin.checks")
        importlib.import_module("facelogin.metrics").count_face_queue()
