from django.apps import AppConfig


class FaceLoginConfig(AppConfig):
    name = "facelogin"
